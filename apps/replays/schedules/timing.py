"""When a schedule is due: five fields of cron, read in a time zone.

What happens when clocks change is that of Debian's cron, by cronsim. A schedule of fixed hours
keeps to the clock on the wall: an hour that is left out comes right after the gap, one that comes
twice counts once. One whose minute or hour begins with ``*`` keeps to the time that passes: every
30 minutes is every 30 minutes, through gap and repetition.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from itertools import islice
from zoneinfo import ZoneInfo, available_timezones

from cronsim import CronSim, CronSimError

from apps.core.errors import InvalidError

LONGEST_CRON = 100
LONGEST_ZONE = 64
# Five fields, as crontab(5) has them.
FIELDS = ("minute", "hour", "day of the month", "month", "day of the week")
EXAMPLES = "0 3 * * * is every night at 3, */15 * * * * every quarter of an hour"
# Due times that are counted one by one; beyond, it is "so many or more".
MOST_COUNTED = 1_000
NEVER = (
    "This never comes: no date is like that within 50 years, as there is no 31 February. Choose a "
    "day that there is; L is the last day of any month."
)
# A month with fewer days than the one asked for is refused by cronsim as a bad day.
BAD_DAY = "Bad day-of-month"


@dataclass(frozen=True, slots=True)
class Timing:
    """A cron expression in a time zone, both found good."""

    cron: str
    zone: str

    def after(self, moment: datetime) -> Iterator[datetime]:
        """Yield the due times after a moment, in UTC, each once and in order.

        cronsim gives the first of two equal hours, so a search that begins in the second would
        go back; and two times of one gap are both moved to its end.
        """
        last = moment
        for found in CronSim(self.cron, moment.astimezone(ZoneInfo(self.zone))):
            if (due := found.astimezone(UTC)) > last:
                yield due
                last = due

    def first_after(self, moment: datetime) -> datetime | None:
        """Return the next due time, or None where none comes within 50 years."""
        return next(self.after(moment), None)

    def next_times(self, moment: datetime, count: int) -> list[datetime]:
        return list(islice(self.after(moment), count))

    def until(self, first: datetime, end: datetime) -> Due:
        """Return which due times have come, of those from ``first``, itself one, to ``end``."""
        count, last = 1, first
        for moment in self.after(first):
            if moment > end:
                return Due(first, last, count)
            if count == MOST_COUNTED:
                return Due(first, self._last_before(end, moment), count, is_cut=True)
            count, last = count + 1, moment
        return Due(first, last, count)

    def _last_before(self, end: datetime, known: datetime) -> datetime:
        # Backwards, because every minute of a year would be half a million steps.
        here = end.astimezone(ZoneInfo(self.zone))
        found = next(CronSim(self.cron, here, reverse=True), None)
        return max(known, found.astimezone(UTC)) if found else known

    def says(self) -> str:
        """Return the expression in English words."""
        return CronSim(self.cron, datetime.now(UTC)).explain()


@dataclass(frozen=True, slots=True)
class Due:
    """Due times that have come since somebody last looked."""

    first: datetime
    last: datetime
    count: int
    # There were more than were counted.
    is_cut: bool = False


def read_timing(cron: str, zone: str) -> Timing:
    """Return when a schedule is due, or raise InvalidError naming ``cron`` or ``time_zone``."""
    timing = Timing(read_cron(cron), read_zone(zone))
    if timing.first_after(datetime.now(UTC)) is None:
        raise InvalidError(NEVER, "cron")
    return timing


def read_cron(text: str) -> str:
    """Return an expression in one way of writing it."""
    fields = text.split()
    if len(text) > LONGEST_CRON or len(fields) != len(FIELDS):
        message = f"Five fields are expected: {', '.join(FIELDS)}. {EXAMPLES}."
        raise InvalidError(message, "cron")
    cron = " ".join(fields).upper()
    try:
        CronSim(cron, datetime.now(UTC))
    except CronSimError as error:
        raise InvalidError(_refusal(fields, str(error)), "cron") from None
    return cron


def _refusal(fields: list[str], error: str) -> str:
    if error == BAD_DAY and _has_good_days(fields[2]):
        return NEVER
    names = {name.replace(" of the ", "-of-"): name for name in FIELDS}
    named = names.get(error.removeprefix("Bad "), "")
    at = FIELDS.index(named) if named else 0
    return f"The field {FIELDS[at]} cannot be read: {fields[at]}. {EXAMPLES}."


def _has_good_days(days: str) -> bool:
    try:
        CronSim(f"0 0 {days} * *", datetime.now(UTC))
    except CronSimError:
        return False
    return True


def read_zone(text: str) -> str:
    """Return the name of a time zone of the IANA database that this server has."""
    name = text.strip()
    if name not in zones():
        message = "There is no such time zone here. Name one as Europe/Berlin, or UTC."
        raise InvalidError(message, "time_zone")
    return name


@cache
def zones() -> frozenset[str]:
    """Return the names of all time zones, which are files of the system or of ``tzdata``."""
    return frozenset({"UTC", *available_timezones()})
