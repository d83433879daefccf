"""What decisions chose, and what they did not: content, read for those that are drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from apps.sessions import reader
from apps.sessions.graph import Graph
from apps.sessions.keys import SessionCipher
from apps.sessions.models import Session

Json = Any

DECISION = "decision"
# Decisions that are read for one picture.
MOST_READ = 40
LONGEST = 200


@dataclass(frozen=True)
class Choice:
    """What a decision chose, and the alternatives that it names."""

    chosen: str | None
    alternatives: tuple[str, ...]


def choices_of(
    session: Session,
    graph: Graph,
    steps: Sequence[int],
    cipher: SessionCipher | None,
    *,
    most: int = MOST_READ,
) -> dict[int, Choice]:
    """Return the choices of the decisions among some steps, by index; the first of many.

    None without what opens them: what a decision chose, and what it did not, is content.
    """
    layout = graph.layout
    if cipher is None or DECISION not in layout.kinds.words:
        return {}
    number = layout.kinds.words.index(DECISION)
    decisions = [step for step in steps if layout.kinds.at[step] == number][:most]
    if not decisions:
        return {}
    read = reader.read_at(session, layout, decisions, content=True, cipher=cipher)
    told = zip(decisions, (event.get("decision") for _, event in read), strict=True)
    return {step: _choice(decision) for step, decision in told if isinstance(decision, dict)}


def _choice(decision: dict[str, Json]) -> Choice:
    chosen = _words(decision.get("chosen"))
    named = decision.get("alternatives")
    others = [_words(one) for one in named] if isinstance(named, list) else []
    return Choice(chosen, tuple(dict.fromkeys(one for one in others if one and one != chosen)))


def _words(value: Json) -> str | None:
    """Return an alternative as it is called: many say more of it than its name."""
    if isinstance(value, dict):
        value = next((value[name] for name in ("name", "label", "id") if name in value), None)
    return str(value)[:LONGEST] if isinstance(value, str | int | float) else None
