"""Reading again what was sent: as if it had come when the conventions knew all they know now."""

from __future__ import annotations

from functools import partial

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.audit.actors import SYSTEM
from apps.ingest.conventions import generic
from apps.ingest.renormalising import renormalise_session
from apps.sessions import reader, store
from apps.sessions.keys import project_keys
from apps.sessions.models import Session
from tests.ingest.recording import (
    CLIENTS,
    assert_same,
    record_spans,
    renormalise,
    seen_and_undone,
    spans_of,
)
from tests.sessions.factories import make_call, make_event
from tests.sessions.snapshots import listed, rows_of, snapshot

pytestmark = pytest.mark.django_db
OLD = (generic,)
# MLflow quotes the name of its session, so that who does not know names another one.
UNQUOTED = [client for client in CLIENTS if client != "mlflow"]
SLOW = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def record_late(project, batches, *, compacted=False) -> None:
    """Record by few conventions, and read again by all."""
    for batch in batches:
        record_spans(project, batch, OLD)
    if compacted:
        compact(project)
    renormalise(project)


def compact(project) -> None:
    Session.unscoped.filter(project_id=project.pk).update(status="closed")
    for session in listed(project):
        store.compact(session)
    Session.unscoped.filter(project_id=project.pk).update(status="open")


@pytest.mark.parametrize("client", UNQUOTED)
def test_reading_again_gives_what_reading_well_from_the_start_gives(project, client):
    project_keys(project.pk)
    spans = spans_of(client)

    at_once = seen_and_undone(project, partial(record_spans, project, spans))
    late = seen_and_undone(project, partial(record_late, project, [spans]))

    assert_same(late, at_once, to_the_letter=False)


@st.composite
def splits(draw):
    """Return spans of a client in any order, cut into requests at will."""
    spans = draw(st.permutations(spans_of(draw(st.sampled_from(["pydanticai", "traceloop"])))))
    marks = sorted(draw(st.lists(st.integers(0, len(spans)), max_size=4)))
    return [spans[a:b] for a, b in zip([0, *marks], [*marks, len(spans)], strict=True)]


@given(batches=splits(), compacted=st.booleans())
@SLOW
def test_reading_again_heals_what_was_split_and_shuffled(project, batches, compacted):
    project_keys(project.pk)
    spans = [span for batch in batches for span in batch]

    at_once = seen_and_undone(project, partial(record_spans, project, spans))
    late = seen_and_undone(project, partial(record_late, project, batches, compacted=compacted))

    assert_same(late, at_once, to_the_letter=False)


@pytest.mark.parametrize("client", CLIENTS)
def test_reading_again_what_was_read_well_changes_nothing(project, client):
    record_spans(project, spans_of(client), environment="test")
    before = snapshot(project)

    assert renormalise(project) == 0
    assert snapshot(project) == before


@pytest.mark.parametrize("client", CLIENTS)
def test_reading_again_twice_changes_nothing_the_second_time(project, client):
    record_spans(project, spans_of(client), OLD)

    assert renormalise(project) > 0
    before = snapshot(project)

    assert renormalise(project) == 0
    assert snapshot(project) == before


def test_a_session_keeps_its_name_and_shows_the_one_that_is_known_now(project):
    record_spans(project, spans_of("mlflow"), OLD)

    renormalise(project)

    (session,) = (session for session in listed(project) if session.external_id)
    assert session.external_id == '"trip-1"'
    assert {row.claimed_session for row in rows_of(session)} == {"trip-1"}


def test_what_people_said_of_a_session_stays(project):
    record_spans(project, spans_of("traceloop"), OLD)
    renormalise(project)
    (session,) = listed(project)
    store.mark(session, "tag", ["reviewed"], actor=SYSTEM)
    store.set_outcome(session, "failure", reason="Wrong city.", actor=SYSTEM)

    renormalise(project)

    session.refresh_from_db()
    assert session.facets.filter(facet="tag", value="reviewed").exists()
    assert (session.outcome, reader.outcome_reason(session)) == ("failure", "Wrong city.")


def test_events_of_other_ways_in_are_left_alone_and_tell_their_trace(project):
    spans = spans_of("pydanticai")
    root = next(span for span in spans if span.parent_id is None)
    others = [
        make_call(id="own", trace=root.trace_id, user="customer-9", session="chat-9"),
        make_event(id="apart", session="chat-9", output="word " * 99),
    ]
    record_spans(project, [span for span in spans if span.trace_id == root.trace_id], OLD)
    store.append(project, others)
    before = {row.client_id: row for session in listed(project) for row in rows_of(session)}

    renormalise(project)

    rows = {row.client_id: row for session in listed(project) for row in rows_of(session)}
    assert (rows["own"], rows["apart"]) == (before["own"], before["apart"])
    assert rows[root.span_id].user_ref == rows["own"].user_ref is not None


def test_a_trace_that_turns_out_to_name_a_session_moves_there_as_it_is(project):
    record_spans(project, spans_of("traceloop"), OLD)
    own = listed(project)
    Session.unscoped.filter(project_id=project.pk).update(status="closed")

    renormalise(project)

    (named,) = listed(project)
    assert (named.external_id, named.status, named.origin) == ("trip-1", "closed", "live")
    assert named.last_arrival_at == max(session.last_arrival_at for session in own)
    merged = Session.unscoped.filter(pk__in=[session.pk for session in own])
    assert {session.merged_into_id for session in merged} == {named.pk}


def test_times_of_arrival_stay(project):
    record_spans(project, spans_of("traceloop"), OLD)
    renormalise(project)
    (session,) = listed(project)
    arrivals = session.events.order_by("id").values_list("id", "arrived_at", "transaction")
    before = list(arrivals)

    renormalised = renormalise_session(session, conventions=OLD)

    assert renormalised.changed > 0
    assert list(arrivals.all()) == before
    assert Session.unscoped.get(pk=session.pk).last_arrival_at == session.last_arrival_at
