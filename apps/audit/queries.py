"""Reading the trail, newest first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.db.models import QuerySet, Sum
from django.http import QueryDict
from django.utils import timezone

from apps.audit.actors import Actor
from apps.audit.models import AuditEntry
from apps.core.errors import InvalidError
from apps.core.paging import Page, decode_position, encode_cursor

PAGING = {"cursor", "limit"}
FILTERS = {"act", "actor"}
RECENT = 1000


@dataclass(frozen=True, slots=True)
class AuditFilters:
    """What the reader asked for; empty asks for all."""

    act: str = ""
    actor: str = ""

    @classmethod
    def from_query(cls, query: QueryDict, *, also: frozenset[str] = frozenset()) -> AuditFilters:
        """Read the filters; a parameter that nobody knows is refused by its name."""
        unknown = sorted(set(query) - FILTERS - PAGING - also)
        if unknown:
            raise InvalidError(f"Unknown query parameter: {', '.join(unknown)}.", unknown[0])
        return cls(act=clean(query.get("act", "")), actor=clean(query.get("actor", "")))


def clean(text: str) -> str:
    """Return the text as PostgreSQL takes it: without NUL."""
    return text.replace("\x00", "").strip()


def organization_page(
    organization_id: int, filters: AuditFilters, *, cursor: str | None, limit: int
) -> Page[AuditEntry]:
    """Return the acts in an organization and in all of its projects."""
    entries = AuditEntry.unscoped.filter(organization_id=organization_id)
    return _page(entries, filters, cursor, limit)


def project_page(
    organization_id: int,
    project_id: int,
    filters: AuditFilters,
    *,
    cursor: str | None,
    limit: int,
) -> Page[AuditEntry]:
    """Return the acts in one project."""
    entries = AuditEntry.unscoped.filter(organization_id=organization_id, project_id=project_id)
    return _page(entries, filters, cursor, limit)


def recent_acts(organization_id: int) -> set[str]:
    """Return the kinds of acts among the newest entries, for a list to choose from.

    Not among all: that would read the whole trail for each page.
    """
    entries = AuditEntry.unscoped.filter(organization_id=organization_id).order_by("-pk")
    return set(entries.values_list("act", flat=True)[:RECENT])


def recent_act(
    project_id: int, entry_id: int, *, act: str, actor: Actor, within: timedelta
) -> AuditEntry | None:
    """Return what the same actor did a short while ago, to be taken back; None if there is none."""
    entries = AuditEntry.unscoped.filter(project_id=project_id, pk=entry_id, act=act)
    own = entries.filter(actor_kind=actor.kind, actor_id=actor.id)
    return own.filter(at__gt=timezone.now() - within).first()


def _page(
    entries: QuerySet[AuditEntry], filters: AuditFilters, cursor: str | None, limit: int
) -> Page[AuditEntry]:
    if filters.act:
        entries = entries.filter(act=filters.act)
    if filters.actor:
        entries = entries.filter(actor_label=filters.actor)
    if cursor:
        entries = entries.filter(pk__lt=decode_position(cursor))
    # How often content was read in the windows that an entry opened.
    counted = entries.annotate(reading_count=Sum("readings__count")).order_by("-pk")
    rows: list[AuditEntry] = [*counted[: limit + 1]]
    following = encode_cursor(rows[limit - 1].pk) if len(rows) > limit else None
    return Page(rows[:limit], next=following)
