"""Reading the things in a body of JSON one by one, each refused for itself."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import TypeVar

import msgspec

from apps.core.bodies import check_depth
from apps.core.canonical import canonical_json
from apps.core.errors import DomainError, LimitError
from apps.ingest.checks import (
    MAX_EVENTS,
    Refusal,
    check_bytes,
    check_event,
    flag,
    mistyped,
)
from apps.ingest.native import Unread, bytes_of
from apps.ingest.text import UnfitError, check_json, clean_json, may_need_cleaning, read_json
from apps.sessions.events import IncomingEvent, Json

Fields = dict[str, Json]
T = TypeVar("T", bound=msgspec.Struct)


def read_whole(body: bytes) -> Json:
    """Return the JSON of a body, its parts unchecked."""
    check_depth(body)
    try:
        return read_json(body)
    except UnicodeDecodeError:
        raise DomainError("The body is not UTF-8.") from None
    except ValueError as error:
        raise DomainError(f"The body is not JSON: {error}.") from None


def check_count(things: list[Json]) -> None:
    """Refuse a request with more in it than the limit."""
    if len(things) > MAX_EVENTS:
        raise LimitError(f"More than the limit of {MAX_EVENTS} events in one request.")


def fit(fields: Json) -> Unread:
    """Return what was sent, fit to keep, with its bytes; refuse what cannot be kept."""
    if not isinstance(fields, dict):
        raise Refusal("Must be a JSON object.")
    try:
        check_json(fields)
    except UnfitError as error:
        raise Refusal(str(error), error.path) from None
    raw = bytes_of(fields)
    check_bytes(len(raw))
    return Unread(clean_json(fields) if may_need_cleaning(raw) else fields, raw)


def typed(fields: Fields, shape: type[T]) -> T:
    """Return the fields as a struct, or refuse the first that has a wrong type."""
    try:
        return msgspec.convert(fields, shape)
    except msgspec.ValidationError as error:
        raise mistyped(error) from None


def unknown(fields: Fields, shape: type[msgspec.Struct]) -> Fields:
    """Return the fields that the struct does not have, to be kept beside the event."""
    known = {field.encode_name for field in msgspec.structs.fields(shape)}
    return {name: value for name, value in fields.items() if name not in known}


def settled(event: IncomingEvent, unread: Unread, sent: Json, now: datetime) -> IncomingEvent:
    """Return the event, checked, with a note where text was made fit."""
    if unread.fields != sent:
        flag(event, "", "NUL or broken surrogates in its text were replaced by U+FFFD.")
    return check_event(event, now)


def named(given: str | None, fields: Fields) -> str:
    """Return the id, or one that the same thing gets again when it is sent again."""
    return given or hashlib.blake2b(canonical_json(fields), digest_size=16).hexdigest()


def mapping(value: Json) -> Fields | None:
    """Return metadata as an object, whatever the sender gave."""
    if value is None or isinstance(value, dict):
        return value or None
    return {"metadata": value}
