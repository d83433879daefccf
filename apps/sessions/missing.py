"""Why content that one would expect of a step is not there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from apps.sessions.steps import Step

Json = Any

NOT_CAPTURED, REDACTED = "not captured", "redacted"
# Kinds of steps of which one expects to be told what went in and came out.
SPEAKING = frozenset({"llm", "tool", "http", "retriever", "embedding", "reranker"})
SIDES = ("input", "output")


class Missing(NamedTuple):
    """What is not there, and why."""

    what: str
    why: str
    # What was noted when it was taken out.
    note: str = ""
    policy: str = ""


def why_missing(step: Step, event: Mapping[str, Json]) -> list[Missing]:
    """Return what a step that is read whole does not say, each with the reason."""
    return [] if step.is_repeat else missing_of(step.kind, event)


def missing_of(kind: str, event: Mapping[str, Json]) -> list[Missing]:
    lost = [name for name in SIDES if event.get(name) is None]
    taken = [_taken(event, name) for name in lost]
    found = [one for one in taken if one is not None]
    if found or kind not in SPEAKING:
        return found
    if lost == list(SIDES):
        return [Missing("content", NOT_CAPTURED)]
    return []


def _taken(event: Mapping[str, Json], name: str) -> Missing | None:
    """Return why redaction left nothing of a field, None where it did not."""
    for flag in event.get("flags") or ():
        if flag.get("by") == "redaction" and flag.get("field") == name:
            return Missing(name, REDACTED, flag.get("reason", ""), flag.get("policy", ""))
    return None
