"""Whatever the order, the session is the same."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.sessions import store
from apps.sessions.events import ErrorInfo, IncomingEvent, Outcome, PromptStamp, Usage
from apps.sessions.keys import project_keys
from tests.sessions.factories import at
from tests.sessions.snapshots import (
    expected,
    folded_deltas,
    listed,
    recounted_deltas,
    snapshot,
    stored,
)

pytestmark = pytest.mark.django_db

SLOW = settings(
    max_examples=120,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

seconds = st.none() | st.integers(0, 8).map(at)
counts = st.none() | st.integers(0, 50)
names = st.none() | st.sampled_from(["one", "two"])
bodies = st.none() | st.sampled_from(
    [
        "a word",
        {"text": "long " * 80},
        [{"role": "user", "content": "hello " * 20}],
        [{"role": "user", "content": "hello " * 20}, {"role": "assistant", "content": "x" * 300}],
        {"messages": [{"role": "user", "content": "bye " * 30}], "$ph": {"$ph": "00"}},
    ]
)

# Entries of a span and of a log record: what they leave to their event must follow them.
entries = st.none() | st.sampled_from(
    [
        [{"of": "span", "start": 1, "fields": {"asked": "input", "about": "metadata"}}],
        [
            {
                "of": "span",
                "start": 1,
                "fields": {"answer": "output.messages"},
                "attributes": {"a": 1},
            }
        ],
        [{"of": "content", "at": 2, "fields": {"answer": "output", "who": "user"}}],
        [{"of": "message", "at": at, "parts": {"": ["input.messages.0", []]}} for at in (1, 2)],
    ]
)

# Traces t1 and t2 belong to a session each; t3 never names one; "" is no trace at all.
places = st.sampled_from([("t1", "s1"), ("t1", None), ("t2", "s2"), ("t2", None), ("t3", None)])
no_trace = st.just((None, "s1"))


@st.composite
def versions(draw) -> IncomingEvent:
    """Return one version of one of a few events; versions of the same may disagree."""
    trace, session = draw(places | no_trace)
    kind, name = draw(
        st.sampled_from([("a", "llm"), ("b", "llm"), ("c", "llm"), ("d", "tool"), ("e", "tool")])
    )
    error = draw(st.none() | st.builds(ErrorInfo, type=names, message=names))
    return IncomingEvent(
        id=kind,
        kind=name,
        trace=trace,
        session=session,
        name=draw(st.sampled_from([None, "search", "tools/call search"])),
        parent=draw(st.sampled_from([None, "a", "b", "d", "missing"])),
        started_at=draw(seconds),
        ended_at=draw(seconds),
        position=draw(st.integers(0, 3)),
        status="error" if error else draw(st.sampled_from([None, "ok"])),
        error=error,
        model=draw(st.sampled_from([None, "gpt-4o", "local"])),
        response_id=draw(st.sampled_from([None, None, "r1", "r2"])),
        usage=draw(st.none() | st.builds(Usage, input=counts, output=counts, cache_read=counts)),
        cost=draw(st.none() | st.sampled_from([Decimal("0.5"), Decimal("0.25")])),
        input=draw(st.none() | st.just([{"role": "user", "content": f"words of {kind} " * 9}])),
        output=draw(bodies),
        tags=draw(st.none() | st.sampled_from([["x"], ["x", "y"]])),
        metadata=draw(st.none() | st.dictionaries(st.sampled_from(["m", "n.o"]), names)),
        stamps=draw(st.none() | st.sampled_from([{"release": "1"}, {"config": "c"}, {}])),
        environment=draw(names),
        agent=draw(names),
        user=draw(names),
        prompt=draw(st.none() | st.builds(PromptStamp, name=st.just("p"), version=st.just(7))),
        outcome=draw(st.none() | st.just(Outcome(status="success", reason="done"))),
        inputs=draw(st.none() | st.sampled_from([["a"], ["b", "missing"]])),
        ends_session=draw(st.booleans()),
        extra=draw(
            st.none() | st.sampled_from([{"attributes": {"a": 1}}, {"log": {}, "events": []}])
        ),
        sent=draw(entries),
    )


@st.composite
def two_ways(draw) -> tuple[list[list[IncomingEvent]], list[list[IncomingEvent]]]:
    """Return the same versions in two orders, repeated and cut into batches at will."""
    events = draw(st.lists(versions(), min_size=1, max_size=8))
    first = draw(st.permutations(events + draw(st.lists(st.sampled_from(events), max_size=3))))
    return cut(draw, events), cut(draw, first)


def cut(draw, events: list[IncomingEvent]) -> list[list[IncomingEvent]]:
    marks = sorted(draw(st.lists(st.integers(0, len(events)), max_size=3)))
    return [events[a:b] for a, b in zip([0, *marks], [*marks, len(events)], strict=True)]


def record(project, batches):
    """Record, look, and undo."""
    with transaction.atomic():
        for batch in batches:
            store.append(project, batch)
        seen = snapshot(project), folded_deltas(project)
        for session in listed(project):
            assert stored(session) == expected(session)
        assert folded_deltas(project) == recounted_deltas(project)
        transaction.set_rollback(True)
    return seen


@given(ways=two_ways())
@SLOW
def test_any_order_split_and_repetition_gives_the_same_session(project, ways):
    project_keys(project.pk)
    one, other = ways

    sessions, deltas = record(project, one)
    other_sessions, other_deltas = record(project, other)

    assert len(sessions) == len(other_sessions)
    for session, same in zip(sessions, other_sessions, strict=True):
        for name, value in session.items():
            assert value == same[name], name
    assert deltas == other_deltas
