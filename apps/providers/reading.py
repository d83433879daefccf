"""Reading recorded calls of models as requests that can be asked again, of any provider.

Recorders keep what their provider was sent, so the same conversation is there as OpenAI's
messages, as the items of its Responses API, as Anthropic's blocks, or as the parts of
OpenTelemetry's GenAI conventions. What has no place in ``Request`` (audio, documents, tools
that a provider runs itself) is an ``UnsupportedError``: the step is skipped with that reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import orjson

from apps.providers.protocol import (
    Image,
    Message,
    Part,
    Request,
    Role,
    Text,
    Thought,
    Tool,
    ToolCall,
    ToolResult,
    UnsupportedError,
)
from apps.providers.reading_params import with_params

Json = Any

ROLES: dict[str, Role] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "human": "user",
    "assistant": "assistant",
    "model": "assistant",
    "ai": "assistant",
    "tool": "tool",
    "function": "tool",
}


def request_of(
    model: str,
    said: Json,
    *,
    params: Mapping[str, Json] | None = None,
    tools: Sequence[Json] | None = None,
) -> Request:
    """Return the request that a recorded call made.

    ``said`` is the event's input, ``params`` and ``tools`` are the event's own. Raises
    UnsupportedError, naming what cannot be asked again.
    """
    if isinstance(said, Mapping) and isinstance(said.get("messages"), list):
        first = [{"role": "system", "content": said["system"]}] if said.get("system") else []
        said = [*first, *said["messages"]]
    messages = tuple(read_messages(said))
    if not messages:
        raise UnsupportedError("messages", "The recorded input holds no messages")
    request = Request(model, messages, tools=tuple(map(_tool, tools or ())))
    return with_params(request, params or {})


def read_messages(said: Json) -> list[Message]:
    """Return the messages of a conversation in any of the shapes above."""
    if isinstance(said, str):
        return [Message("user", (Text(said),))] if said else []
    if isinstance(said, Mapping):
        said = said["choices"] if isinstance(said.get("choices"), list) else [said]
    if not isinstance(said, list):
        raise UnsupportedError("messages", "The recorded input is no conversation")
    if len(said) == 1 and isinstance(said[0], list):
        said = said[0]
    found = [message for value in said for message in _messages(value)]
    return list(_joined(found))


def _joined(messages: Iterable[Message]) -> Iterator[Message]:
    """Yield messages with the pieces of one turn of the model, or of its tools, as one.

    The Responses API has an item for each call where others have one message with all. Two
    texts in a row stay two messages: they were said apart.
    """
    held: Message | None = None
    for message in messages:
        if held is not None and _are_one(held, message):
            held = Message(held.role, held.parts + message.parts)
            continue
        if held is not None:
            yield held
        held = message
    if held is not None:
        yield held


def _are_one(first: Message, second: Message) -> bool:
    is_same = first.role == second.role and first.role in ("assistant", "tool")
    return is_same and not (first.text and second.text)


def _messages(value: Json) -> Iterator[Message]:
    if isinstance(value, str):
        yield Message("user", (Text(value),))
        return
    if not isinstance(value, Mapping):
        raise UnsupportedError("messages", "The recorded input is no conversation")
    if isinstance(value.get("message"), Mapping):
        value = value["message"]
    kind = value.get("type")
    if "role" not in value and isinstance(kind, str):
        yield _item(kind, value)
        return
    role = ROLES.get(str(value.get("role")))
    if role is None:
        raise UnsupportedError("messages", f"Nobody speaks as {str(value.get('role'))[:40]!r}")
    yield from _by_speaker(role, tuple(_parts_of(value, role)))


def _by_speaker(role: Role, parts: tuple[Part, ...]) -> Iterator[Message]:
    """Yield what a user hands on of tools as the tools' own, before what they say themselves."""
    results = tuple(part for part in parts if isinstance(part, ToolResult))
    own = tuple(part for part in parts if not isinstance(part, ToolResult))
    if results:
        yield Message("tool", results)
    if own or not results:
        yield Message(role, own)


def _item(kind: str, value: Mapping[str, Json]) -> Message:
    """Return an item of the Responses API that is no message."""
    call_id = str(value.get("call_id") or value.get("id") or "")
    if kind == "function_call":
        call = ToolCall(call_id, str(value.get("name")), read_arguments(value.get("arguments")))
        return Message("assistant", (call,))
    if kind == "function_call_output":
        said = tuple(_plain_parts(value.get("output")))
        return Message("tool", (ToolResult(call_id, said),))
    if kind == "reasoning":
        return Message("assistant", (_reasoning_item(value),))
    return Message("assistant", (_part({**value}, "assistant"),))


def _reasoning_item(value: Mapping[str, Json]) -> Thought:
    summary = _list(value.get("summary"))
    texts = [str(one.get("text", "")) for one in summary if isinstance(one, Mapping)]
    return Thought("\n".join(texts), dict(value))


def _parts_of(value: Mapping[str, Json], role: Role) -> Iterator[Part]:
    content = value.get("content", value.get("parts"))
    if role == "tool" and "tool_call_id" in value:
        said = tuple(_plain_parts(content))
        yield ToolResult(str(value["tool_call_id"]), said, name=str(value.get("name") or ""))
        return
    thought = value.get("reasoning_content") or value.get("reasoning")
    if isinstance(thought, str):
        yield Thought(thought)
    yield from _content(content, role)
    if isinstance(value.get("refusal"), str):
        yield Text(value["refusal"])
    calls = _list(value.get("tool_calls"))
    legacy = value.get("function_call")
    for call in [*calls, *([{"function": legacy}] if isinstance(legacy, Mapping) else [])]:
        yield _call(call)


def _list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []


def _content(content: Json, role: Role) -> Iterator[Part]:
    if content is None:
        return
    if isinstance(content, str):
        if content:
            yield Text(content)
        return
    if not isinstance(content, list):
        content = [content]
    for part in content:
        yield Text(part) if isinstance(part, str) else _part(part, role)


def _part(part: Json, role: Role) -> Part:
    kind = part.get("type") if isinstance(part, Mapping) else None
    read = READERS.get(kind) if isinstance(kind, str) else None
    if read is None:
        raise UnsupportedError(
            str(kind or "content")[:60], f"The record holds a part of the kind {str(kind)[:60]!r}"
        )
    return read(part)


def _text(part: Mapping[str, Json]) -> Text:
    for name in ("text", "content", "refusal"):
        if isinstance(part.get(name), str):
            return Text(part[name])
    raise UnsupportedError("text", "A part of the record that should be text is not")


def _image_url(part: Mapping[str, Json]) -> Image:
    named = part.get("image_url")
    if isinstance(named, Mapping):
        return _image(named.get("url"), str(named.get("detail") or ""))
    return _image(named, str(part.get("detail") or ""))


def _image(url: Json, detail: str) -> Image:
    if not isinstance(url, str) or not url:
        raise UnsupportedError("files", "The record names a picture that the provider keeps")
    head, _, content = url.partition(";base64,")
    if content and head.startswith("data:"):
        return Image(content=content, media_type=head.removeprefix("data:"), detail=detail)
    return Image(url=url, detail=detail)


def _image_block(part: Mapping[str, Json]) -> Image:
    source = part.get("source")
    source = source if isinstance(source, Mapping) else {}
    if source.get("type") == "base64":
        return Image(content=str(source.get("data")), media_type=str(source.get("media_type")))
    return _image(source.get("url"), "")


def _tool_use(part: Mapping[str, Json]) -> ToolCall:
    arguments = read_arguments(part.get("input", part.get("arguments")))
    return ToolCall(str(part.get("id") or ""), str(part.get("name")), arguments)


def _tool_result(part: Mapping[str, Json]) -> ToolResult:
    said = part.get("content", part.get("result", part.get("response")))
    call_id = part.get("tool_use_id", part.get("id"))
    return ToolResult(str(call_id), tuple(_plain_parts(said)), part.get("is_error") is True)


def _thinking(part: Mapping[str, Json]) -> Thought:
    said = part.get("thinking", part.get("content", part.get("text")))
    return Thought(said if isinstance(said, str) else "", dict(part))


READERS: Mapping[str, Callable[[Mapping[str, Json]], Part]] = {
    "text": _text,
    "input_text": _text,
    "output_text": _text,
    "refusal": _text,
    "image_url": _image_url,
    "input_image": _image_url,
    "image": _image_block,
    "tool_use": _tool_use,
    "tool_call": _tool_use,
    "tool_result": _tool_result,
    "tool_call_response": _tool_result,
    "thinking": _thinking,
    "redacted_thinking": _thinking,
    "reasoning": _thinking,
}


def _plain_parts(said: Json) -> Iterator[Text | Image]:
    """Yield what a tool answered; JSON that is no list of parts is given as its text."""
    if isinstance(said, list) and said and all(_is_part(one) for one in said):
        for part in _content(said, "tool"):
            if not isinstance(part, Text | Image):
                raise UnsupportedError("tool results", "A tool answered with more than text")
            yield part
        return
    if said is not None:
        yield Text(said if isinstance(said, str) else orjson.dumps(said).decode())


def _is_part(value: Json) -> bool:
    return isinstance(value, Mapping) and value.get("type") in READERS


def _call(call: Json) -> ToolCall:
    function = call.get("function") if isinstance(call, Mapping) else None
    named = function if isinstance(function, Mapping) else call
    if not isinstance(named, Mapping) or not isinstance(named.get("name"), str):
        raise UnsupportedError("custom tools", "The record holds a call that is of no function")
    said = named.get("arguments", named.get("args"))
    return ToolCall(str(call.get("id") or ""), named["name"], read_arguments(said))


def read_arguments(said: Json) -> Json:
    """Return arguments as JSON where they are an object, and else as they were written."""
    if not isinstance(said, str):
        return said if said is not None else {}
    try:
        opened = orjson.loads(said) if said else {}
    except orjson.JSONDecodeError:
        return said
    return opened if isinstance(opened, dict) else said


def _tool(value: Json) -> Tool:
    """Return a tool as any of the three protocols declares it."""
    if not isinstance(value, Mapping):
        raise UnsupportedError("tools", "A recorded tool has no name")
    declared = value.get("function")
    named = declared if isinstance(declared, Mapping) else value
    kind = value.get("type")
    if kind not in (None, "function", "custom") or not isinstance(named.get("name"), str):
        raise UnsupportedError(
            "provider tools", f"The tool {str(kind)[:60]!r} is run by the provider that declares it"
        )
    schema = named.get("parameters", named.get("input_schema"))
    strict = named.get("strict")
    tool = Tool(named["name"], str(named.get("description") or ""))
    tool = replace(tool, is_strict=strict if isinstance(strict, bool) else None)
    return replace(tool, schema=schema) if isinstance(schema, Mapping) else tool
