"""Two versions of one event become one. Pure, and the same in any order and grouping.

Earliest start, latest end, error beats ok, null never erases. Where two versions disagree
otherwise, the one with the later end wins, then the larger value. A value keeps the end of
the version that it came from (``field_ends``): with the merged end alone, the outcome of
three versions would depend on which two met first. What was sent is kept of all versions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from apps.core.canonical import canonical_json
from apps.sessions.rows import COLUMNS, EventRow
from apps.sessions.sent import united

Json = Any
# (is not null, end of its version, its bytes), and the value itself.
Ranked = tuple[tuple[bool, int, bytes], Any]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
NO_END = -(2**63)

# Columns with a rule of their own, or that follow from others.
_RULED = {
    "id",
    "client_id",
    "trace",
    "parent_id",
    "started_at",
    "ended_at",
    "order_at",
    "position",
    "status",
    "cost",
    "is_cost_sent",
    "is_counted",
    "ends_session",
    "schema",
    "stamps",
    "field_ends",
    "extra_digest",
    "digest",
}
PLAIN = [name for name, _ in COLUMNS if name not in _RULED]
# Fields of the body whose keys are merged one by one.
BY_KEY = frozenset(
    {
        "params",
        "decision",
        "code_change",
        "memory",
        "metadata",
        "consent",
        "replay",
        "extra",
        "error",
        "prompt",
        "outcome",
    }
)
COST, STAMPS, BODY = "cost", "stamps.", "+"


def merge(
    a: EventRow, a_body: Mapping[str, Json], b: EventRow, b_body: Mapping[str, Json]
) -> tuple[EventRow, dict[str, Json]]:
    """Return the row and body that two versions of an event make together.

    Derived columns (order, price, digests) are the caller's to set again.
    """
    winners = _fields(a, a_body)
    for path, ranked in _fields(b, b_body).items():
        if path not in winners or ranked[0] > winners[path][0]:
            winners[path] = ranked
    row = msgspec.structs.replace(
        a,
        started_at=_least(a.started_at, b.started_at),
        ended_at=_most(a.ended_at, b.ended_at),
        order_at=_least(a.started_at, b.started_at) or a.order_at,
        position=min(a.position, b.position),
        status="error" if "error" in (a.status, b.status) else a.status or b.status,
        ends_session=a.ends_session or b.ends_session,
        schema=max(a.schema, b.schema),
    )
    _set_fields(row, winners)
    row.parent_id = a.parent_id if row.client_parent == a.client_parent else b.parent_id
    body = _body(winners)
    if entries := united((a, a_body), (b, b_body), (row, body)):
        body["sent"] = entries
    return row, body


def _least(a: datetime | None, b: datetime | None) -> datetime | None:
    return min(a, b) if a and b else a or b


def _most(a: datetime | None, b: datetime | None) -> datetime | None:
    return max(a, b) if a and b else a or b


def end_of(row: EventRow) -> int:
    """Return a row's end in microseconds; an unknown one is before all others."""
    return NO_END if row.ended_at is None else (row.ended_at - _EPOCH) // _MICROSECOND


def _fields(row: EventRow, body: Mapping[str, Json]) -> dict[str, Ranked]:
    default = end_of(row)
    ends = row.field_ends or {}
    fields: dict[str, Ranked] = {}
    for path, value in _values(row, body):
        end = ends.get(path, default)
        rank = (value is not None, NO_END if end is None else end, _bytes(value))
        fields[path] = (rank, value)
    return fields


def _values(row: EventRow, body: Mapping[str, Json]) -> Iterator[tuple[str, Any]]:
    for name in PLAIN:
        value = getattr(row, name)
        if value is not None:
            yield name, value
    if row.is_cost_sent:
        yield COST, row.cost
    if row.stamps is not None:
        yield from _by_key("stamps", row.stamps)
    for name, value in body.items():
        if name in BY_KEY:
            yield from _by_key(BODY + name, value)
        elif name != "sent":
            yield BODY + name, value


def _by_key(name: str, value: Mapping[str, Json]) -> Iterator[tuple[str, Any]]:
    # The mapping itself, so that an empty one is not lost.
    yield name, {}
    for key, inner in value.items():
        yield f"{name}.{key}", inner


def _bytes(value: Any) -> bytes:
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode()
    return canonical_json(value) if isinstance(value, int | float | dict | list) else b"%a" % value


def _set_fields(row: EventRow, winners: Mapping[str, Ranked]) -> None:
    for name in PLAIN:
        setattr(row, name, winners[name][1] if name in winners else None)
    row.cost = winners[COST][1] if COST in winners else None
    row.is_cost_sent = COST in winners
    row.stamps = _gathered("stamps", winners)
    default = end_of(row)
    # Bodies' digests are taken anew, so they follow from the fields.
    odd = {path: rank[1] for path, (rank, _) in winners.items() if rank[1] != default}
    row.field_ends = {path: None if end == NO_END else end for path, end in odd.items()} or None


def _gathered(name: str, winners: Mapping[str, Ranked]) -> dict[str, Json] | None:
    if name not in winners:
        return None
    start = name + "."
    return {
        path[len(start) :]: value for path, (_, value) in winners.items() if path.startswith(start)
    }


def _body(winners: Mapping[str, Ranked]) -> dict[str, Json]:
    body: dict[str, Json] = {}
    for path, (_, value) in winners.items():
        if not path.startswith(BODY):
            continue
        name, dot, key = path[len(BODY) :].partition(".")
        if dot:
            body.setdefault(name, {})[key] = value
        else:
            body.setdefault(name, {} if name in BY_KEY else value)
    return body
