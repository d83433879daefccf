"""What OTLP says, whichever encoding it came in: ids in hex, times in nanoseconds."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from apps.core.errors import DomainError
from apps.ingest.checks import MAX_WORD, Refusal
from apps.ingest.text import MAX_KEY_LENGTH, MAX_KEYS

Json = Any
Attributes = dict[str, Json]

UNSET, OK, ERROR = 0, 1, 2
CLIENT = 3
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# What the calendar of Python ends with, in nanoseconds.
LAST_NANOSECOND = 253_402_300_799_000_000_000


class Scope(msgspec.Struct, frozen=True):
    """The library that made a span."""

    name: str = ""
    version: str = ""

    @property
    def named(self) -> tuple[str, str]:
        """Its name and version."""
        return self.name, self.version


class Resource(msgspec.Struct, frozen=True):
    """The process that a span comes from. One object for all of its spans."""

    attributes: Attributes = {}


class SpanEvent(msgspec.Struct):
    """Something that happened at one moment of a span."""

    name: str
    at: int
    attributes: Attributes


class RawSpan(msgspec.Struct, kw_only=True):
    """A span as it was sent. Nobody changes it after it is read."""

    index: int
    trace_id: str
    span_id: str
    parent_id: str | None = None
    name: str = ""
    kind: int = 0
    start: int = 0
    end: int = 0
    status: int = UNSET
    message: str = ""
    attributes: Attributes
    events: list[SpanEvent] = []
    links: list[dict[str, str]] = []
    resource: Resource = Resource()
    scope: Scope = Scope()
    # What its sender left out because of limits of its own.
    dropped: int = 0
    # True where NUL or broken surrogates were replaced in its text.
    is_cleaned: bool = False
    # True where one of its attributes came more than once.
    is_repeating: bool = False


class RawLog(msgspec.Struct, kw_only=True):
    """A log record as it was sent."""

    index: int
    trace_id: str | None
    span_id: str | None
    event_name: str = ""
    at: int = 0
    severity: str = ""
    body: Json = None
    attributes: Attributes
    resource: Resource = Resource()
    scope: Scope = Scope()
    is_cleaned: bool = False


def moment(nanoseconds: int) -> datetime | None:
    """Return the time; None for zero, which is how OTLP says that it is not known."""
    if nanoseconds <= 0:
        return None
    microseconds = min(nanoseconds, LAST_NANOSECOND) // 1000
    return EPOCH + timedelta(microseconds=microseconds)


def check_attributes(attributes: Attributes) -> None:
    """Refuse more or longer names than the limits."""
    if len(attributes) > MAX_KEYS:
        raise Refusal(f"More than {MAX_KEYS} attributes.", "attributes")
    if attributes and len(max(attributes, key=len)) > MAX_KEY_LENGTH:
        raise Refusal(f"A name longer than {MAX_KEY_LENGTH} characters.", "attributes")


def resource_of(read: Callable[[Json], Attributes], sent: Json) -> Resource:
    """Return the resource. One that cannot be read takes all of its spans with it."""
    try:
        return Resource(read(sent))
    except Refusal as refusal:
        raise DomainError(f"resource.{refusal.path}: {refusal}") from None


def check_id(hexadecimal: str, digits: int, path: str) -> str:
    """Return an id in lower case, or refuse it with the reason."""
    lowered = hexadecimal.lower()
    if len(lowered) != digits or not set(lowered) <= set("0123456789abcdef"):
        shown = hexadecimal[:40]
        raise Refusal(f"Must be {digits} hexadecimal digits, not {shown!r}.", path, "invalid_id")
    if lowered.strip("0") == "":
        raise Refusal("May not be all zeros.", path, "invalid_id")
    return lowered


def check_name(name: str) -> str:
    """Refuse a span name that is too long to be shown and looked up."""
    if len(name) > MAX_WORD:
        raise Refusal(f"Longer than {MAX_WORD} characters.", "name")
    return name
