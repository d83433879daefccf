"""What differs between two versions: their words line by line, everything else by its path."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from apps.core.line_diff import Diff, read_diff
from apps.core.value_diff import Change, Difference, Piece, difference, matched, text_change
from apps.prompts.content import lines_of
from apps.prompts.models import PromptVersion

Json = Any

# Equal lines that stay around a change.
CONTEXT = 3
# Lines of two versions that are matched one by one; of longer ones the two ends are.
LINES_MATCHED = 5_000
SPACES = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Section:
    """One part of a version that is no words, and where it differs."""

    name: str
    title: str
    difference: Difference


@dataclass(frozen=True, slots=True)
class VersionDiff:
    """How one version became another. ``unified`` has no head that names files."""

    unified: str
    sections: Sequence[Section]

    @property
    def is_empty(self) -> bool:
        return not self.unified and not self.changed

    @property
    def changed(self) -> list[Section]:
        return [section for section in self.sections if section.difference.changes]

    def rows(self, *, is_split: bool) -> Diff:
        return read_diff(self.unified, is_split=is_split)


def diff_versions(
    a: PromptVersion, b: PromptVersion, *, ignores_space: bool = False, is_whole: bool = False
) -> VersionDiff:
    """Compare two versions of one prompt, or of two prompts."""
    ours, theirs = (lines_of(one.prompt.kind, one.body) for one in (a, b))
    unified = unified_lines(ours, theirs, ignores_space=ignores_space, is_whole=is_whole)
    sections = [
        Section("parameters", "Parameters", difference(a.parameters, b.parameters)),
        Section("variables", "Variables", difference(by_name(a.variables), by_name(b.variables))),
        Section("tools", "Tools", difference(by_name(a.tools), by_name(b.tools))),
        Section("output_schema", "Output schema", _schemas(a.output_schema, b.output_schema)),
    ]
    return VersionDiff("\n".join(unified), sections)


def words_of(a: PromptVersion, b: PromptVersion) -> tuple[list[Piece], bool]:
    """Return the words of both in one text, and whether it was too long to be told word by word."""
    ours, theirs = ("\n".join(lines_of(one.prompt.kind, one.body)) for one in (a, b))
    change: Change = text_change(ours, theirs, "")
    return change.pieces, change.is_too_long


def unified_lines(
    a: Sequence[str], b: Sequence[str], *, ignores_space: bool = False, is_whole: bool = False
) -> list[str]:
    """Return a unified diff, lines that only differ in ignored space as in ``b``; empty: equal."""
    keys = [[_squeezed(line) if ignores_space else line for line in side] for side in (a, b)]
    blocks = list(matched(keys[0], keys[1], LINES_MATCHED))
    if all(tag == "equal" for tag, *_ in blocks):
        return []
    context = max(len(a), len(b)) if is_whole else CONTEXT
    return [line for hunk in _hunks(blocks, context) for line in _hunk(hunk, a, b)]


Block = tuple[str, int, int, int, int]


def _hunks(blocks: Sequence[Block], context: int) -> Iterator[list[Block]]:
    """Yield stretches of blocks whose equal parts are cut to what stays around changes."""
    hunk: list[Block] = []
    last = len(blocks) - 1
    for at, (tag, i1, i2, j1, j2) in enumerate(blocks):
        if tag != "equal":
            hunk.append((tag, i1, i2, j1, j2))
            continue
        head = context if at else 0
        tail = context if at < last else 0
        if i2 - i1 <= head + tail:
            hunk.append((tag, i1, i2, j1, j2))
            continue
        if head:
            hunk.append((tag, i1, i1 + head, j1, j1 + head))
            yield hunk
        hunk = [(tag, i2 - tail, i2, j2 - tail, j2)] if tail else []
    if any(tag != "equal" for tag, *_ in hunk):
        yield hunk


def _hunk(hunk: Sequence[Block], a: Sequence[str], b: Sequence[str]) -> Iterator[str]:
    (_, i1, _, j1, _), (_, _, i2, _, j2) = hunk[0], hunk[-1]
    yield f"@@ -{i1 + 1},{i2 - i1} +{j1 + 1},{j2 - j1} @@"
    for tag, from_a, to_a, from_b, to_b in hunk:
        if tag == "equal":
            yield from (f" {line}" for line in b[from_b:to_b])
            continue
        yield from (f"-{line}" for line in a[from_a:to_a])
        yield from (f"+{line}" for line in b[from_b:to_b])


def by_name(rows: Sequence[Json]) -> dict[str, Json]:
    """Return declarations by their names, so that a moved one is no change."""
    return {_name_of(row, at): row for at, row in enumerate(rows)}


def _name_of(row: Json, at: int) -> str:
    function = row.get("function")
    name = row.get("name") or (isinstance(function, dict) and function.get("name"))
    return name if isinstance(name, str) else str(at)


def _schemas(a: Json, b: Json) -> Difference:
    return difference({} if a is None else a, {} if b is None else b)


def _squeezed(line: str) -> str:
    return SPACES.sub(" ", line).strip()
