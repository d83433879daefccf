from __future__ import annotations

from decimal import Decimal
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.audit.models import AuditEntry
from apps.sessions import store
from apps.sessions.erasure import destroy
from apps.sessions.events import ErrorInfo, PromptStamp, Usage
from tests.sessions.factories import at, make_call, make_event, make_session

COMPARE = "/api/v1/compare"


def say(content, role="user", **more):
    return {"role": role, "content": content, **more}


def story(session: str, words=("look", "book", "thank"), shift=0.0, **more):
    """Return an agent's run: a call of a model and of a tool for each word."""
    events = [
        make_event(id="root", session=session, kind="agent", name="support", started_at=at(0))
    ]
    for number, word in enumerate(words):
        seconds = number * 2 + 1
        shared = {"session": session, "parent": "root", "status": "ok"}
        call = {"started_at": at(seconds), "ended_at": at(seconds + 0.5 + shift)}
        said = {"input": [say(f"please {word}")], "output": say(f"I will {word}", "assistant")}
        events.append(make_call(id=f"llm-{number}", **shared, **call, **said, **more))
        asked = {"input": {"what": word, "limit": 10}, "output": {"done": word}}
        tool = {
            "id": f"tool-{number}",
            "kind": "tool",
            "name": "act",
            "started_at": at(seconds + 1),
        }
        events.append(make_event(**shared, **tool, **asked))
    return events


@pytest.fixture
def reads(project, key_client):
    return key_client(project, "read:content")


def compared(client, a, b, **query):
    answer = client.get(COMPARE, {"a": a.pk, "b": b.pk} | query)
    assert answer.status_code == 200, answer.content
    return answer.json()


def told(found):
    return [(step["status"], *step["differences"]) for step in found["steps"]]


def counts(found):
    names = ("identical", "changed", "only_a", "only_b")
    return tuple(found["summary"][name] for name in names)


def test_the_same_run_twice_is_identical_whatever_its_ids_and_times(project, reads):
    a = make_session(project, *story("a"))
    b = make_session(project, *story("b", shift=0.3))

    found = compared(reads, a, b)

    assert counts(found) == (7, 0, 0, 0)
    assert found["first_difference"] is None
    assert found["steps"][1]["deltas"]["duration_ms"] == pytest.approx(300)


def test_one_changed_word_changes_that_step_and_no_other(project, reads):
    a = make_session(project, *story("a"))
    events = story("b")
    events[4].output = {"done": "booked twice"}
    b = make_session(project, *events)

    found = compared(reads, a, b)

    assert counts(found) == (6, 1, 0, 0)
    assert found["first_difference"] == {"a": 5, "b": 5}
    assert told(found)[4] == ("changed", "output")


def test_a_step_of_only_one_session_says_which(project, reads):
    a = make_session(project, *story("a"))
    events = story("b")
    events[4].kind, events[4].name = "human", "approve"
    b = make_session(project, *events)

    found = compared(reads, a, b)

    assert [status for status, *_ in told(found)[3:6]] == ["identical", "only_a", "only_b"]
    assert found["steps"][4]["b"] is None
    assert found["steps"][5]["b"]["kind"] == "human"
    assert found["first_difference"] == {"a": 5, "b": None}


def test_random_ids_of_calls_make_no_step_differ(project, reads):
    made = []
    for name, call_id in (("a", "call_Xy1"), ("b", "toolu_9")):
        call = {"id": call_id, "type": "function", "function": {"name": "act", "arguments": "{}"}}
        history = [
            say("hello " * 40),
            say(None, "assistant", tool_calls=[call]),
            say("done " * 40, "tool", tool_call_id=call_id),
        ]
        answer = {"id": f"chatcmpl-{name}", "choices": [{"message": say("ok", "assistant")}]}
        made.append(make_session(project, make_call(session=name, input=history, output=answer)))

    assert counts(compared(reads, *made)) == (1, 0, 0, 0)


def test_results_handed_to_the_wrong_call_are_a_difference(project, reads):
    made = []
    for name, order in (("a", ("x", "y")), ("b", ("y", "x"))):
        calls = [{"id": one, "type": "function", "function": {"name": "act"}} for one in "xy"]
        results = [
            say(f"{word} " * 40, "tool", tool_call_id=one)
            for word, one in zip(("rain", "sun"), order, strict=True)
        ]
        history = [say(None, "assistant", tool_calls=calls), *results]
        made.append(make_session(project, make_call(session=name, input=history)))

    assert told(compared(reads, *made)) == [("changed", "input")]


def test_another_model_pairs_the_same_steps_and_is_named(project, reads):
    named = {"name": "chat gpt-4o", "model": "gpt-4o", "prompt": PromptStamp(name="x", version=1)}
    other = {"name": "chat small", "model": "small", "prompt": PromptStamp(name="x", version=2)}
    a = make_session(project, *story("a", **named, params={"temperature": 0}))
    b = make_session(project, *story("b", **other, params={"temperature": 1}))

    found = compared(reads, a, b)

    assert counts(found) == (4, 3, 0, 0)
    assert told(found)[1] == ("changed", "model", "prompt", "params")


def test_an_error_is_a_difference_and_a_missing_status_is_none(project, reads):
    failed = {"status": "error", "error": ErrorInfo(type="Timeout", message="too late")}
    made = [
        make_session(project, make_event(id=name, session=name, kind="tool", name="act", **fields))
        for name, fields in (("a", {"status": "ok"}), ("b", failed), ("c", {}))
    ]

    assert told(compared(reads, made[0], made[1])) == [("changed", "status", "error")]
    assert told(compared(reads, made[0], made[2])) == [("identical",)]


def test_the_answer_of_the_whole_run_is_not_where_it_parted(project, reads):
    made = []
    for name, word in (("a", "fine"), ("b", "sorry")):
        events = story(name)
        events[0].output = word
        events[5].output = say(word, "assistant")
        made.append(make_session(project, *events))

    found = compared(reads, *made)

    assert told(found)[0] == ("changed", "output")
    assert found["first_difference"] == {"a": 6, "b": 6}


def test_clocks_and_dice_answer_anew_without_a_difference(project, reads):
    made = [
        make_session(project, make_event(id=name, session=name, kind="random", output=name))
        for name in "ab"
    ]

    assert counts(compared(reads, *made)) == (1, 0, 0, 0)


def test_parallel_agents_are_compared_with_their_own_kind(project, reads):
    made = []
    for name, order in (("a", ("flights", "hotels")), ("b", ("hotels", "flights"))):
        events = [make_event(id="root", session=name, kind="agent", name="plan", started_at=at(0))]
        for place, topic in enumerate(order, 1):
            shared = {"session": name, "started_at": at(place)}
            agent = {"id": topic, "parent": "root", "kind": "agent", "name": "scout"}
            events.append(make_event(**shared, **agent, input=topic))
            call = {"id": f"{topic}-1", "parent": topic, "kind": "tool", "name": "search"}
            events.append(make_event(**shared, **call, input={"topic": topic}))
        made.append(make_session(project, *events))

    assert counts(compared(reads, *made)) == (5, 0, 0, 0)


def test_deltas_are_b_less_a_and_unknown_stays_unknown(project, reads):
    usage = [Usage(input=100, output=20), Usage(input=60, output=10)]
    a, b = (
        make_session(project, make_call(session=name, usage=used, cost=Decimal(cost)))
        for name, used, cost in zip("ab", usage, ("0.02", "0.005"), strict=True)
    )
    silent = make_session(project, make_event(session="c", kind="tool"))

    deltas = compared(reads, a, b)["summary"]["deltas"]
    unknown = compared(reads, a, silent)["summary"]["deltas"]

    assert (deltas["tokens"], deltas["input_tokens"]) == (-50, -40)
    assert Decimal(deltas["cost"]) == Decimal("-0.015")
    assert unknown["tokens"] is None
    assert unknown["cost"] is None


def test_pages_tell_every_step_once(project, reads):
    a = make_session(project, *story("a", words="abcdefg"))
    b = make_session(project, *story("b", words="abxdefgh"))
    whole = compared(reads, a, b)["steps"]

    pages, cursor = [], {}
    while cursor is not None:
        page = compared(reads, a, b, limit=4, **cursor)
        pages += page["steps"]
        cursor = {"cursor": page["next"]} if page["next"] else None

    assert pages == whole
    assert len(whole) == 17


def test_turned_round_only_the_letters_change(project, reads):
    a = make_session(project, *story("a", words="abcdefg"))
    b = make_session(project, *story("b", words="xbcdfghi"))

    there, back = compared(reads, a, b), compared(reads, b, a)

    identical, changed, only_a, only_b = counts(there)
    assert counts(back) == (identical, changed, only_b, only_a)


def test_the_queries_are_as_many_for_long_sessions(project, reads):
    short = [make_session(project, *story(n, words=[f"1{n}", "x"])) for n in "ab"]
    long = [make_session(project, *story(n, words=[f"{i}{n}" for i in range(60)])) for n in "cd"]

    asked = [queries_of(reads, *pair) for pair in (short, long)]

    assert asked[0] == asked[1]
    assert asked[0] <= 30


def queries_of(client, a, b) -> int:
    # What is read for the first time in a process is not what is counted here.
    compared(client, b, a)
    with CaptureQueriesContext(connection) as queries:
        compared(client, a, b)
    return len(queries)


def test_what_arrives_later_is_compared_too(project, reads):
    a, b = (make_session(project, *story(name)) for name in "ab")
    assert counts(compared(reads, a, b)) == (7, 0, 0, 0)

    store.append(project, [make_event(session="b", kind="tool", name="more", started_at=at(60))])

    assert counts(compared(reads, a, b)) == (7, 0, 0, 1)


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ("", "a"),
        ("?a={a}", "b"),
        ("?a={a}&b={a}", "b"),
        ("?a={a}&b=chat-1", "b"),
        ("?a={a}&b={b}&c={b}", "c"),
        ("?a={a}&b={b}&limit=0", "limit"),
        ("?a={a}&b={b}&cursor=x", "cursor"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(project, reads, query, path):
    a, b = (make_session(project, *story(name)) for name in "ab")

    answer = reads.get(COMPARE + query.format(a=a.pk, b=b.pk))

    assert answer.status_code == 400
    assert [error["path"] for error in answer.json()["errors"]] == [path]


def test_sessions_of_another_project_do_not_exist(project, other_project, reads):
    ours, theirs = (make_session(where, *story("a")) for where in (project, other_project))

    for a, b in ((ours.pk, theirs.pk), (theirs.pk, ours.pk), (ours.pk, uuid4())):
        assert reads.get(COMPARE, {"a": a, "b": b}).status_code == 404


def test_an_erased_session_is_gone(project, reads):
    a, b = (make_session(project, *story(name)) for name in "ab")
    destroy(b)

    assert reads.get(COMPARE, {"a": a.pk, "b": b.pk}).status_code == 410


def test_metadata_rights_do_not_compare(project, key_client):
    a, b = (make_session(project, *story(name)) for name in "ab")

    answer = key_client(project, "read:meta").get(COMPARE, {"a": a.pk, "b": b.pk})

    assert answer.status_code == 403


def test_comparing_is_written_down_as_reading_both(project, reads):
    a, b = (make_session(project, *story(name)) for name in "ab")

    compared(reads, a, b)

    read = AuditEntry.unscoped.get(act="session.read")
    assert sorted(read.object_ids) == sorted([str(a.pk), str(b.pk)])
