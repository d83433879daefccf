"""When schedules are due: clocks that change, ends of months, and expressions that never come."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from apps.core.errors import InvalidError
from apps.replays.schedules.timing import MOST_COUNTED, Timing, read_timing

BERLIN = "Europe/Berlin"


def utc(*fields):
    return datetime(*fields, tzinfo=UTC)


def times(cron, zone, after, count=3):
    found = read_timing(cron, zone).next_times(after, count)
    return [moment.strftime("%m-%d %H:%M") for moment in found]


def test_a_time_keeps_to_the_clock_on_the_wall_over_the_year():
    assert times("0 3 * * *", BERLIN, utc(2026, 3, 27, 12)) == [
        "03-28 02:00",
        "03-29 01:00",
        "03-30 01:00",
    ]


def test_an_hour_that_is_left_out_comes_right_after_the_gap():
    # 02:30 of 29 March does not exist: clocks go from 02:00 to 03:00, which is 01:00 UTC.
    assert times("30 2 * * *", BERLIN, utc(2026, 3, 28, 12), 2) == ["03-29 01:00", "03-30 00:30"]


def test_two_times_of_one_gap_are_one():
    found = times("15,45 2 * * *", BERLIN, utc(2026, 3, 28, 12))

    assert found == ["03-29 01:00", "03-30 00:15", "03-30 00:45"]


def test_an_hour_that_comes_twice_counts_once():
    assert times("30 2 * * *", BERLIN, utc(2026, 10, 24, 12), 2) == ["10-25 00:30", "10-26 01:30"]


def test_who_looks_in_the_second_of_two_equal_hours_is_not_sent_back():
    assert times("45 2 * * *", BERLIN, utc(2026, 10, 25, 1, 40), 1) == ["10-26 01:45"]


def test_every_half_hour_is_half_an_hour_through_gap_and_repetition():
    gap = times("*/30 * * * *", BERLIN, utc(2026, 3, 29, 0, 20))
    twice = times("*/30 * * * *", BERLIN, utc(2026, 10, 24, 23, 50))

    assert gap == ["03-29 00:30", "03-29 01:00", "03-29 01:30"]
    assert twice == ["10-25 00:00", "10-25 00:30", "10-25 01:00"]


def test_months_without_such_a_day_are_left_out_and_l_is_the_last_day():
    assert times("0 0 31 * *", "UTC", utc(2026, 1, 1)) == [
        "01-31 00:00",
        "03-31 00:00",
        "05-31 00:00",
    ]
    assert times("0 0 L * *", "UTC", utc(2028, 1, 31, 1), 2) == ["02-29 00:00", "03-31 00:00"]


def test_the_29th_of_february_comes_in_leap_years():
    [first, second] = read_timing("0 0 29 2 *", "UTC").next_times(utc(2026, 1, 1), 2)

    assert (first, second) == (utc(2028, 2, 29), utc(2032, 2, 29))


@pytest.mark.parametrize(
    ("cron", "zone", "field", "says"),
    [
        ("0 0 31 2 *", "UTC", "cron", "never comes"),
        ("61 * * * *", "UTC", "cron", "The field minute cannot be read: 61"),
        ("0 0 32 * *", "UTC", "cron", "The field day of the month cannot be read"),
        ("0 0 * * FOO", "UTC", "cron", "The field day of the week cannot be read"),
        ("* * * * * *", "UTC", "cron", "Five fields are expected"),
        ("@daily", "UTC", "cron", "every night at 3"),
        ("1" * 101, "UTC", "cron", "Five fields are expected"),
        ("\x00 * * * *", "UTC", "cron", "The field minute"),
        ("0 3 * * *", "Mars/Olympus", "time_zone", "Europe/Berlin"),
        ("0 3 * * *", "../../etc/passwd", "time_zone", "no such time zone"),
    ],
)
def test_what_cannot_be_due_is_refused_and_says_what_can(cron, zone, field, says):
    with pytest.raises(InvalidError) as refused:
        read_timing(cron, zone)

    assert refused.value.errors[0]["path"] == field
    assert says in str(refused.value)


def test_times_that_have_come_are_counted_to_the_last_of_them():
    due = Timing("0 3 * * *", BERLIN).until(utc(2026, 3, 28, 2), utc(2026, 3, 30, 2))

    assert (due.first, due.last, due.count) == (utc(2026, 3, 28, 2), utc(2026, 3, 30, 1), 3)
    assert not due.is_cut


def test_a_year_of_minutes_is_not_counted_one_by_one():
    due = Timing("* * * * *", BERLIN).until(utc(2025, 1, 1), utc(2026, 1, 1, 0, 0, 30))

    assert (due.count, due.is_cut) == (MOST_COUNTED, True)
    assert due.last == utc(2026, 1, 1)
