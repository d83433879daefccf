"""The report on a replay: which step, what was expected, what came, why, what rests on it."""

from __future__ import annotations

import json
import threading
import time
from datetime import UTC, datetime

import playhead
import pytest
from playhead import places
from playhead.client import replaying_from
from playhead.cones import Cones
from playhead.differences import ABSENT, Difference, differences
from playhead.latencies import Spent, cost_of, latency_of
from playhead.reported import Report
from playhead.tapes import Tape

from apps.replays.reports import read_report
from tests.sdk.programs import CLIENT, record, replay, run

STEPS = [("tool", 1), ("model", 1), ("tool", 2)]
TOOL = {"type": "function", "function": {"name": "pay", "parameters": {}}}


@pytest.fixture(scope="module")
def recorded():
    return record(STEPS)[1]


def seq_of(events, name: str, nth: int = 0) -> int:
    found = [seq for seq, event in enumerate(events, 1) if event["name"] == name]
    return found[nth]


def report_of(events, program, **how) -> Report:
    return replay(events, lambda: run(("agent", program)), **how)[1].report


def stopped(events, act, **how) -> Report:
    """Return the report on a replay that something stopped."""
    replaying = replaying_from(Tape.of("program", events), **how)
    with pytest.raises(playhead.Divergence), places.running(replaying):
        act()
    return replaying.report


def test_what_was_not_reached_is_told_apart_from_what_was_not_asked_for(recorded):
    report = stopped(recorded, lambda: run(("agent", [("tool", 1), ("model", 2), ("tool", 2)])))
    shorter = report_of(recorded, STEPS[:2])

    assert [one.kind for one in report.divergences] == ["drifted-request", "missing"]
    assert "was not reached: the replay had stopped" in report.divergences[1].says
    assert report.stopped
    assert [one.kind for one in shorter.divergences] == ["missing", "different-output"]
    assert "was not asked for" in shorter.first.says


def test_work_that_is_started_in_another_order_has_moved():
    def act(order):
        for about in order:
            thread = threading.Thread(target=run, args=[("tool", about)])
            thread.start()
            thread.join()

    events = []
    with places.running(playhead.recording.Recording("s", events.append)):
        act([1, 2])
    _, replaying = replay(events, lambda: act([2, 1]), match="ordered")

    assert [one.kind for one in replaying.report.divergences] == ["moved", "moved"]
    assert "it was recorded in lane 0.1" in replaying.report.text()
    assert replaying.report.fidelity == 1.0


def test_a_call_that_is_made_for_real_is_compared_with_the_recorded_one(recorded):
    tape = Tape.of("program", recorded)
    for one in tape.calls:
        # As if the answer had been too large to be kept.
        one.event = {**one.event, "replay": {"ordinal": one.key.ordinal, "status": 200}}
    replaying = replaying_from(tape, on_divergence="live", allow_live=["*"])
    with places.running(replaying):
        run(("agent", STEPS))

    report = replaying.report
    kinds = {one.kind for one in report.divergences}
    assert (kinds, report.coverage) == ({"different-output"}, 0.0)
    assert "it came back with another answer than recorded; it was made for real" in report.text()
    assert report.latency["log_ratio"]["p50"] is not None
    assert report.latency["stubbed"] is False


def test_an_error_where_there_was_none_is_another_error():
    @playhead.tool(effects="none")
    def once(is_broken: bool = False) -> int:
        if broken:
            raise ValueError("broken")
        return 1

    broken = []
    events = []
    with places.running(playhead.recording.Recording("s", events.append)):
        once()
    events[-1]["output"] = {"$playhead": "opaque", "type": "x", "value": "<x>"}
    broken.append(True)
    replaying = replaying_from(Tape.of("s", events), on_divergence="live")
    with pytest.raises(ValueError, match="broken"), places.running(replaying):
        once()

    first = replaying.report.first
    assert (first.kind, first.event) == ("different-error", events[-1]["id"])
    assert "it failed, and was recorded without" in first.says


def test_an_answer_that_no_record_can_hold_stops_the_replay_with_the_reason():
    @playhead.tool
    def connection() -> object:
        return threading.Lock()

    events = []
    with places.running(playhead.recording.Recording("s", events.append)):
        connection()
    report = stopped(events, connection)

    assert report.first.kind == "missing"
    assert "its answer was no value that JSON can tell" in report.text()


def test_a_stub_is_no_coverage_and_counts_nothing(recorded):
    changed = [("tool", 7), *STEPS[1:]]
    report = report_of(recorded, changed, on_divergence="stub", stubs={"tool:look_up": {}})

    assert report.matched == {"exact": 2, "stub": 1}
    assert report.coverage == pytest.approx(2 / 3)
    assert report.fidelity < 0.9
    assert "its stub answered" in report.first.says


def test_code_between_the_calls_that_works_otherwise_is_seen(recorded):
    @playhead.agent(name="agent")
    def changed(inner):
        return [run(one) for one in inner][::-1]

    _, replaying = replay(recorded, lambda: changed(STEPS))

    report = replaying.report
    assert (report.first.kind, report.first.name) == ("different-output", "agent")
    assert (report.coverage, report.consumption) == (1.0, 1.0)
    assert "why: the application's own code between its calls works otherwise" in report.text()


def test_another_decision_is_named():
    _, events = record([("decide", 1)])
    report = report_of(events, [("decide", 2)])

    assert (report.first.kind, report.first.name) == ("different-output", "decision")
    assert report.first.differences[0] == Difference("/decision/chosen", "1", "2")
    assert report.decisions == 0.0


@pytest.mark.parametrize(
    ("changed", "hint"),
    [
        ({"model": "m-2"}, "model: m was asked then, m-2 now"),
        ({"temperature": 1}, "parameters were changed: temperature None -> 1"),
        ({"tools": [TOOL]}, "the tools were changed: new pay"),
        ({"system": "Be brief."}, "the system prompt was changed"),
        ({"text": "What about 2?"}, "message 1 (user, text) is another"),
    ],
)
def test_the_part_of_a_request_that_moved_is_named(recorded, changed, hint):
    system = [{"role": "system", "content": changed.pop("system")}] if "system" in changed else []
    said = [*system, {"role": "user", "content": changed.pop("text", "What about 1?")}]

    def act():
        run(("tool", 1))
        CLIENT.chat.completions.create(**{"model": "m", "messages": said} | changed)

    report = stopped(recorded, act)

    assert report.first.hints == [hint]
    assert f"why: {hint}" in report.text()


def test_what_the_nearest_calls_have_in_common_is_told(recorded):
    report = stopped(recorded, lambda: [run(("tool", 1)), run(("tool", 1))])

    given = next(near for near in report.first.nearest if "was given already" in near.says)
    assert given.step == seq_of(recorded, "look_up")
    assert given.event == recorded[given.step - 1]["id"]
    assert "what it asks" in given.matched
    assert given.failed == ["not yet given", "number"]


def test_the_clock_read_oftener_is_soft_and_stops_nothing(recorded):
    _, replaying = replay(recorded, lambda: [run(("agent", STEPS)), time.time(), time.time()])

    report = replaying.report
    assert [one.kind for one in report.soft] == ["timing"]
    assert (report.first, report.coverage) == (None, 1.0)
    report.assert_faithful()
    assert "besides: the clock was read 2 times more than recorded" in report.text()


def test_the_first_lines_say_what_to_do(recorded):
    program = [("tool", 1), ("model", 1), ("tool", 3)]
    lines = stopped(recorded, lambda: run(("agent", program))).text().splitlines()

    seq = seq_of(recorded, "look_up", 1)
    assert lines[0] == "Replay of program: diverged"
    assert lines[1].startswith(f"first divergence: step {seq}, tool look_up in lane 0")
    assert lines[2] == "  /input/about: expected 2, got 3"
    assert any(line.startswith("  do: ") and 'match="ordered"' in line for line in lines)


def test_new_code_is_told_of_markers(recorded):
    report = stopped(recorded, lambda: [run(one) for one in [*STEPS, ("fail", 1)]])

    assert report.first.kind == "extra"
    assert "playhead.patched(" in report.text()


def test_a_report_is_json_and_comes_back_from_it(recorded):
    report = stopped(recorded, lambda: run(("agent", [("tool", 1), ("model", 2)])))

    told = json.loads(json.dumps(report.as_json()))
    back = Report.from_json(told)

    assert back.as_json() == told
    assert back.text() == report.text()
    first, seq = told["divergences"][0], seq_of(recorded, "openai.chat")
    assert (first["step"], first["event"]) == (seq, recorded[seq - 1]["id"])
    assert first["made"] in {row["made"] for row in told["alignment"]}
    assert told["lanes"] == {"0": seq}


@pytest.mark.parametrize("name", ["look\0up", "x" * 2000, "<b>\ud800"])
def test_the_server_takes_what_a_report_says_however_hostile(recorded, name):
    hostile = playhead.tool(name=name)(print)
    report = stopped(recorded, lambda: [run(("tool", 1)), hostile(name)])
    head = {"id": "0" * 32, "status": "ended", "session": "s", "origin": "replay"}

    taken = read_report(
        json.loads(json.dumps(head | {"report": report.as_json()})), datetime.now(UTC)
    )

    assert taken.report.divergences[0].kind == "extra"
    assert taken.report.band == report.band == "diverged"
    assert len(taken.report.alignment) == 4


def test_nothing_is_told_apart_from_null():
    found = differences({"a": None, "b": 1}, {"b": None, "c": None})

    told = [one.as_json() for one in found]
    assert told == [
        {"path": "/a", "expected": None},
        {"path": "/b", "expected": 1, "got": None},
        {"path": "/c", "got": None},
    ]
    assert [Difference.from_json(one) for one in told] == found
    assert found[0].got is ABSENT


def test_long_texts_are_told_word_by_word():
    rules = "Answer in one sentence. " + "Never speak of the weather in other cities. " * 4
    [found] = differences(rules, rules.replace("one sentence", "three words"))

    assert str(found).startswith("/: Answer in [-one sentence.-] {+three words.+} Never speak of")
    assert ["-", "one sentence."] in found.as_json()["words"]
    assert len(str(found)) < 200


def test_what_rests_on_a_step_is_known_by_declaration_by_value_or_by_order():
    events = [
        {"id": "a", "kind": "llm", "lane": "0", "output": "go"},
        {"id": "b", "kind": "tool", "lane": "0", "output": {"track": "track-4711"}},
        {"id": "c", "kind": "tool", "lane": "0.0", "input": {"of": "track-4711"}, "output": "x"},
        {"id": "d", "kind": "tool", "lane": "0", "inputs": ["c"], "input": {"n": 1}},
        {"id": "e", "kind": "env", "lane": "0", "output": "track-4711"},
    ]
    cones = Cones(events)

    assert cones.behind(3) == {4: "declared"}
    assert cones.behind(2) == {3: "value", 4: "value"}
    assert cones.behind(1) == {2: "lane", 3: "lane", 4: "lane"}
    assert cones.behind(4) == {}


def test_what_was_served_is_not_compared_in_time_and_costs_nothing():
    event = {"duration_ms": 100, "cost": "0.5", "usage": {"input": 3, "output": 4}}
    served = Spent(event, is_served=True)
    made = Spent(event, is_served=False, took_ms=200.0, cost=0.75, tokens=9)

    assert latency_of([served])["log_ratio"] == {"p50": None, "p95": None}
    assert latency_of([served, made])["log_ratio"] == {"p50": 0.6931, "p95": 0.6931}
    assert latency_of([served, made])["stubbed"] is True
    assert cost_of([served])["delta"] == -0.5
    both = cost_of([served, made, Spent({}, is_served=False)])
    assert (both["before"], both["now"], both["unknown"]) == (1.0, 0.75, 1)
    assert both["tokens"] == {"before": 14, "now": 9}


def test_a_replay_says_that_it_was_served_and_that_costs_are_not_known(recorded):
    report = report_of(recorded, STEPS)

    assert report.latency["served"] == report.calls == 3
    assert report.cost["delta"] is None
