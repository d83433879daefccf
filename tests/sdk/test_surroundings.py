"""The clock, random numbers, ids and sleep of a replay are those of the record."""

from __future__ import annotations

import asyncio
import datetime
import os
import random
import secrets
import socket
import subprocess
import sys
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC
from random import choice

import playhead
import pytest
from playhead.clocks import RecordingClock, opened, packed
from playhead.files import read_file

from tests.sdk.sample import record, replayed


@playhead.tool
def draw_inside() -> float:
    return random.random()


def draw(_: int = 0) -> list:
    return [
        random.random(),
        choice("abcdef"),
        random.sample(range(1000), 5),
        str(uuid.uuid4()),
        secrets.token_hex(8),
        secrets.token_urlsafe(),
        draw_inside(),
        time.time(),
        time.time_ns(),
        datetime.datetime.now(UTC).isoformat(),
        datetime.datetime.now().isoformat(),
    ]


def test_what_is_drawn_and_read_is_the_same_again(tmp_path):
    path = tmp_path / "drawn.playhead"
    first = record(path, lambda: [draw(), draw()])
    time.sleep(0.01)

    for _ in range(3):
        again, replay = replayed(path, lambda: [draw(), draw()])
        assert again == first
    assert replay.clock.unknown == 0
    assert first[0] != first[1]


def draw_secretly(_: int = 0) -> list:
    return [
        secrets.choice(range(10**6)),
        secrets.randbelow(10**9),
        secrets.randbits(70),
        str(uuid.uuid1()),
        os.urandom(9),
        random.randbytes(3),
    ]


def test_secrets_and_what_the_system_gives_are_the_same_again(tmp_path):
    path = tmp_path / "secret.playhead"
    first = record(path, lambda: [draw_secretly(), draw_secretly()])

    again, _ = replayed(path, lambda: [draw_secretly(), draw_secretly()])
    assert again == first
    assert not set(map(str, first[0])) & set(map(str, first[1]))
    assert 0 <= first[0][2] < 2**70
    assert draw_secretly() != draw_secretly()


def test_a_seed_of_the_application_means_what_it_always_does(tmp_path):
    def act():
        random.seed(7)
        return [random.random(), choice(range(10**6))]

    path = tmp_path / "seeded.playhead"

    assert act() == record(path, act) == replayed(path, act)[0]


def test_numbers_of_numpy_are_the_same_again(tmp_path):
    numpy = pytest.importorskip("numpy")

    def act():
        drawn = [numpy.random.rand(), numpy.random.default_rng().random(), numpy.random.normal()]
        numpy.random.seed(3)
        return [*drawn, numpy.random.rand()]

    path = tmp_path / "arrays.playhead"
    first = record(path, act)

    assert replayed(path, act)[0] == first
    assert act()[3] == first[3]
    assert act()[:3] != first[:3]


def test_lanes_draw_from_streams_of_their_own(tmp_path):
    path = tmp_path / "parallel.playhead"

    def act():
        with ThreadPoolExecutor(4) as pool:
            return list(pool.map(draw, range(8)))

    first = record(path, act)

    assert replayed(path, act)[0] == first
    assert len({drawn[3] for drawn in first}) == 8


def test_two_sessions_draw_differently(tmp_path):
    first, second = (record(tmp_path / f"{n}.playhead", draw) for n in "ab")
    assert first[3] != second[3]
    assert first[0] != second[0]


def test_outside_of_sessions_all_is_as_before():
    random.seed(7)
    drawn = random.random()
    random.seed(7)

    assert random.random() == drawn
    assert uuid.uuid4() != uuid.uuid4()
    assert abs(time.time() - time.time_ns() / 1e9) < 1
    assert type(datetime.datetime.now()) is type(datetime.datetime(2026, 1, 1))
    assert isinstance(datetime.datetime.now(), datetime.datetime)


def test_reading_the_clock_more_often_than_recorded_goes_on_and_is_counted(tmp_path):
    path = tmp_path / "reads.playhead"
    first = record(path, lambda: time.time_ns())

    with playhead.replay(path) as replay:
        reads = [time.time_ns() for _ in range(3)]

    assert reads == [first, first + 1_000_000, first + 2_000_000]
    assert replay.clock.unknown == 2


def test_nothing_is_waited_for_at_a_replay(tmp_path):
    path = tmp_path / "asleep.playhead"
    record(path, draw_inside)

    began = time.monotonic()
    with playhead.replay(path):
        time.sleep(30)
        asyncio.run(asyncio.sleep(30))
    assert time.monotonic() - began < 5


def test_a_replay_cannot_reach_the_network(tmp_path):
    path = tmp_path / "cut.playhead"
    record(path, draw_inside)

    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        playhead.replay(path),
        pytest.raises(playhead.Divergence, match="was refused"),
    ):
        socket.create_connection(server.getsockname())


def test_reads_are_packed_without_losing_a_nanosecond():
    clock = RecordingClock()
    for _ in range(5):
        clock.read("0", "app")

    assert opened(packed(clock.reads)) == {"0": {"app": clock.reads["0"]["app"]}}


def test_a_session_says_its_seed_and_surroundings_and_nothing_else_of_what_was_drawn(tmp_path):
    path = tmp_path / "seed.playhead"
    record(path, draw)

    kinds = [event["kind"] for event in read_file(path)[1]]
    assert kinds == ["random", "env", "tool", "time"]


def test_a_program_that_was_recorded_runs_the_same_in_another_process(tmp_path):
    path, program = tmp_path / "program.playhead", tmp_path / "program.py"
    program.write_text(
        "import sys, time, uuid, random, playhead\n"
        "run = playhead.session(file=sys.argv[2]) if sys.argv[1] == 'record'"
        " else playhead.replay(sys.argv[2])\n"
        "with run:\n    print(uuid.uuid4(), time.time(), random.random())\n"
    )

    def run(how: str) -> str:
        asked = [sys.executable, str(program), how, str(path)]
        return subprocess.run(asked, capture_output=True, text=True, check=True).stdout

    assert run("record") == run("replay")


def test_code_with_a_marker_runs_where_the_record_knows_it(tmp_path):
    def act(*, has_guard: bool) -> list[str]:
        return ["guard"] if has_guard and playhead.patched("guard") else []

    old, new = tmp_path / "old.playhead", tmp_path / "new.playhead"
    assert record(old, lambda: act(has_guard=False)) == []
    assert record(new, lambda: act(has_guard=True)) == ["guard"]

    assert replayed(old, lambda: act(has_guard=True))[0] == []
    assert replayed(new, lambda: act(has_guard=True))[0] == ["guard"]
    assert playhead.patched("guard")


def test_a_report_says_what_changed_around_the_application(tmp_path, monkeypatch):
    path = tmp_path / "around.playhead"
    monkeypatch.setenv("STAGE", "one")
    monkeypatch.setenv("MY_API_KEY", "hidden-1")
    with playhead.session(file=path, variables=["STAGE", "MY_API_KEY", "UNSET"]):
        draw_inside()
    monkeypatch.setenv("STAGE", "two")
    monkeypatch.setenv("MY_API_KEY", "hidden-2")

    _, replay = replayed(path, lambda: None)
    found = replay.report.environment
    assert found["variables.STAGE"] == ("one", "two")
    assert found["variables.MY_API_KEY"][0].startswith("sha256:")
    assert set(found) == {"variables.STAGE", "variables.MY_API_KEY"}
    assert "hidden" not in path.read_text()
    assert "changed since: variables.STAGE one -> two" in replay.report.text()
