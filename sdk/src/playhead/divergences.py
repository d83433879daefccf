"""Places where a replay was not as recorded: what was expected, what came, and what is near."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from playhead.calls import Answer, Call
from playhead.differences import Difference, differences
from playhead.hints import why_requests_differ
from playhead.recorded import LOOSE, SAID, Asking, Recorded
from playhead.tapes import (
    CHOSEN,
    DRIFTED,
    FUZZY,
    MADE_LIVE,
    MASKED,
    MOVED,
    SAME,
    STUBBED,
    TYPED,
    Tape,
)

Json = Any

MISSING, EXTRA, REQUEST, OUTPUT, ERROR, TIMING, ENV = (
    "missing",
    "extra",
    "drifted-request",
    "different-output",
    "different-error",
    "timing",
    "env",
)
KINDS = (MISSING, EXTRA, MOVED, REQUEST, OUTPUT, ERROR, TIMING, ENV)
# What may differ without the session being another.
SOFT = frozenset({TIMING, ENV})
# Recorded calls that are named as near to one that was not found.
MOST_NEAREST = 3
# Divergences that are explained: what is near, what lies behind them, why they may have come.
EXPLAINED = 20
GIVEN = ", but its answer was given already"
# What answered in the place of the record.
INSTEAD = {
    STUBBED: "its stub answered",
    TYPED: "a person typed the answer",
    MADE_LIVE: "it was made for real",
}


@dataclass(frozen=True, slots=True)
class Nearest:
    """A recorded call near to one that was not found, and what of both is the same."""

    step: int
    event: str | None
    alike: float
    says: str
    matched: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Divergent:
    """One place where the replay was not as recorded."""

    kind: str
    # Of the record, counted from 1 in replay order; None for a call that it does not have.
    step: int | None
    lane: str
    name: str
    says: str
    differences: list[Difference] = field(default_factory=list)
    # The recorded event, and the replay's own, by the ids of their senders.
    event: str | None = None
    made: str | None = None
    nearest: list[Nearest] = field(default_factory=list)
    # Steps of the record that rest on this one, and why that is known: declared, value, lane.
    cone: list[int] = field(default_factory=list)
    cone_by: dict[str, list[int]] = field(default_factory=dict)
    # What may be the reason, the likeliest first.
    hints: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Made:
    """One call that the replay made: what answered it, and how that was found."""

    call: Call
    recorded: Recorded | None
    how: str | None
    # None while the call runs, and for one that was refused.
    answer: Answer | None = None
    # The recorded call that was due where this one was made and not found.
    due: Recorded | None = None
    nearest: Sequence[Nearest] = ()
    # The recorded call with which the lane goes on where this one was made and not found.
    expected: Recorded | None = None
    # Milliseconds that a call took which was made for real.
    took_ms: float | None = None

    @property
    def beside(self) -> Recorded | None:
        """The recorded call that this one stands beside, whether it answered or not."""
        if self.recorded is not None:
            return self.recorded
        is_free = self.due is not None and not self.due.is_consumed
        return self.due if is_free else None

    @property
    def is_tainted(self) -> bool:
        """Tell whether somebody else answered than the record or the world."""
        return self.how in (STUBBED, TYPED)


def missed(tape: Tape, call: Call) -> Made:
    """Return a call that the record does not answer, with what it says of the nearest ones."""
    due, expected = tape.due(call), tape.next_in(call.lane)
    # Of a fork there are thousands, and nobody looks at all of them.
    nearest = nearest_to(tape, call) if tape.take_miss() <= EXPLAINED else []
    if due is not expected and tape.given(call) is not None:
        # It is done once more, and not in the place of what comes later.
        due = None
    if due is not None:
        due.is_met = True
    return Made(call, None, None, due=due, nearest=nearest, expected=expected)


def nearest_to(tape: Tape, call: Call) -> list[Nearest]:
    """Return the recorded calls most like one: the next ones, and what was given already."""
    given = tape.given(call)
    offers = [*tape.candidates(call), *([(given, 1.0)] if given else [])]
    best = sorted(offers, key=lambda offer: (-offer[1], offer[0].seq))[:MOST_NEAREST]
    return [_near(call, one, alike) for one, alike in best]


def _near(call: Call, recorded: Recorded, alike: float) -> Nearest:
    key, asking = recorded.key, Asking(call)
    is_same = asking.is_said_by(recorded)
    criteria = {
        "not yet given": not recorded.is_consumed,
        "name": key.name == call.name,
        "what it asks": is_same,
        "model": recorded.event.get("model") == call.model,
        "model, tools and parameters": asking.is_in_the_same_way(recorded),
        "lane": key.lane == call.lane,
        "number": key.ordinal == call.ordinal,
    }
    if call.kind != "llm":
        del criteria["model"], criteria["model, tools and parameters"]
    matched = [name for name, is_so in criteria.items() if is_so]
    failed = [name for name, is_so in criteria.items() if not is_so]
    says = f"step {recorded.seq}, {key.kind} {key.name} in lane {key.lane}, {alike:.0%} alike"
    told = f"{says}; other than here: {', '.join(failed)}" if failed else says
    if recorded.is_consumed:
        told = says + GIVEN
    return Nearest(recorded.seq, recorded.id, round(alike, 4), told, matched, failed)


def divergent(one: Made, *, after: int) -> Divergent:
    """Return how one call differs from the record."""
    kind, beside = kind_of(one), one.beside
    call = one.call
    where = f"{call.kind} {call.name} in lane {call.lane}"
    if beside is None:
        instead = f"; {INSTEAD[one.how]}" if one.how in INSTEAD else ""
        says = f"{where} is not in the record (after step {after}){instead}{_failed(one)}"
        return Divergent(
            EXTRA, after + 1, call.lane, call.name, says, made=call.id, nearest=list(one.nearest)
        )
    return Divergent(
        kind,
        beside.seq,
        call.lane,
        call.name,
        f"step {beside.seq}, {where}: {_why(kind, one, beside)}{_failed(one)}",
        differences_of(kind, one, beside),
        event=beside.id,
        made=call.id,
        nearest=list(one.nearest),
    )


def explained(one: Made, *, after: int) -> Divergent:
    """Return how one call differs from the record, with what that may come from."""
    found = divergent(one, after=after)
    return replace(found, hints=list(hints_on(found, one, one.beside)))


def hints_on(one: Divergent, made: Made | None, recorded: Recorded | None) -> Iterator[str]:
    """Yield what a divergence may come from, the likeliest first."""
    if made is not None and made.expected is not None and made.expected is not made.beside:
        key = made.expected.key
        yield f"here the record goes on with step {made.expected.seq}, {key.kind} {key.name}"
    if one.kind == REQUEST and made is not None and made.beside is not None:
        yield from why_requests_differ(made.call.kind, *requests_of(made.call, made.beside))
    elif one.kind == EXTRA and any(near.alike == 1 for near in one.nearest):
        yield "the same was asked before: a loop goes round once more, or a retry is new"
    elif one.kind == EXTRA:
        yield "the program makes a call that it did not make then"
    elif one.kind == MISSING and recorded is not None and not recorded.is_own:
        yield "is its function decorated? Others recorded it, and a replay answers what it sees"
    elif one.kind == OUTPUT and made is None:
        yield "the application's own code between its calls works otherwise"


def read_on(call: Call, recorded: Recorded) -> Divergent:
    """Return what is said where a stream is read beyond the point at which it was left."""
    pieces = len((recorded.event.get("replay") or {}).get("stream") or ())
    says = (
        f"step {recorded.seq}, {call.kind} {call.name} in lane {call.lane}: its stream was left "
        f"after {pieces} pieces when it was recorded, and is read on now"
    )
    return Divergent(
        EXTRA, recorded.seq, call.lane, call.name, says, event=recorded.id, made=call.id
    )


def kind_of(one: Made) -> str:
    """Return in which way a call differs that was not found as it is."""
    beside = one.beside
    if beside is None:
        return EXTRA
    if one.how in (MOVED, DRIFTED, LOOSE, FUZZY, CHOSEN):
        return MOVED if one.how == MOVED else REQUEST
    if one.answer is None and beside.why_not():
        return MISSING
    if not asks_the_same(one.call, beside):
        return REQUEST
    if one.answer is None:
        return MISSING
    return _kind_of_answer(one.answer, beside.event)


def _kind_of_answer(answer: Answer, event: Mapping[str, Json]) -> str:
    is_other_error = bool(answer.error) != bool(event.get("error"))
    return ERROR if is_other_error or answer.error else OUTPUT


def asks_the_same(call: Call, recorded: Recorded) -> bool:
    asking = Asking(call)
    if recorded.is_own:
        return recorded.key.request == call.hashes.request
    return asking.is_said_by(recorded) and asking.is_in_the_same_way(recorded)


def differences_of(kind: str, one: Made, beside: Recorded) -> list[Difference]:
    """Return where what is compared differs: requests, answers or errors."""
    if kind == REQUEST:
        return differences(*requests_of(one.call, beside))
    if kind == OUTPUT and one.answer is not None:
        return differences(beside.event.get("output"), one.answer.output)
    if kind == ERROR and one.answer is not None:
        return differences(_error(beside.event.get("error")), _error(one.answer.error))
    return []


def _error(error: Mapping[str, Json] | None) -> Json:
    return error and {name: error.get(name) for name in ("type", "code", "message")}


def requests_of(call: Call, recorded: Recorded) -> tuple[Json, Json]:
    """Return what was asked then and now, in one form."""
    then, now = asked_of(recorded.event), asked_now(call)
    said = None if recorded.is_own or call.kind != "llm" else Asking(call).said
    if said is None or recorded.said is None:
        return then, now
    then["input"], now["input"] = recorded.said.as_json(), said.as_json()
    for name in ("params", "tools"):
        # Recorders tell more or less of them, and in forms of their own.
        then.pop(name, None), now.pop(name, None)
    return then, now


def asked_of(event: Mapping[str, Json]) -> dict[str, Json]:
    """Return all that a recorded call asked: what was said, to whom, and how."""
    names = ("model", "params", "tools")
    return {"input": event.get("input")} | {n: event[n] for n in names if event.get(n)}


def asked_now(call: Call) -> dict[str, Json]:
    known = {"model": call.model, "params": dict(call.params), "tools": list(call.tools)}
    return {"input": call.asked} | {name: value for name, value in known.items() if value}


def _why(kind: str, one: Made, recorded: Recorded) -> str:
    instead = INSTEAD.get(one.how or "")
    if kind == MISSING:
        why = recorded.why_not() or "it was answered already"
        return f"it is in the record, which cannot answer it: {why}"
    if kind == MOVED:
        return f"it was recorded in lane {recorded.key.lane}"
    told = {
        REQUEST: "it asks something else than recorded",
        OUTPUT: "it came back with another answer than recorded",
        ERROR: "it failed, and was recorded without"
        if one.answer and one.answer.error
        else "it was recorded with an error, and came back without",
    }[kind]
    if one.how == CHOSEN:
        return f"{told}; a person chose this step's answer"
    return f"{told}; {instead}" if instead else told


def _failed(one: Made) -> str:
    error = one.answer.error if one.answer is not None and one.how == STUBBED else None
    return f"; the stub failed: {error.get('type')} {error.get('message')}" if error else ""


def is_divergent(one: Made) -> bool:
    """Tell whether a call differs from the record in anything that counts."""
    if one.recorded is not None:
        return one.how not in SAME or one.how == MOVED
    if one.how == MADE_LIVE and one.answer is not None and one.beside is not None:
        is_same = asks_the_same(one.call, one.beside)
        return not (is_same and answers_the_same(one.answer, one.beside.event))
    return True


def answers_the_same(answer: Answer, event: Mapping[str, Json]) -> bool:
    if answer.error or event.get("error"):
        return _kinds(answer.error) == _kinds(event.get("error"))
    return bool(answer.output == event.get("output"))


def _kinds(error: Mapping[str, Json] | None) -> tuple[Json, Json] | None:
    return None if not error else (error.get("type"), error.get("code"))


def how_many(made: Sequence[Made]) -> dict[str, int]:
    """Return by how many calls were found or answered in which way; only ways that occurred."""
    ways = ("exact", SAID, MASKED, MOVED, DRIFTED, LOOSE, FUZZY, CHOSEN, STUBBED, TYPED, MADE_LIVE)
    counts = {way: sum(one.how == way for one in made) for way in ways}
    return {way: count for way, count in counts.items() if count}
