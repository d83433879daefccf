"""What other recorders fall for: each of these has made a replay wrong somewhere."""

from __future__ import annotations

import copy
import json
import logging
import time
from functools import partial
from itertools import islice

import httpx2
import openai
import playhead
import pytest
from playhead import places
from playhead.client import replaying_from
from playhead.tapes import Tape

from tests.sdk.programs import look_up, record_of, replay, run

SEEN: list[bytes] = []
CALLED = {
    "id": "call_1",
    "type": "function",
    "function": {"name": "look_up", "arguments": '{"about": 1}'},
}


class Pieces(httpx2.SyncByteStream):
    def __iter__(self):
        for number in range(5):
            part = {"choices": [{"index": 0, "delta": {"content": f"{number} "}}]}
            yield f"data: {json.dumps(part)}\n\n".encode()


def answer(request: httpx2.Request) -> httpx2.Response:
    SEEN.append(request.content)
    if b"stream" in request.content:
        return httpx2.Response(200, headers={"content-type": "text/event-stream"}, stream=Pieces())
    if b"busy" in request.content and len(SEEN) % 3:
        return httpx2.Response(429, headers={"retry-after-ms": "1"}, json={"error": {}})
    said = {"role": "assistant", "content": f"answer {len(SEEN)}"}
    choice = {"index": 0, "message": said, "finish_reason": "stop"}
    return httpx2.Response(200, json={"choices": [choice]})


CLIENT = playhead.wrap(
    openai.OpenAI(
        base_url="http://provider/v1",
        api_key="none",
        http_client=httpx2.Client(transport=httpx2.MockTransport(answer)),
    )
)


def ask(*said, **more):
    made = CLIENT.chat.completions.create(model="m", messages=list(said), **more)
    return made.choices[0].message.content


def user(text: str):
    return {"role": "user", "content": text}


def recorded(act):
    SEEN.clear()
    return record_of(act)


def test_requests_that_differ_only_in_their_tool_calls_have_answers_of_their_own():
    def with_call(about: int):
        call = copy.deepcopy(CALLED)
        call["function"]["arguments"] = f'{{"about": {about}}}'
        return {"role": "assistant", "content": None, "tool_calls": [call]}

    def act(order):
        return {about: ask(user("Go on."), with_call(about)) for about in order}

    first, events = recorded(lambda: act([1, 2]))

    assert replay(events, lambda: act([2, 1]), match="strict")[0] == first
    with pytest.raises(playhead.Divergence):
        replay(events, lambda: act([1, 3]))


def test_requests_to_one_address_are_told_apart_by_their_bodies():
    first, events = recorded(lambda: [ask(user("one")), ask(user("two"))])

    again, _ = replay(events, lambda: [ask(user("two")), ask(user("one"))])
    assert again == first[::-1]


def test_parallel_calls_of_one_tool_never_swap_their_answers():
    act = partial(run, ("pool", [("tool", 1), ("tool", 1), ("tool", 2), ("tool", 1)]))
    first, events = recorded(act)
    assert len({str(one) for one in first}) == 4

    for _ in range(5):
        assert replay(events, act)[0] == first


def test_the_name_of_a_tool_alone_is_no_match():
    _, events = recorded(lambda: look_up(1))

    with pytest.raises(playhead.Divergence, match="/input/about: expected 1, got 2"):
        replay(events, lambda: look_up(2))


@pytest.mark.parametrize("match", ["strict", "ordered", "content", "fuzzy"])
def test_a_miss_never_asks_for_real_in_silence(match):
    _, events = recorded(lambda: ask(user("one")))
    SEEN.clear()

    with pytest.raises(playhead.Divergence):
        replay(events, lambda: [ask(user("one")), ask(user("quite another thing"))], match=match)
    assert SEEN == []


def test_a_stream_that_is_read_on_beyond_where_it_was_left_stops_the_replay():
    def act(count: int):
        stream = CLIENT.chat.completions.create(model="m", messages=[user("a")], stream=True)
        with stream:
            return [part.choices[0].delta.content for part in islice(stream, count)]

    first, events = recorded(lambda: act(2))
    assert replay(events, lambda: act(2))[0] == first == ["0 ", "1 "]

    replaying = replaying_from(Tape.of("s", events))
    with pytest.raises(playhead.Divergence, match="is read on now"), places.running(replaying):
        act(5)
    assert replaying.report.first.event == replaying.tape.calls[0].id
    assert replaying.report.stopped


def test_retries_of_the_client_are_served_each_and_wait_for_nothing():
    first, events = recorded(lambda: ask(user("busy")))
    statuses = [event["replay"]["status"] for event in events if event["kind"] == "llm"]
    assert statuses == [429, 429, 200]
    for event in events:
        if event.get("replay", {}).get("status") == 429:
            event["replay"]["headers"] = {"retry-after": "59"}

    again, replaying = replay(events, lambda: ask(user("busy")))
    assert again == first
    assert replaying.report.matched == {"exact": 3}


def test_a_tool_inside_of_a_tool_is_the_outer_tools_own():
    @playhead.tool
    def outer(about: int) -> list:
        return [look_up(about), look_up(about)]

    first, events = recorded(lambda: outer(1))

    assert [event["name"] for event in events if event["kind"] == "tool"] == ["outer"]
    assert replay(events, lambda: outer(1))[0] == first


def test_a_library_that_reads_the_clock_for_its_logs_kills_no_replay(caplog):
    def act(count: int):
        for _ in range(count):
            logging.getLogger("app").warning("at %s", time.time())
        return look_up(1)

    first, events = recorded(lambda: act(1))

    again, replaying = replay(events, lambda: act(4))
    assert again == first
    assert (replaying.report.first, replaying.report.soft[0].kind) == (None, "timing")
    assert replaying.clock.unknown == 3


def test_new_code_behind_a_marker_is_skipped_where_the_record_never_ran_it():
    def act():
        if playhead.patched("check-twice"):
            look_up(7)
        return look_up(1)

    first, events = recorded(lambda: look_up(1))

    again, replaying = replay(events, act)
    assert again == first
    assert replaying.report.band == "identical"
    replaying.report.assert_faithful()


def test_repeats_that_nobody_asks_for_are_missing():
    _, events = recorded(lambda: [look_up(1) for _ in range(3)])

    _, replaying = replay(events, lambda: [look_up(1) for _ in range(2)])
    assert [one.kind for one in replaying.report.divergences] == ["missing"]
    assert replaying.report.consumption == pytest.approx(2 / 3)


def test_the_clock_goes_on_while_it_is_recorded():
    (before, after), events = recorded(
        lambda: (time.time_ns(), (time.sleep(0.002), time.time_ns())[1])
    )

    assert after - before >= 2_000_000
    assert replay(events, lambda: (time.time_ns(), time.time_ns()))[0] == (before, after)
