from __future__ import annotations

from decimal import Decimal

import pytest

from apps.sessions import reader, store
from apps.sessions.events import ErrorInfo, Usage
from tests.sessions.factories import at, make_call, make_event, make_session

pytestmark = pytest.mark.django_db


def test_an_event_is_recorded_and_read_back(project):
    event = make_call(
        id="e1",
        input=[{"role": "user", "content": "hello " * 30}],
        output={"role": "assistant", "content": "x" * 400},
        usage=Usage(input=10, output=5),
        cost=Decimal("0.0042"),
        metadata={"a": 1, "$ph": "mine"},
        started_at=at(0),
        ended_at=at(2),
    )

    session = make_session(project, event)
    [step] = reader.outline(session).steps
    [read] = reader.read_steps(session, [step], content=True)

    assert read["input"] == event.input
    assert read["output"] == event.output
    assert read["metadata"] == event.metadata
    assert read["cost"] == "0.0042"
    assert (session.input_tokens, session.cost, session.event_count) == (10, Decimal("0.0042"), 1)
    assert reader.titles([session])[session.pk].startswith("hello hello")
