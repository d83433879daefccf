"""Making JSON fit to keep: whole numbers of 64 bits, and text that any database takes."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from typing import Any

import msgspec

from apps.core.bodies import MAX_DEPTH, check_depth
from apps.core.errors import DomainError

Json = Any

MAX_WHOLE = 2**63 - 1
MIN_WHOLE = -(2**63)
MAX_KEYS = 10_000
MAX_KEY_LENGTH = 256
REPLACEMENT = "\ufffd"
# NUL, and halves of surrogate pairs that stand alone: PostgreSQL takes neither.
ESCAPED = re.compile(rb"\\u(?:0000|[dD])")
UNFIT = re.compile("[\x00\ud800-\udfff]")

_decode = msgspec.json.Decoder().decode


class UnfitError(ValueError):
    """A JSON value that cannot be kept; ``path`` says where it is."""

    def __init__(self, message: str, path: str = "") -> None:
        super().__init__(message)
        self.path = path


class Unreadable:
    """Stands where a number was that has no JSON form, until its place can be named."""

    def __init__(self, message: str) -> None:
        self.message = message


def read_json(body: bytes | str) -> Json:
    """Return the JSON in ``body``; numbers that cannot be kept are ``Unreadable``.

    The fast decoder refuses what the standard one lets through (NaN, lone surrogates,
    endless integers), so that one refers to the other only for the rare body.
    Raises ValueError where the text is no JSON at all.
    """
    try:
        return _decode(body)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return _read_json_loosely(body)


def _read_json_loosely(body: bytes | str) -> Json:
    try:
        return json.loads(
            body,
            parse_constant=parse_constant,
            parse_int=parse_whole_number,
            parse_float=parse_fraction,
        )
    except RecursionError:
        raise ValueError(f"nested deeper than the limit of {MAX_DEPTH}") from None


def parse_constant(name: str) -> Unreadable:
    """Note NaN and infinities, which JSON does not have."""
    return Unreadable(f"{name} is not a JSON number.")


def parse_whole_number(digits: str) -> int | Unreadable:
    """Return a whole number, or the note that it is endless."""
    if len(digits) > 20:
        return Unreadable(f"A whole number of {len(digits)} digits is beyond 64 bits.")
    return int(digits)


def parse_fraction(digits: str) -> float | Unreadable:
    """Return a number, or the note that it is too large."""
    number = float(digits)
    return number if math.isfinite(number) else Unreadable("This number is beyond 64 bits.")


def check_json(value: Json) -> int:
    """Raise UnfitError, naming the place, unless ``value`` may be kept; return how many keys."""
    keys = _keys_if_fit(value)
    if keys is None or keys > MAX_KEYS:
        _find_unfit(value, "")
        raise UnfitError(f"There are more than {MAX_KEYS} keys.")
    return keys


def repeated_key(body: bytes, keys: int) -> str | None:
    """Return a key that stands twice in an object of ``body``, which was read as ``keys`` keys.

    Decoders keep the last one and say nothing; what was lost must be told.
    """
    written = body.count(b'":') + body.count(b'" :') - body.count(b'\\":')
    if written <= keys:
        return None
    found: list[str] = []

    def note(pairs: list[tuple[str, Json]]) -> None:
        names = Counter(name for name, _ in pairs)
        found.extend(name for name, times in names.items() if times > 1)

    json.loads(body, object_pairs_hook=note, parse_int=str)
    return found[0] if found else None


def _keys_if_fit(value: Json) -> int | None:
    keys = 0
    waiting = [value]
    while waiting:
        here = waiting.pop()
        if type(here) is dict:
            keys += len(here)
            if here and len(max(here, key=len)) > MAX_KEY_LENGTH:
                return None
            waiting.extend(here.values())
        elif type(here) is list:
            waiting.extend(here)
        elif type(here) is Unreadable or (type(here) is int and not _is_64_bit(here)):
            return None
    return keys


def _is_64_bit(number: int) -> bool:
    return MIN_WHOLE <= number <= MAX_WHOLE


def _find_unfit(value: Json, path: str) -> None:
    if isinstance(value, dict):
        for key, inner in value.items():
            if len(key) > MAX_KEY_LENGTH:
                raise UnfitError(f"A key is longer than {MAX_KEY_LENGTH} characters.", path)
            _find_unfit(inner, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            _find_unfit(inner, f"{path}[{index}]")
    elif isinstance(value, Unreadable):
        raise UnfitError(value.message, path)
    elif isinstance(value, int) and not _is_64_bit(value):
        raise UnfitError("A whole number must be within 64 bits (at most 2^63-1).", path)


def may_need_cleaning(body: bytes) -> bool:
    """Whether JSON text may hold NUL or lone surrogates; both can only come as escapes."""
    return b"\\u" in body and ESCAPED.search(body) is not None


def clean_text(text: str) -> str:
    """Return ``text`` with NUL and lone surrogates replaced by U+FFFD."""
    return UNFIT.sub(REPLACEMENT, text)


def clean_json(value: Json) -> Json:
    """Return ``value`` with all its text cleaned, keys included."""
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, dict):
        return {clean_text(key): clean_json(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [clean_json(inner) for inner in value]
    return value


def json_in_text(text: str) -> Json:
    """Return the object or list that ``text`` holds as JSON, else the text itself.

    Attributes carry JSON in a string, at times quoted twice, at times cut in the middle by
    a limit of the sender: what cannot be read whole stays text.
    """
    opened = _object_or_list(text)
    if isinstance(opened, str) and opened[:1] in ("{", "["):
        opened = _object_or_list(opened)
    return text if opened is None or isinstance(opened, str) else opened


def _object_or_list(text: str) -> Json:
    if text[:1] not in ("{", "[", '"') and text.lstrip()[:1] not in ("{", "["):
        return None
    body = text.encode("utf-8", "replace")
    try:
        check_depth(body)
        value = read_json(body)
        check_json(value)
    except (ValueError, DomainError):
        return None
    return clean_json(value) if may_need_cleaning(body) else value
