"""Messages of language models, read from every shape in which they are recorded.

Pages show ``Message``; what cannot be read as messages is shown as the JSON that it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from apps.core.canonical import canonical_json
from apps.sessions.message_shapes import flat, with_role, without_calls

Json = Any

PREVIEW = 160
# Roles that speak for the model itself.
ASSISTANT = ("assistant", "model", "ai")
KNOWN_ROLES = ("system", "developer", "user", "assistant", "tool")
ROLE_NAMES = {"model": "assistant", "ai": "assistant", "human": "user", "function": "tool"}


@dataclass(frozen=True, slots=True)
class Part:
    """One piece of a message: text, reasoning, a tool call, a tool's result, a file."""

    kind: str
    text: str = ""
    name: str = ""
    call_id: str = ""
    value: Json = None

    @property
    def digest(self) -> bytes:
        """Equal for parts that say the same, whichever side recorded them."""
        return canonical_json([self.kind, self.text, self.name, self.call_id, self.value])


@dataclass(frozen=True, slots=True)
class Message:
    """Who speaks, and what they say."""

    role: str
    parts: tuple[Part, ...]
    name: str = ""
    finish_reason: str = ""
    # Reasoning is left out of histories by most senders, so it does not tell messages apart.
    digest: tuple[str, tuple[bytes, ...]] = field(init=False, default=("", ()))
    # Its number among the messages of its field, by which a comment finds it again.
    at: int = field(init=False, default=0, compare=False)

    def __post_init__(self) -> None:
        said = tuple(part.digest for part in self.parts if part.kind != "reasoning")
        object.__setattr__(self, "digest", (self.role, said))

    @property
    def size(self) -> int:
        """About how much it takes, as it is kept."""
        return sum(len(digest) for digest in self.digest[1]) + sum(
            len(part.text) for part in self.parts if part.kind == "reasoning"
        )

    @property
    def preview(self) -> str:
        """The beginning of what is said, on one line."""
        said = " ".join(
            part.text or f"{part.name} {_text(part.value)[:PREVIEW]}" for part in self.parts
        )
        line = " ".join(said[: PREVIEW * 2].split())
        return f"{line[:PREVIEW]}…" if len(said) > PREVIEW else line

    @property
    def shown_role(self) -> str:
        return self.role if self.role in KNOWN_ROLES else "other"


def read_messages(value: Json, role: str = "user") -> list[Message] | None:
    """Return the messages in ``value``; None when it holds something else.

    Plain text becomes one message of ``role``.
    """
    found = _messages_in(value, role)
    for at, message in enumerate(found or ()):
        object.__setattr__(message, "at", at)
    return found


def _messages_in(value: Json, role: str) -> list[Message] | None:
    if isinstance(value, str):
        return [Message(role, (Part("text", text=value),))] if value else []
    if isinstance(value, list):
        return _read_list(value, role)
    if not isinstance(value, dict):
        return None
    if isinstance(value.get("messages"), list):
        found = _read_list(value["messages"], role)
        return None if found is None else [*_system(value), *found]
    if isinstance(value.get("choices"), list):
        return _read_list([_choice(choice) for choice in value["choices"]], "assistant")
    message = _read_message(value, role)
    return None if message is None else [message]


def _choice(choice: Json) -> Json:
    return choice.get("message") if isinstance(choice, dict) else None


def _system(value: Mapping[str, Json]) -> list[Message]:
    """Return the instructions that some senders keep beside the messages."""
    system = value.get("system")
    parts = tuple(_read_parts(system)) if system else ()
    return [Message("system", parts)] if parts else []


def _read_list(values: list[Json], role: str) -> list[Message] | None:
    messages = [_read_message(with_role(value), role) for value in flat(values)]
    found = [message for message in messages if message is not None]
    return found if found and len(found) == len(messages) else None


def _read_message(value: Json, role: str) -> Message | None:
    if isinstance(value, str):
        return Message(role, (Part("text", text=value),))
    named = value.get("role") if isinstance(value, dict) else None
    if not isinstance(named, str):
        return None
    if not ({"content", "parts", "tool_calls", "function_call"} & set(value)):
        return None
    spoken = ROLE_NAMES.get(named, named)
    parts = tuple(_message_parts(value, spoken))
    return Message(
        _speaker(spoken, parts),
        parts,
        name=_text(value.get("name")),
        finish_reason=_text(value.get("finish_reason")),
    )


def _speaker(role: str, parts: tuple[Part, ...]) -> str:
    """Return who speaks: results of tools are the tools' own, also where a user hands them on."""
    is_result = bool(parts) and all(part.kind == "result" for part in parts)
    return "tool" if is_result and role == "user" else role


def _message_parts(value: Mapping[str, Json], role: str) -> Iterator[Part]:
    if reasoning := _text(value.get("reasoning_content") or value.get("reasoning")):
        yield Part("reasoning", text=reasoning)
    if role == "tool" and "content" in value:
        yield _result(value, value["content"])
    else:
        content = value.get("content")
        if isinstance(content, list) and value.get("tool_calls"):
            content = list(without_calls(content))
        yield from _read_parts(content)
        yield from _read_parts(value.get("parts"))
    calls = value.get("tool_calls")
    for call in calls if isinstance(calls, list) else []:
        yield _openai_call(call)
    if isinstance(value.get("function_call"), dict):
        yield _openai_call({"function": value["function_call"]})


def _read_parts(content: Json) -> Iterator[Part]:
    if content is None or content == "":
        return
    for part in content if isinstance(content, list) else [content]:
        if isinstance(part, str):
            yield Part("text", text=part)
        elif isinstance(part, dict):
            yield _read_part(part)
        else:
            yield Part("other", value=part)


def _read_part(part: Mapping[str, Json]) -> Part:
    kind = part.get("type")
    if kind in ("text", "input_text", "output_text", "refusal"):
        return Part("text", text=_text(part.get("text", part.get("content", part.get("refusal")))))
    if kind in ("reasoning", "thinking"):
        said = part.get("content") or part.get("thinking") or part.get("text")
        return Part("reasoning", text=_text(said))
    if kind in ("tool_call", "tool_use", "function_call", "server_tool_call"):
        return _call(part)
    if kind in ("tool_call_response", "tool_result", "server_tool_call_response"):
        # pydantic-ai calls it a result.
        given = next(
            (part[name] for name in ("response", "result", "content") if name in part), None
        )
        return _result(part, given)
    if kind in ("image_url", "image", "input_image", "blob", "uri", "file", "input_audio"):
        return Part("file", name=str(kind), value=dict(part))
    return Part("other", name=_text(kind), value=dict(part))


def _call(part: Mapping[str, Json]) -> Part:
    arguments = part.get("arguments", part.get("input"))
    call_id = _text(part.get("id") or part.get("call_id"))
    return Part("call", name=_text(part.get("name")), call_id=call_id, value=_unwrap(arguments))


def _openai_call(call: Json) -> Part:
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(function, dict):
        return Part("other", value=call)
    return Part(
        "call",
        name=_text(function.get("name")),
        call_id=_text(call.get("id")),
        value=_unwrap(function.get("arguments")),
    )


def _result(part: Mapping[str, Json], value: Json) -> Part:
    call_id = part.get("tool_call_id") or part.get("tool_use_id") or part.get("id")
    return Part(
        "result", name=_text(part.get("name")), call_id=_text(call_id), value=_unwrap(value)
    )


def _unwrap(value: Json) -> Json:
    """Return the JSON that a text holds, if it holds an object or a list."""
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return orjson.loads(value)
        except orjson.JSONDecodeError:
            return value
    return value


def _text(value: Json) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else canonical_json(value).decode()


@dataclass
class Conversation:
    """The messages that have been shown, so that each is shown once.

    A model is sent the whole history with each call. What a call adds is what follows the
    longest history that has been seen and that it begins with; the same words said
    again later are new.
    """

    histories: list[list[Message]] = field(default_factory=list)
    LIMIT = 16

    def add_call(self, sent: list[Message], answered: list[Message]) -> list[Message]:
        """Return the messages of ``sent`` that were not known; remember the call."""
        known, best = 0, -1
        for index, history in enumerate(self.histories):
            length = common_start(history, sent)
            if length > known:
                known, best = length, index
        grown = [*sent, *answered]
        if best >= 0 and known == len(self.histories[best]):
            self.histories[best] = grown
        else:
            self.histories = [*self.histories[-self.LIMIT :], grown]
        return sent[known:]


def common_start(left: list[Message], right: list[Message]) -> int:
    """Return how many messages both begin with."""
    length = 0
    for ours, theirs in zip(left, right, strict=False):
        if ours.digest != theirs.digest:
            break
        length += 1
    return length
