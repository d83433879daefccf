"""Values that their senders quote as JSON: words, numbers, and the arguments of functions."""

from __future__ import annotations

from apps.ingest.conventions.attributes import Json, Reading, as_text
from apps.ingest.text import UnfitError, check_json, clean_json, read_json

# Longer ones are content, which ``Reading.value`` opens where it is an object or a list.
MAX_QUOTED = 1_000_000


def unquoted(value: Json) -> Json:
    """Return what a JSON text stands for, also a word or a number; other values as they are."""
    if not isinstance(value, str) or len(value) > MAX_QUOTED:
        return value
    try:
        found = read_json(value)
        check_json(found)
    except (UnfitError, ValueError):
        return value
    return clean_json(found)


def word(reading: Reading, *names: str) -> str | None:
    """Return the first of the attributes that is a word, quoted or not."""
    for name in names:
        found = as_text(unquoted(reading.attributes.get(name)))
        if found is not None:
            reading.used.add(name)
            return found
    return None


def said(reading: Reading, *names: str) -> Json:
    """Return the first of the attributes that is there: JSON, or text without its quotes."""
    for name in names:
        if reading.attributes.get(name) is not None:
            value = reading.opened(name)
            return unquoted(value) if is_quoted(value) else value
    return None


def is_quoted(value: Json) -> bool:
    """Whether a value is text in the quotes of JSON."""
    return isinstance(value, str) and len(value) > 1 and value[0] == value[-1] == '"'


def arguments(value: Json, kind: str | None) -> Json:
    """Return what a function was called with: named arguments alone, where it had no others.

    A single one without a name stands for itself, save with tools: what a tool was asked is
    looked for by its arguments.
    """
    if not isinstance(value, dict) or value.keys() != {"args", "kwargs"}:
        return value
    listed, named = value["args"], value["kwargs"]
    if not listed:
        return named
    is_alone = isinstance(listed, list) and len(listed) == 1 and not named
    return listed[0] if is_alone and kind != "tool" else value
