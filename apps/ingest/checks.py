"""What every event must hold to, whichever way it came in."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import msgspec

from apps.core.body_limit import MIB
from apps.sessions.events import IncomingEvent, Json

MAX_EVENTS = 5_000
MAX_EVENT_BYTES = 6 * MIB
# Words that are looked up by index; longer ones do not fit a key of PostgreSQL.
MAX_WORD = 512
MAX_TAGS = 100
# Far beyond any call, and far below where sums of them would leave 64 bits.
MAX_TOKENS = 10**12
MAX_COST = Decimal(10**9)
EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
FUTURE = timedelta(hours=24)

WORDS = (
    "id session trace parent lane name model model_returned provider agent request_id response_id "
    "user user_role environment release"
).split()


PLACE = re.compile(r" - at `(?:key in )?\$\.?(?P<path>.*)`$", re.DOTALL)


class Refusal(ValueError):  # noqa: N818 - an answer to the sender, counted, not a fault
    """An event that is not taken, with the place and the reason for its sender."""

    def __init__(self, message: str, path: str = "", reason: str = "invalid") -> None:
        super().__init__(message)
        self.path = path
        self.reason = reason


def mistyped(error: msgspec.ValidationError) -> Refusal:
    """Return the decoder's complaint as a refusal, with the path in our notation."""
    text = str(error)
    place = PLACE.search(text)
    message = PLACE.sub("", text).replace("`", "'")
    path = place["path"] if place else ""
    if missing := re.fullmatch(r"Object missing required field '(\w+)'", message):
        name = missing[1]
        return Refusal("Required.", f"{path}.{name}" if path else name)
    return Refusal(f"{message}.", path)


def check_event(event: IncomingEvent, now: datetime) -> IncomingEvent:
    """Refuse what the record cannot hold; set right, and flag, what it can."""
    for name in WORDS:
        check_word(getattr(event, name), name)
    check_words(event.tags, "tags")
    check_words((event.stamps or {}).values(), "stamps")
    if event.error is not None:
        check_word(event.error.type, "error.type")
        check_word(event.error.code, "error.code")
    if event.prompt is not None:
        check_word(event.prompt.name, "prompt.name")
        check_word(str(event.prompt.version or ""), "prompt.version")
    _check_numbers(event)
    _settle_times(event, now)
    return event


def check_word(value: str | None, path: str) -> None:
    """Refuse a word that is too long to be looked up."""
    if value is not None and len(value) > MAX_WORD:
        raise Refusal(f"Longer than {MAX_WORD} characters.", path)


def check_words(values: Iterable[str] | None, path: str) -> None:
    """Refuse too many words, or one that is too long."""
    words = list(values or ())
    if len(words) > MAX_TAGS:
        raise Refusal(f"More than {MAX_TAGS} of them.", path)
    for index, word in enumerate(words):
        check_word(word, f"{path}[{index}]")


def check_bytes(size: int) -> None:
    """Refuse an event that is larger than the limit."""
    if size > MAX_EVENT_BYTES:
        raise Refusal(
            f"The event is larger than the limit of {MAX_EVENT_BYTES // MIB} MiB.",
            reason="too_large",
        )


def _check_numbers(event: IncomingEvent) -> None:
    cost = event.cost
    if cost is not None and not (cost.is_finite() and 0 <= cost <= MAX_COST):
        raise Refusal(f"Must be a number from 0 to {MAX_COST}.", "cost")
    usage = event.usage
    for name in usage.__struct_fields__ if usage is not None else ():
        tokens = getattr(usage, name)
        if tokens is not None and not 0 <= tokens <= MAX_TOKENS:
            raise Refusal(f"Must be from 0 to {MAX_TOKENS}.", f"usage.{name}")


def _settle_times(event: IncomingEvent, now: datetime) -> None:
    event.started_at = _settled(event, "started_at", event.started_at, now)
    event.ended_at = _settled(event, "ended_at", event.ended_at, now)
    if event.started_at and event.ended_at and event.ended_at < event.started_at:
        # How long it took is not known; a length of zero or less would be a lie.
        _keep_original(event, "ended_at", event.ended_at, "it lies before started_at")
        event.ended_at = None


def _settled(
    event: IncomingEvent, field: str, at: datetime | None, now: datetime
) -> datetime | None:
    if at is None:
        return None
    if at > now + FUTURE:
        _keep_original(event, field, at, "it lies more than 24 hours ahead of the server's clock")
        return now
    if at < EARLIEST:
        _keep_original(event, field, at, "it lies before 1990")
        return EARLIEST
    return in_utc(at)


def in_utc(at: datetime) -> datetime:
    """Return ``at`` in UTC; only for times that are not at the ends of the calendar."""
    return at if at.tzinfo is UTC else at.astimezone(UTC)


def _keep_original(event: IncomingEvent, field: str, at: datetime, reason: str) -> None:
    original = keep(event, "original", dict[str, Json])
    original[field] = at.isoformat()
    flag(event, field, f"The time could not be kept: {reason}.")


def keep(event: IncomingEvent, name: str, make: Callable[[], Json]) -> Json:
    """Return the entry ``name`` of what is kept beside the event, made if need be."""
    if event.extra is None:
        event.extra = {}
    return event.extra.setdefault(name, make())


def flag(event: IncomingEvent, field: str, reason: str) -> None:
    """Note on the event that something of it was set right on the way in."""
    event.flags = [*(event.flags or ()), {"field": field, "reason": reason}]
