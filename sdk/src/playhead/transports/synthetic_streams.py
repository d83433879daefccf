"""Whole answers as the events by which each protocol streams them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

Json = Any
Told = dict[str, Json]


def chat_chunks(document: Mapping[str, Json], *, wants_usage: bool) -> Iterator[Told]:
    """Yield the chunks of OpenAI's chat completions."""
    head = {name: document.get(name) for name in ("id", "created", "model")}
    head["object"] = "chat.completion.chunk"
    for choice in document.get("choices") or ():
        index = {"index": choice.get("index", 0)}
        message = {name: value for name, value in choice["message"].items() if value is not None}
        calls = message.pop("tool_calls", ())
        if calls:
            message["tool_calls"] = [{"index": at, **call} for at, call in enumerate(calls)]
        yield head | {"choices": [index | {"delta": message, "finish_reason": None}]}
        finish = choice.get("finish_reason") or "stop"
        yield head | {"choices": [index | {"delta": {}, "finish_reason": finish}]}
    if wants_usage:
        yield head | {"choices": [], "usage": document.get("usage")}


def responses_events(document: Mapping[str, Json]) -> Iterator[Told]:
    """Yield the events of OpenAI's responses, numbered."""
    for number, event in enumerate(_responses(document)):
        yield event | {"sequence_number": number}


def _responses(document: Mapping[str, Json]) -> Iterator[Told]:
    begun = {**document, "status": "in_progress", "output": [], "usage": None}
    yield {"type": "response.created", "response": begun}
    for at, item in enumerate(document["output"]):
        place = {"output_index": at}
        empty: Told = {"content": []} if item.get("type") == "message" else {}
        empty |= {"arguments": ""} if item.get("type") == "function_call" else {}
        yield {"type": "response.output_item.added", **place, "item": {**item, **empty}}
        yield from _inside(item, {**place, "item_id": item.get("id")})
        yield {"type": "response.output_item.done", **place, "item": item}
    yield {"type": f"response.{document['status']}", "response": dict(document)}


def _inside(item: Mapping[str, Json], place: Told) -> Iterator[Told]:
    if item.get("type") == "function_call":
        text, name = item["arguments"], "response.function_call_arguments"
        yield {"type": f"{name}.delta", **place, "delta": text}
        yield {"type": f"{name}.done", **place, "arguments": text, "name": item["name"]}
    for index, part in enumerate(item.get("content") or ()):
        if part.get("type") != "output_text":
            continue
        at: Told = {**place, "content_index": index}
        yield {"type": "response.content_part.added", **at, "part": {**part, "text": ""}}
        said = {"logprobs": [], **at}
        yield {"type": "response.output_text.delta", **said, "delta": part["text"]}
        yield {"type": "response.output_text.done", **said, "text": part["text"]}
        yield {"type": "response.content_part.done", **at, "part": part}


def messages_events(document: Mapping[str, Json]) -> Iterator[Told]:
    """Yield the events of Anthropic's messages."""
    usage = document.get("usage") or {}
    begun = {**document, "content": [], "stop_reason": None, "usage": {**usage, "output_tokens": 0}}
    yield {"type": "message_start", "message": begun}
    for index, block in enumerate(document.get("content") or ()):
        place = {"index": index}
        empty: Told = (
            {**block, "input": {}} if block["type"] == "tool_use" else {**block, "text": ""}
        )
        yield {"type": "content_block_start", **place, "content_block": empty}
        yield {"type": "content_block_delta", **place, "delta": _delta(block)}
        yield {"type": "content_block_stop", **place}
    ended = {"stop_reason": document.get("stop_reason"), "stop_sequence": None}
    counted = {"output_tokens": usage.get("output_tokens") or 0}
    yield {"type": "message_delta", "delta": ended, "usage": counted}
    yield {"type": "message_stop"}


def _delta(block: Mapping[str, Json]) -> Told:
    if block["type"] == "tool_use":
        return {"type": "input_json_delta", "partial_json": json.dumps(block["input"])}
    return {"type": "text_delta", "text": block.get("text") or ""}
