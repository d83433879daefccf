"""Meaning: the cosine of two embeddings, by whatever makes them.

What embeds is a callable that is passed in; Playhead ships none, so that nothing here needs a
network or a model. Scores of two such models do not compare.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol

from apps.replays.comparators import SAME, Comparison

ANOTHER_LENGTH = "The two embeddings are not of one length: they come from two models."


class Embed(Protocol):
    """Returns one vector a text, in their order. It raises what its provider raises."""

    def __call__(self, texts: Sequence[str]) -> Sequence[Sequence[float]]: ...


def semantic(expected: str, got: str, embed: Embed) -> Comparison:
    """Compare two texts by their embeddings; opposite and unrelated are both 0."""
    if expected == got:
        return Comparison(1.0, SAME)
    a, b = embed([expected, got])
    if len(a) != len(b):
        return Comparison(None, ANOTHER_LENGTH)
    length = math.hypot(*a) * math.hypot(*b)
    if not length or not math.isfinite(length):
        return Comparison(None, "One of the embeddings says nothing.")
    cosine = math.fsum(x * y for x, y in zip(a, b, strict=True)) / length
    return Comparison(min(max(cosine, 0.0), 1.0), f"Alike in meaning by {cosine:.2f}.")
