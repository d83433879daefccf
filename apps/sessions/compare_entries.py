"""The lines of a comparison's page: what differs, and equal stretches folded to one line."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from apps.core.errors import InvalidError
from apps.sessions.compare import IDENTICAL, Comparison, Row

# Lines on one page.
ENTRIES = 40
# Equal steps in a row that stay as they are; of more, only the first and the last do.
UNFOLDED = 6


@dataclass(frozen=True, slots=True)
class Entry:
    """One line: a row, or the stretch of equal rows from ``start`` up to ``end``."""

    start: int
    end: int

    @property
    def is_fold(self) -> bool:
        return self.end - self.start > 1


@dataclass(frozen=True, slots=True)
class EntryPage:
    """The lines around a row, and the rows at which the pages beside it begin."""

    entries: Sequence[Entry]
    previous: int | None
    next: int | None


def entries_of(rows: Sequence[Row]) -> list[Entry]:
    found: list[Entry] = []
    at = 0
    while at < len(rows):
        end = at
        while end < len(rows) and rows[end].status == IDENTICAL:
            end += 1
        if end - at > UNFOLDED:
            found += [Entry(at, at + 1), Entry(at + 1, end - 1), Entry(end - 1, end)]
        else:
            found += [Entry(one, one + 1) for one in range(at, end)]
        if end < len(rows):
            found.append(Entry(end, end + 1))
        at = end + 1
    return found


def page_of(rows: Sequence[Row], at: int) -> EntryPage:
    """Return the page that holds a row."""
    entries = entries_of(rows)
    place = bisect_right([entry.start for entry in entries], at) - 1
    start = max(place - place % ENTRIES, 0)
    end = start + ENTRIES
    return EntryPage(
        entries[start:end],
        previous=entries[start - ENTRIES].start if start else None,
        next=entries[end].start if end < len(entries) else None,
    )


def read_row(text: str, found: Comparison) -> int:
    """Return the row that the address asks for, from 0; the first one by default."""
    if not text:
        return 0
    is_number = len(text) <= 9 and text.isascii() and text.isdigit()
    if not is_number or not 1 <= int(text) <= max(len(found.rows), 1):
        raise InvalidError(f"at must be a line from 1 to {len(found.rows)}.", "at")
    return int(text) - 1


def differing(rows: Sequence[Row]) -> list[int]:
    """Return the rows that are not identical."""
    return [at for at, row in enumerate(rows) if row.status != IDENTICAL]
