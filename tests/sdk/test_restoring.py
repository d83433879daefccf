"""A fork restores the state of its step, and the program goes on from there."""

from __future__ import annotations

import jsonpatch
import jsonpointer
import playhead
import pytest
from hypothesis import given
from hypothesis import strategies as st
from playhead import places
from playhead.forking import Forking
from playhead.patching import PatchError, patched_json
from playhead.replaying import Policy
from playhead.restoring import state_before
from playhead.tapes import Tape

from tests.sdk.programs import look_up, record_of

POINTERS = st.sampled_from(["", "/a", "/a/b", "/a/0", "/a/-", "/l", "/l/0", "/l/1", "/l/-", "/x/y"])
OPERATION = st.fixed_dictionaries(
    {
        "op": st.sampled_from(["add", "remove", "replace", "move", "copy", "test"]),
        "path": POINTERS,
        "from": POINTERS,
        "value": st.sampled_from([1, "b", {"b": 2}, [3], None, True]),
    }
)
STATE = {"a": {"b": 1}, "l": [1, 2]}


@given(st.lists(OPERATION, max_size=3))
def test_a_patch_changes_what_the_standards_own_library_says(patch):
    try:
        expected = jsonpatch.apply_patch(STATE, patch)
    except (jsonpatch.JsonPatchException, jsonpointer.JsonPointerException, KeyError, TypeError):
        return
    try:
        assert patched_json(STATE, patch) == expected
    except PatchError:
        # The library lets some through that RFC 6902 forbids.
        assert any(one["op"] in ("move", "remove", "replace", "test") for one in patch)
    assert STATE == {"a": {"b": 1}, "l": [1, 2]}


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "add", "path": "/l/9", "value": 1},
        {"op": "remove", "path": "/none"},
        {"op": "replace", "path": "/l/x", "value": 1},
        {"op": "test", "path": "/a/b", "value": True},
        {"op": "move", "path": "/a/b", "from": "/a"},
        {"op": "explode", "path": "/a"},
        {"path": "/a"},
        {"op": "add", "path": "a", "value": 1},
    ],
)
def test_a_patch_that_does_not_fit_is_refused(operation):
    with pytest.raises(PatchError):
        patched_json(STATE, [operation])


def test_the_state_before_a_step_is_folded_from_what_was_said():
    events = [
        {"lane": "0", "state": {"n": 1}},
        {"lane": "0", "state_patch": [{"op": "replace", "path": "/n", "value": 2}]},
        {"lane": "0.1", "state": {"other": {"$playhead": "tuple", "value": [1]}}},
        {"lane": "0", "state_patch": [{"op": "remove", "path": "/gone"}]},
    ]

    assert [state_before(events, at).get("0") for at in (1, 2, 3, 4)] == [
        None,
        {"n": 1},
        {"n": 2},
        {"n": 2},
    ]
    assert state_before(events, 4)["0.1"] == {"other": (1,)}
    with pytest.raises(PatchError, match="Step 4 changes a state that is not there"):
        state_before(events, 5)


def counting(state: dict, until: int = 3) -> dict:
    """Look something up until there is enough, and say after each step how far it is."""
    while len(state["found"]) < until:
        state["found"].append(look_up(1)["found"])
        playhead.set_state(state)
    return state


def fork(events, at: int) -> Forking:
    policy = Policy(allow_live=["tool:look_up"])
    return Forking(Tape.of("s", events), policy, at)


def test_a_program_goes_on_from_the_restored_state_without_its_earlier_calls():
    whole, events = record_of(lambda: counting({"found": []}))
    at = [seq for seq, event in enumerate(events, 1) if event["name"] == "look_up"][2]
    forking = fork(events, at)

    with places.running(forking):
        again = counting(forking.restore())

    assert again == whole
    report = forking.report
    assert (report.calls, report.consumption, report.first) == (1, 1.0, None)
    assert "2 calls were not made again: the state after them was restored" in report.text()


def test_without_a_state_nothing_is_passed_over():
    _, events = record_of(lambda: look_up(1))
    forking = fork(events, len(events))

    assert forking.restore() is None
    with places.running(forking):
        look_up(1)
    assert forking.report.matched == {"exact": 1}
