"""Which conventions there are, and what one span says by them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType

from apps.ingest.conventions import (
    genai,
    generic,
    langchain,
    langfuse,
    mcp,
    mlflow,
    openai_agents,
    openinference,
    openllmetry,
    pydantic_ai,
)
from apps.ingest.conventions.attributes import Attributes, Fields, Reading
from apps.ingest.otlp.spans import RawSpan

# The first that matches speaks; those after it fill the gaps.
CONVENTIONS: tuple[ModuleType, ...] = (
    langfuse,
    mcp,
    pydantic_ai,
    openai_agents,
    langchain,
    openinference,
    genai,
    openllmetry,
    mlflow,
    generic,
)
KEPT = tuple(prefix for convention in CONVENTIONS for prefix in convention.KEPT)
# {beginning of flattened names: (path of the field that holds the list, its shape)}
FLAT: dict[str, tuple[str, str]] = {
    start: told
    for convention in CONVENTIONS
    for start, told in getattr(convention, "FLAT", {}).items()
}


@dataclass(slots=True)
class Read:
    """A span and the fields that its conventions found."""

    span: RawSpan
    fields: Fields
    # How it was read; ``kept`` is what no convention used.
    reading: Reading
    kept: Attributes


def normalise(
    span: RawSpan, unmapped: Counter[str], conventions: Sequence[ModuleType] = CONVENTIONS
) -> Read:
    """Return the fields of a span by the conventions that match it, in their order."""
    reading = Reading(span)
    fields: Fields = {}
    for convention in conventions:
        if convention.matches(span):
            fields = convention.normalise(reading) | fields
            reading.settled.update(fields)
    kept = {name: reading.value(name) for name in span.attributes.keys() - reading.used}
    unmapped.update(name for name in kept if not is_kept(name))
    return Read(span, fields, reading, kept)


def is_kept(name: str) -> bool:
    """Whether an attribute is known to be of no use to an event; it is kept, and not told."""
    return name.startswith(KEPT)
