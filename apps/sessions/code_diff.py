"""A change of code that a step recorded, as a unified diff."""

from __future__ import annotations

from difflib import unified_diff
from typing import Any

from apps.sessions.json_tree import SIZE_LIMIT

Json = Any


def diff_of(change: Json) -> str | None:
    """Return the change as a unified diff, None where it is neither one nor two texts."""
    if not isinstance(change, dict):
        return None
    diff, before, after = (change.get(name) for name in ("diff", "before", "after"))
    if isinstance(diff, str):
        return diff if len(diff) <= SIZE_LIMIT else None
    sides = (before or "", after or "")
    if not any(sides) or not all(isinstance(side, str) for side in sides):
        return None
    if sum(map(len, sides)) > SIZE_LIMIT:
        return None
    lines = unified_diff(sides[0].splitlines(), sides[1].splitlines(), lineterm="")
    # Without the two lines that name no file.
    return "\n".join(list(lines)[2:])
