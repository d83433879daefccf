"""What the page of a comparison shows, put together from the record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse

from apps.core.errors import InvalidError
from apps.sessions import reader
from apps.sessions.compare import CHANGED, Comparison, Row, compare
from apps.sessions.compare_answers import answers_context
from apps.sessions.compare_changes import Amount, FieldChange, Teller, amounts_of, open_pairs
from apps.sessions.compare_code import code_context
from apps.sessions.compare_entries import Entry, differing, page_of, read_row
from apps.sessions.compare_lines import Elsewhere, Fold, Line, place_at
from apps.sessions.compare_state import state_context
from apps.sessions.compare_table import Column, facets_shown, plain_column
from apps.sessions.layout_cache import layout_of
from apps.sessions.models import Session
from apps.sessions.queries import facets_of
from apps.tenants.models import Project

Json = Any

# By name in the address, and as it is called on the page.
MODES = {
    "steps": "Steps",
    "output": "Last answers",
    "code": "Code",
    "state": "State",
}
# Steps of a folded stretch that are listed in it.
LISTED = 60


def read_mode(name: str | None) -> str:
    if name is None:
        return next(iter(MODES))
    if name not in MODES:
        raise InvalidError(f"mode must be one of {', '.join(MODES)}.", "mode")
    return name


@dataclass(frozen=True, slots=True)
class Told:
    """What a line says of a step that both have: its fields that differ, and what it took."""

    fields: Sequence[FieldChange] = ()
    amounts: Sequence[Amount] = ()


NOTHING = Told()


@dataclass(frozen=True, slots=True)
class ComparePage:
    """The page of one comparison, of A with B; C and D stand in the table only."""

    project: Project
    sides: Mapping[str, Session]
    mode: str
    # The ids of the steps that the address names, by letter, and where they stand.
    steps: Mapping[str, str]
    places: Mapping[str, int]
    begins: tuple[int, int] = (0, 0)

    @property
    def a(self) -> Session:
        return self.sides["a"]

    @property
    def b(self) -> Session:
        return self.sides["b"]

    def context(self, at: str) -> dict[str, Json]:
        found = compare(self.a, self.b, self.begins)
        row = read_row(at, found) if at else self.usual_row(found)
        context = {
            "project": self.project,
            "organization": self.project.organization,
            "columns": self.columns(),
            "a": self.a,
            "b": self.b,
            "mode": self.mode,
            "found": found,
            "counts": found.counts,
            "moved": len(found.moved) // 2,
            "total": len(found.rows),
            "first": self.line(found, found.first) if found.first is not None else None,
            "swap_url": self.swapped(),
            "begun": tuple(at + 1 for at in self.begins) if any(self.begins) else None,
            "whole_url": self.url(a=self.a.pk, b=self.b.pk) if self.steps else "",
            "modes": [(name, title, self.url(mode=name)) for name, title in MODES.items()],
            "at": self.line(found, row) if found.rows else None,
            # The line that the address leads to by a step of one side.
            "named": row + 1 if not at and len(self.steps) == 1 else None,
            "address": self.query(),
            "back": urlencode(self.query(), safe="@"),
        }
        return context | self._of_mode(found, row)

    def _of_mode(self, found: Comparison, row: int) -> dict[str, Json]:
        if self.mode == "output":
            return answers_context(self.sides)
        if self.mode == "code":
            return code_context(self.a, self.b, self.begins)
        if self.mode == "state":
            return state_context(self.a, self.b, found, row)
        return self.entries(found, row)

    def usual_row(self, found: Comparison) -> int:
        """Return the line of the step that the address names, else where one begins to look."""
        for at, row in enumerate(found.rows):
            if row.a is not None and row.a == self.places.get("a"):
                return at
            if row.b is not None and row.b == self.places.get("b"):
                return at
        # The state is looked at from its end.
        return max(len(found.rows) - 1, 0) if self.mode == "state" else 0

    def url(self, **changes: Any) -> str:
        """Return the address of this page with some of its parameters changed."""
        root = reverse("sessions:compare", args=(self.project.organization.slug, self.project.slug))
        return f"{root}?{urlencode(self.query(**changes), safe='@')}"

    def query(self, **changes: Any) -> dict[str, str]:
        usual = next(iter(MODES))
        query: dict[str, Any] = {letter: self.address(letter) for letter in self.sides}
        query |= {"mode": self.mode} | changes
        if query["mode"] == usual:
            query["mode"] = None
        return {name: str(value) for name, value in query.items() if value}

    def address(self, letter: str) -> str:
        """Return how a session stands in the address, with its step."""
        step = self.steps.get(letter)
        return f"{self.sides[letter].pk}@{step}" if step else str(self.sides[letter].pk)

    def swapped(self) -> str:
        return self.url(a=self.address("b"), b=self.address("a"))

    def columns(self) -> list[Column]:
        sessions = list(self.sides.values())
        titles, facets = reader.titles(sessions), facets_of(self.project, sessions)
        return [
            self._column(letter, session, titles.get(session.pk, ""), facets.get(session.pk, {}))
            for letter, session in self.sides.items()
        ]

    def _column(
        self, letter: str, session: Session, title: str, facets: Mapping[str, list[str]]
    ) -> Column:
        plain = plain_column(letter, session, title, facets_shown(facets))
        if letter == "a":
            return plain
        found = compare(self.a, session, self.begins if letter == "b" else (0, 0))
        first = None if found.first is None else self.line(found, found.first, session)
        return plain.against(self.a, found.counts, first, self._url_of(letter, found.first))

    def _url_of(self, letter: str, first: int | None) -> str:
        """Return where A and this session are seen to part."""
        place = {} if first is None else {"at": first + 1}
        swapped: dict[str, Any] = {}
        if letter != "b":
            swapped = {letter: self.b.pk, "b": self.sides[letter].pk, "a": self.a.pk}
        hash_mark = "" if first is None else f"#r{first + 1}"
        return self.url(**swapped, mode=None, **place) + hash_mark

    def entries(self, found: Comparison, at: int) -> dict[str, Json]:
        """Return the page of lines that holds a row."""
        page = page_of(found.rows, at)
        shown = [entry.start for entry in page.entries if not entry.is_fold]
        told = self._told(found, shown)
        following = dict(pairwise(differing(found.rows)))
        last = page.entries[-1].end if page.entries else 0

        def entry_of(entry: Entry) -> Fold | Line:
            if entry.is_fold:
                return self._fold(found, entry)
            after = following.get(entry.start)
            return self.line(
                found,
                entry.start,
                told=told.get(entry.start, NOTHING),
                next_url="" if after is None else self.row_url(after, is_here=after < last),
            )

        return {
            "entries": [entry_of(entry) for entry in page.entries],
            "previous_url": self._page_url(page.previous),
            "next_url": self._page_url(page.next),
            "from_row": page.entries[0].start + 1 if page.entries else 0,
            "to_row": last,
        }

    def row_url(self, at: int, *, is_here: bool) -> str:
        return f"#r{at + 1}" if is_here else f"{self.url(at=at + 1)}#r{at + 1}"

    def _page_url(self, at: int | None) -> str:
        return "" if at is None else self.url(at=at + 1)

    def _told(self, found: Comparison, shown: Sequence[int]) -> dict[int, Told]:
        changed = [at for at in shown if found.rows[at].status == CHANGED]
        rows = [found.rows[at] for at in changed]
        teller = Teller()
        pairs = open_pairs(self.a, self.b, rows) if rows else []
        return {
            at: Told(teller.fields(row, ours, theirs), amounts_of(ours[0], theirs[0]))
            for at, row, (ours, theirs) in zip(changed, rows, pairs, strict=True)
        }

    def line(
        self,
        found: Comparison,
        at: int,
        other: Session | None = None,
        *,
        told: Told = NOTHING,
        next_url: str = "",
    ) -> Line:
        row = found.rows[at]
        return Line(
            at,
            row,
            place_at(layout_of(self.a), row.a),
            place_at(layout_of(other or self.b), row.b),
            told.fields,
            told.amounts,
            is_first=at == found.first,
            next_url=next_url,
            elsewhere=None if other else self._elsewhere(found, at),
            back=urlencode(self.query(at=at + 1), safe="@"),
        )

    def _elsewhere(self, found: Comparison, at: int) -> Elsewhere | None:
        """Return where the other session has this step, if it stands alone here."""
        partner = found.moved.get(at)
        if partner is None:
            return None
        letter, session, row = "b", self.b, found.rows[partner]
        if row.b is None:
            letter, session = "a", self.a
        place, lane = _placed(session, row)
        here = _placed(self.a if letter == "b" else self.b, found.rows[at])[1]
        url = f"{self.url(mode=None, at=partner + 1)}#r{partner + 1}"
        return Elsewhere(letter.upper(), place, lane, is_other_lane=lane != here, url=url)

    def _fold(self, found: Comparison, entry: Entry) -> Fold:
        listed = range(entry.start, min(entry.end, entry.start + LISTED))
        return Fold(
            [self.line(found, at) for at in listed],
            entry.end - entry.start,
            self.line(found, entry.start),
            self.line(found, entry.end - 1),
        )


def _placed(session: Session, row: Row) -> tuple[Any, str]:
    """Return the step of a row that has one side, and its lane."""
    layout = layout_of(session)
    at = row.a if row.a is not None else row.b
    assert at is not None  # noqa: S101  # a row has one side at least
    return layout.place(at), layout.lanes[at] or ""
