"""The state of an agent at a step: the fold of snapshots and patches up to there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import jsonpatch
import orjson
from jsonpointer import EndOfList, JsonPointerException, resolve_pointer

from apps.core.canonical import canonical_json
from apps.sessions import reader, sql
from apps.sessions.content import find
from apps.sessions.fidelity import STATE
from apps.sessions.keys import SessionCipher
from apps.sessions.layout import Layout, Stated
from apps.sessions.layout_cache import layout_of
from apps.sessions.models import Session

Json = Any
T = TypeVar("T")

# Bodies that are held at once.
AT_ONCE = 1000
# What a body with state holds, as it is written.
NAMES = (b'"state"', b'"state_patch"')
BODIES = """
SELECT lane, extra_digest FROM agent_sessions_event
WHERE project_id = $1 AND session_id = $2
ORDER BY order_at, position, id
"""

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


def advance(
    session: Session,
    state: dict[str, Json],
    steps: Sequence[Stated],
    *,
    cipher: SessionCipher | None = None,
) -> Iterator[tuple[Stated, list[dict[str, Json]]]]:
    """Bring a state forward step by step; yield each step, and what its patch changed."""
    for one, body in _bodies(session, steps, cipher):
        if "state" in body:
            state[one.lane] = body["state"]
        patched: list[dict[str, Json]] = []
        if body.get("state_patch"):
            state[one.lane], patched = apply_patch(state.get(one.lane, {}), body["state_patch"])
        yield one, patched


def state_before(
    session: Session, stated: Sequence[Stated], at: int, *, cipher: SessionCipher | None = None
) -> dict[str, Json]:
    """Fold the state that was in force before the step at an index."""
    state: dict[str, Json] = {}
    steps = needed([one for one in stated if one.at < at], at)
    for _ in advance(session, state, steps, cipher=cipher):
        pass
    return state


def state_at(session: Session, seq: int) -> StateAt:
    """Fold the session's state up to and including the step with this ``seq``."""
    if not session.features & STATE:
        return StateAt(seq, {}, [])
    layout = layout_of(session)
    state: dict[str, Json] = {}
    changes: list[dict[str, Json]] = []
    for one, body in _bodies(session, needed(stated_steps(session, layout), seq - 1)):
        changed = fold(state, one.lane, body)
        changes = changed if one.at == seq - 1 else []
    return StateAt(seq, state, changes)


def needed(stated: Sequence[Stated], last: int) -> list[Stated]:
    """Return what the state after a step is folded of: no lane's past before a snapshot."""
    begins: dict[str, int] = {}
    for one in stated:
        # What the step itself changed can only be told from the state before it.
        if one.is_snapshot and one.at < last:
            begins[one.lane] = one.at
    return [one for one in stated if begins.get(one.lane, 0) <= one.at <= last]


def stated_steps(session: Session, layout: Layout) -> Sequence[Stated]:
    """Return which steps say something about the state; looked up once for a layout."""
    if layout.stated is None:
        rows = sql.rows(BODIES, session.project_id, session.pk)
        layout.stated = list(_stated(session, rows))
    return layout.stated


def _stated(session: Session, rows: Sequence[tuple[str | None, bytes | None]]) -> Iterator[Stated]:
    with_body = [(at, lane, digest) for at, (lane, digest) in enumerate(rows) if digest]
    contents, key = reader.contents_of(session, []), session.pk.bytes
    for portion in batched(with_body, AT_ONCE):
        contents.open((key, digest) for _, _, digest in portion)
        for at, lane, digest in portion:
            said = _state_in(find(contents.opened(key), digest))
            if "state" in said or said.get("state_patch"):
                yield Stated(at, lane or SHARED, digest, "state" in said)
        contents.forget()


def _state_in(skeleton: bytes) -> Mapping[str, Json]:
    """Return a body in which there may be state; few are worth parsing."""
    said = orjson.loads(skeleton) if any(name in skeleton for name in NAMES) else {}
    return said if isinstance(said, dict) else {}


def _bodies(
    session: Session, wanted: Sequence[Stated], cipher: SessionCipher | None = None
) -> Iterator[tuple[Stated, Mapping[str, Json]]]:
    if not wanted:
        return
    contents, key = reader.contents_of(session, [], cipher), session.pk.bytes
    for portion in batched(wanted, AT_ONCE):
        contents.load((key, one.digest) for one in portion)
        yield from ((one, contents.body(key, one.digest)) for one in portion)
        contents.forget()


def batched(values: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    return (values[start : start + size] for start in range(0, len(values), size))


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
    patched, changes = _copy(state), []
    for step in patch if isinstance(patch, list) else [patch]:
        try:
            patched, change = _apply(patched, step)
        except BAD_PATCH as error:
            return state, [_refused(step, str(error) or type(error).__name__)]
        changes.append(change)
    return patched, changes


def _copy(value: Json) -> Json:
    """Return recorded JSON again; several times faster than copying object by object."""
    if isinstance(value, dict | list):
        return orjson.loads(orjson.dumps(value))
    return value


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
    return None if isinstance(found, EndOfList) else _copy(found)


def _last_of(state: Json, path: str) -> Json:
    """Return a copy of what was put to the end of the list at ``path``."""
    found = resolve_pointer(state, path, None)
    return _copy(found[-1]) if isinstance(found, list) and found else _value_at(state, path)


def _refused(step: Json, error: str) -> dict[str, Json]:
    known = step if isinstance(step, dict) else {}
    return {"path": known.get("path"), "op": known.get("op"), "error": error}
