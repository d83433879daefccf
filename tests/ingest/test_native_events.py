from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.errors import DomainError, LimitError
from apps.ingest.native import NativeEvent, read_events
from apps.sessions.events import KINDS, IncomingEvent
from tests.ingest.factories import STARTED, make_body, make_event, status_of

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def read(*events):
    return read_events(make_body(*events), NOW)


def only(*events) -> IncomingEvent:
    batch = read(*events)
    assert not batch.rejected
    return batch.events[0]


def test_an_event_keeps_everything_that_was_sent():
    sent = make_event(
        kind="llm",
        parent="e0",
        input={"messages": [{"role": "user", "content": "Hi"}]},
        usage={"input": 840, "output": 105, "cache_read": 128},
        cost="0.0042",
        prompt={"name": "triage", "version": 7},
        stamps={"release": "1.4.2"},
        decision={"chosen": "refund"},
        outcome={"status": "success"},
        confidence=0.93,
    )

    event = only(sent)

    kept = msgspec.to_builtins(event)
    for name in sent.keys() - {"usage", "prompt", "outcome", "started_at"}:
        assert kept[name] == sent[name]
    assert (event.usage.input, event.prompt.version, event.outcome.status) == (840, 7, "success")
    assert (event.release, event.started_at) == ("1.4.2", STARTED)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_taken(kind):
    assert only(make_event(kind=kind)).kind == kind


@pytest.mark.parametrize(
    ("wrong", "path"),
    [
        ({"kind": "banana"}, "kind"),
        ({"kind": None}, "kind"),
        ({"session": None}, "session"),
        ({"session": ""}, "session"),
        ({"id": 7}, "id"),
        ({"id": "x" * 513}, "id"),
        ({"started_at": None}, "started_at"),
        ({"started_at": "now"}, "started_at"),
        ({"started_at": "infinity"}, "started_at"),
        ({"started_at": 1790000000}, "started_at"),
        ({"started_at": "2026-03-04T05:06:07"}, "started_at"),
        ({"usage": {"input": -1}}, "usage.input"),
        ({"usage": {"input": 2**62}}, "usage.input"),
        ({"usage": {"input": 1.5}}, "usage.input"),
        ({"cost": "NaN"}, "cost"),
        ({"cost": "-1"}, "cost"),
        ({"cost": "1e999999"}, "cost"),
        ({"status": "fine"}, "status"),
        ({"effects": "some"}, "effects"),
        ({"tags": "billing"}, "tags"),
        ({"tags": ["x" * 513]}, "tags[0]"),
        ({"state_patch": [{"op": "fly", "path": ""}]}, "state_patch[0].op"),
        ({"outcome": {"status": "maybe"}}, "outcome.status"),
        ({"metadata": {"n": 2**63}}, "metadata.n"),
        ({"input": [1, {"deep": float("nan")}]}, "input[1].deep"),
        ({"output": float("inf")}, "output"),
        ({"input": {"k" * 257: 1}}, "input"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_wrong_field_is_refused_by_its_path_and_the_others_go_in(wrong, path):
    batch = read(make_event(id="good"), make_event(**wrong), make_event(id="also good"))

    assert [event.id for event in batch.events] == ["good", "also good"]
    (rejection,) = batch.rejected
    assert (rejection.index, rejection.path) == (1, path)
    assert rejection.message


@pytest.mark.parametrize("name", ["id", "session", "kind", "started_at"])
def test_a_missing_required_field_is_named(name):
    event = make_event()
    del event[name]

    (rejection,) = read(event).rejected

    assert (rejection.path, rejection.message) == (name, "Required.")


@pytest.mark.parametrize(
    ("sent", "meant"),
    [
        ("2026-03-04T05:06:07.120000Z", STARTED + timedelta(microseconds=120_000)),
        ("2026-03-04T10:36:07+05:30", STARTED),
        ("2026-03-03T22:06:07-07:00", STARTED),
    ],
)
def test_times_of_any_offset_become_utc(sent, meant):
    event = only(make_event(started_at=sent))

    assert event.started_at == meant
    assert event.started_at.tzinfo is UTC


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("2029-01-01T00:00:00Z", NOW),
        ("9999-12-31T23:59:59-23:59", NOW),
        ("1970-01-01T00:00:00Z", datetime(1990, 1, 1, tzinfo=UTC)),
        ("0001-01-01T00:00:00+23:59", datetime(1990, 1, 1, tzinfo=UTC)),
    ],
)
def test_an_impossible_time_is_clamped_flagged_and_kept_beside(sent, kept):
    event = only(make_event(started_at=sent))

    assert event.started_at == kept
    assert event.extra["original"]["started_at"][:4] == sent[:4]
    assert event.flags[0]["field"] == "started_at"


def test_an_end_before_the_start_is_unknown_flagged_and_kept_beside():
    event = only(make_event(ended_at="2026-03-04T05:06:06Z"))

    assert event.ended_at is None
    assert event.extra["original"] == {"ended_at": "2026-03-04T05:06:06+00:00"}
    assert event.flags[0]["field"] == "ended_at"


def test_nul_and_lone_surrogates_become_replacement_characters():
    event = only(make_event(name="a\x00b", output={"half\ud800": "\udfff"}))

    assert (event.name, event.output) == ("a�b", {"half�": "�"})
    assert "U+FFFD" in event.flags[0]["reason"]


def test_a_pair_of_surrogates_is_one_character_and_no_reason_to_flag():
    event = only(make_event(output="😀"))

    assert (event.output, event.flags) == ("😀", None)


def test_unknown_fields_are_kept_and_counted():
    batch = read(make_event(usage={"input": 1, "audio": 5}, mood="fine", __proto__={"x": 1}))

    assert batch.events[0].extra == {"usage.audio": 5, "mood": "fine", "__proto__": {"x": 1}}
    assert batch.unmapped.total() == 3


@pytest.mark.parametrize("field", ["finished", "ends_session"])
def test_a_sender_may_say_that_the_session_is_over(field):
    assert only(make_event(**{field: True})).ends_session
    assert not only(make_event(**{field: None})).ends_session


def test_more_than_5000_events_are_refused_as_too_large():
    with pytest.raises(LimitError, match="5000 events"):
        read(*[make_event()] * 5001)


def test_an_event_over_6_mib_is_refused_alone():
    batch = read(make_event(output="x" * (6 << 20)), make_event())

    assert len(batch.events) == 1
    assert "6 MiB" in batch.rejected[0].message


def test_an_endless_whole_number_is_refused_alone():
    body = make_body(make_event(), make_event(metadata={"n": 0})).replace(
        b": 0}", b": " + b"9" * 5000 + b"}"
    )

    batch = read_events(body, NOW)

    assert len(batch.events) == 1
    assert "5000 digits" in batch.rejected[0].message


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"{}", b'{"events": {}}', b"null", b"\xff\xfe", b'{"events": ['],
    ids=repr,
)
def test_a_body_without_a_list_of_events_is_a_bad_request(body):
    with pytest.raises(DomainError) as caught:
        read_events(body, NOW)

    assert caught.value.status == 400


@given(
    st.lists(
        ANY_JSON
        | st.fixed_dictionaries(
            {}, optional=dict.fromkeys(NativeEvent.__struct_fields__, ANY_JSON)
        ).map(lambda fields: make_event() | fields),
        max_size=4,
    )
)
def test_any_json_is_taken_or_refused_with_every_event_counted(events):
    batch = read_events(json.dumps({"events": events}).encode(), NOW)

    assert len(batch.events) + len(batch.rejected) == len(events) == batch.sent


@given(st.binary())
def test_any_bytes_are_taken_or_a_bad_request(body):
    assert status_of(lambda: read_events(body, NOW)) in {200, 400, 413}
