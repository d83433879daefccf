"""How far a session can be replayed, and what is said of what it misses."""

from __future__ import annotations

import pytest
from playhead.tapes import BOUNDARY

from apps.sessions import fidelity, store
from apps.sessions.events import ErrorInfo
from tests.sessions.factories import at, make_call, make_event, make_session

ASKED = {"input": "hi", "started_at": at(0), "ended_at": at(1)}
ANSWERED = ASKED | {"output": "hello"}
STATE = {"kind": "state", "state": {"a": 1}}
CLIENT = [
    {"kind": "env", "name": "environment", "output": {"python": "3.12"}},
    {"kind": "random", "name": "seed", "output": "00"},
]
LINEAGE = {"kind": "tool", "inputs": ["call"], **ANSWERED}


@pytest.mark.parametrize(
    ("events", "level"),
    [
        ([make_event(**ANSWERED)], "E0"),
        ([make_call(**ASKED)], "E0"),
        ([make_call(output="hello")], "E0"),
        ([make_call(**ANSWERED), make_call(**ASKED)], "E0"),
        ([make_call(**ANSWERED)], "E1"),
        ([make_call(**ASKED, error=ErrorInfo(type="RateLimitError"))], "E1"),
        ([make_event(kind="tool", **ASKED)], "E1"),
        ([make_event(kind="tool", input=1)], "E0"),
        ([make_event(kind="retriever", **ASKED)], "E0"),
        ([make_event(kind="memory", memory={"op": "write"}, ended_at=at(1))], "E1"),
        ([make_call(**ANSWERED), make_event(**STATE)], "E2"),
        ([make_call(**ANSWERED), *(make_event(**one) for one in CLIENT)], "E1"),
        ([make_event(**one) for one in (LINEAGE, STATE, *CLIENT)], "E3"),
    ],
)
def test_the_class_follows_from_what_calls_and_steps_recorded(project, events, level):
    session = make_session(project, *events)

    told = fidelity.assess(session)

    assert (told.name, session.fidelity_class) == (level, level)
    assert bool(told.missing) == (level != "E3")


def test_what_is_missing_is_counted_by_kind(project):
    calls = [make_call(**ASKED), make_call(**ANSWERED), make_call(input="hi", started_at=at(0))]
    tools = [make_event(kind="tool", name="look_up", ended_at=at(1))]
    session = make_session(project, *calls, *tools)

    told = fidelity.assess(session)

    assert told.missing[:3] == [
        "1 of 3 calls of models has no output.",
        "1 of 3 calls of models never ended.",
        "1 of 1 calls of tools has no output.",
    ]
    assert "capture of content" in told.missing[3]


def test_the_database_and_the_sums_agree_on_what_is_answered(project):
    fields = ({}, {"input": 1}, {"output": 1}, {"status": "error"}, {"ended_at": at(1)}, ASKED)
    for kind in sorted(BOUNDARY):
        for told in fields:
            name = f"{kind} {sorted(told)}"
            session = make_session(project, make_event(kind=kind, session=name, **told))
            level, session.fidelity = session.fidelity, 0
            assert bool(fidelity.assess(session).missing) == (level == 0), name


def test_an_answer_that_comes_later_raises_the_class(project):
    session = make_session(project, make_call(id="call", **ASKED))

    store.append(project, [make_call(id="call", **ANSWERED)])

    assert project.sessions.get(pk=session.pk).fidelity_class == "E1"
    assert (session.fidelity_class, session.known["calls"]) == ("E0", 1)
