"""Reading the spans and log records of recorded events again, by the conventions of today."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from types import ModuleType

from apps.ingest.checks import Refusal
from apps.ingest.conventions.attributes import Fields, Reading, known
from apps.ingest.logs import event_of_logs
from apps.ingest.normalising import Read, normalise
from apps.ingest.otlp.spans import EPOCH, RawSpan
from apps.ingest.sent_logs import in_order, log_of
from apps.ingest.sent_spans import scope_again, span_of
from apps.ingest.trace_pass import relate
from apps.ingest.traces import checked_event
from apps.sessions.events import IncomingEvent
from apps.sessions.rereading import Recorded
from apps.sessions.sent import LOG, MESSAGE, SPAN, Sent, is_whole

# Times that lay ahead of the server's clock have the clock of then; no others did.
NEVER = datetime.max.replace(tzinfo=UTC) - timedelta(days=2)


def reread(
    recorded: Sequence[Recorded], conventions: Sequence[ModuleType]
) -> Iterator[IncomingEvent]:
    """Yield what was sent of the events of one trace, each version of an event by itself.

    An event of which something would not be taken today stays as it is.
    """
    made: defaultdict[str, list[IncomingEvent]] = defaultdict(list)
    for turn in range(max(len(_spans(one)) for one in recorded) or 1):
        for event in _related(recorded, turn, conventions):
            made[event.id].append(event)
    for one in recorded:
        made[one.row.client_id] += _of_records(one)
        versions = made[one.row.client_id]
        if _is_readable(one) and len(versions) == _expected(one):
            yield from versions


def _is_readable(one: Recorded) -> bool:
    """Whether reading it again can only tell more: nothing of what was read was dropped."""
    return bool(one.sent) and all(is_whole(sent) for sent in one.sent)


def _spans(one: Recorded) -> list[Sent]:
    if not _is_readable(one):
        return []
    return [sent for sent in one.sent if sent.entry["of"] == SPAN]


def _expected(one: Recorded) -> int:
    """Return how many versions an event has: single messages make one together."""
    kinds = [sent.entry["of"] for sent in one.sent]
    return len(kinds) - max(kinds.count(MESSAGE) - 1, 0)


def _related(
    recorded: Sequence[Recorded], turn: int, conventions: Sequence[ModuleType]
) -> Iterator[IncomingEvent]:
    """Yield one version of each span. The spans of a trace are told apart by their ids alone,
    so a second version of one has a turn of its own among all others.
    """
    read = [_read(one, turn, conventions) for one in recorded]
    relate(read)
    for one, span in zip(recorded, read, strict=True):
        if turn < len(versions := _spans(one)):
            try:
                event, _ = checked_event(span, _clock(versions[turn]))
            except Refusal:
                continue
            _note_clock_again(event, versions[turn])
            yield event


def _read(one: Recorded, turn: int, conventions: Sequence[ModuleType]) -> Read:
    versions = _spans(one)
    if not versions:
        return _of_others(one)
    sent = versions[min(turn, len(versions) - 1)]
    return normalise(span_of(sent, one.row.trace or "", one.row.client_id), Counter(), conventions)


def _of_others(one: Recorded) -> Read:
    """Return an event that is no span as the spans of its trace see it."""
    row = one.row
    span = RawSpan(
        index=0,
        trace_id=row.trace or "",
        span_id=row.client_id,
        parent_id=row.client_parent,
        start=_nanoseconds(row.started_at),
        end=_nanoseconds(row.ended_at),
        attributes={},
        scope=scope_again(one.body.get("extra", {}).get("scope")),
    )
    said: Fields = {name: one.body.get(name) for name in ("user", "tags")}
    said |= {"kind": row.kind, "model": row.model, "response_id": row.response_id}
    return Read(span, known(said), Reading(span), {})


def _nanoseconds(at: datetime | None) -> int:
    return 0 if at is None else (at - EPOCH) // timedelta(microseconds=1) * 1000


def _of_records(one: Recorded) -> list[IncomingEvent]:
    """Return what log records say of an event."""
    groups: list[list[Sent]] = [
        [sent] for sent in one.sent if sent.entry["of"] not in (SPAN, MESSAGE)
    ]
    if messages := in_order([sent for sent in one.sent if sent.entry["of"] == MESSAGE]):
        groups.append(messages)
    made = []
    for group in groups:
        span_id = one.row.client_parent if group[0].entry["of"] == LOG else one.row.client_id
        logs = [
            log_of(sent, one.row.trace or "", span_id, place) for place, sent in enumerate(group)
        ]
        try:
            event = event_of_logs(logs, _clock(group[0]))
        except Refusal:
            continue
        # That of a record is made of its bytes, which are not kept to the last space.
        event.id = one.row.client_id
        _note_clock_again(event, group[0])
        made.append(event)
    return made


def _clock(sent: Sent) -> datetime:
    received = sent.entry.get("received")
    return NEVER if received is None else datetime.fromisoformat(received)


def _note_clock_again(event: IncomingEvent, sent: Sent) -> None:
    for entry in event.sent or ():
        for name in ("received", "environment"):
            if name in sent.entry:
                entry[name] = sent.entry[name]
