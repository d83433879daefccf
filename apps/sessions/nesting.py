"""Agents inside of agents: how deep a step lies in them."""

from __future__ import annotations

from collections.abc import Sequence

from apps.sessions.layout import Layout

# Levels that are indented.
DEEPEST = 6


def levels_of(layout: Layout, indexes: Sequence[int]) -> list[int]:
    """Return in how many agents below the first each step lies."""
    known: dict[int, int] = {}
    return [min(DEEPEST, max(0, _agents(layout, index, known) - 1)) for index in indexes]


def _agents(layout: Layout, index: int, known: dict[int, int]) -> int:
    """Return how many agents lie above a step."""
    path, at = [], index
    while at not in known and layout.parents[at] >= 0:
        path.append(at)
        at = layout.parents[at]
    count = known.setdefault(at, 0)
    for step in reversed(path):
        count += layout.kinds[layout.parents[step]] == "agent"
        known[step] = count
    return count
