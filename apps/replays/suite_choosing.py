"""Choosing sessions for a suite: what filters or a saved view find, all of it or a sample."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.http import QueryDict

from apps.audit.actors import Actor
from apps.audit.services import record_reading
from apps.core.errors import InvalidError
from apps.replays.suite_sampling import Sample, draw, read_sample
from apps.replays.suite_strata import traits_of
from apps.sessions.filter_text import parse
from apps.sessions.filters import SessionFilters
from apps.sessions.listing import PARAMETERS
from apps.sessions.models import Origin, Session
from apps.sessions.queries import matching
from apps.sessions.saved_view_models import SavedView
from apps.sessions.saved_view_queries import query_of
from apps.sessions.search import find
from apps.tenants.models import Project

Json = Any

# Of what filters find, the newest of which a sample is drawn.
MOST_FOUND = 5_000
# A search opens what it finds: a page of 200 sessions costs about 400 CPU ms.
SEARCH_PAGE, MOST_SEARCHED = 200, 1_000
NOTHING = (
    "No session matches, so there is nothing to choose from. Take a filter away, or look at the "
    "session list first: it shows what these filters find."
)
# What was run from the record is no case of its own.
ORIGINAL = ~Q(origin__in=[Origin.REPLAY, Origin.FORK])


@dataclass(frozen=True, slots=True)
class Chosen:
    """Sessions that were chosen, and how: enough to choose them again."""

    sessions: list[UUID]
    # The parameters of the session list, and the sample; kept sealed with the version.
    source: dict[str, Json]
    # How many were found to choose from, and whether there are more.
    found: int
    is_cut: bool


def filters_of_text(text: str) -> Mapping[str, str]:
    """Return the parameters that the text of a filter box asks for."""
    return parse(text)


def filters_of_view(view: SavedView) -> Mapping[str, str]:
    """Return the parameters of a saved view that filter; its order and look choose nothing."""
    query = QueryDict(query_of(view)).dict()
    return {name: value for name, value in query.items() if name not in {*PARAMETERS, "sort"}}


def choose(
    project: Project, parameters: Mapping[str, str], sample: Sample | None, *, most: int
) -> Chosen:
    """Return the sessions that filters find: the newest ``most`` of them, or a sample."""
    filters = SessionFilters.from_query(dict(parameters), also=frozenset({"sort"}))
    if sample is not None:
        sample = read_sample(sample, most=most)
    found, is_cut = found_by(project, filters, limit=MOST_FOUND if sample else most)
    if not found:
        raise InvalidError(NOTHING, "filter")
    source: dict[str, Json] = {"filters": dict(parameters), "found": len(found)}
    if is_cut:
        source["is_cut"] = True
    if sample is None:
        return Chosen([session.pk for session in found], source, len(found), is_cut)
    source["sample"] = {"size": sample.size, "seed": sample.seed, "by": list(sample.by)}
    return Chosen(drawn(project, found, sample), source, len(found), is_cut)


def record_search(project: Project, chosen: Chosen, actor: Actor) -> None:
    """Write down that content was searched, where it was: whether a word occurs is content."""
    if chosen.source["filters"].get("q"):
        record_reading(
            actor,
            organization_id=project.organization_id,
            project_id=project.pk,
            session_ids=[str(key) for key in chosen.sessions],
        )


def drawn(project: Project, sessions: Sequence[Session], sample: Sample) -> list[UUID]:
    traits = traits_of(project, sessions, paths="path" in sample.by)
    return draw({key: one.stratum(sample.by) for key, one in traits.items()}, sample)


def found_by(
    project: Project, filters: SessionFilters, *, limit: int
) -> tuple[list[Session], bool]:
    """Return the newest sessions that filters find, and whether there are more.

    Replays and forks are left out unless the filters ask for their origin.
    """
    if filters.q:
        return searched(project, filters, limit=min(limit, MOST_SEARCHED))
    also = Q() if filters.origin else ORIGINAL
    found = matching(project, filters, None, limit, descends=True, also=also)
    return found[:limit], len(found) > limit


def searched(
    project: Project, filters: SessionFilters, *, limit: int
) -> tuple[list[Session], bool]:
    rows: list[Session] = []
    cursor: str | None = None
    while len(rows) <= limit:
        page = find(project, filters, cursor=cursor, limit=SEARCH_PAGE).page
        rows += [row for row in page.rows if filters.origin or not is_run_again(row)]
        cursor = page.next
        if cursor is None:
            break
    return rows[:limit], len(rows) > limit or cursor is not None


def is_run_again(session: Session) -> bool:
    return session.origin in (Origin.REPLAY, Origin.FORK)
