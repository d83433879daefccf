"""Keyset paging: a page starts after a key, so its cost does not grow with its depth."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import orjson

from apps.core.errors import InvalidError

T = TypeVar("T")

DEFAULT_LIMIT = 50
MAX_LIMIT = 500


@dataclass(frozen=True)
class Page(Generic[T]):
    """Rows in order, with the cursors of the pages around them."""

    rows: list[T]
    next: str | None = None
    previous: str | None = None

    def __iter__(self) -> Any:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)


def encode_cursor(*key: Any) -> str:
    """Return an opaque word for a row's sort key."""
    return base64.urlsafe_b64encode(orjson.dumps(key)).decode().rstrip("=")


def decode_cursor(cursor: str, length: int) -> list[Any]:
    """Return the sort key in ``cursor``; anything that we did not make is refused."""
    try:
        key = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, binascii.Error):
        key = None
    if not isinstance(key, list) or len(key) != length:
        raise InvalidError("This cursor is not one that Playhead gave out.", "cursor")
    return key


def decode_position(cursor: str) -> int:
    """Return the row id in a cursor of one, for lists in the order of ids."""
    [position] = decode_cursor(cursor, 1)
    if type(position) is not int or not 0 < position < 2**63:
        raise InvalidError("This cursor is not one that Playhead gave out.", "cursor")
    return position


def read_limit(text: str | None) -> int:
    """Return the page size asked for, between 1 and 500."""
    if text is None:
        return DEFAULT_LIMIT
    # The length first: a long number would cost time to read, and cut short it would lie.
    is_number = len(text) <= 9 and text.isascii() and text.isdigit()
    if not is_number or not 1 <= int(text) <= MAX_LIMIT:
        raise InvalidError(f"limit must be a whole number from 1 to {MAX_LIMIT}.", "limit")
    return int(text)
