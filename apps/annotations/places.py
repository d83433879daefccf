"""Places in a recorded step: which text is meant, and which characters of it.

``input[2][0]`` is the first part of the third message of the input, as pages show it; so are
``output[0][0]`` and ``reasoning[0][0]``. ``input/query`` is a path to a text in what is no
message (RFC 6901, behind the name of the field); the field alone where it is a text itself.
Characters are counted as code points.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from apps.core.errors import InvalidError
from apps.sessions.messages import read_messages

Json = Any

PART = re.compile(r"(input|output|reasoning)\[([0-9]{1,6})\]\[([0-9]{1,6})\]")
PATH = re.compile(r"[a-z_]{1,40}(/[^/]{0,200}){0,40}")
LONGEST_PLACE = 1000
LONGEST_QUOTE = 2000
LARGEST_NUMBER = 2**31 - 1
ROLES = {"input": "user", "output": "assistant", "reasoning": "assistant"}


@dataclass(frozen=True, slots=True)
class Range:
    """Characters of one text of a step, and what they were when somebody chose them."""

    place: str
    start: int
    end: int
    # The beginning of it, to show where the text is not there any more.
    quote: str = ""
    digest: str = ""


def text_at(event: Mapping[str, Json], place: str) -> str | None:
    """Return the text at a place of a step; None where there is none."""
    if found := PART.fullmatch(place):
        field, message, part = found.groups()
        text = _part(event.get(field), ROLES[field], int(message), int(part))
    else:
        text = _at_path(event, place)
    # Browsers know no other ends of lines.
    return None if text is None else text.replace("\r\n", "\n").replace("\r", "\n")


def _part(value: Json, role: str, message: int, part: int) -> str | None:
    messages = read_messages(value, role) if value is not None else None
    if not messages or message >= len(messages) or part >= len(messages[message].parts):
        return None
    return messages[message].parts[part].text or None


def _at_path(event: Mapping[str, Json], place: str) -> str | None:
    if not PATH.fullmatch(place):
        return None
    value: Json = event
    for name in place.split("/"):
        key = name.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict):
            value = value.get(key)
        elif isinstance(value, list) and key.isascii() and key.isdigit() and len(key) < 8:
            value = value[int(key)] if int(key) < len(value) else None
        else:
            return None
    return value if isinstance(value, str) else None


def choose_range(event: Mapping[str, Json], wanted: Range) -> Range:
    """Return the range with what it holds now; refuse what is not there."""
    text = text_at(event, wanted.place) if len(wanted.place) <= LONGEST_PLACE else None
    if text is None:
        raise InvalidError("The step has no text at this place.", "range.place")
    if not 0 <= wanted.start < wanted.end <= len(text):
        message = f"start and end must be numbers with 0 <= start < end <= {len(text)}."
        raise InvalidError(message, "range.end")
    chosen = text[wanted.start : wanted.end]
    if wanted.quote and not chosen.startswith(wanted.quote[:LONGEST_QUOTE].replace("\r\n", "\n")):
        raise InvalidError("These characters hold another text than the quote.", "range.quote")
    return Range(wanted.place, wanted.start, wanted.end, chosen[:LONGEST_QUOTE], digest_of(chosen))


def is_there(event: Mapping[str, Json], chosen: Range) -> bool:
    """Tell whether the characters still hold what was chosen."""
    text = text_at(event, chosen.place)
    return text is not None and digest_of(text[chosen.start : chosen.end]) == chosen.digest


def digest_of(text: str) -> str:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
