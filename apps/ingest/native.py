"""The native API's events: the shape that Playhead's own clients send.

Each event stands for itself: what is wrong with one is said about that one, with its
index and the path of the field, and the others go in.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, UnsetType

from apps.core.bodies import check_depth
from apps.core.errors import DomainError, InvalidError, LimitError
from apps.ingest.batch import Batch, Rejection
from apps.ingest.checks import MAX_EVENTS, Refusal, check_bytes, check_event, flag, mistyped
from apps.ingest.text import (
    UnfitError,
    check_json,
    clean_json,
    clean_text,
    may_need_cleaning,
    read_json,
    repeated_key,
)
from apps.sessions.events import (
    KINDS,
    ErrorInfo,
    IncomingEvent,
    Json,
    Outcome,
    PromptStamp,
    Usage,
)

Kind = Annotated[str, msgspec.Meta(extra_json_schema={"enum": KINDS})]
Word = Annotated[str, msgspec.Meta(min_length=1)]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]
Fields = dict[str, Json]


class NativeEvent(msgspec.Struct, kw_only=True):
    """One event as a client sends it. Fields that are not here are kept in ``extra``."""

    id: Word
    session: Word | None
    kind: Kind
    started_at: Moment | None
    trace: Word | None = None
    parent: Word | None = None
    lane: str | None = None
    name: str | None = None
    ended_at: Moment | None = None
    status: Literal["ok", "error"] | None = None
    error: ErrorInfo | None = None
    input: Json = None
    output: Json = None
    model: str | None = None
    model_returned: str | None = None
    provider: str | None = None
    params: Fields | None = None
    tools: list[Json] | None = None
    usage: Usage | None = None
    cost: Decimal | None = None
    time_to_first_token_ms: Annotated[float, msgspec.Meta(ge=0)] | None = None
    response_id: str | None = None
    prompt: PromptStamp | None = None
    stamps: dict[str, str | None] | None = None
    agent: str | None = None
    effects: Literal["none", "read", "write", "external"] | None = None
    decision: Fields | None = None
    state_patch: list[Fields] | None = None
    state: Json = None
    code_change: Fields | None = None
    inputs: list[str] | None = None
    confidence: float | None = None
    reasoning: str | None = None
    request_id: str | None = None
    memory: Fields | None = None
    outcome: Outcome | None = None
    user: str | None = None
    user_role: str | None = None
    environment: str | None = None
    release: str | None = None
    tags: list[str] | None = None
    metadata: Fields | None = None
    consent: Fields | None = None
    replay: Fields | None = None
    schema: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 1
    ends_session: bool | None = None
    finished: bool | None = None
    extra: Fields | None = None


class Envelope(msgspec.Struct):
    """The body of a request, its events still unread."""

    events: list[msgspec.Raw] | UnsetType = UNSET


FIELDS = frozenset(NativeEvent.__struct_fields__)
# Fields that the record has under the same name, and takes as they are.
SAME = (FIELDS & frozenset(IncomingEvent.__struct_fields__)) - {"stamps", "ends_session", "extra"}
NESTED: dict[str, frozenset[str]] = {
    "error": frozenset(ErrorInfo.__struct_fields__),
    "usage": frozenset(Usage.__struct_fields__),
    "prompt": frozenset(PromptStamp.__struct_fields__),
    "outcome": frozenset(Outcome.__struct_fields__),
}
PATCH_OPERATIONS = frozenset({"add", "remove", "replace", "move", "copy", "test"})

_read_envelope = msgspec.json.Decoder(Envelope).decode


@dataclass(frozen=True, slots=True)
class Unread:
    """One event before it is read: its fields, and the bytes where they are known."""

    fields: Json
    raw: bytes
    message: str = ""


def read_events(body: bytes, now: datetime) -> Batch:
    """Return the events in ``body``, those refused, and what was not understood."""
    check_depth(body)
    unread = _split(body)
    if len(unread) > MAX_EVENTS:
        raise LimitError(f"More than the limit of {MAX_EVENTS} events in one request.")
    batch = Batch(source="events", sent=len(unread))
    for index, one in enumerate(unread):
        try:
            batch.add(read_event(one, index, now, batch.unmapped), index)
        except Refusal as refusal:
            batch.refuse(Rejection.of(index, refusal), one.raw)
    return batch


def read_event(
    unread: Unread, index: int, now: datetime, unmapped: Counter[str], *, is_import: bool = False
) -> IncomingEvent:
    """Return one event, or raise Refusal. Names of unknown fields are added to ``unmapped``.

    An import may leave the session and the start unknown, which a live client must tell.
    """
    if unread.message:
        raise Refusal(unread.message)
    check_bytes(len(unread.raw))
    fields = unread.fields
    try:
        keys = check_json(fields)
    except UnfitError as error:
        raise Refusal(str(error), error.path) from None
    is_cleaned = may_need_cleaning(unread.raw)
    if is_cleaned:
        fields = clean_json(fields)
    event = _event(_typed(fields, is_import), fields, index, unmapped)
    if is_cleaned and fields != unread.fields:
        flag(event, "", "NUL or broken surrogates in its text were replaced by U+FFFD.")
    if (name := repeated_key(unread.raw, keys)) is not None:
        flag(event, clean_text(name), "This key came more than once; the last one was kept.")
    return check_event(event, now)


def read_line(line: bytes) -> Unread:
    """Return the event that stands alone in ``line``."""
    try:
        return Unread(read_json(line), line)
    except ValueError as error:
        return Unread(None, line, f"This is not JSON: {error}.")


def _split(body: bytes) -> list[Unread]:
    """Return the events of a request unread, each with its own bytes where possible."""
    try:
        envelope = _read_envelope(body)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return _split_loosely(body)
    if envelope.events is UNSET:
        raise _no_events()
    return [read_line(bytes(raw)) for raw in envelope.events]


def _split_loosely(body: bytes) -> list[Unread]:
    """Split a body that strict decoders refuse because of something inside of one event."""
    try:
        envelope = read_json(body)
    except UnicodeDecodeError:
        raise DomainError("The body is not UTF-8.") from None
    except ValueError as error:
        raise DomainError(f"The body is not JSON: {error}.") from None
    events = envelope.get("events") if isinstance(envelope, dict) else None
    if not isinstance(events, list):
        raise _no_events()
    return [Unread(fields, bytes_of(fields)) for fields in events]


def bytes_of(fields: Json) -> bytes:
    """Return about the bytes that came in, for the checks that look at them."""
    return json.dumps(fields, default=str).encode()


def _no_events() -> InvalidError:
    return InvalidError('The body must be {"events": [...]}, a list of events.', "events")


def _typed(fields: Json, is_import: bool) -> NativeEvent:
    if not isinstance(fields, dict):
        raise Refusal("An event must be a JSON object.")
    if is_import:
        fields = {"session": None, "started_at": None} | fields
    try:
        native = msgspec.convert(fields, NativeEvent)
    except msgspec.ValidationError as error:
        raise mistyped(error) from None
    if not is_import and (native.session is None or native.started_at is None):
        path = "session" if native.session is None else "started_at"
        raise Refusal("Required; it may not be null.", path)
    if native.kind not in KINDS:
        raise Refusal(f"Must be one of {' '.join(KINDS)}.", "kind")
    _check_patch(native.state_patch or [])
    return native


def _check_patch(operations: list[Fields]) -> None:
    for index, operation in enumerate(operations):
        if operation.get("op") not in PATCH_OPERATIONS:
            known = " ".join(sorted(PATCH_OPERATIONS))
            raise Refusal(f"Must be one of {known} (RFC 6902).", f"state_patch[{index}].op")
        if not isinstance(operation.get("path"), str):
            raise Refusal("Must be a JSON Pointer (RFC 6901).", f"state_patch[{index}].path")


def _event(
    native: NativeEvent, fields: Fields, index: int, unmapped: Counter[str]
) -> IncomingEvent:
    stamps = {name: text for name, text in (native.stamps or {}).items() if text is not None}
    same = {name: getattr(native, name) for name in SAME}
    same["release"] = native.release or stamps.get("release")
    unknown = _unknown(fields)
    unmapped.update(unknown.keys())
    return IncomingEvent(
        **same,
        stamps=stamps or None,
        ends_session=bool(native.ends_session or native.finished),
        extra={**(native.extra or {}), **unknown} or None,
        position=index,
    )


def _unknown(fields: Fields) -> Fields:
    unknown = {name: value for name, value in fields.items() if name not in FIELDS}
    for name, known in NESTED.items():
        inner = fields.get(name)
        if inner and not inner.keys() <= known:
            unknown |= {f"{name}.{key}": inner[key] for key in inner.keys() - known}
    return unknown
