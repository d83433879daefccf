from __future__ import annotations

import copy

import pytest

from tests.ingest.import_samples import DIFF, TRAJECTORY, lines, read, whole


def changed(number: int = 0, **fields) -> bytes:
    value = copy.deepcopy(TRAJECTORY)
    value["trajectory"][number] |= fields
    return whole(value)


def test_each_step_is_a_call_what_it_did_and_the_state_after_it():
    found = read("swe-agent", whole(TRAJECTORY))

    assert found.table == [
        "run: agent x-1 < None",
        "s0: llm assistant < run",
        "s0-action: tool open < s0",
        "s0-state: state environment < s0",
        "s1: llm assistant < run",
        "s1-action: tool edit < s1",
        "s1-state: state environment < s1",
        "submission: code_change submission < run",
    ]
    assert [event.position for event in found.events] == list(range(8))
    assert len({event.session for event in found.events}) == 1


def test_a_call_was_asked_its_query_or_the_history_before_it():
    found = read("swe-agent", whole(TRAJECTORY))

    assert found["s0"].input == {"messages": [{"role": "system", "content": "Mend it."}]}
    assert found["s1"].input == {"messages": TRAJECTORY["history"][:4]}
    assert found["s0"].output == {
        "messages": [{"role": "assistant", "content": "Look.\nopen x.py"}]
    }
    assert (found["s0"].reasoning, found["s1"].reasoning) == ("Look.", None)


def test_an_action_has_its_observation_and_the_state_its_files():
    found = read("swe-agent", whole(TRAJECTORY))

    assert found["s0-action"].input == {"action": "open x.py\n"}
    assert found["s0-action"].output == "1: a"
    assert found["s0-action"].extra == {"execution_time": 0.5}
    assert found["s1-action"].input == {"action": "edit 1 b", "arguments": {"line": 1}}
    assert found["s1-action"].extra == {"tool_call": {"id": "c1"}}
    assert found["s0-state"].state == {"open_file": "n/a", "working_dir": "/x"}
    assert found["submission"].code_change == {"diff": DIFF}


def test_the_run_says_how_it_went_and_what_it_cost():
    run = read("swe-agent", whole(TRAJECTORY))["run"]

    assert (run.input, run.release, run.environment) == ("b is missing", "1.1.0", "swe_main")
    assert run.output == {"exit_status": "submitted", "submission": DIFF}
    assert run.metadata["model_stats"]["instance_cost"] == 0.5
    assert run.ends_session


def test_times_and_tokens_of_a_step_are_unknown():
    for event in read("swe-agent", whole(TRAJECTORY)).events:
        assert (event.started_at, event.ended_at, event.usage, event.cost) == (None,) * 4


def test_a_run_that_broke_off_is_an_error():
    value = TRAJECTORY | {"info": {"exit_status": "exit_cost", "submission": None}}

    run = read("swe-agent", whole(value))["run"]

    assert (run.status, run.error.type, run.output) == (
        "error",
        "exit_cost",
        {"exit_status": "exit_cost"},
    )


def test_several_attempts_stand_one_after_the_other():
    attempt = {"trajectory": TRAJECTORY["trajectory"][:1], "history": []}

    table = read("swe-agent", whole(TRAJECTORY | {"attempts": [attempt, attempt]})).table

    assert [line.partition(":")[0] for line in table] == [
        "run", "a0-s0", "a0-s0-action", "a0-s0-state", "a1-s0", "a1-s0-action", "a1-s0-state",
        "submission",
    ]  # fmt: skip


def test_what_nobody_knows_is_kept_and_counted():
    found = read("swe-agent", whole(TRAJECTORY | {"moon": "full"}))

    assert found["run"].extra == {"trajectory": {"moon": "full"}}
    assert found.unmapped == {"moon": 1}
    assert found["s0"].extra == {"extra_info": {"tries": 1}}


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ({"trajectory": []}, "trajectory: A trajectory must have steps: a list of objects."),
        ({"trajectory": [7]}, "trajectory[0]: Must be an object."),
        ({"trajectory": [{"response": 7}]}, "trajectory[0].response: Must be text."),
        ({"trajectory": 7}, "trajectory: Must be a list."),
        (TRAJECTORY | {"info": 7}, "info: Must be an object."),
    ],
)
def test_a_broken_trajectory_is_told_by_its_place_and_the_others_go_in(value, told):
    found = read("swe-agent", lines(value, TRAJECTORY))

    assert found.refusals == [f"0: {told}"]
    assert len(found.events) == 8
