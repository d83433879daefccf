"""The protocols of providers, as pure functions: a request to JSON, and JSON to an answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from apps.providers.choices import Dialect
from apps.providers.dialects import chat, messages, responses
from apps.providers.dialects.speaking import Written
from apps.providers.protocol import (
    Answer,
    Request,
    UnreadableAnswerError,
    UnsupportedError,
)

Json = Any


@dataclass(frozen=True, slots=True)
class Speech:
    """How one protocol is spoken."""

    write: Callable[..., Written]
    read: Callable[[Json], Answer]


SPEECH = {
    Dialect.CHAT: Speech(chat.write, chat.read),
    Dialect.RESPONSES: Speech(responses.write, responses.read),
    Dialect.MESSAGES: Speech(messages.write, messages.read),
}


def write(dialect: str, request: Request, *, is_first_party: bool) -> Written:
    """Return the body of a request, and what had to be said otherwise than it was asked.

    ``is_first_party`` is for OpenAI's own servers, which know newer names than those that
    speak like them.
    """
    return SPEECH[Dialect(dialect)].write(request, is_first_party=is_first_party)


def read(dialect: str, answer: Json) -> Answer:
    """Return the answer in a body; UnreadableAnswerError when it is not of this protocol."""
    try:
        return SPEECH[Dialect(dialect)].read(answer)
    except UnsupportedError as error:
        raise UnreadableAnswerError(f"The answer holds what cannot be read: {error}") from None
