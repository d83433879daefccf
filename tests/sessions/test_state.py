from __future__ import annotations

import pytest

from apps.sessions.state import apply_patch, state_at
from tests.sessions.factories import at, make_event, make_session

pytestmark = pytest.mark.django_db


def state_event(seconds, **fields):
    return make_event(kind="state", started_at=at(seconds), **fields)


def replace(path, value):
    return {"op": "replace", "path": path, "value": value}


def test_state_is_the_fold_of_snapshots_and_patches(project):
    session = make_session(
        project,
        state_event(0, state={"step": 1, "cart": []}),
        state_event(1, state_patch=[{"op": "add", "path": "/cart/-", "value": "book"}]),
        state_event(2, state_patch=[replace("/step", 2)]),
    )

    found = state_at(session, 3)

    assert found.state == {"shared": {"step": 2, "cart": ["book"]}}
    assert found.changes == [{"path": "/step", "op": "replace", "before": 1, "after": 2}]
    assert state_at(session, 1).state == {"shared": {"step": 1, "cart": []}}


def test_each_lane_has_a_state_of_its_own(project):
    session = make_session(
        project, state_event(0, state={"a": 1}, lane="0.1"), state_event(1, state={"b": 1})
    )

    assert state_at(session, 2).state == {"0.1": {"a": 1}, "shared": {"b": 1}}


def test_a_snapshot_says_what_it_changed(project):
    session = make_session(
        project, state_event(0, state={"a": 1, "b": 1}), state_event(1, state={"a": 2, "b": 1})
    )

    assert state_at(session, 2).changes == [
        {"path": "/a", "op": "replace", "before": 1, "after": 2}
    ]


def test_a_patch_that_does_not_apply_is_flagged_and_changes_nothing(project):
    patch = [replace("/a", 2), replace("/not/there", 1)]
    session = make_session(
        project, state_event(0, state={"a": 1}), state_event(1, state_patch=patch)
    )

    found = state_at(session, 2)

    assert found.state == {"shared": {"a": 1}}
    assert [change["path"] for change in found.changes] == ["/not/there"]
    assert found.changes[0]["error"]


@pytest.mark.parametrize(
    "patch",
    [[{}], ["x"], [None], [{"op": "?", "path": "/a"}], [{"op": "add", "path": 7}], {"a": 1}],
)
def test_anything_recorded_as_a_patch_is_survived(patch):
    state, [change] = apply_patch({"a": [1]}, patch)

    assert state == {"a": [1]}
    assert change["error"]


def test_a_patch_cannot_copy_a_state_into_itself_for_ever():
    doubling = [{"op": "copy", "from": "", "path": f"/{n}"} for n in range(60)]

    state, changes = apply_patch({"text": "x" * 1000}, doubling)

    assert state == {"text": "x" * 1000}
    assert "grow" in changes[0]["error"]


def test_a_session_without_state_has_none(project):
    assert state_at(make_session(project), 1).state == {}


def test_what_is_put_to_the_end_of_a_list_was_nothing_before():
    state, changes = apply_patch(
        {"refunds": ["r0"]}, [{"op": "add", "path": "/refunds/-", "value": "r1"}]
    )

    assert state == {"refunds": ["r0", "r1"]}
    assert changes == [{"path": "/refunds/-", "op": "add", "before": None, "after": "r1"}]


def test_a_state_after_many_snapshots_is_that_after_the_last_and_its_patches(project):
    add = {"op": "add", "path": "/log/-", "value": "x"}
    session = make_session(
        project,
        *[state_event(n, state={"turn": n, "log": []}, lane=str(n % 2)) for n in range(6)],
        state_event(6, state_patch=[add], lane="0"),
        make_event(kind="tool", started_at=at(7), output='a "state" of mind'),
        state_event(8, state={"turn": 8, "log": []}, lane="0"),
    )

    assert state_at(session, 7).state == {
        "0": {"turn": 4, "log": ["x"]},
        "1": {"turn": 5, "log": []},
    }
    assert state_at(session, 8).changes == []
    assert [change["path"] for change in state_at(session, 9).changes] == ["/log/0", "/turn"]
    assert state_at(session, 0).state == {}
