"""Why a step may differ: which part of a request moved, and what else changed since.

A request has parts that change for different reasons: the model, the system prompt, the tools,
parameters, and what was said. Each is hashed apart, so that the one that moved can be named.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from playhead.conversations import RESULT, SYSTEM, Conversation, Utterance, conversation_in
from playhead.matching import canonical
from playhead.recorded import tool_names

Json = Any

PARTS = ("model", "system prompt", "tools", "parameters", "messages")
# Packages whose new versions are named, of many.
MOST_PACKAGES = 5


def part_hashes(asked: Mapping[str, Json]) -> dict[str, str]:
    """Return a hash of each part of a request: ``asked`` has input, model, params and tools."""
    said = conversation_in(asked.get("input"))
    parts = {
        "model": asked.get("model"),
        "system prompt": said.system if said else None,
        "tools": asked.get("tools"),
        "parameters": asked.get("params"),
        "messages": _without_system(said) if said else asked.get("input"),
    }
    return {name: hashlib.sha256(canonical(part)).hexdigest() for name, part in parts.items()}


def _without_system(said: Conversation) -> Json:
    return [one for one in said.as_json() if one["role"] != SYSTEM]


def why_requests_differ(
    kind: str, expected: Mapping[str, Json], got: Mapping[str, Json]
) -> Iterator[str]:
    """Yield what moved between two requests, and what that mostly comes from."""
    if kind != "llm":
        yield from _of_arguments(expected.get("input"), got.get("input"))
        return
    ours, theirs = part_hashes(expected), part_hashes(got)
    moved = [name for name in PARTS if ours[name] != theirs[name]]
    if "model" in moved:
        yield f"model: {expected.get('model')} was asked then, {got.get('model')} now"
    if "system prompt" in moved:
        yield "the system prompt was changed"
    if "tools" in moved:
        yield from _of_tools(expected.get("tools"), got.get("tools"))
    if "parameters" in moved:
        yield from _of_params(expected.get("params") or {}, got.get("params") or {})
    if "messages" in moved:
        yield from _of_messages(expected.get("input"), got.get("input"))


def _of_arguments(expected: Json, got: Json) -> Iterator[str]:
    if not isinstance(expected, Mapping) or not isinstance(got, Mapping):
        return
    names = [name for name in {**expected, **got} if expected.get(name) != got.get(name)]
    new, gone = sorted(got.keys() - expected.keys()), sorted(expected.keys() - got.keys())
    if new or gone:
        yield f"the function takes other arguments: new {_listed(new)}, gone {_listed(gone)}"
    elif names:
        yield f"it was called with another {_listed(names)}: look at what the step before gave it"


def _of_tools(expected: Json, got: Json) -> Iterator[str]:
    before, now = tool_names(expected), tool_names(got)
    changes = [
        f"{word} {_listed(sorted(names))}"
        for word, names in (("new", now - before), ("gone", before - now))
        if names
    ]
    yield f"the tools were changed: {', '.join(changes) or 'the schema of one has changed'}"


def _of_params(expected: Mapping[str, Json], got: Mapping[str, Json]) -> Iterator[str]:
    names = [name for name in {**expected, **got} if expected.get(name) != got.get(name)]
    told = (f"{name} {expected.get(name)} -> {got.get(name)}" for name in names)
    yield f"parameters were changed: {', '.join(told)}"


def _of_messages(expected: Json, got: Json) -> Iterator[str]:
    ours, theirs = conversation_in(expected), conversation_in(got)
    if ours is None or theirs is None:
        yield "what was said is another"
        return
    before, now = (_without_system(one) for one in (ours, theirs))
    at = next(
        (at for at, pair in enumerate(zip(before, now, strict=False)) if pair[0] != pair[1]), None
    )
    if at is None:
        longer = "longer" if len(now) > len(before) else "shorter"
        yield f"the conversation is {longer}: {len(before)} messages then, {len(now)} now"
        return
    spoken = [one for one in theirs.utterances if one.role != SYSTEM][at]
    yield f"message {at + 1} ({_speaker(spoken)}) is another"


def _speaker(one: Utterance) -> str:
    return "the result of a tool" if one.form == RESULT else f"{one.role}, {one.form}"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) or "none"


def why_surroundings(environment: Mapping[str, tuple[Json, Json]]) -> Iterator[str]:
    """Yield what changed around the application that may have a part in it."""
    versions = [name for name in environment if name.startswith("packages.")]
    for name in versions[:MOST_PACKAGES]:
        before, now = environment[name]
        package = name.partition(".")[2]
        if package != "(others)":
            yield f"{package} was {before or 'not there'}, is {now or 'not there'}"
    for name, (before, now) in environment.items():
        if name not in versions:
            yield f"{name} was {before}, is {now}"
