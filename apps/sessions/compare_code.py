"""What two sessions changed in code, file by file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from apps.core.line_diff import Diff, read_diff
from apps.core.value_diff import Change, text_change
from apps.sessions import reader
from apps.sessions.code_changes import CODE_CHANGE, changed_at
from apps.sessions.code_diff import diff_of
from apps.sessions.layout import Place
from apps.sessions.layout_cache import layout_of
from apps.sessions.models import Session

Json = Any

# Changes of each session that are set side by side, and files.
CHANGES_AT_MOST = 60
SAME, DIFFERS = "same", "differs"


@dataclass(frozen=True, slots=True)
class Made:
    """One change of a file: the step that made it, and its lines where it is a diff."""

    place: Place
    diff: Diff | None
    text: str
    # The whole file behind it, where the step says it.
    after: str | None
    value: Json


@dataclass(slots=True)
class File:
    """What both sessions did to a file."""

    path: str
    a: list[Made] = field(default_factory=list)
    b: list[Made] = field(default_factory=list)

    @property
    def status(self) -> str:
        if not self.a or not self.b:
            return "only_a" if self.a else "only_b"
        return SAME if _result(self.a) == _result(self.b) else DIFFERS

    @property
    def word(self) -> str:
        words = {"only_a": "only in A", "only_b": "only in B", SAME: "the same in both"}
        return words.get(self.status, "differs")

    @property
    def is_of_files(self) -> bool:
        """Tell whether the files themselves are compared, and not the changes to them."""
        return self.a[-1].after is not None and self.b[-1].after is not None

    @property
    def change(self) -> Change | None:
        """Return how A's result differs from B's, word by word."""
        if self.status != DIFFERS:
            return None
        if self.is_of_files:
            return text_change(self.a[-1].after or "", self.b[-1].after or "", "")
        return text_change(_result(self.a), _result(self.b), "")


def _result(made: Sequence[Made]) -> str:
    last = made[-1].after
    return "\n".join(one.text for one in made) if last is None else last


def code_context(a: Session, b: Session, begins: tuple[int, int]) -> dict[str, Json]:
    """Return the files that either session changed, in the order in which they were first."""
    files: dict[str, File] = {}
    left_out = {}
    for letter, session, begin in (("a", a, begins[0]), ("b", b, begins[1])):
        layout = layout_of(session)
        places = [at for at in changed_at(layout) if at >= begin]
        left_out[letter] = max(len(places) - CHANGES_AT_MOST, 0)
        read = reader.read_at(session, layout, places[:CHANGES_AT_MOST], content=True)
        for at, (_, event) in zip(places, read, strict=False):
            change = event.get(CODE_CHANGE)
            path = _path(change)
            made = _made(layout.place(at), change)
            getattr(files.setdefault(path, File(path)), letter).append(made)
    return {"files": list(files.values()), "left_out": left_out}


def _path(change: Json) -> str:
    path = change.get("path") if isinstance(change, Mapping) else None
    return path if isinstance(path, str) else ""


def _made(place: Place, change: Json) -> Made:
    text = diff_of(change)
    after = change.get("after") if isinstance(change, Mapping) else None
    return Made(
        place,
        None if text is None else read_diff(text, is_split=False),
        text if text is not None else orjson.dumps(change, option=orjson.OPT_INDENT_2).decode(),
        after if isinstance(after, str) else None,
        change,
    )
