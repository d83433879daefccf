"""Lists of replays, each from one walk of an index, and one replay with its sessions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.http import Http404

from apps.core.errors import InvalidError
from apps.core.paging import Page, decode_cursor, encode_cursor
from apps.replays.models import ORIGINS, Band, Replay, Status, Where
from apps.sessions.filters import one_of, read_text, refuse_unknown
from apps.tenants.models import Project

MATCHES = ("strict", "ordered", "content", "fuzzy")


@dataclass(frozen=True)
class ReplayFilters:
    """Filters as asked for; empty means not narrowed."""

    # Of the original, and of the session that a replay made: an id, or the sender's name.
    session: UUID | str = ""
    made: UUID | str = ""
    # The sender's own id of the replay.
    client_id: str = ""
    origin: str = ""
    where: str = ""
    status: str = ""
    band: str = ""
    match: str = ""
    # The agent of either session; the release of the one that the replay made.
    agent: str = ""
    release: str = ""

    @classmethod
    def from_query(
        cls, query: Mapping[str, str], *, also: frozenset[str] = frozenset()
    ) -> ReplayFilters:
        """Read filters from a query string; one that is not ours is an error that names it."""
        refuse_unknown(query, KNOWN | also)
        return cls(**{name: READERS[name](name, query[name]) for name in KNOWN if query.get(name)})

    @property
    def is_narrowed(self) -> bool:
        return self != ReplayFilters()


KNOWN = frozenset(entry.name for entry in fields(ReplayFilters))
READERS: Mapping[str, Any] = {
    **dict.fromkeys(KNOWN, read_text),
    "origin": one_of(*(origin.value for origin in ORIGINS)),
    "where": one_of(*Where.values),
    "status": one_of(*Status.values),
    "band": one_of(*Band.values),
    "match": one_of(*MATCHES),
}


def replay_page(
    project: Project,
    filters: ReplayFilters,
    *,
    cursor: str | None,
    limit: int,
    with_trials: bool = True,
) -> Page[Replay]:
    """Return replays, those reported last first, with both of their sessions.

    Without trials: those of runs of suites are left out, which their runs show.
    Their reports stay where they are: one may be larger than all else of a page.
    """
    rows = filtered(project, filters).select_related("session", "original").defer("sealed")
    rows = rows if with_trials else rows.filter(session__is_trial=False)
    if cursor:
        rows = rows.filter(pk__lt=_place(cursor))
    found = list(rows.order_by("-pk")[: limit + 1])
    for replay in found:
        replay.project = project
    if len(found) <= limit:
        return Page(found)
    return Page(found[:limit], next=encode_cursor(str(found[limit - 1].pk)))


def filtered(project: Project, filters: ReplayFilters) -> QuerySet[Replay]:
    """Return the replays that match, in no order."""
    plain = ("origin", "where", "status", "band", "match", "client_id")
    wanted = {name: value for name in plain if (value := getattr(filters, name))}
    if filters.release:
        wanted["session__release"] = filters.release
    rows = project.replays.filter(**wanted)
    if filters.agent:
        rows = rows.filter(Q(session__agent=filters.agent) | Q(original__agent=filters.agent))
    if filters.session:
        rows = rows.filter(_named(project, "original", filters.session))
    return rows.filter(_named(project, "session", filters.made)) if filters.made else rows


def find_replay(project: Project, replay_id: UUID) -> Replay:
    """Return one replay with its sessions. Raises Http404."""
    rows = project.replays.select_related("session", "original")
    replay = rows.filter(pk=replay_id).first()
    if replay is None:
        raise Http404("This project has no such replay.")
    for session in filter(None, (replay.session, replay.original)):
        session.project = project
    replay.project = project
    return replay


def _named(project: Project, column: str, session: UUID | str) -> Q:
    """Return the condition that a column is the session of an id, or of the sender's name."""
    if isinstance(session, UUID):
        return Q(**{f"{column}_id": session})
    named = project.sessions.filter(external_id=session).values_list("pk", flat=True).first()
    waiting = Q(original=None, original_name=session) if column == "original" else Q()
    ids = {key for key in (named, _as_id(session)) if key is not None}
    return Q(**{f"{column}_id__in": ids}) | waiting if ids or waiting else Q(pk=None)


def _as_id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _place(cursor: str) -> UUID:
    (key,) = decode_cursor(cursor, 1)
    try:
        return UUID(key)
    except (ValueError, TypeError, AttributeError):
        raise InvalidError("This cursor is not one that Playhead gave out.", "cursor") from None
