from __future__ import annotations

from decimal import Decimal

import psycopg
import pytest

from apps.core.errors import InvalidError
from apps.sessions import reader, store
from apps.sessions.events import ErrorInfo, Outcome, PromptStamp, Usage
from apps.sessions.models import Chunk, Event, SessionFacet
from tests.sessions.factories import at, make_call, make_event, make_session

pytestmark = pytest.mark.django_db


def read_all(session):
    steps = reader.outline(session).steps
    return reader.read_steps(session, steps, content=True)


def test_an_event_is_recorded_and_read_back(project):
    event = make_call(
        input=[{"role": "user", "content": "hello " * 30}],
        output={"role": "assistant", "content": "x" * 400},
        usage=Usage(input=10, output=5),
        cost=Decimal("0.00420"),
        prompt=PromptStamp(name="triage", version="7", variables={"a": [1, None]}),
        metadata={"a": 1, "$ph": "mine"},
        error=ErrorInfo(type="Late", message="too late"),
        extra={"odd.key": {"deep": "y" * 300}},
    )

    [read] = read_all(make_session(project, event))

    assert (read["input"], read["output"]) == (event.input, event.output)
    assert (read["metadata"], read["extra"]) == (event.metadata, event.extra)
    assert read["cost"] == "0.00420"
    assert read["prompt"] == {"name": "triage", "version": "7", "variables": {"a": [1, None]}}
    assert read["error"] == {"type": "Late", "message": "too late"}


def test_the_session_carries_sums_title_and_times(project):
    call = make_call(
        input=[{"role": "user", "content": "where is  my order?"}],
        usage=Usage(input=10, output=5),
        cost=Decimal("0.5"),
        started_at=at(1),
        ended_at=at(3),
    )
    session = make_session(project, call, make_event(kind="tool", started_at=at(0)))

    assert (session.input_tokens, session.cache_read) == (10, None)
    assert (session.cost, session.sort_cost) == (Decimal("0.5"), Decimal("0.5"))
    assert (session.duration_ms, session.event_count) == (3000.0, 2)
    assert session.counts == {"llm": 1, "tool": 1}
    assert reader.titles([session]) == {session.pk: "where is my order?"}


def test_sending_the_same_batch_twice_changes_nothing(project):
    events = [make_call(usage=Usage(input=3)), make_event(input="x" * 300)]
    first = make_session(project, *events)

    result = store.append(project, events)

    assert (result.accepted, result.duplicates) == (0, 2)
    again = project.sessions.get(pk=first.pk)
    assert {f.name: getattr(again, f.name) for f in again._meta.concrete_fields} == {
        f.name: getattr(first, f.name) for f in first._meta.concrete_fields
    }


def test_more_fields_complete_an_event_and_null_erases_nothing(project):
    make_session(project, make_call(id="a", input="hi", started_at=at(0), metadata={"a": 1}))

    result = store.append(
        project, [make_call(id="a", output="ho", ended_at=at(2), metadata={"b": 2})]
    )

    [read] = read_all(project.sessions.get())
    assert (result.accepted, result.completed) == (1, 1)
    assert (read["input"], read["output"]) == ("hi", "ho")
    assert read["metadata"] == {"a": 1, "b": 2}
    assert read["duration_ms"] == 2000.0


def test_versions_of_one_event_in_one_batch_become_one(project):
    result = store.append(
        project, [make_call(id="a", input="hi"), make_call(id="a", output="ho"), make_call(id="a")]
    )

    [read] = read_all(project.sessions.get())
    assert (result.accepted, result.completed, result.duplicates) == (2, 1, 1)
    assert (read["input"], read["output"]) == ("hi", "ho")


def test_unknown_numbers_are_null_and_never_zero(project):
    session = make_session(project, make_event())

    assert (session.input_tokens, session.cost, session.duration_ms) == (None, None, None)
    assert (session.sort_cost, session.sort_duration) == (-1, -1)


def test_a_child_names_its_parent_before_the_parent_arrives(project):
    make_session(project, make_event(id="child", trace="t", parent="root", started_at=at(1)))
    assert reader.outline(project.sessions.get()).steps[0].parent is None

    store.append(project, [make_event(id="root", trace="t", started_at=at(0))])

    root, child = reader.outline(project.sessions.get()).steps
    assert (child.parent, child.depth, root.children) == (root.id, 1, 1)


def test_a_history_that_is_sent_again_is_stored_once(project):
    history = [{"role": "user", "content": f"message {n} " * 40} for n in range(20)]
    make_session(project, make_call(input=history))
    [first] = Chunk.unscoped.all()

    store.append(project, [make_call(input=[*history, {"role": "user", "content": "new " * 40}])])

    second = Chunk.unscoped.get(number=2)
    assert len(second.digests) < len(first.digests) / 5


def test_events_are_found_by_what_they_are(project):
    session = make_session(
        project,
        make_call(
            environment="staging",
            agent="support",
            tags=["vip"],
            user="customer-1",
            prompt=PromptStamp(name="triage", version=7),
            error=ErrorInfo(type="RateLimitError"),
        ),
        make_event(kind="tool", name="lookup"),
    )

    facets = set(session.facets.values_list("facet", "value"))
    assert facets >= {
        ("model", "gpt-4o"),
        ("tool", "lookup"),
        ("tag", "vip"),
        ("prompt", "triage@7"),
        ("error", "RateLimitError"),
        ("environment", "staging"),
        ("origin", "live"),
    }
    assert ("user", session.user_ref) in facets


def test_facets_follow_when_an_earlier_event_arrives(project):
    make_session(project, make_event(started_at=at(5)))

    store.append(project, [make_event(started_at=at(1))])

    assert set(SessionFacet.unscoped.values_list("started_at", flat=True)) == {at(1)}


def test_the_environment_of_the_key_wins(project):
    store.append(project, [make_event(environment="mine")], environment="production")

    assert project.sessions.get().environment == "production"


def test_the_latest_outcome_counts(project):
    late = make_event(outcome=Outcome(status="failure", reason="refused"), ended_at=at(9))
    early = make_event(outcome=Outcome(status="success"), ended_at=at(1))

    session = make_session(project, late, early)

    assert (session.outcome, reader.outcome_reason(session)) == ("failure", "refused")


@pytest.mark.parametrize("tokens", [-1, 2**62])
def test_a_count_that_cannot_be_is_unknown_and_flagged(project, tokens):
    session = make_session(project, make_call(usage=Usage(input=tokens, output=1)))

    [read] = read_all(session)
    assert (session.input_tokens, session.output_tokens) == (None, 1)
    assert read["flags"] == [{"field": "usage.input", "reason": "out_of_range"}]


def test_an_event_of_nowhere_is_refused(project):
    with pytest.raises(InvalidError):
        store.append(project, [make_event(session=None)])


def test_a_long_name_of_a_session_or_trace_breaks_no_index(project):
    long = make_event(session="ü" * 512, trace="t" * 5000, tags=["x" * 9000])

    session = make_session(project, long)

    assert session.external_id == "ü" * 512
    assert Event.unscoped.get().trace == "t" * 5000


def statements_of(project, count, monkeypatch):
    seen = []
    plain = psycopg.RawCursor.execute

    def counted(self, query, *args, **kwargs):
        seen.append(query)
        return plain(self, query, *args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(psycopg.RawCursor, "execute", counted)
        store.append(project, [make_call(trace=f"t{n % 7}", session="s") for n in range(count)])
    return len(seen)


def test_the_number_of_statements_does_not_grow_with_the_events(project, monkeypatch):
    make_session(project, make_call(trace="t0", session="s"))

    few, many = (statements_of(project, count, monkeypatch) for count in (2, 900))

    assert few <= 5
    assert many <= 5
