"""Replays follow their sessions where these go, and are erased with what they were made from."""

from __future__ import annotations

import pytest

from apps.audit.actors import SYSTEM
from apps.audit.models import AuditEntry
from apps.core.errors import ConflictError
from apps.replays.models import Replay
from apps.replays.sealing import briefs_of, opened
from apps.sessions import store
from apps.sessions.models import Chunk, SessionKey
from tests.replays.reporting import SECRET, make_divergence, make_original, make_replay, report
from tests.sessions.factories import at, make_call, make_event, make_session
from tests.sessions.planted import words_in
from tests.sessions.test_blind_database import copied, tables

ID = "a" * 32


def test_a_replay_that_is_erased_takes_its_report_with_it(project):
    original = make_original(project)
    replay = make_replay(project)

    receipt = store.erase(replay.session, actor=SYSTEM)

    assert not project.replays.exists()
    assert receipt.derived == ()
    assert project.sessions.get(pk=original.pk).erased_at is None


def test_an_original_is_erased_with_all_that_was_made_from_it(project):
    original = make_original(project)
    replay = make_replay(project, id=ID)
    store.append(project, [make_call(session=f"replay-{ID}", output=SECRET)])
    second = make_replay(project, session=f"replay-{ID}", origin="fork")
    other = make_original(project, "chat-2")

    receipt = store.erase(original, actor=SYSTEM)

    assert receipt.derived == (str(second.session_id), str(replay.session_id))
    assert not project.replays.exists()
    assert [session.pk for session in project.sessions.filter(erased_at=None)] == [other.pk]
    assert list(SessionKey.unscoped.values_list("session_id", flat=True)) == [other.pk]
    assert set(Chunk.unscoped.values_list("session_id", flat=True)) == {other.pk}


def test_each_erased_replay_is_told_in_the_trail(project, owner):
    original = make_original(project)
    replay = make_replay(project)

    store.erase(original, actor=SYSTEM)

    entries = AuditEntry.unscoped.filter(act="session.erase").order_by("pk")
    told = [(entry.object_ids, entry.detail.get("with")) for entry in entries]
    assert told == [
        ([str(replay.session_id)], str(original.pk)),
        ([str(original.pk)], None),
    ]
    assert entries[1].detail["replays"] == 1


def test_a_replay_that_waits_for_its_original_is_erased_with_it(project):
    replay = make_replay(project)
    original = make_original(project)
    assert replay.original is None

    store.erase(original, actor=SYSTEM)

    assert not project.replays.exists()
    assert project.sessions.get(pk=replay.session_id).erased_at is not None


def test_what_is_made_from_an_erased_session_is_not_taken(project):
    original = make_original(project)
    store.erase(original, actor=SYSTEM)

    with pytest.raises(ConflictError, match="was erased"):
        report(project, session=str(original.pk))

    assert not project.sessions.listed().exists()


def test_the_files_of_the_database_hold_nothing_that_a_report_says(project):
    make_original(project, input="askquark")
    quoting = make_divergence(says="sayquark", differences=[{"path": "/x", "got": "gotquark"}])
    make_replay(
        project,
        plan={"overrides": {"model": "planquark"}},
        report={"divergences": [quoting], "environment": {"HOME": ["envquark", None]}},
        error={"type": "Error", "message": "errquark"},
    )
    words = "askquark sayquark gotquark planquark envquark errquark".split()

    held = {name: words_in(copied(f'SELECT * FROM "{name}"'), words) for name in tables()}

    assert {name: found for name, found in held.items() if found} == {}


def traced(project, *, session=None):
    return make_event(id="span", trace="t" * 32, session=session, started_at=at(0))


def test_replays_follow_their_original_into_another_session(project):
    own = make_session(project, traced(project))
    replay = make_replay(project, session=str(own.pk))
    assert replay.original == own

    named = make_session(project, make_event(id="two", trace="t" * 32, session="chat-7"))

    replay = Replay.unscoped.select_related("session").get(pk=replay.pk)
    assert (replay.original_id, replay.session.replay_of) == (named.pk, named.pk)
    assert report(project, id=replay.client_id, session=str(own.pk)).was_made is False


def test_a_report_follows_its_session_into_another_under_its_key(project):
    original = make_original(project)
    weak = make_event(id="m", trace="u" * 32, session="talk", is_conversation=True)
    store.append(project, [weak])
    replay = make_replay(project, name="talk")

    store.append(project, [make_event(id="n", trace="u" * 32, session="run-1")])

    moved = Replay.unscoped.select_related("session").get(pk=replay.pk)
    assert moved.session.external_id == "run-1"
    assert (moved.session.origin, moved.session.replay_of) == ("replay", original.pk)
    assert opened(moved).divergences[0]["differences"][0]["expected"] == SECRET
    assert briefs_of([moved])[moved.pk].says
    origins = moved.session.facets.filter(facet="origin")
    assert [facet.value for facet in origins] == ["replay"]
