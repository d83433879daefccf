"""Judging a replay: what was asked and answered, beside what the record has."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from playhead.clocks import RecordedClock
from playhead.cones import WAYS, Cones
from playhead.differences import Difference
from playhead.divergences import (
    ENV,
    EXPLAINED,
    EXTRA,
    MISSING,
    TIMING,
    Divergent,
    Made,
    divergent,
    hints_on,
    how_many,
    is_divergent,
)
from playhead.environment import changes, environment_now
from playhead.fidelity import fidelity_of
from playhead.hints import why_surroundings
from playhead.latencies import Spent, cost_of, latency_of, tokens_of
from playhead.masked import is_masked
from playhead.matching import canonical
from playhead.notes import Noted, Pair, divergences_of, pairs_of
from playhead.recorded import SAID, Recorded
from playhead.reported import Report
from playhead.tapes import MASKED, MOVED, SAME, Tape
from playhead.weighing import decisions_of, score_of, scored

Json = Any

__all__ = ["Around", "Divergent", "Made", "Report", "digest_of", "divergent", "report_on"]

# Rows of the table of steps.
MOST_ROWS = 1_000
# Behind all steps of the record.
LAST = 10**9


@dataclass(frozen=True, slots=True)
class Around:
    """What a replay did beside its calls."""

    noted: Sequence[Noted] = ()
    clock: RecordedClock | None = None
    # Connections that were not made.
    refused: Sequence[Divergent] = field(default=())


NOTHING = Around()


def report_on(tape: Tape, made: Iterable[Made], around: Around = NOTHING) -> Report:
    """Return the report on the calls that a replay of ``tape`` made."""
    made = list(made)
    # Recorded calls that none of the replay's stands beside.
    met = {one.beside.seq for one in made if one.beside is not None}
    left = [one for one in tape.left() if one.seq not in met]
    is_stopped = any(_is_refused(one) for one in made) or bool(around.refused)
    notes = _notes_of(tape, around)
    hard = _explained(tape, made, _divergences(tape, made, left, notes, around, is_stopped))
    environment = _environment(tape)
    spent = [_spent(one) for one in made if one.beside is not None]
    return Report(
        session=tape.session,
        coverage=_part(sum(one.recorded is not None for one in made), len(made)),
        consumption=_consumption(tape),
        fidelity=fidelity_of(scored(tape, made, left, notes, around.clock)),
        decisions=decisions_of(made, left, notes),
        divergences=_with_surroundings(hard, environment),
        calls=len(made),
        digest=digest_of(made),
        environment=environment,
        soft=list(_soft(tape, around, environment)),
        stopped=is_stopped,
        matched=how_many(made),
        notes=list(_remarks(tape, made)),
        alignment=_alignment(made, left),
        latency=latency_of(spent),
        cost=cost_of(spent),
    )


def _is_refused(one: Made) -> bool:
    return one.recorded is None and one.how is None and one.answer is None


def _part(some: int, whole: int) -> float | None:
    return some / whole if whole else None


def _consumption(tape: Tape) -> float | None:
    """Return the share of calls that were asked for; what lies in one of them came with it."""
    calls = [one for one in tape.calls if not one.is_passed]
    return _part(len(calls) - len(tape.left()), len(calls))


def _notes_of(tape: Tape, around: Around) -> list[Pair]:
    """Return agents, decisions and states of both sides; none of what others have recorded."""
    is_own = any(one.is_own for one in tape.calls) or tape.seed() is not None
    return pairs_of(tape.events, around.noted, tape.begins_at) if is_own else []


def _environment(tape: Tape) -> dict[str, tuple[Json, Json]]:
    before = tape.environment()
    if before is None:
        return {}
    return changes(before, environment_now(before.get("variables") or {}))


# Divergences


def _divergences(
    tape: Tape,
    made: Sequence[Made],
    left: Sequence[Recorded],
    notes: Sequence[Pair],
    around: Around,
    is_stopped: bool,
) -> list[Divergent]:
    """Return all hard divergences by their places in the record."""
    found: list[tuple[float, Divergent]] = []
    reached = 0
    for one in made:
        reached = one.beside.seq if one.beside else reached
        if is_divergent(one):
            # A call that is not in the record comes after the step that it followed.
            place = one.beside.seq if one.beside else reached + 0.5
            found.append((place, divergent(one, after=reached)))
    # What a stopped replay did not reach follows from what stopped it.
    after = LAST if is_stopped else 0
    found += [(after + one.seq, _missing(one, is_stopped)) for one in left]
    ends = _ends(tape) if notes else {}
    for note in divergences_of(notes, is_stopped=is_stopped):
        found.append((ends.get(note.step or LAST, LAST), note))
    found += [(reached + 0.5, one) for one in around.refused]
    return [one for _, one in sorted(found, key=lambda entry: entry[0])]


def _ends(tape: Tape) -> dict[int, float]:
    """Return behind which step each agent ended: what it came to follows all that it did."""
    numbers = {str(event.get("id")): seq for seq, event in enumerate(tape.events, 1)}
    ends = {seq: float(seq) for seq in numbers.values()}
    for seq, event in enumerate(tape.events, 1):
        around, seen = event, 0
        while (outer := numbers.get(str(around.get("parent")))) and seen < len(numbers):
            ends[outer] = max(ends[outer], seq + 0.75)
            around, seen = tape.events[outer - 1], seen + 1
    return ends


def _missing(one: Recorded, is_stopped: bool) -> Divergent:
    key = one.key
    happened = "was not reached: the replay had stopped" if is_stopped else "was not asked for"
    says = f"step {one.seq}, {key.kind} {key.name} in lane {key.lane}, {happened}"
    return Divergent(MISSING, one.seq, key.lane, key.name, says, event=one.id)


def _explained(tape: Tape, made: Sequence[Made], found: list[Divergent]) -> list[Divergent]:
    """Return divergences, the first of them with what lies behind and why they may have come."""
    if not found:
        return found
    cones = Cones(tape.events)
    by_id = {one.call.id: one for one in made}
    numbers = {one.seq: one for one in tape.calls}
    return [
        replace(
            one,
            hints=list(hints_on(one, by_id.get(one.made or ""), numbers.get(one.step or 0))),
            **_cone(one, cones),
        )
        for one in found[:EXPLAINED]
    ] + found[EXPLAINED:]


def _cone(one: Divergent, cones: Cones) -> dict[str, Json]:
    if one.event is None or one.step is None:
        return {}
    behind = cones.behind(one.step)
    by = {way: [step for step, how in behind.items() if how == way] for way in WAYS}
    return {"cone": list(behind), "cone_by": {way: steps for way, steps in by.items() if steps}}


def _with_surroundings(
    found: list[Divergent], environment: dict[str, tuple[Json, Json]]
) -> list[Divergent]:
    if not found or not environment:
        return found
    first = found[0]
    return [replace(first, hints=[*first.hints, *why_surroundings(environment)]), *found[1:]]


def _soft(
    tape: Tape, around: Around, environment: dict[str, tuple[Json, Json]]
) -> Iterator[Divergent]:
    """Yield what differs without the session being another."""
    if around.clock is not None and around.clock.unknown:
        says = (
            f"the clock was read {around.clock.unknown} times more than recorded: told was the "
            "last time and a millisecond more each"
        )
        yield Divergent(TIMING, None, "", "clock", says)
    if environment:
        seq = next(
            (seq for seq, one in enumerate(tape.events, 1) if one.get("kind") == "env"), None
        )
        found = [Difference(f"/{name}", *pair) for name, pair in environment.items()]
        says = f"{len(found)} things are not as they were: {', '.join(list(environment)[:5])}"
        yield Divergent(ENV, seq, "", "environment", says, found)


def _remarks(tape: Tape, made: Sequence[Made]) -> Iterator[str]:
    """Yield what a reader has to know of the record to believe the numbers."""
    served = [one for one in made if one.recorded is not None]
    masked = sum(_is_answer_masked(one.recorded) for one in served if one.recorded)
    if masked:
        yield f"{masked} answers were served masked: what stood there is not in the record"
    if by_rest := sum(one.how == MASKED for one in made):
        yield f"{by_rest} masked requests were matched by what of them is not masked"
    if passed := sum(one.is_passed for one in tape.calls):
        yield f"{passed} calls were not made again: the state after them was restored"
    others = sum(not one.is_own for one in tape.calls)
    if others:
        said = sum(one.how == SAID for one in made)
        yield (
            f"{others} of {len(tape.calls)} calls were recorded by others, without keys or lanes: "
            f"{said} were matched by what they ask, in their order"
        )
        yield "their answers were put into the provider's form again; its own bytes are not known"
    if tape.calls and tape.seed() is None:
        yield "no seed is recorded: random numbers, ids and times are not those of the record"


def _is_answer_masked(recorded: Recorded) -> bool:
    return is_masked(recorded.event, "output", "error", "replay")


def _spent(one: Made) -> Spent:
    event = one.beside.event if one.beside else {}
    extra = one.answer.extra if one.answer else {}
    return Spent(
        event,
        is_served=one.recorded is not None or one.is_tainted,
        took_ms=one.took_ms,
        cost=extra.get("cost"),
        tokens=tokens_of(extra.get("usage")),
    )


def _alignment(made: Sequence[Made], left: Sequence[Recorded]) -> list[dict[str, Json]]:
    """Return the calls of both sides in the order of the record, those that differ before all."""
    rows: list[tuple[float, dict[str, Json]]] = []
    reached = 0
    for one in made:
        reached = one.beside.seq if one.beside else reached
        place = one.beside.seq if one.beside else reached + 0.5
        rows.append((place, _row(one)))
    for gone in left:
        key = gone.key
        told = {"step": gone.seq, "made": None, "lane": key.lane, "kind": key.kind}
        rows.append((gone.seq, told | {"name": key.name, "status": MISSING, "score": 0.0}))
    ordered = [row for _, row in sorted(rows, key=lambda entry: entry[0])]
    if len(ordered) <= MOST_ROWS:
        return ordered
    return [row for row in ordered if row["status"] != "same"][:MOST_ROWS]


def _row(one: Made) -> dict[str, Json]:
    beside, call = one.beside, one.call
    if beside is None:
        status = one.how or EXTRA
    elif one.recorded is None:
        status = one.how or "stopped"
    else:
        status = MOVED if one.how == MOVED else "same" if one.how in SAME else "drifted"
    return {
        "step": beside.seq if beside else None,
        "made": call.id,
        "lane": call.lane,
        "kind": call.kind,
        "name": call.name,
        "status": status,
        "score": round(score_of(one), 4) if beside else 0.0,
    }


def digest_of(made: Iterable[Made]) -> str:
    """Return a digest of what was asked and answered: the same for the same behaviour.

    Ids and times are left out, and so is the order in which calls at the same time ended, and
    that of names in answers, which a server does not keep.
    """
    told = sorted(
        canonical(
            [
                *asdict(one.call.key).values(),
                hashlib.sha256(_sorted(one.answer and one.answer.output)).hexdigest(),
                bool(one.answer and one.answer.error),
            ]
        )
        for one in made
    )
    return "sha256:" + hashlib.sha256(b"\n".join(told)).hexdigest()


def _sorted(output: Json) -> bytes:
    return json.dumps(output, sort_keys=True, default=repr).encode()
