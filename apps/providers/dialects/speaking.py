"""What the dialects have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from apps.providers.protocol import (
    Image,
    Message,
    Request,
    Text,
    Thought,
    ToolCall,
    ToolResult,
    UnreadableAnswerError,
    UnsupportedError,
)

Json = Any

THOUGHTS = "What the model thought before was left out: this protocol does not take it back."
TOOL_ERRORS = "This protocol does not tell failed tool results from others; their text went along."
NO_SEED = "The seed was left out: this protocol has none."


@dataclass(slots=True)
class Written:
    """The body of a request; notes say what was left out."""

    body: dict[str, Json]
    notes: list[str] = field(default_factory=list)

    def note(self, said: str) -> None:
        if said not in self.notes:
            self.notes.append(said)


def known_params(
    request: Request, known: Mapping[str, str], *, protocol: str, more: bool = False
) -> tuple[dict[str, Json], dict[str, Json]]:
    """Return the parameters under the protocol's names, and those it does not know.

    Without ``more`` an unknown one is an UnsupportedError.
    """
    named = {known[name]: value for name, value in request.params.items() if name in known}
    others = {name: value for name, value in request.params.items() if name not in known}
    if others and not more:
        name = sorted(others)[0]
        raise UnsupportedError(name, f"{protocol} has no parameter {name}")
    return named, others


def arguments_text(call: ToolCall) -> str:
    """Return a call's arguments as the text that OpenAI's protocols want."""
    said = call.arguments
    return said if isinstance(said, str) else orjson.dumps(said).decode()


def spoken(message: Message, written: Written) -> list[Text | Image | ToolCall]:
    """Return the parts of a message without thoughts; that some were left out is noted."""
    found: list[Text | Image | ToolCall] = []
    for part in message.parts:
        if isinstance(part, Thought):
            written.note(THOUGHTS)
        elif isinstance(part, ToolResult):
            raise UnsupportedError("tool results", "A tool's result stands in a message of another")
        else:
            found.append(part)
    return found


def results_of(message: Message) -> Sequence[ToolResult]:
    """Return the results of tools in a tool's message, which holds nothing else."""
    results = [part for part in message.parts if isinstance(part, ToolResult)]
    if len(results) != len(message.parts):
        raise UnsupportedError("tool results", "A tool's message holds what no call asked for")
    return results


def not_of_this_protocol(protocol: str) -> UnreadableAnswerError:
    return UnreadableAnswerError(
        f"What came back is no answer of {protocol}. Check the base URL and the protocol."
    )


def count(usage: Json, *names: str) -> int | None:
    """Return a number of tokens from nested objects; None when it was not told."""
    for name in names:
        usage = usage.get(name) if isinstance(usage, Mapping) else None
    return usage if isinstance(usage, int) and not isinstance(usage, bool) else None
