"""The report on a server's replay, in the words and numbers of every replay's report."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from playhead import fidelity
from playhead.differences import differences
from playhead.divergences import ERROR, OUTPUT, Divergent
from playhead.fidelity import Scored
from playhead.latencies import Spent, cost_of, latency_of, tokens_of
from playhead.matching import normalised
from playhead.reported import Report
from playhead.tapes import BOUNDARY

from apps.core.canonical import canonical_json
from apps.replays.server.copies import Copy
from apps.replays.server.models import StepState
from apps.replays.server.questions import output_now

Json = Any

# How sure it is that the same replay comes to the same again.
EXACT, CACHED, SAMPLED = "exact", "cached", "sampled"
MOST_ROWS = 1_000
MOST_NOTES = 20
MIXED = "The provider's answers came from more than one model: {}."


def report_on(original: str, copies: Sequence[Copy]) -> Report:
    """Return what a replay came to whose steps were asked one by one."""
    calls = [copy for copy in copies if copy.event["kind"] in BOUNDARY]
    asked = [copy for copy in calls if copy.is_asked]
    skipped = [copy for copy in calls if copy.step is not None and not copy.is_asked]
    spent = [_spent(copy) for copy in calls]
    served = sum(_is_served(copy) for copy in calls)
    return Report(
        session=original,
        coverage=served / len(calls) if calls else None,
        consumption=1 - len(skipped) / len(calls) if calls else None,
        fidelity=fidelity.fidelity_of(_scores(calls)),
        decisions=_decisions(asked),
        divergences=[_divergent(copy) for copy in asked if _differs(copy)],
        calls=len(calls),
        digest=digest_of(calls),
        matched={"exact": served, "live": len(calls) - served},
        notes=_notes(asked, skipped),
        alignment=[_row(copy) for copy in calls[:MOST_ROWS]],
        latency=latency_of(spent),
        cost=cost_of(spent),
    )


def determinism_of(copies: Sequence[Copy]) -> str:
    """Return ``exact`` where the record answered all, ``cached`` where kept answers did."""
    answers = [copy.answer for copy in copies if copy.answer]
    if all(answer["served"] for answer in answers):
        return EXACT
    return CACHED if all(answer["cached"] for answer in answers) else SAMPLED


def _is_served(copy: Copy) -> bool:
    """Tell whether the record answered: also one that was asked, and asked the very same."""
    return not copy.is_asked or bool(copy.answer and copy.answer["served"])


def _scores(calls: Sequence[Copy]) -> Iterable[Scored]:
    last = max((copy.event["seq"] for copy in calls if copy.event["kind"] == "llm"), default=0)
    for copy in calls:
        event = copy.event
        is_final = event["seq"] == last
        weight = fidelity.weight_of(event["kind"], event.get("output"), is_final=is_final)
        yield Scored(weight, score_of(copy))


def score_of(copy: Copy) -> float:
    """Return how true a step was: one of the record is, one without an answer is not."""
    if not copy.is_asked or copy.step is None:
        return 1.0
    return copy.step.score or 0.0


def _differs(copy: Copy) -> bool:
    return score_of(copy) < 1.0 or (copy.step is not None and copy.step.is_same_decision is False)


def _decisions(asked: Sequence[Copy]) -> float | None:
    same = [copy.step.is_same_decision for copy in asked if copy.step is not None]
    known = [one for one in same if one is not None]
    return sum(known) / len(known) if known else None


def _divergent(copy: Copy) -> Divergent:
    event = copy.event
    kind, name = OUTPUT if copy.answer else ERROR, event.get("name") or event.get("model") or ""
    where = f"step {event['seq']}, {event['kind']} {name} in lane {event['lane']}"
    why = "answers otherwise than recorded" if copy.answer else _reason(copy)
    now = copy.answer["output"] if copy.answer else None
    return Divergent(
        kind,
        event["seq"],
        event["lane"],
        name,
        f"{where}: {why}",
        differences(normalised(output_now(event)), normalised(now)) if copy.answer else [],
        event=event.get("client_id"),
        made=event["id"],
    )


def _reason(copy: Copy) -> str:
    return copy.step.reason if copy.step else ""


def _row(copy: Copy) -> dict[str, Json]:
    event = copy.event
    return {
        "step": event["seq"],
        "made": event["id"],
        "lane": event["lane"],
        "kind": event["kind"],
        "name": event.get("name"),
        "status": "same" if _is_served(copy) else "live",
        "score": round(score_of(copy), 6),
    }


def _spent(copy: Copy) -> Spent:
    answer = copy.answer or {}
    cost = answer.get("cost")
    return Spent(
        copy.event,
        is_served=_is_served(copy),
        took_ms=copy.latency_ms,
        cost=None if cost is None else float(cost),
        tokens=tokens_of(answer.get("usage")),
    )


def _notes(asked: Sequence[Copy], skipped: Sequence[Copy]) -> list[str]:
    told = [f"step {copy.event['seq']} was not asked again: {_reason(copy)}" for copy in skipped]
    failed = sum(copy.step is not None and copy.step.state == StepState.FAILED for copy in asked)
    more = [f"{failed} steps got no answer."] if failed else []
    models = sorted({copy.answer["model_returned"] or "" for copy in asked if copy.answer})
    mixed = [MIXED.format(", ".join(models))] if len(models) > 1 else []
    return [*mixed, *more, *told[:MOST_NOTES]]


def digest_of(calls: Sequence[Copy]) -> str:
    """Return a digest of what was asked and answered: the same for the same behaviour."""
    told = [_told(copy.event, copy.answer) for copy in calls]
    return "sha256:" + hashlib.sha256(canonical_json(told)).hexdigest()


def _told(event: Mapping[str, Json], answer: Mapping[str, Json] | None) -> Json:
    output = answer["output"] if answer else event.get("output")
    return [event["kind"], event.get("name"), event.get("input"), output]
