"""A trace belongs to one session, whichever of its spans says so first."""

from __future__ import annotations

import pytest

from apps.sessions import adoption, reader, store
from apps.sessions.events import Usage
from apps.sessions.models import Chunk, Event, Session, SessionKey, Trace
from tests.sessions.factories import at, make_call, make_event
from tests.sessions.snapshots import expected, folded_deltas, recounted_deltas, stored

pytestmark = pytest.mark.django_db


def test_a_trace_without_a_session_gets_one_of_its_own(project):
    result = store.append(project, [make_event(trace="t1"), make_event(trace="t2")])

    assert len(result.sessions) == 2
    assert set(project.sessions.values_list("external_id", flat=True)) == {None}


def adopted(project) -> tuple[Session, Session]:
    early = make_call(id="a", trace="t", input="first words", usage=Usage(input=4), tags=["x"])
    result = store.append(project, [early])
    store.append(project, [make_event(id="b", trace="t", session="chat", inputs=["a"])])
    sessions = {str(session.pk): session for session in Session.unscoped.all()}
    old = sessions.pop(result.sessions[0])
    return old, *sessions.values()


def test_a_session_named_later_adopts_the_trace(project):
    _old, named = adopted(project)

    first, _ = reader.read_steps(named, reader.outline(named).steps, content=True)
    assert (first["input"], first["tags"]) == ("first words", ["x"])
    assert (named.event_count, named.input_tokens) == (2, 4)
    assert stored(named) == expected(named)
    assert folded_deltas(project) == recounted_deltas(project)
    assert ("tag", "x") in set(named.facets.values_list("facet", "value"))


def test_the_adopted_session_says_where_it_went_and_keeps_nothing(project):
    old, named = adopted(project)

    assert (old.merged_into, old.is_listed, old.event_count) == (named, False, 0)
    for model in (Event, Chunk, SessionKey):
        assert not model.unscoped.filter(session_id=old.pk).exists()
    assert Trace.unscoped.get().session == named


def test_what_other_apps_keep_moves_in_the_same_transaction(project, monkeypatch):
    moved = []
    monkeypatch.setattr(adoption, "_handlers", [])
    store.register_adoption(lambda project_id, old, new: moved.append((project_id, old, new)))

    old, named = adopted(project)

    assert moved == [(project.pk, old.pk, named.pk)]


def test_an_event_of_an_adopted_trace_can_be_completed(project):
    _, named = adopted(project)

    store.append(project, [make_call(id="a", trace="t", output="last words", ended_at=at(3))])

    named.refresh_from_db()
    steps = reader.outline(named).steps
    first = next(s for s in reader.read_steps(named, steps, content=True) if s["client_id"] == "a")
    assert (first["input"], first["output"]) == ("first words", "last words")


def test_a_second_session_claimed_in_a_trace_is_kept_and_counted_as_a_loss(project):
    store.append(project, [make_event(trace="t", session="mine")])

    result = store.append(project, [make_event(id="b", trace="t", session="theirs")])

    session = project.sessions.get()
    assert session.external_id == "mine"
    assert {step.claimed_session for step in reader.outline(session).steps} == {None, "theirs"}
    assert [(loss.reason, loss.count) for loss in result.losses] == [("session_conflict", 1)]


def test_a_conflict_sent_again_is_no_second_loss(project):
    store.append(project, [make_event(trace="t", session="mine")])
    other = make_event(id="b", trace="t", session="theirs")
    store.append(project, [other])

    result = store.append(project, [other])

    assert (result.duplicates, result.losses) == (1, [])


def test_one_session_takes_many_traces(project):
    events = [make_event(id="same", trace=f"t{n}", session="chat") for n in range(3)]

    store.append(project, events)

    assert project.sessions.get().event_count == 3


def test_projects_with_the_same_names_share_nothing(project, other_project):
    for owner in (project, other_project):
        store.append(owner, [make_event(id="a", trace="t", session="chat")])

    assert project.sessions.get().pk != other_project.sessions.get().pk
    assert project.sessions.get().event_count == 1
