"""The changes of code of a session, up to the playhead."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from apps.core.line_diff import DEL, INS, diff_lines, read_diff
from apps.sessions import reader
from apps.sessions.code_diff import diff_of
from apps.sessions.keys import SessionCipher
from apps.sessions.layout import Layout, Place
from apps.sessions.models import Session

Json = Any

CODE_CHANGE = "code_change"
MODES = {"unified": "Unified", "split": "Side by side"}
# Changes that are listed at once, the last ones first.
LISTED = 50


@dataclass(frozen=True)
class Listed:
    """A change in the list: the step, the file, and how many lines came and went."""

    place: Place
    path: str
    added: int | None = None
    removed: int | None = None


@dataclass(frozen=True)
class Source:
    """The session whose changes are shown, and what opens it."""

    session: Session
    layout: Layout
    cipher: SessionCipher | None = None


def code_context(
    source: Source, at: int, event: Mapping[str, Json], *, is_split: bool
) -> dict[str, Any]:
    """Return the change that a step made, and all that were made up to it."""
    places = changed_at(source.layout)
    upto = places[: bisect_right(places, at)]
    change = event.get(CODE_CHANGE)
    diff = diff_of(change)
    return {
        "change": change,
        "path": _path(change),
        "diff": None if diff is None else read_diff(diff, is_split=is_split),
        "about": _about(change),
        "is_split": is_split,
        "diff_modes": MODES,
        "diff_mode": "split" if is_split else "unified",
        "listed": _listed(source, upto[-LISTED:][::-1]),
        "not_listed": max(0, len(upto) - LISTED),
        "later_changes": len(places) - len(upto),
    }


def changed_at(layout: Layout) -> list[int]:
    """Return the steps that are changes of code, in replay order."""
    if CODE_CHANGE not in layout.kinds.words:
        return []
    wanted = layout.kinds.words.index(CODE_CHANGE)
    return [at for at, kind in enumerate(layout.kinds.at) if kind == wanted]


def _listed(source: Source, places: list[int]) -> list[Listed]:
    if not places:
        return []
    layout = source.layout
    read = reader.read_at(source.session, layout, places, content=True, cipher=source.cipher)
    return [
        _line(layout.place(at), event.get(CODE_CHANGE))
        for at, (_, event) in zip(places, read, strict=True)
    ]


def _line(place: Place, change: Json) -> Listed:
    diff = diff_of(change)
    if diff is None:
        return Listed(place, _path(change))
    kinds = Counter(kind for kind, _ in diff_lines(diff))
    return Listed(place, _path(change), kinds[INS], kinds[DEL])


def _path(change: Json) -> str:
    return str(change.get("path") or "") if isinstance(change, dict) else ""


def _about(change: Json) -> dict[str, Json]:
    """Return what a change says besides the lines."""
    if not isinstance(change, dict):
        return {}
    shown = ("path", "diff", "before", "after")
    return {name: value for name, value in change.items() if name not in shown}
