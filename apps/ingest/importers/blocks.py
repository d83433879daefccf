"""Content in blocks, as Anthropic and Gemini write it, as messages of OpenAI's shape."""

from __future__ import annotations

from collections.abc import Iterator

from apps.sessions.events import Json

Fields = dict[str, Json]


def messages_of_blocks(role: str, content: Json, more: Fields) -> Iterator[Fields]:
    """Return the messages that one message's blocks hold: results of tools stand apart."""
    if not isinstance(content, list):
        yield {"role": role, "content": content} | more
        return
    calls, results, rest = [], [], []
    for block in content:
        if (call := _call(block)) is not None:
            calls.append(call)
        elif (result := _result(block)) is not None:
            results.append(result)
        else:
            rest.append(_part(block))
    yield from results
    if rest or calls or not results:
        made = {"role": role, "content": _joined(rest)} | more
        yield made | {"tool_calls": calls} if calls else made


def _call(block: Json) -> Fields | None:
    if not isinstance(block, dict):
        return None
    if block.get("type") == "tool_use":
        function = {"name": block.get("name"), "arguments": block.get("input")}
        return {"id": block.get("id"), "type": "function", "function": function}
    for name in ("functionCall", "function_call"):
        if isinstance(told := block.get(name), dict):
            function = {"name": told.get("name"), "arguments": told.get("args")}
            return {"id": told.get("id"), "type": "function", "function": function}
    return None


def _result(block: Json) -> Fields | None:
    if not isinstance(block, dict):
        return None
    if block.get("type") == "tool_result":
        content = block.get("content")
        parts = [_part(one) for one in content] if isinstance(content, list) else None
        said = _joined(parts) if parts is not None else content
        failed = {"is_error": True} if block.get("is_error") is True else {}
        return {"role": "tool", "tool_call_id": block.get("tool_use_id"), "content": said} | failed
    for name in ("functionResponse", "function_response"):
        if isinstance(told := block.get(name), dict):
            return {"role": "tool", "name": told.get("name"), "content": told.get("response")}
    return None


def _part(block: Json) -> Json:
    """Return a block; Gemini's texts have no type."""
    if isinstance(block, str):
        return {"type": "text", "text": block}
    if isinstance(block, dict) and "type" not in block and isinstance(block.get("text"), str):
        return {"type": "text"} | block
    return block


def _joined(parts: list[Json]) -> Json:
    """Return the text alone where there is but one, which is how most say it."""
    if len(parts) == 1 and isinstance(parts[0], dict) and parts[0].keys() == {"type", "text"}:
        return parts[0]["text"]
    return parts or None
