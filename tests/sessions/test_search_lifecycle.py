"""Search follows what becomes of a session: moved, merged, rewritten, closed, erased."""

from __future__ import annotations

import pytest
from django.core.management import call_command
from django.db import connection

from apps.audit.actors import SYSTEM
from apps.ingest.conventions import generic
from apps.sessions import search, store
from apps.sessions.filters import SessionFilters
from apps.sessions.models import Session
from tests.ingest.recording import record_spans, renormalise, spans_of
from tests.sessions.factories import at, make_call, make_event, make_session

pytestmark = pytest.mark.django_db
LEFT = """
SELECT count(*) FROM agent_sessions_chunkterms t
WHERE NOT EXISTS (SELECT FROM agent_sessions_chunk c WHERE c.project_id = t.project_id
    AND c.session_id = t.session_id AND c.number = t.number)
"""
BARE = """
SELECT count(*) FROM agent_sessions_chunk c
WHERE NOT EXISTS (SELECT FROM agent_sessions_chunkterms t WHERE c.project_id = t.project_id
    AND c.session_id = t.session_id AND c.number = t.number)
"""


def found(project, q):
    page = search.find(project, SessionFilters(q=q), cursor=None, limit=50).page
    return {session.external_id for session in page.rows}


def count(statement):
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchone()[0]


@pytest.fixture(autouse=True)
def terms_and_chunks_agree(project):
    """Hold every test to it that each chunk has its terms, and no terms are without one."""
    yield
    assert (count(LEFT), count(BARE)) == (0, 0)


def compact(project):
    Session.unscoped.filter(project=project).update(status="closed")
    store.compact_due()


def test_an_erased_session_is_found_by_none_of_its_words_and_its_neighbour_is(project):
    sessions = [make_session(project, make_call(session=n, input=f"walrus {n}")) for n in "ab"]
    compact(project)
    store.erase(sessions[0], actor=SYSTEM)

    assert found(project, "walrus") == {"b"}
    assert found(project, "a") == set()


def test_a_session_that_comes_again_after_it_was_erased_is_found_by_its_new_words(project):
    session = make_session(project, make_call(session="chat", input="walrus"))
    store.erase(session, actor=SYSTEM)
    make_session(project, make_call(session="chat", input="otter"))

    assert found(project, "walrus") == set()
    assert found(project, "otter") == {"chat"}


def test_indexing_again_brings_nothing_back_that_was_erased(project, capsys):
    session = make_session(project, make_call(input="walrus"))
    store.erase(session, actor=SYSTEM)
    place = ("--organization", project.organization.slug, "--project", project.slug)
    call_command("reindex_search", *place, "--all")

    assert store.reindex(Session.unscoped.get()) == 0
    assert found(project, "walrus") == set()


def test_many_traces_that_turn_out_to_be_one_session_are_found_in_it(project):
    for number in range(3):
        store.append(project, [make_call(trace=f"t{number}", input=f"walrus{number} seal")])
    compact(project)
    for number in range(3):
        store.append(project, [make_event(trace=f"t{number}", session="chat")])

    assert found(project, "seal") == {"chat"}
    assert found(project, "walrus0 walrus1 walrus2") == {"chat"}


def test_a_conversation_that_gets_its_sessions_name_is_found_in_that(project):
    named = {"trace": "t", "session": "conversation", "is_conversation": True}
    store.append(project, [make_call(**named, input="walrus")])
    store.append(project, [make_event(trace="t", session="chat", input="otter")])

    assert found(project, "walrus otter") == {"chat"}


def test_an_erased_session_that_others_were_merged_into_takes_their_words_along(project):
    store.append(project, [make_call(trace="t", input="walrus")])
    session = make_session(project, make_event(trace="t", session="chat", input="otter"))
    store.erase(session, actor=SYSTEM)

    assert found(project, "walrus") == found(project, "otter") == set()
    assert not project.chunk_terms.exists()


def test_what_is_added_after_closing_and_compaction_is_found_and_what_was_there_too(project):
    for number in range(3):
        make_session(project, make_call(input=f"walrus{number}", started_at=at(number)))
    compact(project)
    make_session(project, make_call(input="otter", started_at=at(9)))
    assert found(project, "walrus0 walrus2 otter") == {"chat-1"}

    compact(project)
    assert project.chunk_terms.values_list("number").count() == 1
    assert found(project, "walrus0 walrus2 otter") == {"chat-1"}


def test_reading_again_what_was_sent_leaves_it_findable(project):
    record_spans(project, spans_of("pydanticai"), (generic,))
    before = {q: len(found_rows(project, q)) for q in ("weather", "paris", "tool")}
    renormalise(project)
    after = {q: len(found_rows(project, q)) for q in before}
    assert before == after
    assert max(after.values()) > 0

    compact(project)
    assert {q: len(found_rows(project, q)) for q in before} == after


def found_rows(project, q):
    return search.find(project, SessionFilters(q=q), cursor=None, limit=50).page.rows
