"""The page of the session list: its rows, and what else depends on them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

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


def offered_values(rows: Iterable[SessionRow], name: str) -> list[str]:
    """Return what the sessions in sight hold, to be offered while one types."""
    return sorted({value for row in rows for value in row.facets.get(name, [])})[:50]
