"""Reading again while senders go on, and what redaction and log records left to be read."""

from __future__ import annotations

import json
from functools import partial
from threading import Thread

import pytest
from django.db import connection

from apps.core.errors import ConflictError
from apps.ingest.batch import Batch
from apps.ingest.clients import Client
from apps.ingest.conventions import generic
from apps.ingest.normalising import CONVENTIONS
from apps.ingest.otlp import wire_json
from apps.ingest.rereading import reread
from apps.ingest.services import ingest
from apps.ingest.traces import read_spans
from apps.sessions import reader, store
from apps.sessions.keys import project_keys
from tests.governance.factories import set_policy
from tests.ingest.factories import NOW, make_log, make_logs, make_span, make_spans, make_value
from tests.ingest.recording import (
    assert_same,
    record_logs,
    record_spans,
    renormalise,
    seen_and_undone,
)
from tests.sessions.factories import make_event
from tests.sessions.snapshots import (
    expected,
    folded_deltas,
    listed,
    recounted_deltas,
    rows_of,
    stored,
)

OLD = (generic,)
MESSAGES = [{"role": "user", "parts": [{"type": "text", "content": "Who is jane@example.org?"}]}]
CALL = {
    "gen_ai.operation.name": "chat",
    "gen_ai.request.model": "gpt-4o",
    "gen_ai.usage.input_tokens": 12,
    "gen_ai.conversation.id": "chat-1",
    "user.id": "jane@example.org",
    "gen_ai.input.messages": json.dumps(MESSAGES),
}


def spans(told=None, **fields):
    body = make_spans(make_span(CALL if told is None else told, **fields))
    return wire_json.read_spans(body, Batch(source="test"))


def logs(*records):
    return wire_json.read_logs(make_logs(*records), Batch(source="test"))


def arriving(project, times):
    """Return a way to read again during which events arrive, this many times."""
    left = iter(range(times))

    def read(recorded):
        if next(left, None) is not None:
            writer = Thread(target=append_one, args=(project,))
            writer.start()
            writer.join()
        return reread(recorded, CONVENTIONS)

    return read


def append_one(project):
    store.append(project, [make_event(session="chat-1")])
    connection.close()


@pytest.mark.django_db(transaction=True)
def test_what_arrives_meanwhile_is_neither_lost_nor_counted_twice(project):
    record_spans(project, spans(), OLD)
    (session,) = listed(project)

    rewritten = store.rewrite(session, arriving(project, 2))

    (session,) = listed(project)
    assert (rewritten.changed, session.event_count) == (1, 3)
    assert stored(session) == expected(session)
    assert folded_deltas(project) == recounted_deltas(project)
    assert session.counts == {"llm": 1, "event": 2}


@pytest.mark.django_db(transaction=True)
def test_a_session_that_is_written_to_all_the_time_is_told(project):
    record_spans(project, spans(), OLD)
    (session,) = listed(project)

    with pytest.raises(ConflictError, match="being written to"):
        store.rewrite(session, arriving(project, 99))

    (session,) = listed(project)
    assert session.counts["chain"] == 1


@pytest.mark.django_db
def test_a_dry_run_tells_and_changes_nothing(project):
    record_spans(project, spans(), OLD)
    (session,) = listed(project)
    before = rows_of(session)

    told = store.rewrite(session, partial(reread, conventions=CONVENTIONS), dry_run=True)

    assert told.changed == 1
    assert rows_of(session) == before


DETAILS = make_log(
    {"gen_ai.output.messages": MESSAGES, "gen_ai.request.model": "gpt-4o"},
    eventName="gen_ai.client.inference.operation.details",
)
SINGLE = [
    make_log(eventName="gen_ai.user.message", body=make_value({"content": "Hi"})),
    make_log(eventName="gen_ai.choice", body=make_value({"message": {"content": "Hello"}})),
]


@pytest.mark.django_db
@pytest.mark.parametrize("records", [[DETAILS], SINGLE], ids=["details", "single messages"])
@pytest.mark.parametrize("is_first", [True, False], ids=["before", "after"])
def test_a_span_and_its_log_records_are_both_read_again(project, records, is_first):
    project_keys(project.pk)
    told = {name: value for name, value in CALL.items() if "messages" not in name}
    ways = [partial(record_logs, project, logs(*records))]

    def record(conventions):
        spanned = partial(record_spans, project, spans(told), conventions)
        for act in [*ways, spanned] if is_first else [spanned, *ways]:
            act()
        return renormalise(project) if conventions is OLD else None

    at_once = seen_and_undone(project, partial(record, CONVENTIONS))
    late = seen_and_undone(project, partial(record, OLD))

    assert_same(late, at_once)
    assert len(next(iter(late.sent.values()))) == 1 + len(records)


@pytest.mark.django_db
def test_versions_of_a_span_are_each_read_again(project):
    project_keys(project.pk)
    begun = spans(CALL | {"gen_ai.request.model": "gpt-4"}, endTimeUnixNano="0")
    ended = spans(CALL | {"gen_ai.input.messages": "[]", "gen_ai.agent.name": "a"})

    def record(conventions):
        for version in (ended, begun):
            record_spans(project, version, conventions)
        return renormalise(project) if conventions is OLD else None

    at_once = seen_and_undone(project, partial(record, CONVENTIONS))
    late = seen_and_undone(project, partial(record, OLD))

    assert_same(late, at_once)


@pytest.mark.django_db
@pytest.mark.parametrize("action", ["mask", "hash"])
def test_what_was_redacted_stays_so_and_its_user_is_still_found(project, action):
    set_policy(project, action)
    batch = Batch(source="otlp_traces")
    read_spans(spans(), batch, NOW, OLD)
    ingest(project, batch, client=Client("test"))
    (before,) = rows_of(listed(project)[0])

    assert renormalise(project) == 1

    (session,) = listed(project)
    (row,) = rows_of(session)
    assert (row.kind, row.input_tokens, row.user_ref) == ("llm", 12, before.user_ref)
    (event,) = reader.read_steps(session, reader.outline(session).steps, content=True, raw=True)
    assert "jane@example.org" not in json.dumps(event, default=str)
    assert [flag for flag in event["flags"] if flag.get("by") == "redaction"]
    assert renormalise(project) == 0


@pytest.mark.django_db
@pytest.mark.parametrize("conventions", [OLD, CONVENTIONS], ids=["old", "new"])
def test_an_event_of_which_too_much_was_dropped_stays_as_it_is(project, conventions):
    set_policy(project, "drop")
    batch = Batch(source="otlp_traces")
    read_spans(spans(), batch, NOW, conventions)
    ingest(project, batch, client=Client("test"))

    assert renormalise(project) == 0


@pytest.mark.django_db
def test_an_event_without_its_content_is_read_again_all_the_same(project):
    set_policy(project, "capture", input="drop")
    batch = Batch(source="otlp_traces")
    read_spans(spans(), batch, NOW)
    ingest(project, batch, client=Client("test"))
    (session,) = listed(project)

    (before,) = rows_of(session)

    store.rewrite(session, partial(reread, conventions=OLD))

    assert [row.kind for row in rows_of(session)] == ["chain"]
    assert renormalise(project) == 1
    assert rows_of(session) == [before]
