"""OpenAI's Responses API. Nothing is stored there: every request holds its whole conversation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from apps.providers.dialects.speaking import (
    NO_SEED,
    TOOL_ERRORS,
    Written,
    arguments_text,
    count,
    known_params,
    not_of_this_protocol,
    results_of,
    spoken,
)
from apps.providers.protocol import (
    Answer,
    Image,
    Message,
    Part,
    Request,
    Text,
    Tool,
    ToolCall,
    ToolResult,
    Usage,
)
from apps.providers.reading import read_messages

Json = Any

PROTOCOL = "The Responses API"
KNOWN = {
    "temperature": "temperature",
    "top_p": "top_p",
    "max_tokens": "max_output_tokens",
    "parallel_tool_calls": "parallel_tool_calls",
    "top_logprobs": "top_logprobs",
    "reasoning_effort": "reasoning_effort",
    "verbosity": "verbosity",
}
INCOMPLETE = {"max_output_tokens": "length", "content_filter": "content_filter"}


def write(request: Request, *, is_first_party: bool) -> Written:
    """Return the body of a response."""
    params, _ = known_params(request, KNOWN, protocol=PROTOCOL)
    effort, verbosity = params.pop("reasoning_effort", None), params.pop("verbosity", None)
    written = Written({"model": request.model, "store": False, **params})
    body = written.body
    body["input"] = [one for message in request.messages for one in _items(message, written)]
    if effort:
        body["reasoning"] = {"effort": effort}
    if text := _text(request, verbosity):
        body["text"] = text
    if request.tools:
        body["tools"] = [_tool(tool) for tool in request.tools]
    if request.tool_choice:
        body["tool_choice"] = _choice(request.tool_choice)
    if request.seed is not None:
        written.note(NO_SEED)
    return written


def read(answer: Json) -> Answer:
    """Return all that a response holds as one message."""
    output = answer.get("output") if isinstance(answer, Mapping) else None
    if not isinstance(output, list):
        raise not_of_this_protocol(PROTOCOL)
    parts = tuple(part for message in read_messages(output) for part in message.parts)
    return Answer(
        Message("assistant", parts),
        _usage(answer.get("usage")),
        _finish(answer, parts),
        model=str(answer.get("model") or ""),
        raw=answer,
    )


def _finish(answer: Json, parts: tuple[Part, ...]) -> str:
    reason = (answer.get("incomplete_details") or {}).get("reason")
    if reason:
        return INCOMPLETE.get(reason, str(reason))
    said = [item.get("content") or [] for item in answer["output"] if isinstance(item, Mapping)]
    if any(part.get("type") == "refusal" for content in said for part in content):
        return "refusal"
    return "tool_calls" if any(isinstance(part, ToolCall) for part in parts) else "stop"


def _items(message: Message, written: Written) -> Iterator[Json]:
    if message.role == "tool":
        for result in results_of(message):
            yield _result(result, written)
        return
    said: list[Json] = []
    for part in spoken(message, written):
        if isinstance(part, ToolCall):
            yield from _said(message.role, said)
            said = []
            yield _call(part)
        else:
            said.append(_part(part, message.role))
    yield from _said(message.role, said)


def _said(role: str, parts: list[Json]) -> Iterator[Json]:
    if parts:
        yield {"type": "message", "role": role, "content": parts}


def _call(call: ToolCall) -> Json:
    return {
        "type": "function_call",
        "call_id": call.id,
        "name": call.name,
        "arguments": arguments_text(call),
    }


def _result(result: ToolResult, written: Written) -> Json:
    if result.is_error:
        written.note(TOOL_ERRORS)
    is_text = all(isinstance(part, Text) for part in result.parts)
    texts = "".join(part.text for part in result.parts if isinstance(part, Text))
    output: Json = texts if is_text else [_part(part, "user") for part in result.parts]
    return {"type": "function_call_output", "call_id": result.call_id, "output": output}


def _part(part: Text | Image, role: str) -> Json:
    if isinstance(part, Image):
        return {
            "type": "input_image",
            "image_url": part.address,
            "detail": part.detail or "auto",
        }
    return {"type": "output_text" if role == "assistant" else "input_text", "text": part.text}


def _text(request: Request, verbosity: Json) -> dict[str, Json]:
    text: dict[str, Json] = {"verbosity": verbosity} if verbosity else {}
    if (schema := request.output_schema) is not None:
        told = {"name": schema.name, "schema": schema.schema, "strict": schema.is_strict}
        text["format"] = {"type": "json_schema", **told}
    elif request.is_json:
        text["format"] = {"type": "json_object"}
    return text


def _tool(tool: Tool) -> Json:
    # What is not said is strict here and loose in chat completions; the same tool is meant.
    told = {"name": tool.name, "parameters": tool.schema, "strict": bool(tool.is_strict)}
    if tool.description:
        told["description"] = tool.description
    return {"type": "function", **told}


def _choice(choice: str) -> Json:
    if choice.startswith("tool:"):
        return {"type": "function", "name": choice.removeprefix("tool:")}
    return choice


def _usage(usage: Json) -> Usage:
    return Usage(
        count(usage, "input_tokens"),
        count(usage, "output_tokens"),
        count(usage, "input_tokens_details", "cached_tokens"),
        reasoning=count(usage, "output_tokens_details", "reasoning_tokens"),
    )
