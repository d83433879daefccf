"""A conversation names a session only as long as its trace gives no session id."""

from __future__ import annotations

from itertools import permutations

import pytest

from apps.sessions import store
from tests.sessions.factories import make_call
from tests.sessions.snapshots import expected, listed, stored

pytestmark = pytest.mark.django_db


def said(name, *, conversation=None, session=None, trace="t"):
    """Return an event that names a conversation, a session or nothing."""
    return make_call(
        id=name,
        trace=trace,
        session=session or conversation,
        is_conversation=conversation is not None,
        input=f"said by {name}",
    )


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_a_session_id_takes_the_place_of_an_invented_conversation_in_any_order(project, order):
    events = [said("call", conversation="invented"), said("root", session="chat-1"), said("other")]
    for place in order:
        assert not store.append(project, [events[place]]).losses

    (session,) = listed(project)
    assert (session.external_id, session.event_count) == ("chat-1", 3)
    assert stored(session) == expected(session)
    assert not project.events.filter(claimed_session__isnull=False).exists()


def test_the_page_of_the_conversation_leads_to_the_session(project):
    store.append(project, [said("call", conversation="invented")])
    old = project.sessions.get(external_id="invented")

    store.append(project, [said("root", session="chat-1")])

    old.refresh_from_db()
    assert (old.merged_into.external_id, old.external_id) == ("chat-1", None)


def test_later_events_of_the_conversation_follow_their_trace_without_a_conflict(project):
    store.append(project, [said("call", conversation="invented"), said("root", session="chat-1")])

    result = store.append(project, [said("late", conversation="invented")])

    assert [session.external_id for session in listed(project)] == ["chat-1"]
    assert not result.losses


def test_another_trace_of_the_same_conversation_is_a_session_of_its_name(project):
    store.append(project, [said("call", conversation="invented")])
    store.append(project, [said("root", session="chat-1")])

    store.append(project, [said("call", conversation="invented", trace="u")])

    assert {one.external_id for one in listed(project)} == {"chat-1", "invented"}


@pytest.mark.parametrize("together", [True, False])
def test_a_conversation_of_two_traces_moves_only_as_a_whole(project, together):
    for trace in ("t", "u"):
        store.append(project, [said("call", conversation="both", trace=trace)])

    roots = [said("root", session="chat-1", trace=trace) for trace in ("t", "u")]
    result = store.append(project, roots if together else roots[:1])

    assert {one.external_id for one in listed(project)} == {"chat-1" if together else "both"}
    assert bool(result.losses) is not together
    assert all(stored(one) == expected(one) for one in listed(project))


def test_a_conversation_that_another_trace_names_in_the_same_request_stays(project):
    store.append(project, [said("call", conversation="both")])

    store.append(
        project, [said("root", session="chat-1"), said("call", conversation="both", trace="u")]
    )

    assert {one.external_id for one in listed(project)} == {"both"}
    assert project.events.get(claimed_session="chat-1").client_id == "root"


def test_two_conversations_in_one_trace_are_a_conflict(project):
    store.append(project, [said("one", conversation="first")])

    result = store.append(project, [said("two", conversation="second")])

    assert [loss.reason for loss in result.losses] == ["session_conflict"]
    assert [one.external_id for one in listed(project)] == ["first"]
