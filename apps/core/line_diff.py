"""A unified diff, line by line, with the words that changed marked."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from apps.core.value_diff import DELETED, INSERTED, SAME, Piece, line_pieces

HUNK, INS, DEL, KEPT = "hunk", "ins", "del", "same"
# Longer lines, and more changed ones than this, are told apart as wholes.
LONGEST_LINE = 500
MARKED_AT_MOST = 300
LINES_AT_MOST = 1500
# Lines that share this much of their words are one line, changed. Larger blocks go by their order.
ALIKE = 0.4
PAIRED_AT_MOST = 400
NAMES = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Side:
    """One line of one side: its number, None where a diff does not say it, and its words."""

    number: int | None
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a diff; a line that was changed has both sides, a hunk's head has its words."""

    kind: str
    old: Side | None = None
    new: Side | None = None
    head: str = ""


@dataclass(frozen=True, slots=True)
class Diff:
    """The rows of a diff, in the order of the lines or paired for two columns."""

    rows: Sequence[Row]
    added: int
    removed: int
    # Rows that are not shown.
    left_out: int = 0


def read_diff(text: str, *, is_split: bool) -> Diff:
    """Return a unified diff as rows: one line each, or old and new beside each other."""
    paired = list(_paired(text))
    added = sum(1 for row in paired if row.kind != HUNK and row.new and row.kind != KEPT)
    removed = sum(1 for row in paired if row.kind != HUNK and row.old and row.kind != KEPT)
    rows = paired if is_split else list(_unpaired(paired))
    return Diff(rows[:LINES_AT_MOST], added, removed, max(0, len(rows) - LINES_AT_MOST))


def diff_lines(diff: str) -> Iterator[tuple[str, str]]:
    """Yield each line of a unified diff with what it is."""
    for line in diff.splitlines():
        if line.startswith("@@"):
            yield HUNK, line
        elif line.startswith("+") and not line.startswith("+++"):
            yield INS, line
        elif line.startswith("-") and not line.startswith("---"):
            yield DEL, line
        else:
            yield KEPT, line


def _paired(text: str) -> Iterator[Row]:
    """Yield rows in which what replaces a line stands beside it."""
    old = new = None
    gone: list[str] = []
    come: list[str] = []
    left = MARKED_AT_MOST
    for kind, line in [*diff_lines(text), (HUNK, "")]:
        if kind == DEL and not come:
            gone.append(line[1:])
            continue
        if kind == INS:
            come.append(line[1:])
            continue
        yield from _replaced(gone, come, old, new, left)
        left -= len(gone) + len(come)
        old, new = _moved(old, len(gone)), _moved(new, len(come))
        gone, come = ([line[1:]] if kind == DEL else []), []
        if kind == HUNK and line:
            old, new = _numbers(line)
            yield Row(HUNK, head=line)
        elif kind == KEPT:
            yield _kept(line, old, new)
            old, new = _moved(old, 1), _moved(new, 1)


def _kept(line: str, old: int | None, new: int | None) -> Row:
    if line.startswith(("+++", "---", "\\")):
        return Row(HUNK, head=line)
    piece = (Piece(SAME, line[1:] if line.startswith(" ") else line),)
    return Row(KEPT, Side(old, piece), Side(new, piece))


def _replaced(
    gone: Sequence[str], come: Sequence[str], old: int | None, new: int | None, left: int
) -> Iterator[Row]:
    for i, j in _partners(gone, come):
        a, b = (None if i is None else gone[i]), (None if j is None else come[j])
        first, second = _marked(a, b, left)
        left -= 1
        yield Row(
            "change",
            None if i is None else Side(_moved(old, i), first),
            None if j is None else Side(_moved(new, j), second),
        )


def _partners(gone: Sequence[str], come: Sequence[str]) -> Iterator[tuple[int | None, int | None]]:
    """Yield which removed line became which added one, in order; lines that are alone alone."""
    i = j = 0
    for a, b in _alike(gone, come):
        yield from ((at, None) for at in range(i, a))
        yield from ((None, at) for at in range(j, b))
        yield a, b
        i, j = a + 1, b + 1
    yield from ((at, None) for at in range(i, len(gone)))
    yield from ((None, at) for at in range(j, len(come)))


def _alike(gone: Sequence[str], come: Sequence[str]) -> list[tuple[int, int]]:
    """Return the pairs of alike lines that together are most alike, none crossing another."""
    if not gone or not come or len(gone) * len(come) > PAIRED_AT_MOST:
        return list(zip(range(len(gone)), range(len(come)), strict=False))
    best: list[list[tuple[float, tuple[tuple[int, int], ...]]]] = [
        [(0.0, ())] * (len(come) + 1) for _ in range(len(gone) + 1)
    ]
    ours, theirs = ([Counter(NAMES.findall(line)) for line in lines] for lines in (gone, come))
    for i, a in enumerate(ours, 1):
        for j, b in enumerate(theirs, 1):
            options = [best[i - 1][j], best[i][j - 1]]
            likeness = _likeness(a, b)
            if likeness >= ALIKE:
                score, pairs = best[i - 1][j - 1]
                options.append((score + likeness, (*pairs, (i - 1, j - 1))))
            best[i][j] = max(options, key=lambda option: option[0])
    return list(best[-1][-1][1])


def _likeness(a: Counter[str], b: Counter[str]) -> float:
    """Return how much of two lines' words are the same, from 0 to 1."""
    total = a.total() + b.total()
    return 2 * (a & b).total() / total if total else 0.0


def _marked(a: str | None, b: str | None, left: int) -> tuple[tuple[Piece, ...], tuple[Piece, ...]]:
    """Return both lines in pieces; only what differs of a pair is marked."""
    if a is None or b is None or left < 0 or max(len(a), len(b)) > LONGEST_LINE:
        return (Piece(SAME, a or ""),), (Piece(SAME, b or ""),)
    pieces = line_pieces(a, b)
    if not any(piece.kind == SAME and piece.text.strip() for piece in pieces):
        return (Piece(SAME, a),), (Piece(SAME, b),)
    return (
        tuple(piece for piece in pieces if piece.kind != INSERTED),
        tuple(piece for piece in pieces if piece.kind != DELETED),
    )


def _moved(number: int | None, by: int) -> int | None:
    return None if number is None else number + by


def _numbers(head: str) -> tuple[int | None, int | None]:
    """Return where a hunk begins on both sides."""
    found = [part[1:].split(",")[0] for part in head.split() if part[:1] in ("-", "+")]
    if len(found) < 2 or not all(part.isascii() and part.isdigit() for part in found[:2]):
        return None, None
    return int(found[0][:9]), int(found[1][:9])


def _unpaired(rows: Sequence[Row]) -> Iterator[Row]:
    """Yield rows of one line each: of changed lines first the old ones, then the new."""
    new: list[Row] = []
    for row in rows:
        if row.kind != "change":
            yield from new
            new = []
            yield row
            continue
        if row.old:
            yield Row(DEL, old=row.old)
        if row.new:
            new.append(Row(INS, new=row.new))
    yield from new
