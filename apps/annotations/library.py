"""The library of examples: sessions that were marked to be learned from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q
from django.utils.safestring import SafeString

from apps.annotations import sealing
from apps.annotations.models import Example
from apps.core.errors import InvalidError
from apps.core.markdown import render_markdown
from apps.core.paging import Page, decode_cursor, encode_cursor
from apps.sessions import reader
from apps.sessions.filters import read_text
from apps.sessions.keys import SessionCipher
from apps.sessions.models import Facet, Session
from apps.sessions.queries import facets_of
from apps.tenants.models import Project

Json = Any
# Examples that are opened at once while a word is searched for.
AT_ONCE = 100


@dataclass(frozen=True)
class Shown:
    """One example, opened."""

    row: Example
    title: str
    notes: str
    tags: Sequence[str] = ()

    @property
    def html(self) -> SafeString:
        return render_markdown(self.notes)

    def holds(self, words: Sequence[str]) -> bool:
        """Tell whether title, notes or tags hold every word."""
        text = " ".join((self.title, self.notes, *self.tags)).casefold()
        return all(word in text for word in words)


@dataclass(frozen=True)
class ExampleFilters:
    """What is asked for of the library; empty asks for all."""

    q: str = ""
    tag: str = ""

    @property
    def words(self) -> list[str]:
        return self.q.casefold().split()


def read_filters(q: str | None, tag: str | None) -> ExampleFilters:
    return ExampleFilters(read_text("q", q or ""), read_text("tag", tag or ""))


def example_page(
    project: Project, filters: ExampleFilters, *, cursor: str | None, limit: int
) -> Page[Shown]:
    """Return examples, the newest first.

    Titles and notes are content, so they are opened to be searched: a project holds few.
    """
    rows = project.examples.select_related("session").order_by("-marked_at", "-pk")
    if filters.tag:
        tagged = project.session_facets.filter(facet=Facet.TAG, value=filters.tag)
        rows = rows.filter(session_id__in=tagged.values("session_id"))
    if cursor is not None:
        rows = rows.filter(_after(cursor))
    found: list[Shown] = []
    start = 0
    while len(found) <= limit and (batch := list(rows[start : start + AT_ONCE])):
        found += [shown for shown in opened(project, batch) if shown.holds(filters.words)]
        start += AT_ONCE
    more = _cursor(found[limit - 1]) if len(found) > limit else None
    return Page(found[:limit], next=more)


def _cursor(shown: Shown) -> str:
    return encode_cursor(shown.row.marked_at.isoformat(), str(shown.row.pk))


def _after(cursor: str) -> Q:
    marked_at, pk = decode_cursor(cursor, 2)
    try:
        at = datetime.fromisoformat(marked_at)
        return Q(marked_at__lt=at) | Q(marked_at=at, pk__lt=Example._meta.pk.to_python(pk))
    except (TypeError, ValueError):
        raise InvalidError("This cursor is not one that Playhead gave out.", "cursor") from None


def opened(project: Project, rows: Sequence[Example]) -> list[Shown]:
    sessions = [row.session for row in rows]
    ciphers = reader.ciphers(sessions)
    facets = facets_of(project, sessions)
    return [
        _shown(row, ciphers[row.session.pk], facets.get(row.session.pk, {}).get(Facet.TAG, []))
        for row in rows
        if row.session.pk in ciphers
    ]


def _shown(row: Example, cipher: SessionCipher, tags: Sequence[str]) -> Shown:
    title = sealing.open_text(cipher, row.sealed_title, sealing.TITLE)
    notes = sealing.open_text(cipher, row.sealed_notes, sealing.NOTES)
    return Shown(row, title, notes, tags)


def example_of(session: Session) -> Shown | None:
    """Return what the library says of a session, if it is there."""
    rows = list(session.project.examples.filter(session=session).select_related("session"))
    return opened(session.project, rows)[0] if rows else None
