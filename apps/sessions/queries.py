"""Lists of sessions: one index range each, whatever the filter."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from apps.core.errors import InvalidError
from apps.core.paging import Page, decode_cursor, encode_cursor
from apps.sessions.facets import ANY_ERROR, facet_value
from apps.sessions.fidelity import CLASSES
from apps.sessions.filters import SessionFilters
from apps.sessions.keys import user_ref
from apps.sessions.models import Facet, Session, SessionFacet
from apps.tenants.models import Project

SORT_COLUMNS = {
    "started": "sort_started",
    "cost": "sort_cost",
    "duration": "sort_duration",
    "errors": "error_count",
}
AFTER, BEFORE = "after", "before"
EVERYTHING = Q()
FAILED = (Facet.ERROR.value, ANY_ERROR)
OPEN_TICKET = (Facet.TICKET.value, "open")


@dataclass(frozen=True)
class Place:
    """Where a page starts: behind or before a row's sort value and id."""

    side: str
    value: Any
    session_id: str


def session_page(
    project: Project, filters: SessionFilters, *, cursor: str | None, limit: int
) -> Page[Session]:
    """Return the sessions that match, in the order asked for, ``limit`` at most."""
    place = read_place(cursor, filters.sort) if cursor else None
    descends = filters.sort.startswith("-") != (place is not None and place.side == BEFORE)
    found = (
        _by_facet(project, filters, place, limit, descends=descends)
        if filters.sort.lstrip("-") == "started" and facet_values(project, filters)
        else matching(project, filters, place, limit, descends=descends)
    )
    has_more, rows = len(found) > limit, found[:limit]
    if place is not None and place.side == BEFORE:
        return _page(rows[::-1], filters.sort, has_next=True, has_previous=has_more)
    return _page(rows, filters.sort, has_next=has_more, has_previous=place is not None)


def facets_of(
    project: Project, sessions: Iterable[Session]
) -> Mapping[Any, Mapping[str, list[str]]]:
    """Return ``{session id: {facet: values}}`` in one query."""
    ids = [session.pk for session in sessions]
    rows = project.session_facets.filter(session_id__in=ids).order_by("value")
    found: dict[Any, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for session_id, facet, value in rows.values_list("session_id", "facet", "value"):
        found[session_id][facet].append(value)
    return found


def matching(
    project: Project,
    filters: SessionFilters,
    place: Place | None,
    limit: int,
    *,
    descends: bool,
    also: Q = EVERYTHING,
) -> list[Session]:
    """Return the next sessions that match, one more than ``limit`` where there are more."""
    column = SORT_COLUMNS[filters.sort.lstrip("-")]
    pairs = facet_values(project, filters)
    rows = project.sessions.filter(column_filters(filters), also, is_listed=True)
    # Trials have one facet, their origin: whoever asks for any gets them or not by that.
    rows = rows if pairs else rows.filter(is_trial=False)
    rows = rows.filter(_times(filters, "sort_started"))
    rows = rows.filter(*_has(project, "pk", pairs))
    rows = rows.filter(_lacks(project, "pk", filters))
    return list(_in_order(rows, column, "id", place, descends=descends)[: limit + 1])


def _by_facet(
    project: Project, filters: SessionFilters, place: Place | None, limit: int, *, descends: bool
) -> list[Session]:
    """Walk the index of the first facet; the others are looked up for each row."""
    (facet, value), *others = facet_values(project, filters)
    rows = (
        project.session_facets.filter(facet=facet, value=value)
        .filter(_times(filters, "started_at"), column_filters(filters, prefix="session__"))
        .filter(session__project=project, session__is_listed=True)
        .filter(*_has(project, "session_id", others), _lacks(project, "session_id", filters))
    )
    ordered = _in_order(rows, "started_at", "session_id", place, descends=descends)
    return [row.session for row in ordered.select_related("session")[: limit + 1]]


def _has(project: Project, key: str, pairs: Iterable[tuple[str, str]]) -> list[Exists]:
    """Return one condition for each value that the sessions must have."""
    facets = SessionFacet.unscoped.filter(project=project, session_id=OuterRef(key))
    return [Exists(facets.filter(facet=facet, value=value)) for facet, value in pairs]


def _lacks(project: Project, key: str, filters: SessionFilters) -> Q:
    if filters.has_ticket is not False:
        return EVERYTHING
    (has_ticket,) = _has(project, key, [OPEN_TICKET])
    return Q(~has_ticket)


def _in_order(
    rows: QuerySet[Any], column: str, key: str, place: Place | None, *, descends: bool
) -> QuerySet[Any]:
    if place is not None:
        side = "lt" if descends else "gt"
        rows = rows.filter(
            # The plain bound lets PostgreSQL start in the middle of the index.
            Q(**{f"{column}__{side}e": place.value}),
            Q(**{f"{column}__{side}": place.value})
            | Q(**{column: place.value, f"{key}__{side}": place.session_id}),
        )
    sign = "-" if descends else ""
    return rows.order_by(f"{sign}{column}", f"{sign}{key}")


def facet_values(project: Project, filters: SessionFilters) -> list[tuple[str, str]]:
    """Return the index entries that the filters ask for."""
    wanted = {name: value for name, value in filters.facets.items() if name != "prompt_version"}
    if version := filters.facets.get("prompt_version"):
        wanted["prompt"] = _versioned_prompt(wanted.get("prompt"), version)
    wanted |= {
        Facet.USER.value: user_ref(project, filters.user) if filters.user else "",
        Facet.ENVIRONMENT.value: filters.environment,
        Facet.ORIGIN.value: filters.origin,
        OPEN_TICKET[0]: OPEN_TICKET[1] if filters.has_ticket else "",
    }
    pairs = [(facet, facet_value(value)) for facet, value in wanted.items() if value]
    # Few sessions have errors; their index is a shorter way than the list itself.
    return [*([FAILED] if filters.status == "error" else []), *pairs]


def _versioned_prompt(prompt: str | None, version: str) -> str:
    if prompt is None and "@" not in version:
        message = "prompt_version needs the filter prompt beside it, or the form name@version."
        raise InvalidError(message, "prompt_version")
    return version if prompt is None else f"{prompt}@{version}"


def column_filters(filters: SessionFilters, prefix: str = "") -> Q:
    """Return what the filters ask of a session's own columns, but for its start."""
    wanted: dict[str, Any] = {
        "external_id": filters.external_id,
        "outcome": filters.outcome,
        "fidelity": CLASSES.index(filters.fidelity) if filters.fidelity else None,
        "sort_cost__gte": filters.min_cost,
        "sort_duration__gte": filters.min_duration_ms,
    }
    if filters.max_cost is not None:
        # Unknown cost is neither low nor high.
        wanted |= {"sort_cost__lte": filters.max_cost, "cost__isnull": False}
    if filters.max_duration_ms is not None:
        wanted |= {"sort_duration__lte": filters.max_duration_ms, "duration_ms__isnull": False}
    wanted |= STATUS_FILTERS[filters.status]
    return _all_of({f"{prefix}{key}": value for key, value in wanted.items()})


def _times(filters: SessionFilters, column: str) -> Q:
    wanted = {f"{column}__gte": filters.earliest, f"{column}__lt": filters.started_before}
    return _all_of(wanted)


def _all_of(wanted: Mapping[str, Any]) -> Q:
    return Q(**{key: value for key, value in wanted.items() if value not in (None, "")})


STATUS_FILTERS: Mapping[str, Mapping[str, Any]] = {
    "": {},
    "open": {"status": "open"},
    "closed": {"status": "closed"},
    "ok": {"error_count": 0},
    "error": {"error_count__gt": 0},
}


def read_place(cursor: str, sort: str) -> Place:
    """Return the place in ``cursor``, made for the same order."""
    made_for, side, value, session_id = decode_cursor(cursor, 4)
    if made_for != sort or side not in (AFTER, BEFORE) or not isinstance(session_id, str):
        raise InvalidError("This cursor belongs to another order of the list.", "cursor")
    try:
        return Place(side, _read_value(sort.lstrip("-"), value), session_id)
    except (ValueError, TypeError, ArithmeticError):
        raise InvalidError("This cursor is not one that Playhead gave out.", "cursor") from None


def _read_value(sort: str, value: Any) -> Any:
    if sort == "started":
        return datetime.fromisoformat(value)
    return Decimal(value) if sort == "cost" else float(value)


def _page(rows: list[Session], sort: str, *, has_next: bool, has_previous: bool) -> Page[Session]:
    if not rows:
        return Page([])
    return Page(
        rows,
        next=cursor_of(rows[-1], sort, AFTER) if has_next else None,
        previous=cursor_of(rows[0], sort, BEFORE) if has_previous else None,
    )


def place_of(session: Session, sort: str, side: str) -> Place:
    """Return the place behind or before a session."""
    return Place(side, getattr(session, SORT_COLUMNS[sort.lstrip("-")]), str(session.pk))


def cursor_of(session: Session, sort: str, side: str) -> str:
    """Return a word for the place behind or before a session."""
    value = place_of(session, sort, side).value
    text = value.isoformat() if isinstance(value, datetime) else str(value)
    return encode_cursor(sort, side, text, str(session.pk))
