"""Events go out in the background; a server that is away costs neither events nor time."""

from __future__ import annotations

import gzip
import multiprocessing
import os
import time

import pytest
from playhead.sending import Sender

from tests.sdk.taking import serving


@pytest.fixture
def server():
    with serving() as found:
        yield found


@pytest.fixture
def sender_to():
    made = []

    def make(url, **options):
        made.append(Sender(url, "phk_test", **options))
        return made[-1]

    yield make
    for one in made:
        one.close(1)


def test_many_events_arrive_once_in_few_requests(server, sender_to):
    sender = sender_to(server.url)
    for number in range(2_000):
        sender.put({"id": number})

    assert sender.flush(20)
    assert sorted(event["id"] for event in server.events) == list(range(2_000))
    assert server.requests < 20
    assert sender.counts.sent == 2_000


def test_the_application_goes_on_while_the_server_is_away(sender_to):
    sender = sender_to("http://127.0.0.1:9")
    for number in range(1_000):
        sender.put({"id": number})

    assert (sender.counts.sent, sender.counts.refused, sender.counts.lost) == (0, 0, 0)


def test_what_could_not_be_sent_lies_on_disk_and_goes_out_later(tmp_path, sender_to):
    away = sender_to("http://127.0.0.1:9", spool=tmp_path)
    for number in range(100):
        away.put({"id": number})
    away.flush(10)
    [file] = tmp_path.glob("*.gz")
    # Of a process that was killed while it sent this.
    file.rename(file.with_suffix(".99999999"))

    with serving() as server:
        back = sender_to(server.url, spool=tmp_path)
        back.put({"id": 100})
        back.flush(10)
        assert sorted(event["id"] for event in server.events) == list(range(101))
    assert list(tmp_path.iterdir()) == []


def test_what_lies_on_disk_goes_out_once_the_server_is_back_without_anything_new(
    tmp_path, server, sender_to
):
    server.status = 503
    sender = sender_to(server.url, spool=tmp_path)
    for number in range(3):
        sender.put({"id": number})
        assert sender.flush(10)
    assert len(list(tmp_path.glob("*.gz"))) == 3
    server.status = 200
    while list(tmp_path.iterdir()):
        time.sleep(0.02)

    assert [event["id"] for event in server.events] == [0, 1, 2]
    assert sender.counts.sent == 3


def test_a_process_of_one_event_sends_what_others_left_before_it_ends(tmp_path, server, sender_to):
    away = sender_to("http://127.0.0.1:9", spool=tmp_path)
    for number in range(3):
        away.put({"id": number})
        away.flush(10)
    short = sender_to(server.url, spool=tmp_path)
    short.put({"id": 3})
    short.close()

    assert sorted(event["id"] for event in server.events) == [0, 1, 2, 3]


def test_a_server_that_is_away_is_not_asked_for_each_batch(tmp_path, server, sender_to):
    server.status = 503
    sender = sender_to(server.url, spool=tmp_path)
    for number in range(20):
        sender.put({"id": number})
        sender.flush(10)

    assert server.requests < 5


def test_a_broken_file_on_disk_is_left_aside_and_stops_nothing(tmp_path, server, sender_to):
    (tmp_path / "0-cut.gz").write_bytes(gzip.compress(b'{"id": 1}')[:-6])
    sender = sender_to(server.url, spool=tmp_path)
    sender.put({"id": 2})

    assert sender.flush(10)
    assert [event["id"] for event in server.events] == [2]
    assert [file.name for file in tmp_path.iterdir()] == ["0-cut.broken"]


def test_what_lies_on_disk_is_for_its_owner_alone(tmp_path, sender_to):
    sender = sender_to("http://127.0.0.1:9", spool=tmp_path / "spool")
    sender.put({"id": 1})
    sender.flush(10)

    [file] = (tmp_path / "spool").iterdir()
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_a_process_of_a_pool_sends_what_it_recorded_before_it_ends(server, sender_to):
    sender = sender_to(server.url)
    child = multiprocessing.get_context("fork").Process(target=sender.put, args=({"id": 1},))
    child.start()
    child.join()

    assert [event["id"] for event in server.events] == [1]


def test_a_server_that_is_busy_is_asked_again(server, sender_to):
    server.status = 503
    sender = sender_to(server.url)
    sender.put({"id": 1})
    while not server.requests:
        time.sleep(0.01)
    server.status = 200

    assert sender.flush(10)
    assert [event["id"] for event in server.events] == [1]


def test_what_is_refused_is_counted_and_not_sent_again(server, sender_to):
    server.status = 401
    sender = sender_to(server.url)
    sender.put({"id": 1})

    assert sender.flush(10)
    assert (sender.counts.refused, server.requests) == (1, 1)


def test_what_finds_no_room_is_counted_as_lost(sender_to):
    sender = sender_to("http://127.0.0.1:9", most_bytes=1_000)
    for _ in range(100):
        sender.put({"text": "x" * 100})

    assert sender.counts.lost > 80


def test_a_forked_process_sends_its_own_and_nothing_twice(server, sender_to):
    sender = sender_to(server.url)
    sender.put({"id": "parent"})
    child = os.fork()
    if child == 0:
        sender.put({"id": "child"})
        os._exit(0 if sender.flush(10) else 1)
    assert os.waitpid(child, 0)[1] == 0

    assert sender.flush(10)
    assert sorted(event["id"] for event in server.events) == ["child", "parent"]
