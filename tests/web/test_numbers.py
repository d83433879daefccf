from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from apps.web.templatetags.ph import duration, money, number, short_number, stamp


@pytest.mark.parametrize("write", [duration, money, number, short_number, stamp])
def test_what_is_not_known_is_a_dash(write):
    assert write(None) == "-"


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (0, "0 ms"),
        (840.4, "840 ms"),
        (1200, "1.20 s"),
        (12_400, "12.4 s"),
        (200_000, "3 min 20 s"),
        (7_500_000, "2 h 05 min"),
        (90_000_000, "1 d 01 h"),
    ],
)
def test_durations_carry_their_unit(milliseconds, text):
    assert duration(milliseconds) == text


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("0", "$0.00"),
        ("1234.5", "$1,234.50"),
        ("0.0421", "$0.042"),
        ("0.008122", "$0.0081"),
        ("0.00000123", "$0.0000012"),
    ],
)
def test_small_sums_keep_two_digits_that_say_something(amount, text):
    assert money(Decimal(amount)) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0"), (999, "999"), (8123, "8.1k"), (415_000, "415k"), (4_200_000, "4.2M")],
)
def test_counts_are_short(count, text):
    assert short_number(count) == text


def test_an_instant_names_its_zone_and_is_readable_by_machines():
    drawn = stamp(datetime(2026, 11, 21, 3, 12, 4, tzinfo=UTC), "exact")

    assert 'datetime="2026-11-21T03:12:04+00:00"' in drawn
    assert "03:12:04.000000 UTC" in drawn
