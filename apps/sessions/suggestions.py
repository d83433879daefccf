"""What the filter box offers while one types: names of filters, and values that are there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from apps.core.errors import InvalidError
from apps.sessions import filter_text, sql
from apps.sessions.choices import Facet, Origin, OutcomeStatus
from apps.sessions.facets import ANY_ERROR
from apps.sessions.fidelity import CLASSES
from apps.sessions.filters import STATUSES, TEXT_LIMIT
from apps.tenants.models import Project

MOST = 12
# Values that are looked through for one that holds the text elsewhere than at its beginning.
MOST_LOOKED_THROUGH = 200
CHOICES: Mapping[str, tuple[str, ...]] = {
    "status": STATUSES,
    "origin": tuple(Origin.values),
    "outcome": tuple(OutcomeStatus.values),
    "fidelity": CLASSES,
    "has_ticket": ("true", "false"),
}
# Filters whose values lists know. People's ids are kept as keyed hashes and are not told.
FACETS: Mapping[str, Facet] = {
    "model": Facet.MODEL,
    "tool": Facet.TOOL,
    "agent": Facet.AGENT,
    "agent_version": Facet.AGENT_VERSION,
    "tag": Facet.TAG,
    "score": Facet.SCORE,
    "error": Facet.ERROR,
    "environment": Facet.ENVIRONMENT,
    "kind": Facet.KIND,
    "provider": Facet.PROVIDER,
    "prompt": Facet.PROMPT,
    "prompt_version": Facet.PROMPT,
    "release": Facet.RELEASE,
}
# One step of the index a value, however many sessions have it.
VALUES = """
WITH RECURSIVE found(value, number) AS (
    (SELECT value, 1 FROM agent_sessions_sessionfacet
        WHERE project_id = $1 AND facet = $2 AND value >= $3
        ORDER BY value LIMIT 1)
    UNION ALL
    SELECT (SELECT f.value FROM agent_sessions_sessionfacet f
        WHERE f.project_id = $1 AND f.facet = $2 AND f.value > found.value
        ORDER BY f.value LIMIT 1), found.number + 1
    FROM found WHERE found.value IS NOT NULL AND found.number < $4
)
SELECT value FROM found WHERE value IS NOT NULL
"""


@dataclass(frozen=True)
class Suggestion:
    """A word for the box, and what it is."""

    text: str
    says: str = ""


def suggest(project: Project, key: str, prefix: str) -> list[Suggestion]:
    """Return words that go on from ``prefix``: values of ``key``, or names where it is empty."""
    if len(prefix) > TEXT_LIMIT or "\x00" in prefix:
        raise InvalidError(f"prefix is at most {TEXT_LIMIT} characters, without NUL.", "prefix")
    if not key:
        return names(prefix)
    name = filter_text.ALIASES.get(key.lower(), key.lower())
    if name in CHOICES:
        chosen = [value for value in CHOICES[name] if value.startswith(prefix.lower())]
        return [Suggestion(filter_text.word(name, value)) for value in chosen]
    if name not in FACETS:
        return []
    return [Suggestion(filter_text.word(name, value)) for value in values(project, name, prefix)]


def names(prefix: str) -> list[Suggestion]:
    """Return the filters whose names begin so, with what they ask for."""
    offered = [Suggestion(text, says) for text, says in filter_text.EXPLAINED[:-1]]
    return [one for one in offered if one.text.startswith(prefix.lower())]


def values(project: Project, name: str, prefix: str) -> list[str]:
    """Return values of the project's sessions: those that begin so first."""
    found = [value for value in _from(project, name, prefix, MOST) if value.startswith(prefix)]
    if len(found) < MOST and prefix:
        others = _from(project, name, "", MOST_LOOKED_THROUGH)
        wanted = prefix.casefold()
        found += [one for one in others if wanted in one.casefold() and one not in found]
    return [value for value in found if _is_told(name, value)][:MOST]


def _from(project: Project, name: str, first: str, most: int) -> list[str]:
    rows = sql.rows(VALUES, project.pk, FACETS[name].value, first, most)
    return [value for (value,) in rows]


def _is_told(name: str, value: str) -> bool:
    if name == "prompt_version":
        return "@" in value
    return value != ANY_ERROR
