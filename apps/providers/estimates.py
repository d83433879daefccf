"""The most tokens that a call can take, known before it is made."""

from __future__ import annotations

from dataclasses import replace

from apps.core.canonical import canonical_json
from apps.providers.protocol import Image, Part, Request, Text, Thought, ToolResult, Usage

# No tokenizer that works on bytes makes more tokens than there are bytes. What it takes to
# frame a message or a tool is a handful of tokens.
FRAME = 16
# The dearest way in which a provider counts one picture today.
IMAGE = 40_000
# Where nobody said how long an answer may be and money is short.
MOST_OUTPUT = 8192


def bounded(request: Request) -> Request:
    """Return the request with a longest answer, without which no cost is sure."""
    if request.most_output is not None:
        return request
    return replace(request, params={**request.params, "max_tokens": MOST_OUTPUT})


def bounded_note(request: Request) -> str:
    """Say that an answer was given a longest length."""
    return f"The answer was limited to {request.most_output} tokens, so that the budget holds."


def most_tokens(request: Request) -> Usage:
    """Return more tokens than the call can take."""
    said = sum(FRAME + sum(map(_most, message.parts)) for message in request.messages)
    beside = [[tool.name, tool.description, tool.schema] for tool in request.tools]
    if request.output_schema is not None:
        beside.append([request.output_schema.schema])
    tools = len(canonical_json(beside)) + FRAME * len(beside)
    return Usage(input=said + tools, output=request.most_output)


def _most(part: Part) -> int:
    match part:
        case Text(text) | Thought(text):
            return len(text.encode("utf-8", "surrogatepass")) + FRAME
        case Image():
            return IMAGE
        case ToolResult():
            return FRAME + len(part.call_id) + sum(map(_most, part.parts))
        case _:
            return FRAME + len(canonical_json([part.id, part.name, part.arguments]))
