"""Which events' usage counts: what two layers of one client both report is counted once.

Calls nested in each other with the same response id, or without one the same model and
contained in time, are one call. Its outermost event with usage counts; those below it are
shown and not summed. Whether an event counts follows from the events above it alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from apps.sessions.rows import EventRow

# Their usage repeats that of the calls below them.
TOTALS = frozenset({"agent", "chain"})
LLM = "llm"

Find = Callable[[bytes], EventRow | None]


def recount(rows: Iterable[EventRow], find: Find) -> Iterator[EventRow]:
    """Set ``is_counted`` of the rows, parents being looked up by ``find``; yield the changed."""
    covered: dict[bytes, bool] = {}
    for row in rows:
        is_counted = _counts(row, find, covered)
        if is_counted != row.is_counted:
            row.is_counted = is_counted
            yield row


def _counts(row: EventRow, find: Find, covered: dict[bytes, bool]) -> bool:
    if row.kind in TOTALS:
        return not row.has_usage
    if row.kind != LLM or row.parent_id is None:
        return True
    _cover(row, find, covered)
    return not covered[row.id]


def _cover(row: EventRow, find: Find, covered: dict[bytes, bool]) -> None:
    """Note in ``covered`` whether a call around ``row`` has usage, and for all on the way up."""
    path: list[EventRow] = []
    places: dict[bytes, int] = {}
    at: EventRow | None = row
    while at is not None and at.id not in covered and at.id not in places:
        places[at.id] = len(path)
        path.append(at)
        at = _call_around(at, find)
    if at is not None and at.id in places:
        start = places[at.id]
        _cover_line(_opened(path[start:]), None, covered)
        path = path[:start]
    _cover_line(path, at, covered)


def _cover_line(path: list[EventRow], outer: EventRow | None, covered: dict[bytes, bool]) -> None:
    for row in reversed(path):
        covered[row.id] = outer is not None and (outer.has_usage or covered[outer.id])
        outer = row


def _opened(ring: list[EventRow]) -> list[EventRow]:
    """Cut a ring of calls that name each other as parents: the smallest id is outermost."""
    smallest = min(range(len(ring)), key=lambda at: ring[at].id)
    return ring[smallest + 1 :] + ring[: smallest + 1]


def _call_around(row: EventRow, find: Find) -> EventRow | None:
    parent = find(row.parent_id) if row.parent_id is not None else None
    if parent is None or parent.id == row.id or not is_inside(row, parent):
        return None
    return parent


def is_inside(inner: EventRow, outer: EventRow) -> bool:
    """Tell whether two nested events report the same call."""
    if inner.kind != LLM or outer.kind != LLM:
        return False
    if inner.response_id and outer.response_id:
        return inner.response_id == outer.response_id
    return _same_model(inner, outer) and _contained(inner, outer)


def _same_model(a: EventRow, b: EventRow) -> bool:
    models = {a.model, a.model_returned} & {b.model, b.model_returned}
    return bool(models - {None})


def _contained(inner: EventRow, outer: EventRow) -> bool:
    if inner.started_at is None or outer.started_at is None:
        return False
    if inner.ended_at is None or outer.ended_at is None:
        return False
    return outer.started_at <= inner.started_at and inner.ended_at <= outer.ended_at
