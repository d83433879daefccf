"""Reports of replays: what they make of the record, in whatever order they come."""

from __future__ import annotations

from itertools import permutations

from apps.replays import queries
from apps.replays.sealing import opened
from apps.sessions import store
from tests.replays.reporting import make_original, report
from tests.sessions.factories import at, make_call

ID = "a" * 32
RUNNING = {"id": ID, "status": "running", "ended_at": None, "report": None}


def send_events(project):
    store.append(project, [make_call(id="made-call", session=f"replay-{ID}", started_at=at(1801))])


def told_of(project):
    """Return all that is told of the replay ``ID``, without ids and times of the server."""
    replay = queries.find_replay(project, project.replays.get(client_id=ID).pk)
    session, facets = replay.session, replay.session.facets.filter(facet="origin")
    columns = ("status", "band", "fidelity", "first_kind", "first_step", "divergences")
    return {
        **{name: getattr(replay, name) for name in columns},
        "of": replay.original.external_id,
        "is_linked": session.replay_of == replay.original_id,
        "first": (replay.first_event, replay.first_made),
        "body": opened(replay),
        "session": (session.origin, session.started_at, session.status, session.event_count),
        "origins": [facet.value for facet in facets],
    }


STEPS = {
    "original": lambda project: make_original(project),
    "running": lambda project: report(project, **RUNNING),
    "ended": lambda project: report(project, id=ID),
    "events": send_events,
}


def test_a_report_its_events_and_its_original_may_come_in_any_order(project, other_project):
    from apps.replays.following import link_arrived
    from tests.factories import make_project

    told = []
    for order in permutations(STEPS):
        place = make_project(project.organization)
        for step in order:
            STEPS[step](place)
        link_arrived()
        told.append(told_of(place))

    assert all(one == told[0] for one in told)
    assert told[0]["of"] == "chat-1"
    assert told[0]["session"] == ("replay", at(1800), "closed", 1)
    assert told[0]["origins"] == ["replay"]
