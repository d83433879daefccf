"""What a list of sessions can be narrowed by: one reading for the API and the page."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils import timezone
from django.utils.dateparse import parse_datetime

from apps.core.errors import InvalidError
from apps.sessions.choices import UNKNOWN_TIME, Origin, OutcomeStatus
from apps.sessions.fidelity import CLASSES

SORTS = ("started", "cost", "duration", "errors")
# Values that are kept per session in the facet index, by the name of their filter.
FACET_FILTERS = (
    "kind",
    "model",
    "provider",
    "prompt",
    "prompt_version",
    "agent",
    "agent_version",
    "release",
    "tag",
    "error",
    "tool",
    "score",
)
TEXT_LIMIT = 512
STATUSES = ("open", "closed", "ok", "error")
# So long ago: -30m, -24h, -7d.
AGO = re.compile(r"-([0-9]{1,5})([mhdw])")
UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


@dataclass(frozen=True)
class SessionFilters:
    """Filters as asked for; None or empty means not narrowed."""

    # Words and "phrases" that occur in what was said: search.find() reads them.
    q: str = ""
    external_id: str = ""
    user: str = ""
    environment: str = ""
    status: str = ""
    origin: str = ""
    outcome: str = ""
    # E0 to E3: how far a session can be replayed.
    fidelity: str = ""
    facets: Mapping[str, str] = field(default_factory=dict)
    started_after: datetime | None = None
    started_before: datetime | None = None
    min_cost: Decimal | None = None
    max_cost: Decimal | None = None
    min_duration_ms: Decimal | None = None
    max_duration_ms: Decimal | None = None
    has_ticket: bool | None = None
    # One of SORTS; ascending without the minus.
    sort: str = "-started"

    @classmethod
    def from_query(
        cls, query: Mapping[str, str], *, also: frozenset[str] = frozenset()
    ) -> SessionFilters:
        """Read filters from a query string; a name that is none of ours is an error that names it.

        ``also`` holds the view's own parameters, such as ``cursor``.
        """
        refuse_unknown(query, known_names() | also)
        values: dict[str, Any] = {}
        for name, read in READERS.items():
            if query.get(name):
                values[name] = read(name, query[name])
        values["facets"] = {
            name: read_text(name, query[name]) for name in FACET_FILTERS if query.get(name)
        }
        return cls(**values)

    @property
    def earliest(self) -> datetime | None:
        """When what is found began at the earliest; an unknown start is before nothing."""
        if self.started_after is None and self.started_before is not None:
            return UNKNOWN_TIME + timedelta.resolution
        return self.started_after

    @property
    def is_narrowed(self) -> bool:
        """Tell whether any filter beyond the order is set."""
        default = SessionFilters(sort=self.sort)
        return self != default


def known_names() -> frozenset[str]:
    """Return the name of every filter."""
    own = {entry.name for entry in fields(SessionFilters)} - {"facets"}
    return frozenset(own | set(FACET_FILTERS))


def refuse_unknown(query: Mapping[str, str], known: frozenset[str]) -> None:
    """Raise InvalidError naming the query parameters that are not known."""
    unknown = sorted(set(query) - known)
    if unknown:
        names = ", ".join(name[:64] for name in unknown[:5])
        raise InvalidError(f"Unknown query parameter: {names}.", unknown[0][:64])


def read_text(name: str, text: str) -> str:
    """Return a filter's text, without the NUL that PostgreSQL refuses."""
    if len(text) > TEXT_LIMIT or "\x00" in text:
        raise InvalidError(f"{name} must be at most {TEXT_LIMIT} characters, without NUL.", name)
    return text


def read_time(name: str, text: str) -> datetime:
    """Return an RFC 3339 time, or that of so long ago; without an offset it is ambiguous."""
    if ago := AGO.fullmatch(text):
        return timezone.now() - timedelta(**{UNITS[ago[2]]: int(ago[1])})
    try:
        # A plus sign that was not URL-encoded arrives as a space.
        moment = parse_datetime(text.replace(" ", "+"))
        if moment is not None and moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise InvalidError(f"{name} must be a time such as 2026-11-21T03:12:04Z, or -24h.", name)


def read_number(name: str, text: str) -> Decimal:
    """Return a number that is not negative."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or not 0 <= number < Decimal("1e15"):
        raise InvalidError(f"{name} must be a number from 0 up, such as 0.25.", name)
    return number


def read_flag(name: str, text: str) -> bool:
    """Return true or false."""
    if text not in ("true", "false"):
        raise InvalidError(f"{name} must be true or false.", name)
    return text == "true"


def one_of(*choices: str) -> Callable[[str, str], str]:
    """Return a reader that takes one of ``choices``."""

    def read(name: str, text: str) -> str:
        if text not in choices:
            raise InvalidError(f"{name} must be one of {', '.join(choices)}.", name)
        return text

    return read


READERS: Mapping[str, Callable[[str, str], Any]] = {
    "q": read_text,
    "external_id": read_text,
    "user": read_text,
    "environment": read_text,
    "status": one_of(*STATUSES),
    "origin": one_of(*Origin.values),
    "outcome": one_of(*OutcomeStatus.values),
    "fidelity": one_of(*CLASSES),
    "started_after": read_time,
    "started_before": read_time,
    "min_cost": read_number,
    "max_cost": read_number,
    "min_duration_ms": read_number,
    "max_duration_ms": read_number,
    "has_ticket": read_flag,
    "sort": one_of(*SORTS, *(f"-{name}" for name in SORTS)),
}
