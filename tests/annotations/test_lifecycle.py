"""What is said about a session follows it where it goes, and ends with it."""

from __future__ import annotations

import pytest
from django.db import IntegrityError

from apps.annotations import commenting, exemplifying, library, queries, scoring
from apps.annotations.event_tagging import tag_event
from apps.annotations.models import Comment, CommentEdit, EventTag, Example, Score
from apps.annotations.places import Range
from apps.audit.actors import SYSTEM
from apps.core.errors import ConflictError
from apps.sessions import store
from tests.annotations.factories import actor, event_of, make_talk
from tests.sessions.factories import make_call, make_event
from tests.sessions.planted import words_in
from tests.sessions.test_blind_database import copied, tables

pytestmark = pytest.mark.django_db


def say_all(session, person):
    """Say one thing of each kind."""
    who, event = actor(person), event_of(session, "call")
    comment = commenting.add_comment(
        session, text="saidquark", event_id=event, chosen=Range("input[0][0]", 0, 4), actor=who
    )
    commenting.edit_comment(comment, text="editquark", actor=who)
    commenting.add_comment(session, text="replyquark", thread=comment, actor=who)
    scoring.add_score(session, name="fitquark", value=0.5, comment="whyquark", actor=who)
    exemplifying.mark_example(session, title="titlequark", notes="notequark", actor=who)
    tag_event(session, event, add=["slowquark"], actor=who)


def test_the_files_of_the_database_hold_nothing_that_was_written(project, member, key_client):
    session = make_talk(project)
    say_all(session, member)
    key_client(project, "annotate").post(
        f"/api/v1/sessions/{session.pk}/comments",
        {"text": f"onequark @{member.email}"},
        content_type="application/json",
        headers={"Idempotency-Key": "keyquark"},
    )
    words = "saidquark editquark replyquark whyquark titlequark notequark onequark keyquark"
    clear = ["fitquark", "slowquark"]

    held = {name: words_in(copied(f'SELECT * FROM "{name}"'), [*words.split(), *clear])
            for name in tables()}  # fmt: skip

    # What people choose from is clear, in the trail too; what they write is not.
    assert {name: found for name, found in held.items() if found} == {
        "annotations_score": {"fitquark"},
        "annotations_eventtag": {"slowquark"},
        "agent_sessions_sessionfacet": {"fitquark"},
        "audit_auditentry": set(clear),
    }


def test_erasing_a_session_erases_all_that_was_said_about_it(project, member):
    session, other = make_talk(project), make_talk(project, session="chat-2")
    say_all(session, member)
    say_all(other, member)

    store.erase(session, actor=SYSTEM)

    for model in (Comment, Score, Example, EventTag):
        assert set(model.unscoped.values_list("session_id", flat=True)) == {other.pk}
    assert CommentEdit.unscoped.get().comment.session_id == other.pk


def test_nothing_is_said_about_an_erased_session(project, member):
    session = make_talk(project)
    store.erase(session, actor=SYSTEM)

    with pytest.raises(ConflictError, match="erased"):
        commenting.add_comment(session, text="Too late", actor=actor(member))


def test_what_was_said_moves_into_the_session_that_a_trace_names_later(project, member):
    store.append(project, [make_call(id="call", trace="t", input="Good morning")])
    old = project.sessions.get()
    say_all(old, member)

    store.append(project, [make_event(id="late", trace="t", session="chat")])

    named = project.sessions.get(external_id="chat")
    [thread] = queries.threads_page(named, event=None, cursor=None, limit=9).rows
    assert (thread.text, thread.is_there, len(thread.replies)) == ("editquark", True, 1)
    [(_, before)] = queries.earlier_texts(named, thread.row)
    assert "saidquark" in before
    assert queries.scores_of(named, content=True)[0].comment == "whyquark"
    assert library.example_of(named).notes == "notequark"
    assert queries.marks_of(named)["tags"] == {event_of(named): ["slowquark"]}


def test_two_examples_that_become_one_session_keep_the_notes_of_both(project, member):
    store.append(project, [make_call(id="call", trace="t", input="Good morning")])
    exemplifying.mark_example(project.sessions.get(), title="Old", notes="a", actor=SYSTEM)
    store.append(project, [make_event(id="first", session="chat")])
    named = project.sessions.get(external_id="chat")
    exemplifying.mark_example(named, title="New", notes="b", actor=SYSTEM)

    store.append(project, [make_event(id="late", trace="t", session="chat")])

    shown = library.example_of(named)
    assert (shown.title, shown.notes) == ("New", "b\n\n---\n\n**Old**\n\na")


def test_a_comment_cannot_point_into_another_project(project, other_project, member):
    session = make_talk(project)

    with pytest.raises(IntegrityError, match="comment_same_project_session"):
        other_project.comments.create(session=session, by="x")
