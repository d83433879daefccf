"""Checks of what people and programs send to the library: texts and JSON values."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence
from typing import Any

from apps.core.canonical import canonical_json
from apps.core.errors import InvalidError, LimitError

Json = Any

KIB = 1024
LONGEST_TEXT = 256 * KIB
DEEPEST = 40


def clean_words(text: str, path: str, longest: int) -> str:
    """Return what a person wrote about something, without white space around it."""
    text = clean_text(text, path, may_be_empty=True).strip()
    if len(text) > longest:
        raise InvalidError(f"{path} holds at most {longest:,} characters.", path)
    return text


def clean_text(text: Json, path: str, *, may_be_empty: bool = False) -> str:
    if not isinstance(text, str):
        raise InvalidError(f"{path} must be a text.", path)
    if len(text) > LONGEST_TEXT:
        raise too_large(path, LONGEST_TEXT)
    if "\x00" in text or any(unicodedata.category(sign) == "Cs" for sign in text):
        raise InvalidError(f"{path} holds a character that is none.", path)
    if not may_be_empty and not text.strip():
        raise InvalidError(f"{path} is empty.", path)
    return text.replace("\r\n", "\n").replace("\r", "\n")


def check_json(value: Json, path: str) -> None:
    """Refuse what JSON or PostgreSQL has no form for, and what is nested too deep."""
    level: Sequence[Json] = [value]
    for _ in range(DEEPEST):
        level = [inner for one in level for inner in _inside(one, path)]
        if not level:
            break
    else:
        raise InvalidError(f"{path} is nested deeper than {DEEPEST}.", path)
    try:
        canonical_json(value)
    except TypeError:
        raise InvalidError(
            f"{path} holds a number or text that JSON has no form for.", path
        ) from None


def _inside(value: Json, path: str) -> Sequence[Json]:
    if isinstance(value, str) and "\x00" in value:
        raise InvalidError(f"{path} holds a character that is none.", path)
    if isinstance(value, float) and not math.isfinite(value):
        raise InvalidError(f"{path} holds a number that JSON has no form for.", path)
    if isinstance(value, dict):
        return [*value.keys(), *value.values()]
    return value if isinstance(value, list) else ()


def check_size(value: Json, path: str, largest: int) -> None:
    if len(canonical_json(value)) > largest:
        raise too_large(path, largest)


def too_large(path: str, largest: int) -> LimitError:
    return LimitError(f"{path} holds at most {largest // KIB} KiB.")


def refusal(errors: list[dict[str, str]]) -> InvalidError:
    """Return one error that says what is wrong with several fields."""
    error = InvalidError(" ".join(row["message"] for row in errors[:3]), errors[0]["path"])
    error.errors = errors
    return error
