"""Reports of replays: what they make of the record, in whatever order they come."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
import time_machine
from django.utils import timezone

from apps.audit.models import AuditEntry
from apps.core.errors import ConflictError
from apps.replays import queries
from apps.replays.following import link_arrived
from apps.replays.linking import UnprocessableError
from apps.replays.sealing import briefs_of, opened
from apps.sessions import store
from apps.sessions.filters import SessionFilters
from apps.sessions.queries import session_page
from tests.factories import make_project
from tests.governance.factories import set_policy
from tests.replays.reporting import (
    SECRET,
    make_divergence,
    make_original,
    make_replay,
    make_report,
    report,
)
from tests.sessions.factories import at, make_call, make_event, make_session

ID = "a" * 32
RUNNING = {"id": ID, "status": "running", "ended_at": None, "report": None}


def send_events(project):
    store.append(project, [make_call(id="made-call", session=f"replay-{ID}", started_at=at(1801))])


def told_of(project):
    """Return all that is told of the replay ``ID``, without what the server adds."""
    replay = queries.find_replay(project, project.replays.get(client_id=ID).pk)
    session = replay.session
    columns = ("status", "band", "fidelity", "first_kind", "first_step", "divergences")
    return {
        **{name: getattr(replay, name) for name in columns},
        "of": replay.original.external_id,
        "is_linked": session.replay_of == replay.original_id,
        "first": (replay.first_event, replay.first_made),
        "body": opened(replay),
        "session": (session.origin, session.started_at, session.status, session.event_count),
        "origins": [facet.value for facet in session.facets.filter(facet="origin")],
    }


STEPS = {
    "original": make_original,
    "running": lambda project: report(project, **RUNNING),
    "ended": lambda project: report(project, id=ID),
    "events": send_events,
}


def test_a_report_its_events_and_its_original_may_come_in_any_order(project):
    told, steps = [], list(STEPS)
    turned = [steps[at:] + steps[:at] for at in range(len(steps))]
    for order in [*turned, *(order[::-1] for order in turned)]:
        place = make_project(project.organization)
        for step in order:
            STEPS[step](place)
        link_arrived()
        told.append(told_of(place))

    assert all(one == told[0] for one in told)
    assert (told[0]["of"], told[0]["is_linked"], told[0]["origins"]) == ("chat-1", True, ["replay"])
    assert told[0]["session"] == ("replay", at(1800), "closed", 1)


def test_lists_find_a_session_as_a_replay_once_it_was_reported(project):
    send_events(project)
    live = session_page(project, SessionFilters(origin="live"), cursor=None, limit=5)

    report(project, id=ID)

    assert len(live) == 1
    for origin, found in (("live", 0), ("replay", 1)):
        page = session_page(project, SessionFilters(origin=origin), cursor=None, limit=5)
        assert len(page) == found


def test_a_replay_says_where_it_first_left_its_original(project):
    original, replay = make_original(project), make_replay(project, id=ID)
    send_events(project)

    assert replay.first_event == original_event(original, "call").id
    assert replay.first_made == original_event(replay.session, "made-call").id
    assert briefs_of([replay])[replay.pk].says.startswith("step 1 asks something else")


def original_event(session, client_id):
    return session.project.events.get(session_id=session.pk, client_id=client_id)


@pytest.mark.parametrize(
    "named",
    [
        {"step": 2, "event": "tool", "trace": None},
        {"step": 2, "event": None, "trace": None},
        {"step": 2, "event": "by id", "trace": None},
    ],
)
def test_a_fork_is_linked_to_the_step_that_it_left(project, named):
    original = make_original(project)
    tool = original_event(original, "tool").id
    forked_at = named | ({"event": tool.hex} if named["event"] == "by id" else {})

    replay = make_replay(project, origin="fork", forked_at=forked_at)

    assert (replay.session.origin, replay.session.forked_at) == ("fork", tool)
    assert (replay.fork_step, replay.session.replay_of) == (2, original.pk)


def test_a_fork_of_a_traced_session_is_linked_before_that_comes(project):
    forked_at = {"step": 1, "event": "span", "trace": "t" * 32}
    replay = make_replay(project, session="later", origin="fork", forked_at=forked_at)
    event = make_event(id="span", trace="t" * 32, session="later", started_at=at(0))

    session = make_session(project, event)
    link_arrived()

    assert replay.session.forked_at == original_event(session, "span").id
    assert project.sessions.get(pk=replay.session_id).replay_of == session.pk


@pytest.mark.parametrize(
    "other",
    [
        {"session": "chat-2"},
        {"origin": "fork"},
        {"name": "another"},
        {"report": {"fidelity": 1.0}},
    ],
)
def test_a_report_that_ended_stands(project, other):
    make_original(project)
    make_original(project, "chat-2")
    replay = make_replay(project, id=ID)

    with pytest.raises(ConflictError):
        report(project, **({"id": ID} | other))

    assert project.replays.get().fidelity == replay.fidelity


def test_a_name_is_the_session_of_one_replay(project):
    make_original(project)
    make_replay(project, name="nightly")

    with pytest.raises(ConflictError, match="another replay"):
        report(project, name="nightly")


@pytest.mark.parametrize("origin", ["live", "import"])
def test_a_session_that_was_here_before_is_turned_into_no_replay(project, origin):
    store.append(project, [make_event(session="chat-9")], origin=origin)

    with pytest.raises(ConflictError, match="Give"):
        report(project, name="chat-9", started_at="2999-01-01T00:00:00Z", now=at(10**11))

    assert project.sessions.get().origin == origin


@pytest.mark.parametrize("started_at", [None, "1990-01-01T00:00:00Z"])
def test_whatever_a_report_says_of_its_time_no_older_session_is_turned(project, started_at):
    with time_machine.travel(timezone.now() - timedelta(hours=25), tick=False):
        make_session(project, make_event(session="chat-9"))

    with pytest.raises(ConflictError, match="here before"):
        report(project, name="chat-9", started_at=started_at)


def test_a_replay_of_a_replay_is_one_and_a_circle_is_none(project):
    original = make_original(project)
    first = make_replay(project, id=ID)
    second = make_replay(project, session=f"replay-{ID}")

    assert second.session.replay_of == first.session_id
    assert first.session.replay_of == original.pk
    for name in ("chat-1", f"replay-{ID}"):
        with pytest.raises((UnprocessableError, ConflictError)):
            report(project, session=second.session.external_id, name=name)


def test_sessions_that_wait_for_each_other_make_no_circle(project):
    report(project, session="b", name="a")
    report(project, session="a", name="b")
    link_arrived()

    links = dict(project.sessions.values_list("external_id", "replay_of"))
    assert (links["a"], links["b"]) == (None, project.sessions.get(external_id="a").pk)


def test_a_session_of_another_project_is_unknown(project, other_project):
    foreign = make_original(other_project)

    replays = [make_replay(project, session=str(foreign.pk)), make_replay(project)]
    link_arrived()

    assert [replay.original_id for replay in replays] == [None, None]
    assert not project.sessions.exclude(replay_of=None).exists()


def test_a_report_is_an_act_in_the_trail(project):
    make_original(project, "of Ann")
    replay = make_replay(project, session="of Ann")

    entry = AuditEntry.unscoped.get(project_id=project.pk, act="replay.report")

    ids = [replay.pk, replay.session_id, replay.original_id]
    assert entry.object_ids == [str(one) for one in ids]
    assert entry.detail["band"] == "drifted"
    assert "Ann" not in str(entry.detail)


@pytest.mark.parametrize(("action", "kept"), [("mask", "[EMAIL]"), ("drop", "[DROPPED]")])
def test_a_report_keeps_no_more_than_events_do(project, key_client, action, kept):
    set_policy(project, action)
    send(key_client(project), id="call", session="of ann@example.com", kind="llm")
    ann = "ann@example.com"
    quoting = make_divergence(
        says=f"{ann} asked", hints=[f"for {ann}"], differences=[{"path": "/x", "expected": ann}]
    )

    replay = make_replay(
        project,
        session=f"of {ann}",
        plan={"overrides": {"to": ann}},
        report={"divergences": [quoting], "environment": {"TO": [ann, ann]}},
    )

    told = opened(replay).divergences[0]
    assert told["differences"] == [{"path": "/x", "expected": kept}]
    assert (told["says"], told["hints"]) == ("[EMAIL] asked", ["for [EMAIL]"])
    assert opened(replay).plan["overrides"] == {"to": kept}
    assert opened(replay).report["environment"] == {"TO": [kept, kept]}
    assert told["event"] == "call"
    assert replay.original is not None


def send(client, **event):
    sent = {"events": [event | {"started_at": "2026-11-20T09:00:00Z"}]}
    answer = client.post("/api/v1/events", sent, content_type="application/json")
    assert answer.json()["accepted"] == 1


def test_the_worse_of_two_bands_is_kept(project):
    numbers = {"coverage": 1.0, "consumption": 1.0, "fidelity": 1.0, "decisions": 1.0}
    bands = [
        make_replay(project, report=told).band
        for told in (
            numbers | {"band": "diverged"},
            numbers | {"fidelity": 0.5, "band": "identical"},
            numbers,
        )
    ]

    assert bands == ["diverged", "diverged", "identical"]


def test_what_a_report_says_lies_under_the_key_of_its_session(project):
    replay = make_replay(project)

    assert SECRET.encode() not in bytes(replay.sealed) + bytes(replay.sealed_brief)
    assert opened(replay).divergences[0]["differences"][0]["expected"] == SECRET
    assert make_report()["plan"] == opened(replay).plan
    assert isinstance(replay.pk, UUID)
