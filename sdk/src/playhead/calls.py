"""Calls over a boundary: to a model, a tool, a retriever, a memory, another service.

A call has a key under which its answer is found again: its lane, kind and name, the hash of
what was asked, and how many calls before it had all of these alike. The number is given when
the call starts, never when it ends, so that calls at the same time keep theirs.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

from playhead import places
from playhead.matching import CANON, MatchHashes, match_hashes
from playhead.stamping import stamp_of
from playhead.values import as_json, key_orders

Json = Any

# Kept from before anything of an application replaces them for a replay.
_now_ns, _monotonic_ns, _new_id = time.time_ns, time.perf_counter_ns, uuid.uuid4


class Unset:
    """Stands for a stub that nobody has given; None is an answer like others."""

    def __repr__(self) -> str:
        return "nothing"


UNSET = Unset()
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


@dataclass(frozen=True, slots=True)
class Key:
    """What finds a recorded call: everything but ``ordinal`` may occur several times."""

    lane: str
    kind: str
    name: str
    request: str
    ordinal: int


@dataclass(slots=True)
class Call:
    """One call as it is made."""

    kind: str
    name: str
    asked: Json
    lane: str
    parent: str | None
    hashes: MatchHashes
    model: str | None = None
    params: Mapping[str, Json] = field(default_factory=dict)
    tools: Sequence[Json] = ()
    # none, read, write or external; None where nobody said.
    effects: str | None = None
    ordinal: int = 0
    # What stands in for a tool where the record has no answer, as its decorator says.
    stub: Any = UNSET
    # More fields of the event, as the native API names them.
    extra: dict[str, Json] = field(default_factory=dict)
    id: str = field(default_factory=lambda: _new_id().hex)
    started_ns: int = field(default_factory=_now_ns)
    began: int = field(default_factory=_monotonic_ns)

    @property
    def key(self) -> Key:
        return Key(self.lane, self.kind, self.name, self.hashes.request, self.ordinal)

    def elapsed_ms(self) -> float:
        return (_monotonic_ns() - self.began) / 1e6


def make_call(kind: str, name: str, asked: Json, **known: Any) -> Call:
    """Return a call that is made here and now, in the lane and step that run."""
    asked = as_json(asked)
    hashes = match_hashes(
        asked, model=known.get("model"), params=known.get("params"), tools=known.get("tools")
    )
    agent = places.current_agent()
    extra = ({"agent": agent} if agent else {}) | known.pop("extra", {})
    return Call(
        kind=kind,
        name=name,
        asked=asked,
        lane=places.current_lane().path,
        parent=places.current_step(),
        hashes=hashes,
        extra=extra,
        **known,
    )


class Ordinals:
    """Numbers calls that have everything alike, in the order in which they start."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str, str, str]] = Counter()
        self._lock = threading.Lock()

    def pass_over(self, key: Key) -> None:
        """Count a call that is not made again."""
        with self._lock:
            self._counts[key.lane, key.kind, key.name, key.request] += 1

    def take(self, call: Call) -> int:
        alike = (call.lane, call.kind, call.name, call.hashes.request)
        with self._lock:
            self._counts[alike] += 1
            return self._counts[alike] - 1


@dataclass(slots=True)
class Answer:
    """What came back: a value, or an error, and for HTTP the response as it was sent."""

    output: Json = None
    error: Mapping[str, Json] | None = None
    # Fields of the event that are known once the answer is there: usage, model_returned, ...
    extra: dict[str, Json] = field(default_factory=dict)
    # The response: {"status", "headers", "stream": [[ms, text]], "finish"}.
    response: dict[str, Json] | None = None
    first_ms: float | None = None
    # Of a stream that was left early: what is raised where it is read on all the same.
    beyond: Callable[[], BaseException] | None = None


def event_of(call: Call, answer: Answer, session: str) -> dict[str, Json]:
    """Return the native event of a call and its answer."""
    event: dict[str, Json] = {
        "id": call.id,
        "session": session,
        "parent": call.parent,
        "lane": call.lane,
        "kind": call.kind,
        "name": call.name,
        "started_at": stamp(call.started_ns),
        "ended_at": stamp(call.started_ns + int(call.elapsed_ms() * 1e6)),
        "status": "error" if answer.error else "ok",
        "error": dict(answer.error) if answer.error else None,
        "input": call.asked,
        "output": answer.output,
        "model": call.model,
        "params": dict(call.params) or None,
        "tools": list(call.tools) or None,
        "effects": call.effects,
        "time_to_first_token_ms": answer.first_ms,
        "replay": _replay_of(call, answer),
        "prompt": stamp_of(call.asked) if call.kind == "llm" else None,
        **call.extra,
        **answer.extra,
    }
    return {name: value for name, value in event.items() if value is not None}


def _replay_of(call: Call, answer: Answer) -> dict[str, Json]:
    # Where there is a response, its bytes are served and not what was read from them.
    orders = key_orders(answer.output) if answer.response is None else None
    return ({"key_orders": orders} if orders else {}) | {
        "canon": CANON,
        "request_hash": call.hashes.request,
        "loose_hash": call.hashes.loose,
        "ordinal": call.ordinal,
        **(answer.response or {}),
    }


def stamp(ns: int) -> str:
    """Return nanoseconds since 1970 as RFC 3339 with microseconds."""
    moment = _EPOCH + timedelta(microseconds=ns // 1000)
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")
