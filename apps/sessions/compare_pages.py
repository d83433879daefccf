"""What the page of a comparison shows, put together from the record."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse

from apps.core.errors import InvalidError
from apps.sessions import reader
from apps.sessions.compare import (
    CHANGED,
    IDENTICAL,
    ONLY_A,
    ONLY_B,
    Comparison,
    Row,
    compare,
    delta,
    session_deltas,
    tokens_of,
)
from apps.sessions.compare_changes import FieldChange, Teller, open_pairs
from apps.sessions.compare_entries import Entry, differing, page_of, read_row
from apps.sessions.layout import Layout, Place
from apps.sessions.layout_cache import layout_of
from apps.sessions.listing import short_id
from apps.sessions.messages import Message, read_messages
from apps.sessions.models import Session
from apps.sessions.queries import facets_of
from apps.sessions.value_diff import Piece, text_change
from apps.tenants.models import Project

Json = Any

DATED = re.compile(r"(.+?)-(\d{4}-\d{2}-\d{2}|\d{8})")
MODES = ("steps", "output")
SIGNS = {IDENTICAL: "=", CHANGED: "~", ONLY_A: "-", ONLY_B: "+"}
WORDS = {IDENTICAL: "identical", CHANGED: "changed", ONLY_A: "only in A", ONLY_B: "only in B"}
# Steps of a folded stretch that are listed in it.
LISTED = 60
# The last calls of a model in which the answer is looked for.
LAST_CALLS = 4


@dataclass(frozen=True, slots=True)
class Delta:
    """A difference with its sign apart, so that its size can be written with its unit."""

    sign: str
    size: Any
    percent: int | None


@dataclass(frozen=True, slots=True)
class Column:
    """One session in the table at the head."""

    letter: str
    session: Session
    short_id: str
    title: str
    facets: Mapping[str, list[str]]
    tokens: int | None
    # By what it is more or less than A; empty for A.
    deltas: Mapping[str, Delta | None]
    counts: Mapping[str, int] | None = None
    first: Line | None = None
    # Where A and this one part, in the steps of both.
    url: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One aligned step, with all that the page says of it."""

    at: int
    row: Row
    a: Place | None
    b: Place | None
    fields: Sequence[FieldChange] = ()
    is_first: bool = False
    next_url: str = ""

    @property
    def number(self) -> int:
        return self.at + 1

    @property
    def sign(self) -> str:
        return SIGNS[self.row.status]

    @property
    def word(self) -> str:
        return WORDS[self.row.status]

    @property
    def place(self) -> Place:
        place = self.a or self.b
        assert place is not None  # noqa: S101  # a row has one side at least
        return place

    @property
    def is_error(self) -> bool:
        return any(place is not None and place.is_error for place in (self.a, self.b))


@dataclass(frozen=True, slots=True)
class Fold:
    """A stretch of equal steps on one line."""

    lines: Sequence[Line]
    count: int
    first: Line
    last: Line

    @property
    def left_out(self) -> int:
        return self.count - len(self.lines)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a session said last."""

    place: Place
    messages: list[Message] | None
    value: Json


def read_mode(name: str | None) -> str:
    if name is None:
        return MODES[0]
    if name not in MODES:
        raise InvalidError(f"mode must be one of {', '.join(MODES)}.", "mode")
    return name


@dataclass(frozen=True, slots=True)
class ComparePage:
    """The page of one comparison, of A with B; C and D stand in the table only."""

    project: Project
    sides: Mapping[str, Session]
    mode: str

    @property
    def a(self) -> Session:
        return self.sides["a"]

    @property
    def b(self) -> Session:
        return self.sides["b"]

    def context(self, at: str) -> dict[str, Json]:
        found = compare(self.a, self.b)
        context = {
            "project": self.project,
            "organization": self.project.organization,
            "columns": self.columns(),
            "a": self.a,
            "b": self.b,
            "mode": self.mode,
            "found": found,
            "counts": found.counts,
            "total": len(found.rows),
            "first": self.line(found, found.first) if found.first is not None else None,
            "swap_url": self.url(a=self.b.pk, b=self.a.pk),
            "steps_url": self.url(mode=None),
            "output_url": self.url(mode="output"),
        }
        if self.mode == "output":
            return context | self.answers()
        return context | self.steps(found, read_row(at, found))

    def url(self, **changes: Any) -> str:
        """Return the address of this page with some of its parameters changed."""
        root = reverse("sessions:compare", args=(self.project.organization.slug, self.project.slug))
        query = {letter: session.pk for letter, session in self.sides.items()}
        query |= {"mode": self.mode if self.mode != MODES[0] else None} | changes
        return f"{root}?{urlencode({name: value for name, value in query.items() if value})}"

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
        shown = dict(facets) | {
            "model": [model for model in facets.get("model", []) if not _is_dated(model, facets)],
            "prompt": with_versions(facets.get("prompt", [])),
        }
        plain = Column(letter, session, short_id(session), title, shown, tokens_of(session), {})
        if letter == "a":
            return plain
        found = compare(self.a, session)
        place = found.first
        return Column(
            letter,
            session,
            plain.short_id,
            title,
            shown,
            plain.tokens,
            deltas_of(self.a, session),
            found.counts,
            None if place is None else self.line(found, place, session),
            self._url_of(letter, session, place),
        )

    def _url_of(self, letter: str, session: Session, first: int | None) -> str:
        """Return where A and this session are seen to part."""
        place = {} if first is None else {"at": first + 1}
        swapped = {letter: self.b.pk, "b": session.pk}
        hash_mark = "" if first is None else f"#r{first + 1}"
        return self.url(**swapped, mode=None, **place) + hash_mark

    def steps(self, found: Comparison, at: int) -> dict[str, Json]:
        page = page_of(found.rows, at)
        shown = [entry.start for entry in page.entries if not entry.is_fold]
        fields = self._fields(found, shown)
        differences = differing(found.rows)
        following = dict(pairwise(differences))
        last = page.entries[-1].end if page.entries else 0

        def entry_of(entry: Entry) -> Fold | Line:
            if entry.is_fold:
                return self._fold(found, entry)
            after = following.get(entry.start)
            return self.line(
                found,
                entry.start,
                fields=fields.get(entry.start, ()),
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

    def _fields(self, found: Comparison, shown: Sequence[int]) -> dict[int, Sequence[FieldChange]]:
        changed = [at for at in shown if found.rows[at].status == CHANGED]
        rows = [found.rows[at] for at in changed]
        teller = Teller()
        pairs = open_pairs(self.a, self.b, rows) if rows else []
        return {
            at: teller.fields(row, ours, theirs)
            for at, row, (ours, theirs) in zip(changed, rows, pairs, strict=True)
        }

    def line(
        self,
        found: Comparison,
        at: int,
        other: Session | None = None,
        *,
        fields: Sequence[FieldChange] = (),
        next_url: str = "",
    ) -> Line:
        row = found.rows[at]
        return Line(
            at,
            row,
            place_at(layout_of(self.a), row.a),
            place_at(layout_of(other or self.b), row.b),
            fields,
            is_first=at == found.first,
            next_url=next_url,
        )

    def _fold(self, found: Comparison, entry: Entry) -> Fold:
        listed = range(entry.start, min(entry.end, entry.start + LISTED))
        return Fold(
            [self.line(found, at) for at in listed],
            entry.end - entry.start,
            self.line(found, entry.start),
            self.line(found, entry.end - 1),
        )

    def answers(self) -> dict[str, Json]:
        answers = {letter: last_answer(session) for letter, session in self.sides.items()}
        left, right = text_of(answers["a"]), text_of(answers["b"])
        pieces: list[Piece] = []
        if left and right and left != right:
            pieces = text_change(left, right, "").pieces
        return {
            "answers": [(letter, self.sides[letter], said) for letter, said in answers.items()],
            "pieces": pieces,
            "is_same_answer": bool(left) and left == right,
        }


def with_versions(prompts: Sequence[str]) -> list[str]:
    """Leave out the plain name of a prompt whose version is known."""
    versioned = {prompt.rpartition("@")[0] for prompt in prompts}
    return [prompt for prompt in prompts if prompt not in versioned]


def _is_dated(model: str, facets: Mapping[str, list[str]]) -> bool:
    """Tell whether this is the dated name that a model answered by, besides the one asked for."""
    dated = DATED.fullmatch(model)
    return dated is not None and dated[1] in facets["model"]


def place_at(layout: Layout, index: int | None) -> Place | None:
    return None if index is None else layout.place(index)


def deltas_of(a: Session, b: Session) -> dict[str, Delta | None]:
    """Return what a session took more or less than A, and the same in percent."""
    before = {"duration_ms": a.duration_ms, "tokens": tokens_of(a), "cost": a.cost}
    changes = session_deltas(a, b) | {"cost": delta(a.cost, b.cost)}
    return {name: _delta(change, before.get(name)) for name, change in changes.items()}


def _delta(change: float | Decimal | None, before: float | Decimal | None) -> Delta | None:
    if change is None:
        return None
    sign = "+" if change > 0 else "−" if change < 0 else "±"
    percent = round(float(change) * 100 / float(before)) if before else None
    return Delta(sign, abs(change), None if percent is None else abs(percent))


def last_answer(session: Session) -> Answer | None:
    """Return what a session said last: the last answer of a model, else of an agent."""
    layout = layout_of(session)
    count = len(layout)
    places = layout.last_of_kind("llm", count, LAST_CALLS)[::-1]
    places += layout.last_of_kind("agent", count, 1) + ([count - 1] if count else [])
    for step, event in reader.read_at(session, layout, list(dict.fromkeys(places)), content=True):
        output = event.get("output")
        if output is not None:
            messages = read_messages(output, "assistant")
            return Answer(layout.place(step.seq - 1), messages, output)
    return None


def text_of(answer: Answer | None) -> str:
    """Return the words of an answer."""
    if answer is None or answer.messages is None:
        return ""
    parts = (part for message in answer.messages for part in message.parts)
    return "\n".join(part.text for part in parts if part.kind == "text")
