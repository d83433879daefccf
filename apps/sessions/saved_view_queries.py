"""Reading saved views: whose they are, and the query that each stands for."""

from __future__ import annotations

from urllib.parse import urlencode

from django.db.models import Q, QuerySet
from django.http import QueryDict

from apps.accounts.models import User
from apps.core.errors import InvalidError
from apps.sessions.columns import REMEMBER, read_look
from apps.sessions.filters import SessionFilters
from apps.sessions.keys import ProjectKeys, project_keys
from apps.sessions.list_head import FIELDS
from apps.sessions.listing import PARAMETERS
from apps.sessions.saved_view_models import SavedView
from apps.sessions.search_query import read_query
from apps.tenants.models import Project

SEALED_FOR = b"saved view"
LONGEST_QUERY = 4_000
# Where one stands in a list is no part of a view, nor what its forms send on the way.
NOT_KEPT = frozenset({"cursor", "limit", "view", REMEMBER}) | FIELDS
# Parameters that say what the list does anyway.
USUAL = frozenset({("sort", "-started")})


def canonical(query: QueryDict) -> str:
    """Return a query as one text, equal for all orders and spellings of the same parameters."""
    pairs = {
        (name, value)
        for name, values in query.lists()
        for value in values
        if value and name not in NOT_KEPT
    }
    return urlencode(sorted(pairs - USUAL))


def checked(text: str) -> str:
    """Return a query in its canonical form, or raise InvalidError naming what cannot be read."""
    query = canonical(QueryDict(text))
    if not query:
        raise InvalidError("Filter or sort the list first: there is nothing to save.", "query")
    if len(query) > LONGEST_QUERY:
        raise InvalidError(f"A view holds {LONGEST_QUERY:,} characters at most.", "query")
    parameters = QueryDict(query)
    filters = SessionFilters.from_query(parameters.dict(), also=PARAMETERS)
    read_look(parameters, "")
    if filters.q:
        read_query(filters.q)
    return query


def is_readable(query: str) -> bool:
    """Tell whether the list still understands a query that was saved some time ago."""
    try:
        checked(query)
    except InvalidError:
        return False
    return True


def needs_content(query: str) -> bool:
    """Tell whether a query searches content, which not everybody may."""
    return "q" in QueryDict(query)


def seal_query(project: Project, query: str) -> bytes:
    return project_keys(project.pk).seal_apart(query.encode(), SEALED_FOR)


def query_of(view: SavedView, keys: ProjectKeys | None = None) -> str:
    """Return the query that a view stands for."""
    keys = keys or project_keys(view.project_id)
    return keys.open_apart(bytes(view.sealed), SEALED_FOR).decode()


def views_of(project: Project, user: User) -> QuerySet[SavedView]:
    """Return the project's views and the person's own, in their order."""
    return with_deleted_of(project, user).filter(deleted_at=None)


def with_deleted_of(project: Project, user: User) -> QuerySet[SavedView]:
    """Return the same views, and those of them that wait to be taken back."""
    return project.saved_views.filter(Q(owner=None) | Q(owner=user))
