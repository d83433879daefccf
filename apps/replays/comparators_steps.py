"""Steps: calls of tools, the decisions of a model, and whole sequences of steps."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from playhead.alignment import GAP, SAME, Alignment, Signature, align, likeness

from apps.replays.comparators import Comparison, mean_of
from apps.replays.comparators_json import WHOLE, Structure, structural
from apps.replays.comparators_text import text

Json = Any

# What a decision's choice of tools weighs, and what was said beside it.
CHOICE, SAID = 0.7, 0.3
# Calls of one answer that are held against those of another; more would cost their square.
MOST_CALLS = 64


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call of a tool, as a model asked for it."""

    name: str
    arguments: Json

    @classmethod
    def asked(cls, name: str, arguments: Json) -> ToolCall:
        """Return a call whose arguments may come as the text that providers send."""
        if not isinstance(arguments, str):
            return cls(name, arguments)
        try:
            return cls(name, json.loads(arguments))
        except (ValueError, RecursionError):
            return cls(name, arguments)


def tool_call(expected: ToolCall, got: ToolCall, structure: Structure = WHOLE) -> Comparison:
    """Compare two calls: 0 for another tool, else how alike the arguments are."""
    if expected.name != got.name:
        return Comparison(0.0, f"{got.name} was called, not {expected.name}.")
    found = structural(expected.arguments, got.arguments, structure)
    return Comparison(found.score, f"{got.name}: {found.says}", found.differences)


def tool_calls(
    expected: Sequence[ToolCall], got: Sequence[ToolCall], structure: Structure = WHOLE
) -> Comparison:
    """Compare the calls of two answers, whatever their order: they run at the same time.

    The most alike are paired first; a call without a partner counts 0.
    """
    whole = max(len(expected), len(got))
    if not whole:
        return Comparison(1.0, "No tool was called.")
    if whole > MOST_CALLS:
        return Comparison(None, f"More than {MOST_CALLS} calls in one answer are not compared.")
    pairs = _paired(expected, got, structure)
    score = sum(found.score or 0.0 for found in pairs) / whole
    says = f"{len(pairs)} of {len(expected)} expected and {len(got)} made calls have a partner."
    return Comparison(score, says, tuple(one for found in pairs for one in found.differences))


def _paired(
    expected: Sequence[ToolCall], got: Sequence[ToolCall], structure: Structure
) -> list[Comparison]:
    """Return the comparisons of the pairs: the best first, none of two tools."""
    scored = [
        (-(found.score or 0.0), i, j, found)
        for i, a in enumerate(expected)
        for j, b in enumerate(got)
        if a.name == b.name
        for found in [tool_call(a, b, structure)]
    ]
    used_a: set[int] = set()
    used_b: set[int] = set()
    pairs = []
    # Ties go to the pair nearest to the beginning of both, in whichever order they are named.
    for _, i, j, found in sorted(scored, key=lambda one: (one[0], one[1] + one[2], one[1:3])):
        if i not in used_a and j not in used_b:
            used_a.add(i)
            used_b.add(j)
            pairs.append(found)
    return pairs


def decision(
    expected: tuple[Sequence[ToolCall], str], got: tuple[Sequence[ToolCall], str]
) -> Comparison:
    """Compare two answers that chose tools: 0.7 for the calls, 0.3 for what was said beside."""
    calls = tool_calls(expected[0], got[0])
    return mean_of((CHOICE, calls), (SAID, text(expected[1], got[1])))


def sequence(expected: Sequence[Signature], got: Sequence[Signature]) -> Comparison:
    """Compare two sequences of steps by the score of their best alignment.

    1 for a step done again, 0.3 to 0.9 for the same tool with other arguments, -0.5 for a step
    that stays alone; the sum over the longer length, and never less than 0.
    """
    whole = max(len(expected), len(got))
    if not whole:
        return Comparison(1.0, "No step on either side.")
    found = align(expected, got)
    points = sum(_points(expected, got, pair) for pair in found.pairs)
    return Comparison(max(0.0, points / (SAME * whole)), _told(found))


def _points(
    expected: Sequence[Signature], got: Sequence[Signature], pair: tuple[int | None, int | None]
) -> int:
    if pair[0] is None or pair[1] is None:
        return GAP
    a, b = expected[pair[0]], got[pair[1]]
    return SAME if a.arguments == b.arguments else likeness(a.sketch, b.sketch)


def _told(found: Alignment) -> str:
    paired = sum(1 for a, b in found.pairs if a is not None and b is not None)
    missing = sum(1 for _, b in found.pairs if b is None)
    says = f"{paired} steps have a partner, {missing} are missing, "
    return f"{says}{len(found.pairs) - paired - missing} are new."
