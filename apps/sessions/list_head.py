"""The head of the list: the filter box and its chips, the range of time, the strip, the count."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import QueryDict
from django.utils import timezone

from apps.core.errors import InvalidError
from apps.sessions import filter_text
from apps.sessions.filter_form import STATUSES, boxes
from apps.sessions.filters import SessionFilters, known_names
from apps.sessions.histogram import Address, counted, day_and_time, draw, iso
from apps.sessions.listing import SessionRow
from apps.sessions.search import Found
from apps.sessions.volume import DAY, Total, Volume, count_volume, span_of
from apps.tenants.models import Project

# The list as it is, whatever view is the default.
ALL = "all"
# Fields of the head's forms; each becomes filters in the address.
TEXT, FROM, TO = "filter", "from", "to"
FIELDS = frozenset({TEXT, FROM, TO})
FILTERS = known_names() - {"sort"}
TIMES = ("started_after", "started_before")
NO_WORDS = (
    "Your role may not read what was said, so it cannot search for words. "
    "The other filters work; somebody who administers the project can change your role."
)
RANGES = (
    ("Last hour", "-1h"),
    ("Last 24 hours", "-24h"),
    ("Last 7 days", "-7d"),
    ("Last 30 days", "-30d"),
)


@dataclass(frozen=True)
class Chip:
    """A filter that is on, and the address without it."""

    text: str
    address: str


@dataclass(frozen=True)
class Range:
    """One choice of time."""

    label: str
    address: str
    is_current: bool


def address(params: QueryDict, **changes: str | None) -> str:
    """Return the list's query string from its first page on; None removes a parameter."""
    kept = params.copy()
    for name, value in {"cursor": None, **changes}.items():
        kept.pop(name, None)
        if value is not None:
            kept[name] = value
    if not kept:
        # Without any parameter the list opens with the view that is the default.
        kept["view"] = ALL
    return f"?{kept.urlencode(safe=':')}"


def better_address(params: QueryDict) -> str | None:
    """Return the address that says the same with filters alone, or None if this one does.

    What forms send comes here: the text of the box, a range of time, and empty fields.
    """
    empty = [name for name in params if name in FILTERS and not params[name]]
    if not empty and not FIELDS & set(params):
        return None
    changes: dict[str, str | None] = dict.fromkeys([*FIELDS, *empty])
    if TEXT in params:
        asked = filter_text.parse(plain(params)[TEXT])
        # In the order in which they stand in the box.
        changes |= dict.fromkeys(FILTERS - asked.keys()) | asked
    for field, name in zip((FROM, TO), TIMES, strict=True):
        if field in params:
            changes[name] = f"{params[field]}Z" if params[field] else None
    return address(params, **changes)


def shown_text(params: QueryDict) -> str:
    """Return what the box holds: what was typed, or what the address says."""
    return plain(params).get(TEXT) or filter_text.render(plain(params))


def plain(params: QueryDict) -> dict[str, str]:
    """Return the last value of each parameter."""
    return {name: str(value) for name, value in params.items()}


def head_context(
    params: QueryDict,
    project: Project,
    filters: SessionFilters,
    found: Found,
    rows: Iterable[SessionRow],
) -> dict[str, Any]:
    """Return what the head shows of a list that could be read."""
    volume = _volume(project, filters, found)
    total = _total(volume, filters, found)
    return box_context(params) | {
        "statuses": STATUSES,
        "boxes": boxes(plain(params), rows),
        "chips": chips(params),
        "ranges": ranges(params),
        "range_label": range_label(params, filters),
        "own_range": {FROM: _local(filters.started_after), TO: _local(filters.started_before)},
        "histogram": draw(volume, _narrowed(params)) if volume and volume.is_worth_a_look else None,
        "count": counted(total.count, is_cut=total.is_cut) if total and total.count else "",
    }


def _volume(project: Project, filters: SessionFilters, found: Found) -> Volume | None:
    """Count over time, and in all where the page at hand does not show it."""
    page = found.page
    is_first = filters.sort == "-started" and not page.previous and not filters.q
    newest = page.rows[0].started_at if is_first and page.rows else None
    span = None if filters.external_id else span_of(project, filters, newest)
    if span is None:
        return None
    also_total = bool(page.next or page.previous) and not filters.q
    return count_volume(project, filters, span, also_total=also_total)


def _total(volume: Volume | None, filters: SessionFilters, found: Found) -> Total | None:
    """Return how many sessions match; nobody counts those that hold a word."""
    if filters.q:
        return None
    count = len(found.page.rows)
    if volume is None or volume.total is None:
        return Total(count, is_cut=bool(found.page.next))
    return Total(max(volume.total.count, count), volume.total.is_cut)


def box_context(params: QueryDict) -> dict[str, Any]:
    """Return what the filter box needs, whether or not it can be read."""
    times = {*FIELDS, "cursor", *TIMES}
    return {
        "filter_text": shown_text(params),
        "cleared": address(params, **dict.fromkeys(FILTERS | FIELDS), view=ALL),
        "kept": _pairs(params, FILTERS | FIELDS | {"cursor"}),
        "kept_filters": _pairs(params, times),
    }


def refused_context(
    params: QueryDict, project: Project, error: InvalidError | PermissionDenied
) -> dict[str, Any]:
    """Return the page of a filter that cannot be read: the box as it is, and what is wrong.

    What is wrong elsewhere in the address is not the box's to mend: it is raised again.
    """
    if isinstance(error, InvalidError) and error.errors[0]["path"] not in FILTERS | FIELDS:
        raise error
    is_denied = isinstance(error, PermissionDenied)
    return box_context(params) | {
        "project": project,
        "filter_words": filter_text.EXPLAINED,
        "refusal": NO_WORDS if is_denied else str(error),
        "status": 403 if is_denied else 400,
        "has_any": True,
        "ranges": [],
    }


def _pairs(params: QueryDict, without: Iterable[str]) -> list[tuple[str, str]]:
    """Return the parameters that a form has to send along."""
    left_out = set(without)
    named = ((name, values) for name, values in params.lists() if name not in left_out)
    return [(name, str(value)) for name, values in named for value in values]


def chips(params: QueryDict) -> list[Chip]:
    """Return the filters that are on, in the order of the box."""
    given = plain(params)
    return [
        Chip(filter_text.word(name, given[name]), address(params, **{name: None}))
        for name in filter_text.ORDER
        if given.get(name)
    ]


def ranges(params: QueryDict) -> list[Range]:
    """Return the choices of time; they count from whenever the page is opened."""
    after, before = (params.get(name) for name in TIMES)
    found = [Range("Any time", address(params, **dict.fromkeys(TIMES)), not (after or before))]
    for label, since in RANGES:
        place = address(params, started_after=since, started_before=None)
        found.append(Range(label, place, after == since and not before))
    return found


def range_label(params: QueryDict, filters: SessionFilters) -> str:
    """Say what span of time the list is narrowed to."""
    for choice in ranges(params):
        if choice.is_current:
            return choice.label
    after, before = filters.started_after, filters.started_before
    long = (before or timezone.now()) - after if after else DAY
    if after and before:
        return f"{day_and_time(after, long)} – {day_and_time(before, long)}"
    if after:
        return f"Since {day_and_time(after, long)}"
    return f"Before {day_and_time(before, long)}" if before else ""


def _narrowed(params: QueryDict) -> Address:
    def to(begins: datetime, ends: datetime) -> str:
        return address(params, started_after=iso(begins), started_before=iso(ends))

    return to


def _local(moment: datetime | None) -> str:
    """Write a moment as a field for date and time has it."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M}" if moment else ""
