"""Messages that have no role of their own, brought into the shape of those that have.

LangChain writes its objects as JSON, in two ways, and takes pairs of role and text. The
items of OpenAI's Responses API are calls and results beside messages.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Json = Any

LANGCHAIN_ROLES = {
    "human": "user",
    "ai": "assistant",
    "system": "system",
    "developer": "developer",
    "tool": "tool",
    "function": "tool",
}
ROLES = frozenset({*LANGCHAIN_ROLES, "user", "assistant"})
# Parts of a message that its list of tool calls says again.
CALLS = ("function_call", "tool_use", "tool_call")


def flat(values: list[Json]) -> list[Json]:
    """Return the messages of a list that holds one list of messages, as LangChain sends it."""
    if len(values) == 1 and isinstance(values[0], list) and not _is_pair(values[0]):
        return values[0]
    return values


def with_role(value: Json) -> Json:
    """Return a message with its role; what is no message in another shape stays as it is."""
    if _is_pair(value):
        return {"role": LANGCHAIN_ROLES.get(value[0], value[0]), "content": value[1]}
    if not isinstance(value, dict) or "role" in value:
        return value
    kind = value.get("type")
    if kind == "constructor" and isinstance(value.get("kwargs"), dict):
        return _langchain(value["kwargs"], value)
    if isinstance(value.get("data"), dict) and isinstance(kind, str):
        return _langchain(value["data"] | {"type": kind}, value)
    return _item(value) if isinstance(kind, str) else value


def _is_pair(value: Json) -> bool:
    return (
        isinstance(value, list)
        and len(value) == 2
        and isinstance(value[0], str)
        and value[0] in ROLES
        and isinstance(value[1], str)
    )


def _langchain(message: Mapping[str, Json], written: Json) -> Json:
    kind = str(message.get("type", "")).removesuffix("MessageChunk").lower()
    role = LANGCHAIN_ROLES.get(kind)
    if role is None:
        return written
    calls = message.get("tool_calls")
    asked = [_call(call) for call in calls] if isinstance(calls, list) else []
    content = message.get("content")
    if asked and isinstance(content, list):
        content = list(without_calls(content))
    kept = {name: message[name] for name in ("name", "tool_call_id") if message.get(name)}
    return {"role": role, "content": content, "tool_calls": asked, **kept}


def without_calls(parts: list[Json]) -> Iterator[Json]:
    """Yield the parts of a message but those that its list of tool calls says again."""
    for part in parts:
        if not (isinstance(part, dict) and part.get("type") in CALLS):
            yield part


def _call(call: Json) -> Json:
    if not isinstance(call, dict) or "args" not in call:
        return call
    function = {"name": call.get("name"), "arguments": call["args"]}
    return {"id": call.get("id"), "type": "function", "function": function}


def _item(item: Mapping[str, Json]) -> Json:
    kind, call_id = item["type"], item.get("call_id")
    if kind == "function_call":
        function = {"name": item.get("name"), "arguments": item.get("arguments")}
        return {"role": "assistant", "tool_calls": [{"id": call_id, "function": function}]}
    if kind == "function_call_output":
        return {"role": "tool", "tool_call_id": call_id, "content": item.get("output")}
    if kind == "reasoning" and isinstance(item.get("summary"), list):
        thought = [one.get("text") for one in item["summary"] if isinstance(one, dict)]
        said = "\n".join(text for text in thought if isinstance(text, str))
        return {"role": "assistant", "content": None, "reasoning": said}
    return item
