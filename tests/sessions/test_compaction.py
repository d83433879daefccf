"""Compaction beside everything else that goes on: writers, readers, workers, kills, erasure."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from random import Random
from threading import Event, Thread

import pytest
from django.db import connection, transaction

from apps.audit.actors import SYSTEM
from apps.sessions import compaction, reader, store
from apps.sessions.chunks import Contents
from apps.sessions.compaction import FULL_TIER, compact_group
from apps.sessions.keys import project_keys
from apps.sessions.models import Chunk, Session
from apps.sessions.search import Look
from apps.sessions.search_query import read_query
from tests.sessions.factories import at, make_call, make_session
from tests.sessions.snapshots import session_snapshot

pytestmark = pytest.mark.django_db


def recorded(project, chunks, session="chat-1", text="word", noise=0):
    for number in range(chunks):
        said = f"{text} {number} " * 60 + Random(number).randbytes(noise).hex()
        call = make_call(session=session, input=said, started_at=at(number))
        made = make_session(project, call)
    return made


def close_all():
    Session.unscoped.update(status="closed")


def chunks_of(session):
    return list(
        Chunk.unscoped.filter(session=session).order_by("number").values_list("number", "tier")
    )


def inputs_of(session):
    steps = reader.outline(session).steps
    return [read["input"] for read in reader.read_steps(session, steps, content=True)]


def test_what_was_merged_before_a_kill_stays_merged(project):
    session = recorded(project, 70)
    before = session_snapshot(session)
    with transaction.atomic():
        assert compact_group(project_keys(project.pk), session.pk.bytes).has_more

    assert store.compact(session) == 8

    assert chunks_of(session)[:3] == [(32, 1), (64, 1), (65, 0)]
    assert session_snapshot(session) == before


def test_a_group_that_was_broken_off_leaves_nothing_behind(project):
    session = recorded(project, 3)
    close_all()
    with transaction.atomic():
        compact_group(project_keys(project.pk), session.pk.bytes)
        transaction.set_rollback(True)
    assert len(chunks_of(session)) == 3

    assert store.compact_due() == 1

    assert chunks_of(session) == [(3, 1)]


def test_chunks_that_are_large_stay_apart_and_are_not_due_again(project, monkeypatch):
    monkeypatch.setattr(compaction, "FULL", 400)
    session = recorded(project, 9, noise=100)
    before = inputs_of(session)
    close_all()

    assert store.compact_due() == 1

    session.refresh_from_db()
    assert 1 < len(chunks_of(session)) < 9
    assert session.chunk_count < 2
    assert inputs_of(session) == before
    assert store.compact_due() == 0


def test_what_is_small_only_while_it_is_packed_stays_apart(project, monkeypatch):
    monkeypatch.setattr(compaction, "FULL_OPENED", 2500)
    session = recorded(project, 6, text="a" * 20)
    before = inputs_of(session)
    close_all()

    assert store.compact_due() == 1

    assert [tier for _, tier in chunks_of(session)] == [FULL_TIER] * 3
    assert inputs_of(session) == before
    assert store.compact_due() == 0


def test_content_that_does_not_open_holds_up_nobody_else(project):
    broken, sound = (recorded(project, 3, name) for name in ("broken", "sound"))
    Chunk.unscoped.filter(session=broken, number=2).update(body=b"x" * 40)
    close_all()

    assert store.compact_due() == 1

    assert len(chunks_of(broken)) == 3
    assert len(chunks_of(sound)) == 1


def test_a_run_ends_after_its_time_and_the_next_goes_on(project):
    recorded(project, 3)
    close_all()

    assert store.compact_due(seconds=0) == 0
    assert store.compact_due() == 1


def test_an_erased_session_is_not_compacted(project):
    session = recorded(project, 3)
    close_all()
    store.erase(session, actor=SYSTEM)

    assert store.compact_due() == 0
    assert store.compact(session) == 0


def test_a_reader_who_began_before_a_compaction_reads_on(project):
    session = recorded(project, 3)
    key = session.pk.bytes
    rows = list(reader.rows_of(session, reader.outline(session).steps))
    contents = Contents(project.pk, {key: reader.ciphers([session])[session.pk]})
    contents.load([(key, rows[2].input_digest)])
    close_all()
    store.compact(session)

    contents.load([(key, rows[0].input_digest)])

    assert contents.body(key, rows[0].input_digest).startswith("word 0")


def test_a_search_that_began_before_a_compaction_knows_that_it_must_look_again(project):
    session = recorded(project, 3)
    close_all()
    store.compact(session)
    cipher = reader.ciphers([session])[session.pk]
    items = read_query('"word 1"').items

    late, anew = (Look(session, cipher, items) for _ in range(2))

    assert late.spots({2: [0]}) == []
    assert late.is_stale
    assert len(anew.spots({3: [0]})) == 1
    assert not anew.is_stale


@contextmanager
def writer_of(project, session):
    """Hold a session as one who writes to it does."""
    is_held, is_over = Event(), Event()

    def write():
        with transaction.atomic():
            store.append(project, [make_call(session=session, input="late " * 80)])
            is_held.set()
            is_over.wait(20)
        connection.close()

    thread = Thread(target=write)
    thread.start()
    assert is_held.wait(20)
    yield
    is_over.set()
    thread.join(20)


@pytest.mark.django_db(transaction=True)
def test_a_session_that_is_written_to_is_left_for_the_next_time(project):
    busy, quiet = recorded(project, 3, "busy"), recorded(project, 3, "quiet")
    close_all()

    with writer_of(project, "busy"):
        assert store.compact_due() == 1

    assert len(chunks_of(quiet)) == 1
    assert len(chunks_of(busy)) == 4
    close_all()
    assert store.compact_due() == 1
    assert sorted(text[:5] for text in inputs_of(busy)) == ["late ", "word ", "word ", "word "]


@pytest.mark.django_db(transaction=True)
def test_two_workers_and_a_writer_at_once_lose_nothing(project):
    sessions = [recorded(project, 5, f"s{number}") for number in range(6)]
    close_all()

    def work(act):
        try:
            return act()
        finally:
            connection.close()

    with ThreadPoolExecutor(3) as pool:
        acts = (store.compact_due, store.compact_due, lambda: recorded(project, 9, "s0", "more"))
        [acted.result() for acted in [pool.submit(work, act) for act in acts]]
    close_all()
    store.compact_due()

    assert [len(chunks_of(session)) for session in sessions] == [1] * 6
    assert [len(inputs_of(session)) for session in sessions] == [14, 5, 5, 5, 5, 5]
