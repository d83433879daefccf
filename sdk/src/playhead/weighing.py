"""The fidelity of a replay, and how often the same was decided, from its steps and the record's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from playhead.clocks import RecordedClock
from playhead.comparing import json_likeness
from playhead.divergences import Made, requests_of
from playhead.fidelity import OTHER, Scored, Step, answer_score, is_same_decision, weight_of
from playhead.notes import AGENT, Pair, is_same
from playhead.recorded import Recorded
from playhead.tapes import SAME, Tape

Json = Any


def scored(
    tape: Tape,
    made: Sequence[Made],
    left: Sequence[Recorded],
    notes: Sequence[Pair],
    clock: RecordedClock | None,
) -> Iterator[Scored]:
    """Yield every step of both sides with its weight and score."""
    final = _final(tape, notes)
    for one in made:
        beside = one.beside
        if beside is None:
            output = one.answer.output if one.answer else None
            yield Scored(weight_of(one.call.kind, output), 0.0)
        else:
            yield Scored(_weight(beside, final), score_of(one))
    yield from (Scored(_weight(one, final), 0.0) for one in left)
    for pair in notes:
        is_final = pair.seq is not None and pair.seq == final
        yield Scored(weight_of(pair.kind, None, is_final=is_final), _note_score(pair))
    if clock is not None and clock.unknown:
        told = sum(len(kept) for kinds in tape.reads().values() for kept in kinds.values())
        yield Scored(OTHER, told / (told + clock.unknown))


def _final(tape: Tape, notes: Sequence[Pair]) -> int | None:
    """Return the step of the final answer: of the outermost agent, else of the last model."""
    outer = (
        pair.seq
        for pair in reversed(notes)
        if pair.event is not None
        and pair.kind == AGENT
        and not pair.event.get("parent")
        and pair.event.get("output") is not None
    )
    models = (one.seq for one in reversed(tape.calls) if one.key.kind == "llm")
    return next(outer, None) or next(models, None)


def _weight(one: Recorded, final: int | None) -> float:
    return weight_of(one.key.kind, one.event.get("output"), is_final=one.seq == final)


def score_of(one: Made) -> float:
    """Return how true a call was to the recorded one beside it."""
    beside, answer = one.beside, one.answer
    if beside is None or answer is None or one.is_tainted:
        return 0.0
    is_same = one.how in SAME
    request = 1.0 if is_same else json_likeness(*requests_of(one.call, beside))
    if one.recorded is not None:
        return request
    then = Step(one.call.kind, None, beside.event.get("output"), beside.event.get("error"))
    return request * answer_score(then, Step(one.call.kind, None, answer.output, answer.error))


def _note_score(pair: Pair) -> float:
    if pair.event is None or pair.noted is None or pair.is_stopped:
        return 0.0
    if pair.noted.error or pair.event.get("error"):
        return float(bool(pair.noted.error) == bool(pair.event.get("error")))
    if is_same(pair.event, pair.noted):
        return 1.0
    return json_likeness(
        *({"output": side.get("output")} for side in (pair.event, pair.noted.fields))
    )


def decisions_of(
    made: Sequence[Made], left: Sequence[Recorded], notes: Sequence[Pair]
) -> float | None:
    """Return at which share of points the same was chosen, by models and by the application."""
    points = [
        is_same_decision(
            one.beside.event.get("output") if one.beside else None,
            one.answer.output if one.answer else None,
        )
        for one in made
        if one.call.kind == "llm"
    ]
    points += [
        is_same_decision(one.event.get("output"), None) for one in left if one.key.kind == "llm"
    ]
    points += [
        pair.event is not None and pair.noted is not None and is_same(pair.event, pair.noted)
        for pair in notes
        if pair.kind == "decision"
    ]
    known = [point for point in points if point is not None]
    return sum(known) / len(known) if known else None
