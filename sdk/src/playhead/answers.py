"""What models answered, read from responses: whole documents, or the events of a stream."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

Json = Any
Told = dict[str, Json]


def plain_answer(documents: list[Json]) -> Told:
    found = documents[0] if documents else {}
    return _known({"output": None, "usage": chat_usage(found.get("usage"))})


def chat_answer(documents: list[Json]) -> Told:
    """Return what OpenAI's chat completions say; chunks of a stream are put together."""
    choices: dict[int, Told] = {}
    told: Told = {}
    for document in documents:
        told |= _known({"model_returned": document.get("model"), "request_id": document.get("id")})
        told |= _known({"usage": chat_usage(document.get("usage"))})
        for choice in document.get("choices") or ():
            _add_choice(choices.setdefault(choice.get("index") or 0, {}), choice)
    messages = [choices[at] for at in sorted(choices)]
    reasoning = messages[0].pop("reasoning_content", None) if messages else None
    output = messages[0] if len(messages) == 1 else messages
    return told | _known({"output": output or None, "reasoning": reasoning})


def _add_choice(message: Told, choice: Mapping[str, Json]) -> None:
    if choice.get("finish_reason"):
        message["finish_reason"] = choice["finish_reason"]
    if choice.get("message"):
        message.update(_known(choice["message"]))
    for name, value in (choice.get("delta") or {}).items():
        if name == "tool_calls":
            _add_calls(message.setdefault("tool_calls", []), value or ())
        elif isinstance(value, str) and name != "role":
            message[name] = (message.get(name) or "") + value
        elif value is not None:
            message[name] = value


def _add_calls(calls: list[Told], parts: Iterable[Mapping[str, Json]]) -> None:
    for part in parts:
        at = part.get("index", len(calls))
        while len(calls) <= at:
            calls.append(
                {"id": None, "type": "function", "function": {"name": "", "arguments": ""}}
            )
        calls[at]["id"] = part.get("id") or calls[at]["id"]
        function = part.get("function") or {}
        for name in ("name", "arguments"):
            calls[at]["function"][name] += function.get(name) or ""


def chat_usage(usage: Mapping[str, Json] | None) -> Told | None:
    if not usage:
        return None
    asked = usage.get("prompt_tokens_details") or usage.get("input_tokens_details") or {}
    given = usage.get("completion_tokens_details") or usage.get("output_tokens_details") or {}
    return _known(
        {
            "input": usage.get("prompt_tokens", usage.get("input_tokens")),
            "output": usage.get("completion_tokens", usage.get("output_tokens")),
            "cache_read": asked.get("cached_tokens"),
            "reasoning": given.get("reasoning_tokens"),
        }
    )


def responses_answer(documents: list[Json]) -> Told:
    """Return what OpenAI's responses say; of a stream its last event holds all."""
    if not documents:
        return {}
    whole = next((one["response"] for one in reversed(documents) if "response" in one), None)
    whole = whole or documents[0]
    return _known(
        {
            "output": whole.get("output"),
            "model_returned": whole.get("model"),
            "request_id": whole.get("id"),
            "usage": chat_usage(whole.get("usage")),
        }
    )


def messages_answer(documents: list[Json]) -> Told:
    """Return what Anthropic's messages say; the events of a stream are put together."""
    whole: Told = {}
    blocks: dict[int, Told] = {}
    for document in documents:
        kind = document.get("type")
        if kind == "message":
            whole |= document
        elif kind == "message_start":
            whole |= document.get("message") or {}
        elif kind == "content_block_start":
            blocks[document["index"]] = dict(document.get("content_block") or {})
        elif kind == "content_block_delta":
            _add_delta(blocks.setdefault(document["index"], {}), document.get("delta") or {})
        elif kind == "message_delta":
            whole["stop_reason"] = (document.get("delta") or {}).get("stop_reason")
            whole["usage"] = (whole.get("usage") or {}) | (document.get("usage") or {})
    content = [_opened(blocks[at]) for at in sorted(blocks)] or whole.get("content")
    return _known(
        {
            "output": {"role": "assistant", "content": content} if content is not None else None,
            "model_returned": whole.get("model"),
            "request_id": whole.get("id"),
            "usage": _messages_usage(whole.get("usage")),
        }
    )


def _add_delta(block: Told, delta: Mapping[str, Json]) -> None:
    for name, value in delta.items():
        if name == "partial_json":
            block["arguments"] = (block.get("arguments") or "") + value
        elif name != "type" and isinstance(value, str):
            block[name] = (block.get(name) or "") + value


def _opened(block: Told) -> Told:
    arguments = block.pop("arguments", None)
    if arguments is not None:
        block["input"] = _read(arguments)
    return block


def _read(text: str) -> Json:
    try:
        return json.loads(text or "{}")
    except ValueError:
        return text


def _messages_usage(usage: Mapping[str, Json] | None) -> Told | None:
    """Return tokens as Playhead counts them: ``input`` includes what came from a cache."""
    if not usage:
        return None
    read, written = usage.get("cache_read_input_tokens"), usage.get("cache_creation_input_tokens")
    fresh = usage.get("input_tokens")
    total = None if fresh is None else fresh + (read or 0) + (written or 0)
    return _known(
        {
            "input": total,
            "output": usage.get("output_tokens"),
            "cache_read": read,
            "cache_write": written,
        }
    )


def _known(fields: Mapping[str, Json]) -> Told:
    return {name: value for name, value in fields.items() if value is not None}
