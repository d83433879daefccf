"""OpenAI's chat completions, which many servers speak."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from apps.providers.dialects.speaking import (
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
    OutputSchema,
    Request,
    Text,
    Tool,
    ToolCall,
    UnsupportedError,
    Usage,
)
from apps.providers.reading import read_messages

Json = Any

PROTOCOL = "Chat completions"
KNOWN = {
    name: name
    for name in (
        "temperature", "top_p", "stop", "presence_penalty", "frequency_penalty", "logit_bias",
        "logprobs", "top_logprobs", "parallel_tool_calls", "reasoning_effort", "verbosity",
        "max_tokens",
    )
}  # fmt: skip
# Models that reason refuse the older name; servers that only speak like OpenAI's know no other.
FIRST_PARTY = KNOWN | {"max_tokens": "max_completion_tokens"}
# They shape a body and are not sampled with.
RESERVED = frozenset({"stream", "n", "tools", "tool_choice", "response_format", "functions"})


def write(request: Request, *, is_first_party: bool) -> Written:
    """Return the body of a chat completion."""
    known = FIRST_PARTY if is_first_party else KNOWN
    params, others = known_params(request, known, protocol=PROTOCOL, more=not is_first_party)
    if found := sorted(RESERVED & others.keys()):
        raise UnsupportedError(found[0], f"{found[0]} cannot be asked again")
    written = Written({"model": request.model, **params, **others})
    body = written.body
    body["messages"] = [one for message in request.messages for one in _messages(message, written)]
    if request.tools:
        body["tools"] = [_tool(tool) for tool in request.tools]
    if request.tool_choice:
        body["tool_choice"] = _choice(request.tool_choice)
    if request.output_schema is not None:
        body["response_format"] = _format(request.output_schema)
    elif request.is_json:
        body["response_format"] = {"type": "json_object"}
    if request.seed is not None:
        body["seed"] = request.seed
    return written


def read(answer: Json) -> Answer:
    """Return the first choice of a chat completion."""
    choices = answer.get("choices") if isinstance(answer, Mapping) else None
    if not choices or not isinstance(choices[0], Mapping):
        raise not_of_this_protocol(PROTOCOL)
    said = choices[0].get("message")
    if not isinstance(said, Mapping):
        raise not_of_this_protocol(PROTOCOL)
    found = read_messages([{**said, "role": "assistant"}])
    finish = "refusal" if said.get("refusal") else str(choices[0].get("finish_reason") or "")
    return Answer(
        found[0],
        _usage(answer.get("usage")),
        "tool_calls" if finish == "function_call" else finish,
        model=str(answer.get("model") or ""),
        system_fingerprint=answer.get("system_fingerprint"),
        raw=answer,
    )


def _messages(message: Message, written: Written) -> Iterator[Json]:
    if message.role == "tool":
        for result in results_of(message):
            if result.is_error:
                written.note(TOOL_ERRORS)
            said = _plain_text(result.parts, "pictures in tool results")
            yield {"role": "tool", "tool_call_id": result.call_id, "content": said}
        return
    parts = spoken(message, written)
    calls = [part for part in parts if isinstance(part, ToolCall)]
    others = [part for part in parts if not isinstance(part, ToolCall)]
    if message.role == "assistant":
        yield _assistant(others, calls)
    elif others or not message.parts:
        yield {"role": message.role, "content": _content(others)}


def _assistant(said: Sequence[Text | Image], calls: Sequence[ToolCall]) -> Json:
    text = _plain_text(said, "pictures said by the model")
    spoken: dict[str, Json] = {"role": "assistant", "content": text or (None if calls else "")}
    if calls:
        spoken["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": arguments_text(call)},
            }
            for call in calls
        ]
    return spoken


def _plain_text(parts: Sequence[Text | Image], feature: str) -> str:
    if not all(isinstance(part, Text) for part in parts):
        raise UnsupportedError(feature, f"{PROTOCOL} takes text alone there")
    return "".join(part.text for part in parts if isinstance(part, Text))


def _content(parts: Sequence[Text | Image]) -> Json:
    if len(parts) == 1 and isinstance(parts[0], Text):
        return parts[0].text
    return [_part(part) for part in parts]


def _part(part: Text | Image) -> Json:
    if isinstance(part, Image):
        detail = {"detail": part.detail} if part.detail else {}
        return {"type": "image_url", "image_url": {"url": part.address, **detail}}
    return {"type": "text", "text": part.text}


def _tool(tool: Tool) -> Json:
    function = {"name": tool.name, "parameters": tool.schema}
    if tool.description:
        function["description"] = tool.description
    if tool.is_strict is not None:
        function["strict"] = tool.is_strict
    return {"type": "function", "function": function}


def _choice(choice: str) -> Json:
    if choice.startswith("tool:"):
        return {"type": "function", "function": {"name": choice.removeprefix("tool:")}}
    return choice


def _format(schema: OutputSchema) -> Json:
    told = {"name": schema.name, "schema": schema.schema, "strict": schema.is_strict}
    return {"type": "json_schema", "json_schema": told}


def _usage(usage: Json) -> Usage:
    return Usage(
        count(usage, "prompt_tokens"),
        count(usage, "completion_tokens"),
        count(usage, "prompt_tokens_details", "cached_tokens"),
        reasoning=count(usage, "completion_tokens_details", "reasoning_tokens"),
    )
