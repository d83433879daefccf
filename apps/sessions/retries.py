"""Tries of the same call: what a failed step was followed by, and what a step tries again.

A call is told by its kind, its name and its lane; whether it was given the same is for who
has its content to say.
"""

from __future__ import annotations

from collections.abc import Iterator

from apps.sessions.layout import Layout


def tries_after(layout: Layout, at: int) -> Iterator[int]:
    """Yield later steps that make the same call, in replay order."""
    wanted = _call(layout, at)
    yield from (index for index in range(at + 1, len(layout)) if _call(layout, index) == wanted)


def try_before(layout: Layout, at: int) -> int | None:
    """Return the last earlier step that makes the same call."""
    wanted = _call(layout, at)
    earlier = range(at - 1, -1, -1)
    return next((index for index in earlier if _call(layout, index) == wanted), None)


def recovered_by(layout: Layout, at: int) -> int | None:
    """Return the first later try of a failed call that did not fail."""
    if not layout.is_error(at):
        return None
    return next((one for one in tries_after(layout, at) if not layout.is_error(one)), None)


def retry_of(layout: Layout, at: int) -> int | None:
    """Return the failed try just before this one, None where there is none."""
    before = try_before(layout, at)
    # A call of a model is told by its name alone, which all calls of a client share.
    is_same = before is not None and layout.kinds[at] != "llm" and layout.is_error(before)
    return before if is_same else None


def calls_before(layout: Layout, at: int, count: int) -> list[int]:
    """Return the last calls of a model in the same lane before a step, in replay order."""
    lane, found = layout.lanes.at[at], list[int]()
    for index in range(at - 1, -1, -1):
        if layout.lanes.at[index] == lane and layout.kinds[index] == "llm":
            found.append(index)
        if len(found) == count:
            break
    return found[::-1]


def _call(layout: Layout, at: int) -> tuple[int, int, int]:
    return layout.kinds.at[at], layout.names.at[at], layout.lanes.at[at]
