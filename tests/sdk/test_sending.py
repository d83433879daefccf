"""Events go out in the background; a server that is away costs neither events nor time."""

from __future__ import annotations

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
