"""Anthropic's Messages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from apps.providers.dialects.speaking import (
    NO_SEED,
    THOUGHTS,
    Written,
    count,
    known_params,
    not_of_this_protocol,
)
from apps.providers.protocol import (
    Answer,
    Image,
    Message,
    Part,
    Request,
    Text,
    Thought,
    ToolCall,
    ToolResult,
    UnsupportedError,
    Usage,
)
from apps.providers.reading import read_messages

Json = Any

PROTOCOL = "Messages"
KNOWN = {
    "temperature": "temperature",
    "top_p": "top_p",
    "top_k": "top_k",
    "stop": "stop_sequences",
    "max_tokens": "max_tokens",
    "thinking": "thinking",
    "parallel_tool_calls": "parallel_tool_calls",
    "reasoning_effort": "reasoning_effort",
}
EFFORTS = ("low", "medium", "high", "xhigh", "max")
# Messages cannot be asked without one.
MAX_TOKENS = 4096
FINISHED = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
}


def write(request: Request, *, is_first_party: bool) -> Written:
    """Return the body of a message."""
    params, _ = known_params(request, KNOWN, protocol=PROTOCOL)
    effort, parallel = params.pop("reasoning_effort", None), params.pop("parallel_tool_calls", None)
    _check_temperature(params.get("temperature"))
    written = Written({"model": request.model, **params})
    system, said = _apart(request.messages)
    if system:
        written.body["system"] = [{"type": "text", "text": text} for text in system]
    written.body["messages"] = _turns(said, written)
    if request.tools:
        written.body["tools"] = [_tool(tool) for tool in request.tools]
    if choice := _choice(request, parallel):
        written.body["tool_choice"] = choice
    if config := _output_config(request, effort):
        written.body["output_config"] = config
    _add_what_must_be(request, written)
    return written


def _add_what_must_be(request: Request, written: Written) -> None:
    if "max_tokens" not in written.body:
        written.body["max_tokens"] = MAX_TOKENS
        written.note(f"The answer was cut at {MAX_TOKENS} tokens: {PROTOCOL} wants a number.")
    if request.seed is not None:
        written.note(NO_SEED)


def read(answer: Json) -> Answer:
    """Return a message."""
    content = answer.get("content") if isinstance(answer, Mapping) else None
    if not isinstance(content, list):
        raise not_of_this_protocol(PROTOCOL)
    found = read_messages([{"role": "assistant", "content": content}])
    stop = str(answer.get("stop_reason") or "")
    return Answer(
        found[0],
        _usage(answer.get("usage")),
        FINISHED.get(stop, stop),
        model=str(answer.get("model") or ""),
        raw=answer,
    )


def _check_temperature(value: Json) -> None:
    if isinstance(value, int | float) and value > 1:
        raise UnsupportedError("temperature", f"{PROTOCOL} takes a temperature of 1 at most")


def _apart(messages: Sequence[Message]) -> tuple[list[str], list[Message]]:
    """Return what the system says at the beginning, and the conversation."""
    start = next((at for at, one in enumerate(messages) if one.role != "system"), len(messages))
    said = list(messages[start:])
    if any(message.role == "system" for message in said):
        raise UnsupportedError("system", f"{PROTOCOL} takes no system message inside of a talk")
    if not said or said[0].role == "assistant":
        raise UnsupportedError("messages", f"{PROTOCOL} wants the user to speak first")
    return [text for one in messages[:start] if (text := one.text)], said


def _turns(messages: Sequence[Message], written: Written) -> list[Json]:
    """Return turns: what tools answered and what the user says then is one turn of the user."""
    turns = []
    for role, group in groupby(messages, key=lambda one: _speaker(one.role)):
        blocks = [block for one in group for part in one.parts for block in _blocks(part, written)]
        if blocks:
            turns.append({"role": role, "content": blocks})
    return turns


def _speaker(role: str) -> str:
    return "assistant" if role == "assistant" else "user"


def _blocks(part: Part, written: Written) -> list[Json]:
    if isinstance(part, Thought):
        return _thought(part, written)
    if isinstance(part, ToolCall):
        return [_call(part)]
    if isinstance(part, ToolResult):
        return [_result(part)]
    return [_plain(part)] if not isinstance(part, Text) or part.text.strip() else []


def _thought(part: Thought, written: Written) -> list[Json]:
    """Return a thought that this provider signed; it takes back no other."""
    native = part.native if isinstance(part.native, Mapping) else {}
    is_signed = native.get("signature") and native.get("type") == "thinking"
    if is_signed or native.get("type") == "redacted_thinking":
        return [dict(native)]
    written.note(THOUGHTS)
    return []


def _call(call: ToolCall) -> Json:
    if not isinstance(call.arguments, Mapping):
        raise UnsupportedError(
            "tool arguments", f"{PROTOCOL} takes tool arguments as an object alone"
        )
    return {"type": "tool_use", "id": call.id, "name": call.name, "input": call.arguments}


def _result(result: ToolResult) -> Json:
    block: dict[str, Json] = {"type": "tool_result", "tool_use_id": result.call_id}
    said = [_plain(part) for part in result.parts if not isinstance(part, Text) or part.text]
    if said:
        block["content"] = said
    return block | ({"is_error": True} if result.is_error else {})


def _plain(part: Text | Image) -> Json:
    if isinstance(part, Text):
        return {"type": "text", "text": part.text}
    if part.content:
        source = {"type": "base64", "media_type": part.media_type, "data": part.content}
    else:
        source = {"type": "url", "url": part.url}
    return {"type": "image", "source": source}


def _tool(tool: Any) -> Json:
    told = {"name": tool.name, "input_schema": tool.schema}
    if tool.description:
        told["description"] = tool.description
    return told | ({"strict": tool.is_strict} if tool.is_strict is not None else {})


def _choice(request: Request, parallel: Json) -> Json:
    named = request.tool_choice
    if named.startswith("tool:"):
        choice: dict[str, Json] = {"type": "tool", "name": named.removeprefix("tool:")}
    elif named:
        choice = {"type": "any" if named == "required" else named}
    elif parallel is False and request.tools:
        choice = {"type": "auto"}
    else:
        return None
    if parallel is False and choice["type"] != "none":
        choice["disable_parallel_tool_use"] = True
    return choice


def _output_config(request: Request, effort: Json) -> Json:
    config: dict[str, Json] = {}
    if effort is not None:
        if effort not in EFFORTS:
            raise UnsupportedError("reasoning_effort", f"{PROTOCOL} knows no effort {effort!r}")
        config["effort"] = effort
    if request.output_schema is not None:
        config["format"] = {"type": "json_schema", "schema": request.output_schema.schema}
    elif request.is_json:
        raise UnsupportedError("json_object", f"{PROTOCOL} gives JSON by a schema alone")
    return config


def _usage(usage: Json) -> Usage:
    """Anthropic counts what came from its cache apart; ``input`` is all of it."""
    plain = count(usage, "input_tokens")
    read_back = count(usage, "cache_read_input_tokens")
    kept = count(usage, "cache_creation_input_tokens")
    return Usage(
        None if plain is None else plain + (read_back or 0) + (kept or 0),
        count(usage, "output_tokens"),
        read_back,
        kept,
        count(usage, "output_tokens_details", "thinking_tokens"),
    )
