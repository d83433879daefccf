"""What is said to and by models, in whichever form it was recorded, as one list of utterances.

Every library and convention writes messages in a form of its own: text or parts, calls of tools
in a list beside the text or among it, results as messages or as parts of one. Two requests that
say the same have the same utterances here, and one hash.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from playhead.matching import canonical, normalised

Json = Any

# Forms of utterances: words, calls of tools, results of tools, files and whatever else.
TEXT, CALL, RESULT, OTHER = "text", "call", "result", "other"
SYSTEM, USER, ASSISTANT, TOOL = "system", "user", "assistant", "tool"
ROLES = {
    "developer": SYSTEM,
    "human": USER,
    "ai": ASSISTANT,
    "model": ASSISTANT,
    "function": TOOL,
}
_TEXTS = frozenset({"text", "input_text", "output_text", "refusal"})
_CALLS = frozenset({"tool_call", "tool_use", "function_call", "server_tool_call"})
_RESULTS = frozenset(
    {"tool_call_response", "tool_result", "function_call_output", "server_tool_call_response"}
)
# Most senders leave them out of what they send back.
_THOUGHTS = frozenset({"reasoning", "thinking", "redacted_thinking"})
_IDS = ("tool_call_id", "tool_use_id", "call_id", "tool_call.id", "id")


@dataclass(frozen=True, slots=True)
class Utterance:
    """One thing that was said: ``role`` is system, user, assistant or tool."""

    role: str
    form: str
    # Text, the arguments of a call, or what a tool answered.
    value: Json
    name: str | None = None
    call_id: str | None = None


@dataclass(frozen=True, slots=True)
class Conversation:
    """All that was said, the system's words first, words of one speaker in one piece."""

    utterances: tuple[Utterance, ...]

    def hashed(self, *, with_system: bool = True) -> str:
        """Return the hash of what was said: ids of calls do not count, their order does."""
        ids: dict[str, str] = {}
        told = [
            [one.role, one.form, one.value, one.name if one.form == CALL else None, _id(ids, one)]
            for one in self.utterances
            if with_system or one.role != SYSTEM
        ]
        return "sha256:" + hashlib.sha256(canonical(told)).hexdigest()

    def as_json(self) -> list[dict[str, Json]]:
        """Return what was said in one form, whichever it was recorded in."""
        ids: dict[str, str] = {}
        return [_as_json(ids, one) for one in self.utterances]

    @property
    def system(self) -> str:
        return "\n".join(
            one.value for one in self.utterances if one.role == SYSTEM and one.form == TEXT
        )


def _as_json(ids: dict[str, str], one: Utterance) -> dict[str, Json]:
    told: dict[str, Json] = {"role": one.role, one.form: normalised(one.value)}
    if one.form == CALL:
        told["name"] = one.name
    return told | ({"call": _id(ids, one)} if one.call_id else {})


def _id(ids: dict[str, str], one: Utterance) -> str | None:
    return ids.setdefault(one.call_id, f"call {len(ids)}") if one.call_id else None


def conversation_in(value: Json, role: str = USER) -> Conversation | None:
    """Return what is said in a request or an answer; None for what holds no messages.

    Plain text is said by ``role``.
    """
    try:
        found = list(_said(value, role))
    except _NoMessageError:
        return None
    if not found:
        return None
    ordered = sorted(found, key=lambda one: one.role != SYSTEM)
    return Conversation(tuple(_joined(ordered)))


class _NoMessageError(Exception):
    """A value is no message in any known form."""


def _said(value: Json, role: str) -> Iterator[Utterance]:
    if isinstance(value, str):
        yield Utterance(role, TEXT, value)
    elif isinstance(value, list):
        for message in value:
            yield from _message(message, role)
    elif isinstance(value, Mapping):
        if isinstance(value.get("messages"), list):
            yield from _parts(value.get("system"), SYSTEM)
            yield from _said(value["messages"], role)
        elif isinstance(value.get("choices"), list):
            for choice in value["choices"]:
                yield from _message(_of(choice, "message"), ASSISTANT)
        else:
            yield from _message(value, role)
    else:
        raise _NoMessageError


def _of(value: Json, name: str) -> Json:
    return value.get(name) if isinstance(value, Mapping) else None


def _message(message: Json, role: str) -> Iterator[Utterance]:
    if isinstance(message, str):
        yield Utterance(role, TEXT, message)
        return
    if not isinstance(message, Mapping):
        raise _NoMessageError
    if "role" not in message:
        if "type" not in message:
            raise _NoMessageError
        yield from _part(message, role)
        return
    speaker = ROLES.get(str(message["role"]), str(message["role"]))
    calls = message.get("tool_calls") or ()
    if speaker == TOOL and "content" in message and _called(message):
        yield _result(message, message["content"])
    else:
        for part in (*_listed(message.get("content")), *_listed(message.get("parts"))):
            # Some senders say their calls among the content once more.
            if not (calls and _of(part, "type") in _CALLS):
                yield from _parts(part, speaker)
    yield from (_wire_call(call) for call in calls)


def _listed(content: Json) -> list[Json]:
    if content is None or content == "":
        return []
    return content if isinstance(content, list) else [content]


def _parts(content: Json, role: str) -> Iterator[Utterance]:
    for part in _listed(content):
        if isinstance(part, str):
            yield Utterance(role, TEXT, part)
        elif isinstance(part, Mapping):
            yield from _part(part, role)
        else:
            yield Utterance(role, OTHER, part)


def _part(part: Mapping[str, Json], role: str) -> Iterator[Utterance]:
    kind = str(part.get("type"))
    if kind in _TEXTS:
        said = next((part[name] for name in ("text", "content", "refusal") if name in part), "")
        yield Utterance(role, TEXT, str(said))
    elif kind in _CALLS:
        yield _call(part)
    elif kind in _RESULTS:
        names = ("response", "result", "output", "content")
        yield _result(part, next((part[name] for name in names if name in part), None))
    elif kind not in _THOUGHTS:
        kept = {name: inner for name, inner in part.items() if name != "cache_control"}
        yield Utterance(role, OTHER, kept)


def _called(value: Mapping[str, Json]) -> str | None:
    return next((str(value[name]) for name in _IDS if value.get(name)), None)


def _call(part: Mapping[str, Json]) -> Utterance:
    names = ("arguments", "input", "tool_call.function.arguments")
    given: Json = next((part[name] for name in names if part.get(name) is not None), {})
    name = str(part.get("name", part.get("tool_call.function.name")))
    # A function_call of OpenAI has an id of its own beside that of the call.
    call_id = part.get("call_id") or _called(part)
    return Utterance(
        ASSISTANT, CALL, _opened(given), name, None if call_id is None else str(call_id)
    )


def _wire_call(call: Json) -> Utterance:
    function = _of(call, "function")
    if not isinstance(function, Mapping):
        raise _NoMessageError
    given = function.get("arguments")
    arguments = {} if given is None else _opened(given)
    return Utterance(ASSISTANT, CALL, arguments, str(function.get("name")), _called(call))


def _result(message: Mapping[str, Json], value: Json) -> Utterance:
    if isinstance(value, list) and value and all(_of(one, "type") in _TEXTS for one in value):
        value = "".join(str(one.get("text", one.get("content", ""))) for one in value)
    return Utterance(TOOL, RESULT, _opened(value), call_id=_called(message))


def _opened(value: Json) -> Json:
    """Return the JSON that a text holds, if it holds an object or a list."""
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        try:
            return json.loads(value, parse_constant=str)
        except (ValueError, RecursionError):
            return value
    return value


def _joined(found: Iterable[Utterance]) -> Iterator[Utterance]:
    """Yield what was said with words of one speaker in one piece, and without silence."""
    waiting: Utterance | None = None
    for one in found:
        if one.form == TEXT and waiting is not None and waiting.role == one.role:
            waiting = Utterance(one.role, TEXT, f"{waiting.value}\n{one.value}")
        elif one.form == TEXT:
            yield from _not_silent(waiting)
            waiting = one
        else:
            yield from _not_silent(waiting)
            waiting = None
            yield one
    yield from _not_silent(waiting)


def _not_silent(one: Utterance | None) -> Iterator[Utterance]:
    if one is not None and one.value.strip():
        yield one
