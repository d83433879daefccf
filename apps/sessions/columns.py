"""How the list of sessions is looked at: which columns, how close together, live or not.

All of it is in the address, so that a link shows the same. What a person chose is also kept
in a cookie, for the addresses that say nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from django.http import QueryDict

from apps.core.errors import InvalidError
from apps.sessions.filters import SessionFilters

COOKIE = "playhead_list"
COOKIE_LIMIT = 512
PARAMETERS = frozenset({"columns", "density", "live"})
# Sent by the form of the menu alone: what it says is to be kept.
REMEMBER = "remember"
DENSITIES = (("compact", "Compact"), ("normal", "Normal"), ("comfortable", "Comfortable"))
NORMAL = "normal"
NEWEST_FIRST = "-started"


@dataclass(frozen=True)
class Column:
    """One column of the list."""

    name: str
    label: str
    # In pixels; the session takes what the others leave.
    width: int
    is_number: bool = False
    # By which of the list's orders it sorts.
    sort: str = ""
    is_shown_first: bool = True


SESSION = "session"
COLUMNS = (
    Column("status", "Status", 76),
    Column("started", "Started (UTC)", 230, sort="started"),
    Column(SESSION, "Session", 180),
    Column("strip", "Steps in order", 136),
    Column("agent", "Agent", 96),
    Column("user", "User", 92, is_shown_first=False),
    Column("environment", "Environment", 112, is_shown_first=False),
    Column("release", "Release", 84, is_shown_first=False),
    Column("prompt", "Prompt", 144, is_shown_first=False),
    Column("origin", "Origin", 76, is_shown_first=False),
    Column("outcome", "Outcome", 112),
    Column("steps", "Steps", 60, is_number=True),
    Column("errors", "Errors", 72, is_number=True, sort="errors", is_shown_first=False),
    Column("duration", "Duration", 104, is_number=True, sort="duration"),
    Column("tokens", "Tokens", 64, is_number=True),
    Column("cost", "Cost", 88, is_number=True, sort="cost"),
    Column("models", "Models", 120, is_shown_first=False),
    Column("tags", "Tags", 136),
)
NAMES = tuple(column.name for column in COLUMNS)
SHOWN_FIRST = tuple(column.name for column in COLUMNS if column.is_shown_first)
BOX_WIDTH = 36


@dataclass(frozen=True)
class Look:
    """What of the list is shown, and how."""

    columns: tuple[Column, ...]
    density: str = NORMAL
    is_live: bool = False

    @cached_property
    def shows(self) -> Mapping[str, bool]:
        """Return ``{name of a column: whether it is shown}``."""
        return {name: any(column.name == name for column in self.columns) for name in NAMES}

    @property
    def span(self) -> int:
        """The number of cells in a row, with the box that selects it."""
        return len(self.columns) + 1

    @property
    def least_width(self) -> int:
        """The width under which the list scrolls sideways, in steps of 100 pixels."""
        width = BOX_WIDTH + sum(column.width for column in self.columns)
        return -(-width // 100) * 100

    @property
    def choices(self) -> list[tuple[Column, bool]]:
        """Every column that one may leave out, and whether it is shown."""
        return [(column, self.shows[column.name]) for column in COLUMNS if column.name != SESSION]

    @property
    def names(self) -> str:
        """The columns as the address names them."""
        return ",".join(column.name for column in self.columns)

    @property
    def cookie(self) -> str:
        return f"{self.names}/{self.density}".replace(",", ".")


def read_look(query: QueryDict, cookie: str) -> Look:
    """Return the look that the address asks for, and for the rest what was chosen before."""
    kept_names, kept_density = _kept(cookie)
    names = _read_names(query.getlist("columns")) or kept_names or SHOWN_FIRST
    density = query.get("density") or kept_density or NORMAL
    if density not in dict(DENSITIES):
        known = ", ".join(dict(DENSITIES))
        raise InvalidError(f"density must be one of {known}.", "density")
    if query.get("live", "on") != "on":
        raise InvalidError("live must be on, or left out.", "live")
    return Look(_columns(names), density, "live" in query)


def _kept(cookie: str) -> tuple[tuple[str, ...], str]:
    """Read the cookie; a column that is no more is passed over."""
    names, _, density = cookie[:COOKIE_LIMIT].partition("/")
    known = tuple(name for name in names.split(".") if name in NAMES)
    return known, density if density in dict(DENSITIES) else ""


def _read_names(texts: Iterable[str]) -> tuple[str, ...]:
    """Return the names of columns, from one text with commas or from one text each."""
    names = tuple(name for text in texts for name in text.split(",") if name)
    unknown = [name for name in names if name not in NAMES]
    if unknown:
        message = f"There is no column {unknown[0][:64]!r}. There are: {', '.join(NAMES)}."
        raise InvalidError(message, "columns")
    return names


def _columns(names: Iterable[str]) -> tuple[Column, ...]:
    """Return the columns in their own order; the one that holds the link is always there."""
    wanted = {*names, SESSION}
    return tuple(column for column in COLUMNS if column.name in wanted)


def why_not_live(filters: SessionFilters, *, is_first_page: bool) -> str:
    """Say why the list cannot be followed while sessions come in; empty when it can."""
    if filters.q:
        return "Live is off while words are searched for."
    if filters.sort != NEWEST_FIRST:
        return "Live needs the newest first."
    return "" if is_first_page else "Live is on the first page only."
