"""Finding a session by what people call it: its id, their own id, or words of its title.

All of it is bounded, for it is asked while somebody types. What lies further back than the
newest sessions is found by whole words of the title, through the index of the search.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from uuid import UUID

from django.db.models import Q, QuerySet
from django.db.models.expressions import RawSQL

from apps.core.errors import InvalidError
from apps.sessions import reader
from apps.sessions.filters import SessionFilters
from apps.sessions.keys import project_keys
from apps.sessions.models import Session
from apps.sessions.queries import matching
from apps.sessions.search import WITH_TERMS
from apps.sessions.search_query import read_query
from apps.sessions.terms import terms_for
from apps.tenants.models import Project

# The newest sessions, of which beginnings of ids and parts of titles are looked at.
NEWEST_IDS = 1000
NEWEST_TITLES = 100
# Sessions that hold all the words, whose titles are opened.
CANDIDATES = 50
SHORT = re.compile(r"(?:s-)?([0-9a-f]{6})", re.IGNORECASE)
COLUMNS = ("project_id", "external_id", "title", "started_at", "agent", "error_count")


def sessions_called(
    project: Project, text: str, *, titles: bool, limit: int
) -> list[tuple[Session, str]]:
    """Return sessions by a name, the surest first, with their titles where those may be read."""
    found = {session.pk: session for session in _by_id(project, text, limit)}
    opened: dict[UUID, str] = {}
    if titles and len(found) < limit:
        opened = _titled(project, text, found)
    if titles:
        opened |= reader.titles([row for row in found.values() if row.pk not in opened])
    return [(session, opened.get(session.pk, "")) for session in list(found.values())[:limit]]


def newest_sessions(project: Project, *, titles: bool, limit: int) -> list[tuple[Session, str]]:
    rows = list(_rows(project).filter(is_trial=False)[:limit])
    opened = reader.titles(rows) if titles else {}
    return [(session, opened.get(session.pk, "")) for session in rows]


def _rows(project: Project) -> QuerySet[Session]:
    rows = project.sessions.filter(is_listed=True).order_by("-sort_started", "-pk")
    return rows.only(*COLUMNS)


def _by_id(project: Project, text: str, limit: int) -> list[Session]:
    wanted = Q(external_id=text)
    if whole := _uuid(text):
        wanted |= Q(pk=whole)
    # In no order, so that the keys are the way to them.
    exact = list(_rows(project).order_by().filter(wanted)[:limit])
    begun = [pk for pk in _begun(project, text) if pk not in {row.pk for row in exact}]
    return exact + list(_rows(project).filter(pk__in=begun[:limit]))


def _begun(project: Project, text: str) -> Iterator[UUID]:
    """Yield the newest sessions whose id of the sender begins so, or whose own ends so.

    Looked through here: told to find some of the newest, the database may walk through all.
    """
    start, short = text.casefold(), SHORT.fullmatch(text)
    end = short[1].lower() if short else None
    newest = _rows(project).values_list("pk", "external_id")[:NEWEST_IDS]
    for pk, external_id in newest:
        if (external_id or "").casefold().startswith(start) or pk.hex[-6:] == end:
            yield pk


def _titled(project: Project, text: str, found: dict[UUID, Session]) -> dict[UUID, str]:
    """Add sessions whose titles hold all the words to ``found``; return the opened titles."""
    words = text.casefold().split()
    rows = [*_rows(project)[:NEWEST_TITLES], *_holding(project, text)]
    opened = reader.titles(rows)
    for row in rows:
        title = opened.get(row.pk, "").casefold()
        if all(word in title for word in words):
            found.setdefault(row.pk, row)
    return opened


def _holding(project: Project, text: str) -> Sequence[Session]:
    """Return the newest sessions in which all the words occur, by the index alone."""
    try:
        items = read_query(text).items
    except InvalidError:
        return []
    terms = terms_for(project_keys(project.pk))
    hashed = [sorted(terms.of_words(item.words)) for item in items]
    statement = " INTERSECT ".join([WITH_TERMS] * len(hashed))
    values = [value for term in hashed for value in (project.pk, term)]
    holding = Q(pk__in=RawSQL(statement, values))  # noqa: S611
    found = matching(project, SessionFilters(), None, CANDIDATES, descends=True, also=holding)
    return found[:CANDIDATES]


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
