"""What the sessions of a comparison said last."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from apps.core.value_diff import Piece, text_change
from apps.sessions import reader
from apps.sessions.layout import Place
from apps.sessions.layout_cache import layout_of
from apps.sessions.messages import Message, read_messages
from apps.sessions.models import Session

Json = Any

# The last calls of a model in which the answer is looked for.
LAST_CALLS = 4


@dataclass(frozen=True, slots=True)
class Answer:
    """What a session said last."""

    place: Place
    messages: list[Message] | None
    value: Json


def answers_context(sides: Mapping[str, Session]) -> dict[str, Json]:
    """Return the last answers, and A's beside B's word by word."""
    answers = {letter: last_answer(session) for letter, session in sides.items()}
    left, right = text_of(answers["a"]), text_of(answers["b"])
    pieces: list[Piece] = []
    if left and right and left != right:
        pieces = text_change(left, right, "").pieces
    return {
        "answers": [(letter, sides[letter], said) for letter, said in answers.items()],
        "pieces": pieces,
        "is_same_answer": bool(left) and left == right,
    }


def last_answer(session: Session) -> Answer | None:
    """Return what a session said last: the last answer of a model, else of an agent."""
    layout = layout_of(session)
    count = len(layout)
    places = layout.last_of_kind("llm", count, LAST_CALLS)[::-1]
    places += layout.last_of_kind("agent", count, 1) + ([count - 1] if count else [])
    for step, event in reader.read_at(session, layout, list(dict.fromkeys(places)), content=True):
        output = event.get("output")
        if output is not None:
            messages = read_messages(output, "assistant")
            return Answer(layout.place(step.seq - 1), messages, output)
    return None


def text_of(answer: Answer | None) -> str:
    """Return the words of an answer."""
    if answer is None or answer.messages is None:
        return ""
    parts = (part for message in answer.messages for part in message.parts)
    return "\n".join(part.text for part in parts if part.kind == "text")
