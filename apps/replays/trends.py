"""How replays of a project came out over time, and how far what it records can be replayed.

Two statements, each over the rows of one window, which is bounded; no report is opened.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal

from apps.core.errors import InvalidError
from apps.core.prepared import rows
from apps.replays.models import Band, Status
from apps.replays.reports import EARLIEST, FUTURE
from apps.sessions.fidelity import CLASSES
from apps.sessions.filters import one_of, read_text, read_time
from apps.tenants.models import Project

By = Literal["day", "week"]
STEPS: Mapping[str, timedelta] = {"day": timedelta(days=1), "week": timedelta(weeks=1)}
LONGEST: Mapping[str, timedelta] = {"day": timedelta(days=92), "week": timedelta(weeks=53)}
USUAL = timedelta(days=30)

_COUNTS = [
    *(f"count(*) FILTER (WHERE status = '{status}')" for status in Status.values),
    *(f"count(*) FILTER (WHERE band = '{band}')" for band in Band.values),
]
# Days of UTC, and the whole window as the row without one.
REPLAYS = f"""
SELECT (date_trunc($4, reported_at AT TIME ZONE 'UTC'))::date AS starts_on,
    count(*), {", ".join(_COUNTS)},
    percentile_cont(0.5) WITHIN GROUP (ORDER BY coverage),
    percentile_cont(0.5) WITHIN GROUP (ORDER BY fidelity)
FROM replays_replay r
WHERE project_id = $1 AND reported_at >= $2 AND reported_at < $3 AND ($5::text = '' OR EXISTS (
    SELECT FROM agent_sessions_session s
    WHERE s.project_id = $1 AND s.id IN (r.session_id, r.original_id) AND s.agent = $5
)) AND NOT EXISTS (
    SELECT FROM agent_sessions_session s
    WHERE s.project_id = $1 AND s.id = r.session_id AND s.is_trial
)
GROUP BY GROUPING SETS ((1), ())
"""  # noqa: S608
SESSIONS = """
SELECT fidelity, count(*), count(*) FILTER (WHERE id IN (
    SELECT replay_of FROM agent_sessions_session
    WHERE project_id = $1 AND is_listed AND replay_of IS NOT NULL
))
FROM agent_sessions_session
WHERE project_id = $1 AND is_listed AND sort_started >= $2 AND sort_started < $3
    AND origin NOT IN ('replay', 'fork') AND ($4::text = '' OR agent = $4)
GROUP BY fidelity
"""


@dataclass(frozen=True, slots=True)
class Window:
    """The time that is looked at, and how it is divided."""

    since: datetime
    until: datetime
    by: By = "day"

    @classmethod
    def from_query(cls, query: Mapping[str, str], now: datetime) -> Window:
        """Read ``from``, ``to`` and ``by``; the last 30 days by day if they are not said."""
        by = one_of(*STEPS)("by", query.get("by") or "day")
        until = _read_moment("to", query["to"]) if query.get("to") else now
        if not EARLIEST <= until <= now + FUTURE:
            raise InvalidError("to must be a time from 1990 to tomorrow.", "to")
        since = _read_moment("from", query["from"]) if query.get("from") else until - USUAL
        if not since < until:
            raise InvalidError("from must be before to.", "from")
        if until - since > LONGEST[by]:
            message = f"By {by}, at most {LONGEST[by].days} days are told at once."
            raise InvalidError(message, "from")
        return cls(since, until, by)  # type: ignore[arg-type]

    def starts(self) -> Iterator[date]:
        """Yield on which days its parts begin, in UTC; weeks begin on Mondays."""
        day = self.since.astimezone(UTC).date()
        day -= timedelta(days=day.weekday() if self.by == "week" else 0)
        last = (self.until - timedelta.resolution).astimezone(UTC).date()
        while day <= last:
            yield day
            day += STEPS[self.by]


@dataclass(frozen=True, slots=True)
class Bucket:
    """Replays of some time; shares and medians are None where there was nothing to count."""

    # None: the whole window.
    starts_on: date | None
    replays: int = 0
    running: int = 0
    ended: int = 0
    failed: int = 0
    bands: Mapping[str, int] = field(default_factory=lambda: dict.fromkeys(Band.values, 0))
    median_coverage: float | None = None
    median_fidelity: float | None = None

    @property
    def success_rate(self) -> float | None:
        """Of the replays that are over, the share that ran to the end."""
        over = self.ended + self.failed
        return self.ended / over if over else None

    def share(self, band: str) -> float | None:
        """Return the share of a band, of replays that have one."""
        judged = sum(self.bands.values())
        return self.bands[band] / judged if judged else None


@dataclass(frozen=True, slots=True)
class Sessions:
    """Recorded sessions that began in the window, without replays and forks."""

    count: int
    by_class: Mapping[str, int]
    # How many of them were ever replayed.
    replayed: int

    @property
    def replay_coverage(self) -> float | None:
        return self.replayed / self.count if self.count else None


@dataclass(frozen=True, slots=True)
class Trend:
    """What became of replays in a window: as a whole, and part by part without a gap."""

    window: Window
    total: Bucket
    buckets: Sequence[Bucket]
    sessions: Sessions


def trend(
    project: Project, since: datetime, until: datetime, *, by: By = "day", agent: str = ""
) -> Trend:
    """Return how replays came out; with ``agent``, those of its sessions alone."""
    window, agent = Window(since, until, by), read_text("agent", agent)
    found = {
        values[0]: _bucket(*values) for values in rows(REPLAYS, project.pk, since, until, by, agent)
    }
    total = found.pop(None, Bucket(None))
    buckets = [found.get(day, Bucket(day)) for day in window.starts()]
    return Trend(window, total, buckets, _sessions(project, window, agent))


def _bucket(starts_on: date | None, count: int, *values: Any) -> Bucket:
    statuses, bands = len(Status.values), len(Band.values)
    running, ended, failed = values[:statuses]
    return Bucket(
        starts_on,
        count,
        running,
        ended,
        failed,
        dict(zip(Band.values, values[statuses : statuses + bands], strict=True)),
        *values[statuses + bands :],
    )


def _sessions(project: Project, window: Window, agent: str) -> Sessions:
    found = rows(SESSIONS, project.pk, window.since, window.until, agent)
    by_class = dict.fromkeys(CLASSES, 0) | {CLASSES[level]: count for level, count, _ in found}
    return Sessions(sum(by_class.values()), by_class, sum(replayed for *_, replayed in found))


def _read_moment(name: str, text: str) -> datetime:
    """Return a time, or the beginning of a day."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return read_time(name, text)
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
