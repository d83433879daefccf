"""Which time a replay gives its application."""

from __future__ import annotations

import datetime as dt
import time

import playhead
import pytest
from playhead.files import write_file


@pytest.fixture
def path(tmp_path):
    """A session of long ago that read no clock."""
    event = {"id": "1", "kind": "event", "name": "a", "started_at": "2020-02-03T04:05:06Z"}
    write_file(tmp_path / "old.playhead", "old", [event])
    return tmp_path / "old.playhead"


@pytest.mark.parametrize(
    ("clock", "is_old"), [("recorded", True), ("shifted", True), ("real", False)]
)
def test_time_is_recorded_shifted_or_real(path, clock, is_old):
    with playhead.replay(path, clock=clock):
        first, now = time.time_ns(), dt.datetime.now(dt.UTC)
        second = time.time_ns()

    assert (now.year == 2020) is is_old
    assert first < second


def test_a_shifted_clock_begins_where_the_record_does(path):
    with playhead.replay(path, clock="shifted"):
        now = dt.datetime.now(dt.UTC)

    assert dt.datetime(2020, 2, 3, 4, 5, 6, tzinfo=dt.UTC) <= now
    assert now.date() == dt.date(2020, 2, 3)


def test_another_clock_is_refused(path):
    with (
        pytest.raises(ValueError, match="clock must be one of recorded, real, shifted"),
        playhead.replay(path, clock="sundial"),
    ):
        pass
