"""Several writers at once lose nothing and double nothing."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from apps.sessions import store
from apps.sessions.events import Usage
from tests.sessions.factories import at, make_call
from tests.sessions.snapshots import expected, folded_deltas, listed, recounted_deltas, stored

pytestmark = pytest.mark.django_db(transaction=True)


def events_of(session):
    return [
        make_call(
            id=f"{session}-{number}",
            trace=f"{session}-t{number % 3}",
            # Only some name the session, so that traces are adopted on the way.
            session=f"s{session}" if number % 4 == 0 else None,
            parent=f"{session}-{number - 3}" if number > 3 else None,
            usage=Usage(input=number, output=1),
            started_at=at(number),
            input=[{"role": "user", "content": f"word {n} " * 20} for n in range(number)],
        )
        for number in range(24)
    ]


def write(project, batches):
    for batch in batches:
        store.append(project, batch)
    connection.close()


def shuffled(seed, events):
    rng = random.Random(seed)
    mixed = rng.sample(events, len(events))
    return [mixed[at : at + 7] for at in range(0, len(mixed), 7)]


def test_writers_of_the_same_sessions_lose_and_double_nothing(project):
    events = [event for session in range(4) for event in events_of(session)]

    with ThreadPoolExecutor(4) as pool:
        writers = [pool.submit(write, project, shuffled(seed, events)) for seed in range(4)]
        for writer in writers:
            writer.result()

    sessions = listed(project)
    assert sorted(session.external_id for session in sessions) == ["s0", "s1", "s2", "s3"]
    assert [session.event_count for session in sessions] == [24] * 4
    assert all(stored(session) == expected(session) for session in sessions)
    assert folded_deltas(project) == recounted_deltas(project)


def test_a_project_s_first_two_writers_agree_on_its_keys(project):
    with ThreadPoolExecutor(2) as pool:
        for _ in pool.map(lambda n: write(project, [events_of(n)]), range(2)):
            pass

    assert project.record_keys.count() == 2
    assert len(listed(project)) == 2
