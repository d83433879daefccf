"""Tags that people and keys give: one session or hundreds, and taken back exactly."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
import time_machine
from django.utils import timezone

from apps.audit.actors import SYSTEM, Actor
from apps.audit.models import AuditEntry
from apps.core.errors import ConflictError, InvalidError
from apps.sessions import store, tagging_found
from apps.sessions.filters import SessionFilters
from apps.sessions.tagging import tag_sessions, tags_of, undo_tagging
from apps.sessions.tagging_found import tag_found
from tests.sessions.factories import make_event, make_session

SESSIONS = "/o/acme/p/support-bot/sessions/"
ANN = Actor(kind="user", id="7", label="ann@example.com")


def make_sessions(project, count, **fields):
    return [make_session(project, session=f"chat-{n}", **fields) for n in range(count)]


def tags(project, session):
    return sorted(
        project.session_facets.filter(session_id=session.pk, facet="tag").values_list(
            "value", flat=True
        )
    )


def act(project, sessions, **change):
    return tag_sessions(project, [session.pk for session in sessions], **change, actor=ANN)


def test_tagged_sessions_are_found_by_the_tag_and_say_who_gave_it(project, member_client):
    one, other = make_sessions(project, 2)

    act(project, [one], add=[" needs \n review "])

    page = member_client.get(f"{SESSIONS}?tag=needs+review").content.decode()
    assert str(one.pk) in page
    assert str(other.pk) not in page
    assert [(tag["tag"], tag["given_by"]) for tag in tags_of(one)] == [
        ("needs review", "ann@example.com")
    ]


def test_what_the_application_sent_stays(project):
    session = make_session(project, tags=["billing"])

    tagged = act(project, [session], add=["billing", "vip"])
    untagged = act(project, [session], remove=["billing", "vip"])

    assert {tag for _, tag in tagged.added} == {"vip"}
    assert {tag for _, tag in untagged.removed} == {"vip"}
    assert {tag for _, tag in untagged.kept} == {"billing"}
    assert tags(project, session) == ["billing"]


def test_as_many_statements_for_fifty_sessions_as_for_two(project, django_assert_max_num_queries):
    sessions = make_sessions(project, 50)

    for few in (sessions[:2], sessions[2:]):
        with django_assert_max_num_queries(8):
            act(project, few, add=["a", "b"])

    assert all(tags(project, session) == ["a", "b"] for session in sessions)


def test_the_trail_says_which_sessions_got_which_tag(project):
    one, other = make_sessions(project, 2)
    act(project, [one], add=["late"])

    act(project, [one, other], add=["late", "vip"])

    entry = AuditEntry.unscoped.filter(act="session.tag").latest("pk")
    both = entry.object_ids
    assert entry.actor_label == "ann@example.com"
    assert [both[at] for at in entry.detail["added"]["late"]] == [str(other.pk)]
    assert {both[at] for at in entry.detail["added"]["vip"]} == {str(one.pk), str(other.pk)}


def test_undoing_takes_back_what_was_changed_and_no_more(project):
    one, other = make_sessions(project, 2)
    act(project, [one], add=["late"])
    tagged = act(project, [one, other], add=["late", "vip"])

    undone = undo_tagging(project, tagged.entry, actor=ANN)

    assert undone.sessions == 2
    assert tags(project, one) == ["late"]
    assert tags(project, other) == []
    assert undo_tagging(project, tagged.entry, actor=ANN).entry is None


def test_undoing_gives_back_what_was_taken(project):
    sessions = make_sessions(project, 2)
    act(project, sessions[:1], add=["late"])
    untagged = act(project, sessions, remove=["late"])

    undo_tagging(project, untagged.entry, actor=ANN)

    assert [tags(project, session) for session in sessions] == [["late"], []]


@pytest.mark.parametrize("case", ["another person", "another project", "too late"])
def test_only_ones_own_act_of_the_last_hour_is_undone(project, other_project, case):
    tagged = act(project, make_sessions(project, 1), add=["late"])
    actor = Actor(kind="user", id="8") if case == "another person" else ANN
    place = other_project if case == "another project" else project
    moment = timezone.now() + timedelta(minutes=61 if case == "too late" else 0)

    with time_machine.travel(moment), pytest.raises(ConflictError):
        undo_tagging(place, tagged.entry, actor=actor)


@pytest.mark.parametrize(
    "tag", ["", "   ", "x" * 65, "nul\x00", "turned\u202eround", "\ud800"], ids=repr
)
def test_what_is_no_tag_is_refused(project, tag):
    with pytest.raises(InvalidError, match="64"):
        act(project, make_sessions(project, 1), add=[tag])


def test_a_session_holds_fifty_tags_and_no_more(project):
    session = make_session(project, tags=[f"sent {n}" for n in range(40)])
    act(project, [session], add=[f"given {n}" for n in range(10)])

    with pytest.raises(InvalidError, match="50 tags"):
        act(project, [session], add=["one more"])

    assert len(tags(project, session)) == 50


def test_at_most_500_sessions_at_once(project):
    with pytest.raises(InvalidError, match="500"):
        tag_sessions(project, [uuid4() for _ in range(501)], add=["x"], actor=ANN)


def test_sessions_of_strangers_are_not_found(project, other_project):
    theirs = make_session(other_project)

    tagged = act(project, [theirs], add=["mine"])

    assert (tagged.missing, tagged.entry) == (1, None)
    assert tags(other_project, theirs) == []


def test_tags_move_with_what_is_adopted_and_go_with_what_is_erased(project):
    alone = make_session(project, make_event(trace="t-1", id="a"))
    act(project, [alone], add=["late"])
    store.append(project, [make_event(trace="t-1", id="b", session="chat-9")])
    named = project.sessions.get(external_id="chat-9")

    assert [tag["given_by"] for tag in tags_of(named)] == ["ann@example.com"]
    store.erase(named, actor=SYSTEM)
    assert not project.session_tags.exists()


def test_tagging_from_the_list_and_undoing_it(project, member_client):
    sessions = make_sessions(project, 3)
    form = {"session": [str(one.pk) for one in sessions[:2]], "tag": "late, vip"}

    answer = member_client.post(f"{SESSIONS}tags/", {**form, "query": "sort=-cost"})
    page = member_client.get(answer["Location"])

    assert answer["Location"] == f"{SESSIONS}?sort=-cost"
    assert "Tagged 2 sessions: late, vip." in page.content.decode()
    entry = AuditEntry.unscoped.filter(act="session.tag").latest("pk").pk
    member_client.post(f"{SESSIONS}tags/undo/", {"entry": entry})
    assert "Undone for 2 sessions." in member_client.get(SESSIONS).content.decode()
    assert [tags(project, session) for session in sessions] == [[], [], []]
    assert "Undone" not in member_client.get(SESSIONS).content.decode()


def test_taking_a_tag_says_what_the_application_keeps(project, member_client):
    sent = make_session(project, tags=["billing"])
    form = {"session": [str(sent.pk)], "tag": "billing", "act": "untag"}

    member_client.post(f"{SESSIONS}tags/", form)

    page = member_client.get(SESSIONS).content.decode()
    assert "Nothing to change. 1 session keeps what the application sent." in page


@pytest.mark.parametrize(
    ("field", "form"),
    [
        ("session", {"tag": "x"}),
        ("session", {"tag": "x", "session": "no id"}),
        ("tag", {"session": str(uuid4())}),
        ("tag", {"session": str(uuid4()), "tag": " , "}),
    ],
)
def test_a_form_that_makes_no_sense_is_refused(project, member_client, field, form):
    answer = member_client.post(f"{SESSIONS}tags/", form)

    assert answer.status_code == 400
    assert field in answer.content.decode()


def test_who_may_only_read_is_offered_no_tagging(project, viewer_client):
    session = make_session(project)

    page = viewer_client.get(SESSIONS).content.decode()
    answer = viewer_client.post(f"{SESSIONS}tags/", {"session": str(session.pk), "tag": "x"})

    assert 'name="tag" list' not in page
    assert answer.status_code == 403


def post(client, session, body):
    url = f"/api/v1/sessions/{session.pk}/tags"
    return client.post(url, body, content_type="application/json")


def test_a_key_tags_a_session(project, key_client):
    session = make_session(project, tags=["billing"])
    client = key_client(project, "annotate", "read:meta")

    first = post(client, session, {"add": ["late"], "remove": ["billing"]}).json()
    again = post(client, session, {"add": ["late"]}).json()

    assert (first["added"], first["kept"], again["added"]) == (["late"], ["billing"], [])
    assert [(tag["tag"], tag["given_by"] is None) for tag in again["tags"]] == [
        ("billing", True),
        ("late", False),
    ]


def test_a_key_that_may_not_read_learns_no_tags(project, key_client):
    session = make_session(project, tags=["billing"])

    answer = post(key_client(project, "annotate"), session, {"add": ["late"]})

    assert answer.json()["tags"] is None


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("add", {"add": "late"}),
        ("add.0", {"add": ["x" * 65]}),
        ("remove", {"add": ["a"], "remove": ["a"]}),
        ("add", {"add": [f"t{n}" for n in range(21)]}),
    ],
)
def test_a_bad_body_names_its_field(project, key_client, path, body):
    answer = post(key_client(project, "annotate"), make_session(project), body)

    assert answer.status_code == 400
    assert [error["path"] for error in answer.json()["errors"]] == [path]


def test_an_erased_session_takes_no_tags(project, key_client):
    session = make_session(project)
    store.erase(session, actor=SYSTEM)

    assert post(key_client(project, "annotate"), session, {"add": ["x"]}).status_code == 409


def test_all_that_filters_find_are_tagged_at_once_and_taken_back(project, member_client):
    ours = make_sessions(project, 3, environment="staging")
    other = make_session(project, session="else", environment="production")
    query = {"query": "environment=staging&limit=1"}

    member_client.post(f"{SESSIONS}tags/", query | {"tag": "mine", "act": "tag-found"})

    assert [tags(project, session) for session in (*ours, other)] == [["mine"]] * 3 + [[]]
    entry = AuditEntry.unscoped.get(act="session.tag").pk
    member_client.post(f"{SESSIONS}tags/undo/", query | {"entry": str(entry)})
    assert tags(project, ours[0]) == []


def test_tagging_all_that_is_found_has_a_bound_and_works_in_portions(project, monkeypatch):
    make_sessions(project, 3)
    monkeypatch.setattr(tagging_found, "MOST_SESSIONS", 2)

    parts = tag_found(project, SessionFilters(), add=["mine"], actor=ANN)

    assert [part.sessions for part in parts] == [2, 1]
    monkeypatch.setattr(tagging_found, "MOST_FOUND", 2)
    with pytest.raises(InvalidError, match="More than 2"):
        tag_found(project, SessionFilters(), add=["mine"], actor=ANN)
