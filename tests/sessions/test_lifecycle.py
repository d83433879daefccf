"""Closing, compaction, erasure, and what people add."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from apps.audit.actors import SYSTEM
from apps.audit.models import AuditEntry
from apps.core.errors import ConflictError, InvalidError
from apps.sessions import reader, store
from apps.sessions.events import Outcome, Usage
from apps.sessions.models import Chunk, Session
from apps.sessions.tasks import sweep_compaction, sweep_idle
from tests.sessions.factories import at, make_call, make_event, make_session
from tests.sessions.snapshots import folded_deltas, session_snapshot

pytestmark = pytest.mark.django_db


def long_session(project, chunks):
    for number in range(chunks):
        make_session(project, make_call(input=f"word {number} " * 60, started_at=at(number)))
    return project.sessions.get()


def let_pass(minutes):
    Session.unscoped.update(last_arrival_at=timezone.now() - timedelta(minutes=minutes))


def test_a_session_without_events_for_half_an_hour_is_closed(project):
    make_session(project)
    let_pass(29)
    assert sweep_idle() == 0

    let_pass(31)

    assert sweep_idle() == 1
    assert project.sessions.get().status == "closed"


def test_a_late_event_opens_the_session_again(project):
    make_session(project)
    let_pass(31)
    sweep_idle()

    store.append(project, [make_event()])

    assert project.sessions.get().is_open


def test_an_explicit_end_closes_and_only_a_later_start_opens(project):
    end = make_event(ends_session=True, started_at=at(5))
    assert not make_session(project, end).is_open

    store.append(project, [make_event(started_at=at(4), ended_at=at(9))])
    assert not project.sessions.get().is_open

    store.append(project, [make_event(started_at=at(6))])
    assert project.sessions.get().is_open


def test_a_closed_session_is_compacted_into_one_chunk_and_reads_the_same(project):
    session = long_session(project, 5)
    before = session_snapshot(session)
    Session.unscoped.update(status="closed")

    assert sweep_compaction() == 1

    session.refresh_from_db()
    assert Chunk.unscoped.count() == session.chunk_count == 1
    assert session_snapshot(session) == before | {"status": "closed"}
    assert sweep_compaction() == 0


def test_an_open_session_is_compacted_tier_by_tier(project):
    session = long_session(project, 70)

    assert store.compact(session) == 8

    tiers = list(Chunk.unscoped.order_by("number").values_list("number", "tier"))
    assert tiers == [(32, 1), (64, 1), *[(number, 0) for number in range(65, 71)]]


def test_a_compacted_session_takes_more_and_still_finds_what_it_has(project):
    session = long_session(project, 3)
    Session.unscoped.update(status="closed")
    store.compact(session)

    store.append(project, [make_call(input="word 1 " * 60)])

    session.refresh_from_db()
    reads = reader.read_steps(session, reader.outline(session).steps, content=True)
    assert sorted(read["input"][:6] for read in reads) == ["word 0", "word 1", "word 1", "word 2"]


def record_tables():
    return [
        f"agent_sessions_{name}"
        for name in ("event", "eventinput", "chunk", "sessionkey", "sessionfacet", "trace")
    ]


def test_an_erased_session_is_gone_from_every_table(project):
    session = make_session(
        project, make_call(trace="t", session="s", input="x", inputs=["a"], usage=Usage(input=3))
    )

    receipt = store.erase(session, actor=SYSTEM)

    with connection.cursor() as cursor:
        for table in record_tables():
            cursor.execute(f"SELECT count(*) FROM {table}")
            assert cursor.fetchone() == (0,), table
    left = Session.unscoped.get()
    assert (left.title, left.external_id, left.user_ref, left.is_listed) == (None,) * 3 + (False,)
    assert folded_deltas(project) == {}
    assert (receipt.events, receipt.chunks, len(receipt.key_hash)) == (1, 1, 64)


def test_an_erasure_is_audited_and_happens_once(project):
    session = make_session(project)
    store.erase(session, actor=SYSTEM)

    [entry] = AuditEntry.unscoped.filter(act="session.erase")
    assert entry.object_ids == [str(session.pk)]
    with pytest.raises(ConflictError):
        store.erase(session, actor=SYSTEM)


def test_events_after_an_erasure_begin_another_session(project):
    session = make_session(project, make_event(session="chat"))
    store.erase(session, actor=SYSTEM)

    store.append(project, [make_event(session="chat")])

    assert project.sessions.get(is_listed=True).pk != session.pk


def test_people_mark_sessions_and_take_marks_back(project):
    session = make_session(project)
    store.mark(session, "tag", ["vip", "late"], actor=SYSTEM)
    store.mark(session, "tag", [], remove=["late"], actor=SYSTEM)

    assert set(session.facets.filter(facet="tag").values_list("value", flat=True)) == {"vip"}
    with pytest.raises(InvalidError):
        store.mark(session, "colour", ["red"], actor=SYSTEM)


def test_a_persons_outcome_stands_over_what_events_say(project):
    session = make_session(project, make_event(outcome=Outcome(status="success")))

    store.set_outcome(session, "failure", reason="wrong flight", actor=SYSTEM)
    store.append(project, [make_event(outcome=Outcome(status="success"), ended_at=at(9))])

    session.refresh_from_db()
    assert (session.outcome, session.outcome_by) == ("failure", "system")
    assert reader.outcome_reason(session) == "wrong flight"
