"""Scores of a replay: how true each step was to its record, and what they come to.

``F = sum(w * s) / sum(w)``, over steps that have a counterpart, and with ``s = 0`` over those
that only one side has. A step that a stub answered scores 0. Latency and cost are told beside
the scores and never folded into them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from playhead.comparing import (
    calls_likeness,
    error_likeness,
    json_likeness,
    output_likeness,
    text_likeness,
    texts_in,
    tool_calls,
)

Json = Any

# What a step weighs.
FINAL, DECIDING, OTHER = 4.0, 2.0, 1.0
WEIGHTS = {"tool": 2.0, "retriever": 2.0, "memory": 2.0, "decision": DECIDING}
# Of a model's answer that calls tools: how much the calls count, and how much the words.
CALLS, WORDS = 0.7, 0.3
IDENTICAL, FAITHFUL, DRIFTED, DIVERGED = "identical", "faithful", "drifted", "diverged"
BANDS = (IDENTICAL, FAITHFUL, DRIFTED, DIVERGED)
# The least fidelity of a band.
FAITHFUL_FROM, DRIFTED_FROM = 0.98, 0.8


@dataclass(frozen=True, slots=True)
class Step:
    """One step as it is scored."""

    kind: str
    asked: Json = None
    output: Json = None
    error: Mapping[str, Json] | None = None
    # Answered by a stub: it proves nothing.
    is_tainted: bool = False


@dataclass(frozen=True, slots=True)
class Scored:
    """What a step weighs, and how true it was: 0 for one that only one side has."""

    weight: float
    score: float


def band(
    fidelity: float | None,
    coverage: float | None,
    consumption: float | None,
    decisions: float | None,
) -> str:
    """Return identical, faithful, drifted or diverged; unknown numbers speak against nothing."""
    if all(one in (1.0, None) for one in (fidelity, coverage, consumption)):
        return IDENTICAL
    known = 1.0 if fidelity is None else fidelity
    if known >= FAITHFUL_FROM and decisions in (1.0, None):
        return FAITHFUL
    return DRIFTED if known >= DRIFTED_FROM else DIVERGED


def fidelity_of(steps: Iterable[Scored]) -> float | None:
    """Return the weighed mean of all steps; None where there are none."""
    steps = list(steps)
    weighed = sum(step.weight for step in steps)
    return sum(step.weight * step.score for step in steps) / weighed if weighed else None


def weight_of(kind: str, output: Json, *, is_final: bool = False) -> float:
    """Return what a step weighs: the final answer most, then what decides and what it rests on."""
    if is_final:
        return FINAL
    if kind == "llm" and tool_calls(output):
        return DECIDING
    return WEIGHTS.get(kind, OTHER)


def step_score(recorded: Step, made: Step) -> float:
    """Return how true a step was: how alike what it asked is, times how alike the answer is."""
    if made.is_tainted:
        return 0.0
    return request_score(recorded, made) * answer_score(recorded, made)


def request_score(recorded: Step, made: Step) -> float:
    return json_likeness(recorded.asked, made.asked)


def answer_score(recorded: Step, made: Step) -> float:
    """Return how alike two answers are, by what decides about each kind of step."""
    if recorded.error is not None or made.error is not None:
        return error_likeness(recorded.error, made.error)
    if recorded.kind != "llm":
        return output_likeness(recorded.output, made.output)
    words = text_likeness(texts_in(recorded.output), texts_in(made.output))
    ours, theirs = tool_calls(recorded.output), tool_calls(made.output)
    if not ours and not theirs:
        return words
    return CALLS * calls_likeness(ours, theirs) + WORDS * words


def is_same_decision(recorded: Json, made: Json) -> bool | None:
    """Tell whether two answers call the same tools with the same arguments; None if neither does.

    In which order they are called says nothing: they may run at the same time.
    """
    ours, theirs = tool_calls(recorded), tool_calls(made)
    if not ours and not theirs:
        return None
    return sorted(map(_told, ours)) == sorted(map(_told, theirs))


def _told(call: tuple[str, Json]) -> str:
    return json.dumps(call, sort_keys=True)
