"""A state as nested <details>, with what was added, removed and changed said at its place."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from apps.sessions.json_tree import DEEPEST, OPEN_LEVELS, escaped, leaf, size_note
from apps.sessions.state_trail import Trail, aligned, same

Json = Any
# Says which step set a value last, as a link; nothing where that is not known.
Link = Callable[[int | None], SafeString]

NODES = 300
LISTED = 40
WORDS = {"add": "+ added", "remove": "- removed", "change": "~ changed"}


NOTHING = SafeString("")


class Absent:
    """Stands for a value that is not there, which None does not."""


ABSENT = Absent()


@dataclass
class Drawn:
    """A drawn state, and what differs in it."""

    tree: SafeString = NOTHING
    changes: list[tuple[str, str]] = field(default_factory=list)
    count: int = 0

    def note(self, op: str, path: str) -> None:
        self.count += 1
        if len(self.changes) < LISTED:
            self.changes.append((WORDS[op], path))


@dataclass
class Drawing:
    """Draws one lane's state; so many values, and changed ones before others."""

    link: Link
    drawn: Drawn = field(default_factory=Drawn)
    left: int = NODES

    def draw(self, before: Json, after: Json, trail: Trail) -> Drawn:
        body = self._value(before, after, trail, "", 0)
        self.drawn.tree = format_html('<div class="json state">{}</div>', body)
        return self.drawn

    def _value(self, before: Json, after: Json, trail: Trail, path: str, depth: int) -> SafeString:
        """Draw what is inside of a value, or the value itself where nothing is."""
        entries = _entries(before, after) if depth < DEEPEST else None
        if entries is None:
            return self._alone(before, after, path)
        rows, hidden = [], 0
        for key, was, now in entries:
            if self.left <= 0 and _same(was, now):
                hidden += 1
                continue
            self.left -= 1
            rows.append(self._entry(key, was, now, trail.of(key), f"{path}/{escaped(key)}", depth))
        if hidden:
            rows.append(format_html('<li class="muted">{} more, unchanged</li>', hidden))
        return format_html("<ul>{}</ul>", mark_safe("".join(rows)))  # noqa: S308  # each is escaped

    def _alone(self, before: Json, after: Json, path: str) -> SafeString:
        if _same(before, after):
            return leaf(after)
        op = "add" if before is ABSENT else "remove" if after is ABSENT else "change"
        self.drawn.note(op, path)
        return format_html("{} {}", _word(op), _both(before, after))

    def _entry(  # a place has all of these
        self, key: str, was: Json, now: Json, trail: Trail, path: str, depth: int
    ) -> SafeString:
        op = _op(was, now)
        if op:
            self.drawn.note(op, path)
        value = was if now is ABSENT else now
        is_branch = isinstance(value, dict | list) and bool(value or (not op and was))
        if op == "change" or not is_branch:
            shown = _both(was, now) if op == "change" else leaf(value)
            return format_html(
                '<li{}>{}<bdi class="key">{}</bdi> {} {}</li>',
                _class(op),
                _word(op),
                key,
                shown,
                self.link(None if now is ABSENT else trail.last),
            )
        differs = not _same(was, now)
        # Inside of what is new all is new; saying so once is enough.
        inner = (value, value) if op else (was, now)
        return format_html(
            "<li{}>{}<details{}><summary>{}<bdi>{}</bdi> {}</summary>{}</details></li>",
            _class(op),
            # Before the summary: a link within one could not be reached by everybody.
            self.link(None if now is ABSENT else trail.last),
            mark_safe(" open") if differs or depth < OPEN_LEVELS - 1 else "",
            _word(op),
            key,
            size_note(value),
            self._value(inner[0], inner[1], trail, path, depth + 1),
        )


def _op(was: Json, now: Json) -> str:
    """Return what became of a value as a whole; nothing where only what is inside changed."""
    if was is ABSENT or now is ABSENT:
        return "add" if was is ABSENT else "remove"
    is_inside = isinstance(was, dict | list) and type(was) is type(now)
    return "" if is_inside or _same(was, now) else "change"


def _same(was: Json, now: Json) -> bool:
    if was is ABSENT or now is ABSENT:
        return was is now
    return same(was, now)


def _entries(before: Json, after: Json) -> list[tuple[str, Json, Json]] | None:
    """Return the keys of two values with both sides; None where they have none in common."""
    pair = [one for one in (before, after) if one is not ABSENT]
    if not any(pair):
        return None
    if all(isinstance(one, dict) for one in pair):
        was, now = ({} if one is ABSENT else one for one in (before, after))
        return [(key, was.get(key, ABSENT), now.get(key, ABSENT)) for key in {**now, **was}]
    if all(isinstance(one, list) for one in pair):
        return list(_elements(*([] if one is ABSENT else one for one in (before, after))))
    return None


def _elements(was: Sequence[Json], now: Sequence[Json]) -> Iterator[tuple[str, Json, Json]]:
    """Yield the elements of two lists, those that stayed beside themselves."""
    for i, j in aligned(was, now):
        place = i if j is None else j
        yield str(place), ABSENT if i is None else was[i], ABSENT if j is None else now[j]


def _both(was: Json, now: Json) -> SafeString:
    """Draw a value as it was and as it is."""
    old = "" if was is ABSENT else format_html("<del>{}</del>", leaf(was))
    new = "" if now is ABSENT else format_html("<ins>{}</ins>", leaf(now))
    arrow = " → " if old and new else ""
    return format_html("{}{}{}", old, arrow, new)


def _word(op: str) -> SafeString:
    return format_html('<span class="op">{}</span> ', WORDS[op]) if op else SafeString("")


def _class(op: str) -> SafeString:
    return format_html(' class="st-{}"', op) if op else SafeString("")
