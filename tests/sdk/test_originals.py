"""What was recorded stays as it was, whatever is replayed or forked of it."""

from __future__ import annotations

import hashlib

import playhead
import pytest
from django.db import connection
from playhead import places
from playhead.files import write_file
from playhead.forking import Forking
from playhead.replaying import Policy, Replaying
from playhead.tapes import Tape

from tests.sdk.programs import record, run

STEPS = [("model", 1), ("tool", 1), ("decide", 1), ("pool", [("tool", 1), ("tool", 2)])]
DIGESTS = """
SELECT id, order_at, input_digest, output_digest, extra_digest, event::text
FROM agent_sessions_event AS event WHERE session_id = %s ORDER BY id
"""


@pytest.fixture
def site(project, key_client):
    """Return how events are sent, and how a session's are read."""
    sender, reader = key_client(project, "ingest"), key_client(project, "read:content")

    def send(events):
        answer = sender.post("/api/v1/events", {"events": events}, "application/json")
        assert answer.json()["accepted"] == len(events), answer.json()

    def events_of(name):
        session = project.sessions.get(external_id=name)
        return reader.get(f"/api/v1/sessions/{session.pk}/events").json()["results"]

    return send, events_of


def digests(project, name: str) -> list[tuple]:
    """Return every event of a session as it lies in the database, with its digests."""
    session = project.sessions.get(external_id=name)
    with connection.cursor() as cursor:
        cursor.execute(DIGESTS, [session.pk])
        return cursor.fetchall()


def recorded_as(run_of: Replaying, name: str) -> list[dict]:
    """Run the steps in a replay or fork that is recorded itself, and return its events."""
    events: list[dict] = []
    run_of.record_as(name, events.append, {})
    with places.running(run_of):
        run(("agent", STEPS))
    run_of.end()
    return events


def test_a_replay_and_a_fork_leave_every_digest_of_the_original_as_it_was(project, site):
    send, events_of = site
    send(record(STEPS)[1])
    before, told = digests(project, "program"), events_of("program")
    at = next(seq for seq, event in enumerate(told, 1) if event["kind"] == "llm")

    replaying = Replaying(Tape.of("program", told), Policy())
    forking = Forking(Tape.of("program", told), Policy(), at, {"model": "other"})
    for name, run_of in (("replay-1", replaying), ("fork-1", forking)):
        events = recorded_as(run_of, name)
        assert {event["session"] for event in events} == {name}
        send(events)

    assert forking.report.matched["live"] == 1
    assert replaying.report.band == "identical"
    assert len(before) == len(told) > 8
    assert digests(project, "program") == before
    assert events_of("program") == told


def test_a_file_is_only_read(tmp_path):
    _, events = record(STEPS)
    path = tmp_path / "original.playhead"
    write_file(path, "program", events)
    path.chmod(0o400)
    before = hashlib.sha256(path.read_bytes()).hexdigest()

    with playhead.replay(path) as replaying:
        run(("agent", STEPS))
    with playhead.fork(path, 3, file=tmp_path / "fork.playhead"):
        run(("agent", STEPS))

    replaying.report.assert_faithful()
    assert hashlib.sha256(path.read_bytes()).hexdigest() == before
