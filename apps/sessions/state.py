"""The state of an agent at a step: the fold of snapshots and patches up to there."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jsonpatch
from jsonpointer import EndOfList, JsonPointerException, resolve_pointer

from apps.core.canonical import canonical_json
from apps.sessions import reader
from apps.sessions.fidelity import STATE
from apps.sessions.models import Session

Json = Any

# Steps that name no lane share one state.
SHARED = "shared"
# Patches can copy a state into itself; one that grows beyond this is refused.
LARGEST_STATE = 8 * 1024 * 1024
# What a patch that was recorded as anything can raise when it is applied.
BAD_PATCH = (
    jsonpatch.JsonPatchException,
    JsonPointerException,
    TypeError,
    ValueError,
    KeyError,
    IndexError,
    AttributeError,
)


@dataclass(frozen=True, slots=True)
class StateAt:
    """State after a step by lane, and what that step changed.

    A change is ``{"path", "op", "before", "after"}``; a patch that does not apply is
    ``{"path", "op", "error"}`` and leaves the state as it was.
    """

    seq: int
    state: dict[str, Json]
    changes: list[dict[str, Json]]


def state_at(session: Session, seq: int) -> StateAt:
    """Fold the session's state up to and including the step with this ``seq``."""
    if not session.features & STATE:
        return StateAt(seq, {}, [])
    steps = [step for step in reader.outline(session).steps if step.seq <= seq]
    rows = reader.rows_of(session, steps)
    state: dict[str, Json] = {}
    changes: list[dict[str, Json]] = []
    for row, (body,) in zip(rows, reader.bodies(session, rows, ["extra_digest"]), strict=True):
        changes = fold(state, row.lane or SHARED, body or {})
    is_there = bool(steps) and steps[-1].seq == seq
    return StateAt(seq, state, changes if is_there else [])


def fold(state: dict[str, Json], lane: str, body: Mapping[str, Json]) -> list[dict[str, Json]]:
    """Apply one step's snapshot and patch to its lane; return what changed."""
    changes: list[dict[str, Json]] = []
    if "state" in body:
        before, state[lane] = state.get(lane), body["state"]
        changes += difference(before, state[lane])
    if body.get("state_patch"):
        state[lane], patched = apply_patch(state.get(lane, {}), body["state_patch"])
        changes += patched
    return changes


def difference(before: Json, after: Json) -> list[dict[str, Json]]:
    """Return how one state became another, value by value."""
    if type(before) is not type(after) or not isinstance(before, dict | list):
        if before == after:
            return []
        return [{"path": "", "op": "replace", "before": before, "after": after}]
    return apply_patch(before, jsonpatch.make_patch(before, after).patch)[1]


def apply_patch(state: Json, patch: Json) -> tuple[Json, list[dict[str, Json]]]:
    """Return the patched state and the changes; all of the patch applies or nothing does."""
    patched, changes = copy.deepcopy(state), []
    for step in patch if isinstance(patch, list) else [patch]:
        try:
            patched, change = _apply(patched, step)
        except BAD_PATCH as error:
            return state, [_refused(step, str(error) or type(error).__name__)]
        changes.append(change)
    return patched, changes


def _apply(state: Json, step: Json) -> tuple[Json, dict[str, Json]]:
    path = step["path"]
    before = _value_at(state, path)
    after_all = jsonpatch.apply_patch(state, [step], in_place=True)
    if step["op"] == "copy" and len(canonical_json(after_all)) > LARGEST_STATE:
        raise ValueError(f"The state would grow beyond {LARGEST_STATE} bytes.")
    after = _last_of(after_all, path[:-2]) if path.endswith("/-") else _value_at(after_all, path)
    return after_all, {"path": path, "op": step["op"], "before": before, "after": after}


def _value_at(state: Json, path: str) -> Json:
    """Return a copy of what is at ``path``; behind the end of a list there is nothing yet."""
    found = resolve_pointer(state, path, None)
    return None if isinstance(found, EndOfList) else copy.deepcopy(found)


def _last_of(state: Json, path: str) -> Json:
    """Return a copy of what was put to the end of the list at ``path``."""
    found = resolve_pointer(state, path, None)
    return copy.deepcopy(found[-1]) if isinstance(found, list) and found else _value_at(state, path)


def _refused(step: Json, error: str) -> dict[str, Json]:
    known = step if isinstance(step, dict) else {}
    return {"path": known.get("path"), "op": known.get("op"), "error": error}
