"""The report on a free replay: its steps beside those of the record, aligned as sessions are.

What came before the first call that was asked is the record's and is not judged.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from playhead import fidelity
from playhead.alignment import Signature, align, signature
from playhead.comparing import texts_in, tool_calls
from playhead.differences import differences
from playhead.divergences import ERROR, EXTRA, MISSING, OUTPUT, REQUEST, Divergent
from playhead.fidelity import Scored, Step
from playhead.latencies import Spent, cost_of, latency_of, tokens_of
from playhead.matching import normalised
from playhead.recorded import BOUNDARY
from playhead.reported import Report

from apps.replays.server.asking import error_of
from apps.replays.server.copies import Copy
from apps.replays.server.free import FreeAsking
from apps.replays.server.loops import Event
from apps.replays.server.questions import output_now
from apps.replays.server.scoring import MIXED, MOST_ROWS, digest_of
from apps.replays.server.tools import EXACT, OF_RECORD, REPEATED, UNANSWERED

Json = Any

# Words of an answer by which it is known again.
WORDS = 400
PREFIX = "steps 1 to {} are the record's and are not judged"
TAINTED = "answers of tools that were simulated, and prove nothing: {}"
POOLED = "answers of tools from other sessions of the project: {}"
ANEW = "answers of tools that were given once more than recorded: {}"
STOPPED = "was not reached: the replay had stopped"
NOT_CALLED = "was not called"


@dataclass(frozen=True, slots=True)
class Pair:
    """A step of both sides, or of one."""

    recorded: Event | None
    made: Copy | None

    @property
    def is_of_model(self) -> bool:
        event = self.recorded or (self.made.event if self.made else {})
        return bool(event["kind"] == "llm")

    @property
    def is_same_decision(self) -> bool | None:
        """Whether the same tools are called; None where neither side calls any."""
        if not self.is_of_model:
            return None
        then = self.recorded.get("output") if self.recorded is not None else None
        return fidelity.is_same_decision(then, output_of(self.made))

    @property
    def score(self) -> float:
        """How true the step is: 0 for one that only one side has."""
        recorded, made = self.recorded, self.made
        if recorded is None or made is None or made.is_tainted:
            return 0.0
        if not made.is_asked and made.recorded is recorded and made.how in ("", EXACT, REPEATED):
            return 1.0
        kind = recorded["kind"]
        now = Step(kind, made.event.get("input"), output_of(made), error_in(made))
        then = Step(kind, recorded.get("input"), recorded.get("output"), error_of(recorded))
        # A model's question holds all that came before, which is judged where it came.
        return (
            fidelity.answer_score(then, now) if self.is_of_model else fidelity.step_score(then, now)
        )

    @property
    def differs(self) -> bool:
        return self.score < 1.0 or self.is_same_decision is False


def output_of(made: Copy | None) -> Json:
    """Return what a step of the replay came to."""
    if made is None:
        return None
    if made.is_asked:
        return made.answer["output"] if made.answer else None
    return made.event.get("output")


def error_in(made: Copy) -> Mapping[str, Json] | None:
    if made.is_asked:
        return None if made.answer else {"type": "ReplayError"}
    return error_of(made.event)


def report_freely(original: str, asking: FreeAsking, copies: Sequence[Copy]) -> Report:
    """Return what a free replay came to."""
    first = asking.first.seq
    recorded = [event for event in asking.loop.events if _counts(event, first)]
    made = [copy for copy in copies if _counts(copy.event, first)]
    pairs = list(paired(recorded, made))
    tools = tools_of(asking)
    missing = sum(pair.made is None for pair in pairs)
    called = sum(tools.values())
    spent = [_spent(pair) for pair in pairs if pair.recorded is not None and pair.made is not None]
    last = asking.loop.steps[-1].seq
    stopped = asking.walk.made[-1].stopped if asking.walk.made else None
    return Report(
        session=original,
        coverage=sum(tools[how] for how in OF_RECORD) / called if called else None,
        consumption=1 - missing / len(recorded) if recorded else None,
        fidelity=fidelity.fidelity_of(_scored(pair, last) for pair in pairs),
        decisions=_decisions(pairs),
        divergences=list(_divergences(pairs)),
        calls=len(made),
        digest=digest_of(made),
        matched=_matched(made, tools),
        notes=list(_notes(asking, made, tools)),
        alignment=[_row(pair) for pair in pairs[:MOST_ROWS]],
        latency=latency_of(spent),
        cost=cost_of(spent),
        stopped=stopped is not None and stopped.stop != "ended",
    )


def _counts(event: Event, first: int) -> bool:
    is_call = event["kind"] in BOUNDARY and event.get("is_counted") is not False
    return bool(is_call and event["seq"] >= first)


def tools_of(asking: FreeAsking) -> Counter[str]:
    """Return how many calls of tools were answered in which way."""
    found: Counter[str] = Counter()
    for made in asking.walk.made:
        found.update(served.how for served in made.served if served.is_answered)
        found.update([UNANSWERED] if made.missing is not None else [])
    return found


def paired(recorded: Sequence[Event], made: Sequence[Copy]) -> Iterator[Pair]:
    """Yield steps of both sides in their order.

    A step that stands where it stood, or decides what was decided there, is that step; others
    are aligned by what they call and say.
    """
    same = {id(copy.recorded): copy for copy in made if _is_same_step(copy)}
    left = [_mark(event, event.get("output"), is_same=id(event) in same) for event in recorded]
    right = [_mark_of(copy) for copy in made]
    for one, other in align(left, right).pairs:
        yield Pair(None if one is None else recorded[one], None if other is None else made[other])


def _is_same_step(copy: Copy) -> bool:
    if copy.is_new or copy.recorded is None or copy.event["id"] != copy.recorded["id"]:
        return False
    if not copy.is_asked:
        return True
    return tool_calls(copy.recorded.get("output")) == tool_calls(output_of(copy))


def _mark_of(copy: Copy) -> Signature:
    if _is_same_step(copy) and copy.recorded is not None:
        return _mark(copy.recorded, None, is_same=True)
    return _mark(copy.event, output_of(copy), is_same=False)


def _mark(event: Event, output: Json, *, is_same: bool) -> Signature:
    kind = event["kind"]
    name = "" if kind == "llm" else str(event.get("name"))
    if is_same:
        return Signature(kind, name, f"step {event['id']}")
    if kind != "llm":
        return signature(kind, name, event.get("input"))
    said = {"calls": tool_calls(output), "text": texts_in(output)[:WORDS]}
    return signature(kind, name, said)


def _scored(pair: Pair, last: int) -> Scored:
    if pair.recorded is not None:
        event, is_final = pair.recorded, pair.recorded["seq"] == last
        weight = fidelity.weight_of(event["kind"], event.get("output"), is_final=is_final)
    else:
        kind = pair.made.event["kind"] if pair.made else ""
        weight = fidelity.weight_of(kind, output_of(pair.made))
    return Scored(weight, pair.score)


def _decisions(pairs: Sequence[Pair]) -> float | None:
    known = [same for pair in pairs if (same := pair.is_same_decision) is not None]
    return sum(known) / len(known) if known else None


def _divergences(pairs: Sequence[Pair]) -> Iterator[Divergent]:
    after, ends = 0, max((at for at, pair in enumerate(pairs) if pair.made), default=-1)
    for at, pair in enumerate(pairs):
        after = pair.recorded["seq"] if pair.recorded is not None else after
        if pair.made is None and pair.recorded is not None:
            why = STOPPED if at > ends else NOT_CALLED
            yield _divergent(MISSING, pair.recorded, None, f"{_where(pair.recorded)} {why}")
        elif pair.recorded is None and pair.made is not None:
            yield _extra(pair.made, after)
        elif pair.differs and pair.recorded is not None and pair.made is not None:
            yield _differing(pair.recorded, pair.made)


def _where(event: Event) -> str:
    name = event.get("name") or event.get("model") or ""
    return f"step {event['seq']}, {event['kind']} {name} in lane {event['lane']},"


def _divergent(kind: str, recorded: Event, made: Copy | None, says: str) -> Divergent:
    name = recorded.get("name") or recorded.get("model") or ""
    found = [] if made is None or kind == ERROR else _differences(kind, recorded, made)
    return Divergent(
        kind,
        recorded["seq"],
        recorded["lane"],
        name,
        says,
        found,
        event=recorded.get("client_id"),
        made=made.event["id"] if made else None,
    )


def _differences(kind: str, recorded: Event, made: Copy) -> Any:
    if kind == REQUEST:
        return differences(recorded.get("input"), made.event.get("input"))
    if recorded["kind"] == "llm":
        return differences(normalised(output_now(recorded)), normalised(output_of(made)))
    return differences(recorded.get("output"), output_of(made))


def _extra(made: Copy, after: int) -> Divergent:
    event = made.event
    name = event.get("name") or event.get("model") or ""
    lane = event.get("lane") or ""
    instead = "; nothing answers it" if made.how == UNANSWERED else ""
    instead = f"; it was {made.how}" if made.how not in ("", UNANSWERED) else instead
    says = f"{event['kind']} {name} in lane {lane} is not in the record (after step {after})"
    return Divergent(EXTRA, after + 1, lane, name, says + instead, made=event["id"])


def _differing(recorded: Event, made: Copy) -> Divergent:
    where = _where(recorded)
    if made.is_asked and made.answer is None:
        reason = made.step.reason if made.step else ""
        return _divergent(ERROR, recorded, made, f"{where} got no answer: {reason}")
    if recorded["kind"] == "llm":
        return _divergent(OUTPUT, recorded, made, f"{where} answers otherwise than recorded")
    if made.event.get("input") != recorded.get("input"):
        return _divergent(REQUEST, recorded, made, f"{where} is called with something else")
    return _divergent(OUTPUT, recorded, made, f"{where} was {made.how or 'answered otherwise'}")


def _matched(made: Sequence[Copy], tools: Counter[str]) -> dict[str, int]:
    asked = sum(copy.is_asked for copy in made)
    others = {how: count for how, count in tools.items() if how not in (EXACT, UNANSWERED)}
    exact = len(made) - asked - sum(tools.values()) + tools[EXACT]
    return {"exact": max(exact, 0), "live": asked, **others}


def _notes(asking: FreeAsking, made: Sequence[Copy], tools: Counter[str]) -> Iterator[str]:
    models = sorted({copy.answer["model_returned"] or "" for copy in made if copy.answer})
    if len(models) > 1:
        yield MIXED.format(", ".join(models))
    if asking.first is not asking.loop.steps[0]:
        yield PREFIX.format(asking.first.seq - 1)
    for how, says in (("simulated", TAINTED), ("pooled", POOLED), (REPEATED, ANEW)):
        if tools[how]:
            yield says.format(tools[how])


def _row(pair: Pair) -> dict[str, Json]:
    event = pair.recorded if pair.recorded is not None else (pair.made.event if pair.made else {})
    return {
        "step": pair.recorded["seq"] if pair.recorded is not None else None,
        "made": pair.made.event["id"] if pair.made else None,
        "lane": event.get("lane"),
        "kind": event["kind"],
        "name": event.get("name"),
        "status": _status(pair),
        "score": round(pair.score, 6),
    }


def _status(pair: Pair) -> str:
    if pair.made is None:
        return MISSING
    if pair.recorded is None:
        return EXTRA if pair.made.how in ("", UNANSWERED) else pair.made.how
    if pair.made.is_asked:
        return "same" if pair.made.answer and pair.made.answer["served"] else "live"
    return "same" if pair.made.how in ("", EXACT) else pair.made.how


def _spent(pair: Pair) -> Spent:
    made = pair.made
    answer = (made.answer if made is not None else None) or {}
    is_asked = made is not None and made.is_asked and not answer.get("served")
    cost = answer.get("cost")
    return Spent(
        pair.recorded or {},
        is_served=not is_asked,
        took_ms=answer.get("latency_ms"),
        cost=None if cost is None else float(cost),
        tokens=tokens_of(answer.get("usage")),
    )
