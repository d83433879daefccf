"""How many sessions match: over time, for the strip above the list, and in all.

One statement, and bounded work however many sessions there are: each part looks at so many
entries of one index and says when there were more.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from django.db import connection
from django.db.models import Q
from django.db.models.expressions import RawSQL
from django.utils import timezone

from apps.sessions.filters import SessionFilters
from apps.sessions.models import UNKNOWN_TIME
from apps.sessions.queries import FAILED, OPEN_TICKET, column_filters, facet_values
from apps.tenants.models import Project

DAY = timedelta(days=1)
MOST_BARS = 60
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# What the largest bars can show.
LATEST = datetime(2110, 1, 1, tzinfo=UTC)
MINUTE, HOUR = 60, 3600
# Each at most twice the one before: so a span has 30 bars at least.
SIZES: tuple[int, ...] = (
    1,
    2,
    3,
    5,
    10,
    15,
    30,
    MINUTE,
    2 * MINUTE,
    3 * MINUTE,
    5 * MINUTE,
    10 * MINUTE,
)
SIZES += (15 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR)
SIZES += tuple(days * 24 * HOUR for days in (1, 2, 4, 7, 14, 28, 56, 112, 224, 448, 896))

# Entries of an index that all bars look at: by themselves, and where each is looked up.
LOOKED_AT, LOOKED_UP = 160_000, 6000
# What is said as a number; beyond it stands "1,000+".
MOST_COUNTED = 1000
MOST_LOOKED_UP = 5000
ALWAYS = ("'-infinity'::timestamptz", "'infinity'::timestamptz")

LISTED = """
SELECT id AS session_id FROM agent_sessions_session
WHERE project_id = %s AND is_listed AND NOT is_trial
    AND sort_started >= {begins} AND sort_started < {ends}
ORDER BY sort_started DESC, id DESC LIMIT {most}
"""
WITH_FACET = """
SELECT session_id FROM agent_sessions_sessionfacet
WHERE project_id = %s AND facet = %s AND value = %s AND started_at >= {begins}
    AND started_at < {ends}
ORDER BY started_at DESC, session_id DESC LIMIT {most}
"""
# A value, not EXISTS: that one may be planned as a table of all sessions that have the value.
HAS = """
(SELECT true FROM agent_sessions_sessionfacet WHERE project_id = %s
    AND session_id = looked.session_id AND facet = %s AND value = %s)
"""
COUNTED = """
SELECT count(*){fits} AS fitting, count(*){fails} AS failing, count(*) >= {most} AS is_cut
FROM ({rows}) AS looked
"""
BARS = """
SELECT bucket.number::int, volume.*, {failed}
FROM unnest(%s::timestamptz[], %s::timestamptz[])
    WITH ORDINALITY AS bucket(begins, ends, number)
CROSS JOIN LATERAL ({volume}) AS volume
"""
# Where nothing is looked up, sessions with errors are counted in an index of their own.
FAILED_APART = "failed.fitting, failed.is_cut"
APART = "CROSS JOIN LATERAL ({failed}) AS failed"
IN_ALL = "SELECT 0, total.*, 0, false FROM ({total}) AS total"


@dataclass(frozen=True)
class Span:
    """A span of time and the size of its parts, which begin at round times."""

    begins: datetime
    ends: datetime
    size: timedelta

    @property
    def edges(self) -> list[datetime]:
        """Return where the parts begin, and last where the last one ends."""
        inner = rounded_up(self.begins, self.size)
        count = -(-(self.ends - inner) // self.size)
        between = (inner + number * self.size for number in range(max(count, 0)))
        return sorted({self.begins, *between, self.ends})


@dataclass(frozen=True)
class Bar:
    """The sessions that began in one part of the span."""

    begins: datetime
    ends: datetime
    count: int
    errors: int
    # True: there may be more than were counted, or more of them with errors.
    is_cut: bool
    errors_are_cut: bool = False


@dataclass(frozen=True)
class Total:
    """How many sessions match."""

    count: int
    # True: there are more, or may be.
    is_cut: bool


@dataclass(frozen=True)
class Volume:
    """What one look at the filters counted; total is None where it was not asked for."""

    span: Span
    bars: list[Bar]
    total: Total | None

    @property
    def is_worth_a_look(self) -> bool:
        """Tell whether there is, or may be, anything in the bars."""
        return any(bar.count or bar.is_cut for bar in self.bars)


def count_volume(
    project: Project, filters: SessionFilters, span: Span, *, also_total: bool
) -> Volume:
    """Count the sessions that fit the filters, whatever words are searched for."""
    edges = span.edges
    statement, values = Counting(project, filters).statement(edges, also_total=also_total)
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        rows = {row[0]: row[1:] for row in cursor.fetchall()}
    bars = [
        _bar(begins, ends, rows[number])
        for number, (begins, ends) in enumerate(pairwise(edges), start=1)
    ]
    return Volume(span, bars, _total(rows[0]) if also_total else None)


def _bar(begins: datetime, ends: datetime, row: Sequence[Any]) -> Bar:
    count, failing, is_cut, failed, failed_is_cut = row
    # Errors counted apart are counted among more sessions than the bar holds.
    errors = min(failing or failed, count)
    errors_are_cut = is_cut or (failed_is_cut and errors < count)
    return Bar(begins, ends, count, errors, is_cut, errors_are_cut)


def _total(row: Sequence[Any]) -> Total:
    count, _, is_cut = row[:3]
    return Total(min(count, MOST_COUNTED), bool(is_cut or count > MOST_COUNTED))


class Counting:
    """The statement for one set of filters."""

    def __init__(self, project: Project, filters: SessionFilters) -> None:
        self.project = project
        self.filters = filters
        self.pairs = facet_values(project, filters)
        # Having errors is one of the pairs.
        rest = replace(filters, status="") if filters.status == "error" else filters
        self.columns = column_filters(rest)

    def statement(self, edges: Sequence[datetime], *, also_total: bool) -> tuple[str, list[Any]]:
        text, values = self._bars(len(edges) - 1)
        values = [list(edges[:-1]), list(edges[1:]), *values]
        if not also_total:
            return text, values
        begins, ends = self.filters.earliest, self.filters.started_before
        bounds = ("%s" if begins else ALWAYS[0], "%s" if ends else ALWAYS[1])
        most = MOST_COUNTED + 1, MOST_LOOKED_UP
        total, of_total = self._counted(self.pairs, bounds, most, [begins, ends])
        return f"{text} UNION ALL {IN_ALL.format(total=total)}", [*values, *of_total]

    def _bars(self, count: int) -> tuple[str, list[Any]]:
        bounds = ("bucket.begins", "bucket.ends")
        most = LOOKED_AT // count, LOOKED_UP // count
        volume, values = self._counted(self.pairs, bounds, most, fails=True)
        if self._fits(self.pairs[1:])[0] or self.pairs[:1] == [FAILED]:
            return BARS.format(volume=volume, failed="0, false"), values
        failed, of_failed = self._counted([FAILED, *self.pairs], bounds, most)
        text = BARS.format(volume=volume, failed=FAILED_APART) + APART.format(failed=failed)
        return text, [*values, *of_failed]

    def _counted(
        self,
        pairs: Sequence[tuple[str, str]],
        bounds: tuple[str, str],
        most: tuple[int, int],
        times: Iterable[datetime | None] = (),
        *,
        fails: bool = False,
    ) -> tuple[str, list[Any]]:
        """Return a count over the index of the first pair, or over the list itself.

        ``most`` says how many entries it looks at: by themselves, and where it looks up each.
        """
        fits, of_fits = self._fits(pairs[1:])
        failing, of_failing = self._failing(pairs, fits) if fails else (fits, of_fits)
        limit = most[1] if fits else most[0]
        source = WITH_FACET if pairs else LISTED
        rows = source.format(begins=bounds[0], ends=bounds[1], most=limit)
        key = [self.project.pk, *(pairs[0] if pairs else ())]
        given = [time for time in times if time is not None]
        text = COUNTED.format(fits=_where(fits), fails=_where(failing), rows=rows, most=limit)
        return text, [*of_fits, *of_failing, *key, *given]

    def _failing(
        self, pairs: Sequence[tuple[str, str]], fits: Sequence[str]
    ) -> tuple[list[str], list[Any]]:
        """Return the conditions of a session that fits and has errors."""
        if pairs[:1] == [FAILED]:
            return self._fits(pairs[1:])
        return self._fits([*pairs[1:], FAILED]) if fits else (["false"], [])

    def _fits(self, others: Iterable[tuple[str, str]]) -> tuple[list[str], list[Any]]:
        """Return the rest of the conditions, which each session is looked up for."""
        texts, values = [], []
        for pair in others:
            texts.append(f"{HAS} IS NOT NULL")
            values += [self.project.pk, *pair]
        if self.filters.has_ticket is False:
            texts.append(f"{HAS} IS NULL")
            values += [self.project.pk, *OPEN_TICKET]
        if self.columns != Q():
            text, of_columns = self._looked_up()
            texts.append(f"({text}) IS NOT NULL")
            values += of_columns
        return texts, values

    def _looked_up(self) -> tuple[str, Sequence[Any]]:
        looked = RawSQL("looked.session_id", ())
        rows = self.project.sessions.filter(self.columns, pk=looked).values("pk")
        return rows.query.sql_with_params()


def _where(conditions: Sequence[str]) -> str:
    return f" FILTER (WHERE {' AND '.join(conditions)})" if conditions else ""


def span_of(project: Project, filters: SessionFilters, newest: datetime | None) -> Span | None:
    """Return the span of the strip: the one asked for, or the last day that has sessions.

    ``newest`` is when the newest session began, where the caller knows it. None where the
    filters leave no time at all.
    """
    now = timezone.now()
    begins, ends = filters.started_after, filters.started_before
    if begins is None and ends is None:
        return _whole(cut(*_last_day(now, newest or _newest(project, filters))))
    ends = min(max(ends or now, EPOCH + DAY), LATEST)
    begins = max(begins or ends - DAY, EPOCH)
    return cut(begins, ends) if begins < ends else None


def _last_day(now: datetime, newest: datetime | None) -> tuple[datetime, datetime]:
    is_recent = newest is None or now - DAY < newest < now
    ends = now if newest is None or is_recent else newest + timedelta(seconds=1)
    return ends - DAY, ends


def _newest(project: Project, filters: SessionFilters) -> datetime | None:
    """Return the latest start among the sessions that the first facet finds, or among all."""
    newest: datetime | None
    if pairs := facet_values(project, filters):
        facets = project.session_facets.filter(facet=pairs[0][0], value=pairs[0][1])
        ordered = facets.order_by("-started_at", "-session_id")
        newest = ordered.values_list("started_at", flat=True).first()
    else:
        shown = project.sessions.filter(is_listed=True, is_trial=False)
        sessions = shown.order_by("-sort_started", "-id")
        newest = sessions.values_list("sort_started", flat=True).first()
    return None if newest == UNKNOWN_TIME else newest


def cut(begins: datetime, ends: datetime) -> Span:
    """Return the span in at most ``MOST_BARS`` parts."""
    for seconds in SIZES:
        size = timedelta(seconds=seconds)
        if (rounded_up(ends, size) - rounded_down(begins, size)) // size <= MOST_BARS:
            break
    return Span(begins, ends, size)


def _whole(span: Span) -> Span:
    """Return the span made longer, so that its outer parts are as long as the others."""
    return replace(
        span, begins=rounded_down(span.begins, span.size), ends=rounded_up(span.ends, span.size)
    )


def rounded_down(moment: datetime, size: timedelta) -> datetime:
    return EPOCH + (moment - EPOCH) // size * size


def rounded_up(moment: datetime, size: timedelta) -> datetime:
    return EPOCH - (EPOCH - moment) // size * size
