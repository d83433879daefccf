"""The page of the session list: its rows and the form of its filters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from apps.sessions import reader
from apps.sessions.columns import DENSITIES, REMEMBER, Look
from apps.sessions.columns import PARAMETERS as LOOK
from apps.sessions.filters import SessionFilters
from apps.sessions.models import Session
from apps.sessions.queries import facets_of
from apps.sessions.search import Found, Hit
from apps.sessions.strips import Strip, strips_of
from apps.tenants.models import Project

# What the address of the list may hold beside filters.
PARAMETERS = frozenset({"cursor", "limit", "view", REMEMBER}) | LOOK

RANGES = (("last hour", 1), ("24 hours", 24), ("7 days", 24 * 7), ("30 days", 24 * 30))
STATUSES = (
    ("", "Any"),
    ("error", "With errors"),
    ("ok", "Without errors"),
    ("open", "Still open"),
    ("closed", "Closed"),
)
FIRST_BOXES = (("model", "Model", ""), ("agent", "Agent", ""), ("tag", "Tag", ""))
MORE_BOXES = (
    ("external_id", "Your session id", "chat-4711"),
    ("user", "User", "customer-17"),
    ("environment", "Environment", "production"),
    ("kind", "Kind of step", "tool"),
    ("tool", "Tool", "refund_order"),
    ("error", "Error type", "RateLimitError"),
    ("provider", "Provider", "openai"),
    ("prompt", "Prompt", "triage"),
    ("prompt_version", "Prompt version", "7"),
    ("release", "Release", "1.4.2"),
    ("origin", "Origin", "live"),
    ("started_after", "Started after", "2026-11-21T00:00Z"),
    ("started_before", "Started before", "2026-11-22T00:00Z"),
    ("min_cost", "Cost from (USD)", "0.10"),
    ("max_cost", "Cost to (USD)", "5"),
    ("min_duration_ms", "Duration from (ms)", "10000"),
)


@dataclass(frozen=True)
class SessionRow:
    """A session as one line of the list."""

    session: Session
    title: str
    facets: Mapping[str, list[str]]
    hits: list[Hit]
    strip: Strip | None = None

    @property
    def total_tokens(self) -> int | None:
        return total_tokens(self.session)

    @property
    def prompts(self) -> list[str]:
        """Prompts with their versions where they have one."""
        found = self.facets.get("prompt", [])
        versioned = {prompt.rpartition("@")[0] for prompt in found}
        return [prompt for prompt in found if prompt not in versioned]

    @property
    def short_id(self) -> str:
        return short_id(self.session)


@dataclass(frozen=True)
class Box:
    """One text field of the filter form."""

    name: str
    label: str
    hint: str
    value: str
    offered: list[str]


def short_id(session: Session) -> str:
    """Return a word short enough to say; links hold the whole id."""
    return f"S-{session.pk.hex[-6:].upper()}"


def total_tokens(session: Session) -> int | None:
    """Return input and output together; unknown while neither is known."""
    known = [n for n in (session.input_tokens, session.output_tokens) if n is not None]
    return sum(known) if known else None


def list_context(
    project: Project, filters: SessionFilters, found: Found, look: Look, *, may_read: bool
) -> dict[str, Any]:
    page, sessions = found.page, found.page.rows
    rows = session_rows(project, found, look, may_read=may_read)
    more = boxes(MORE_BOXES, filters, rows)
    return {
        "project": project,
        "filters": filters,
        "look": look,
        "densities": DENSITIES,
        "page": page,
        "may_search": may_read,
        "is_complete": found.is_complete,
        "rows": rows,
        "known_tags": offered_values(rows, "tag"),
        "statuses": STATUSES,
        "first_boxes": boxes(FIRST_BOXES, filters, rows),
        "more_boxes": more,
        "more_is_open": any(box.value for box in more),
        "ranges": time_ranges(),
        "has_any": bool(sessions) or project.sessions.filter(is_listed=True).exists(),
    }


def session_rows(project: Project, found: Found, look: Look, *, may_read: bool) -> list[SessionRow]:
    """Return the lines of a page: as many queries for fifty sessions as for one."""
    sessions = found.page.rows
    titles = reader.titles(sessions) if may_read and sessions else {}
    facets = facets_of(project, sessions)
    strips = strips_of(project, sessions) if look.shows["strip"] else {}
    return [
        SessionRow(
            row,
            titles.get(row.pk, ""),
            facets.get(row.pk, {}),
            found.hits.get(row.pk, []),
            strips.get(row.pk),
        )
        for row in sessions
    ]


def boxes(
    named: Iterable[tuple[str, str, str]], filters: SessionFilters, rows: list[SessionRow]
) -> list[Box]:
    return [
        Box(name, label, hint, shown_value(filters, name), offered_values(rows, name))
        for name, label, hint in named
    ]


def shown_value(filters: SessionFilters, name: str) -> str:
    """Return a filter as the text that was asked for."""
    value = filters.facets.get(name) or getattr(filters, name, None)
    if value is None:
        return ""
    return value.isoformat() if isinstance(value, datetime) else str(value)


def offered_values(rows: Iterable[SessionRow], name: str) -> list[str]:
    """Return what the sessions in sight hold, to be offered while one types."""
    return sorted({value for row in rows for value in row.facets.get(name, [])})[:50]


def time_ranges() -> list[tuple[str, str]]:
    """Return the quick choices of time: a name and the instant from which it counts."""
    now = timezone.now().replace(second=0, microsecond=0)
    return [
        (name, (now - timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%MZ")) for name, hours in RANGES
    ]
