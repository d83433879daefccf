"""Which events count: what two layers of one client both report is counted once.

Calls of models nested in each other with the same response id, or without one the same model
and contained in time, are one call. So are such that lie beside each other with the same
response id, one contained in the other's time: where an answer is streamed, instrumentations
end their context early. The outermost event with usage counts; the others are shown and not
summed. A tool's call that was passed on (to a server that has the tool) lies inside of the
call that was made, and is no second one. Whether an event counts follows from the events
above and beside it alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from apps.sessions.rows import EventRow

# Their usage repeats that of the calls below them.
TOTALS = frozenset({"agent", "chain"})
LLM = "llm"
TOOL = "tool"
REPORTED = frozenset({LLM, TOOL})
# What the name of a call that was passed on has before the tool's.
PASSED_ON = "tools/call "

Find = Callable[[bytes], EventRow | None]
# Calls by their parent and the answer that they report.
Answers = Mapping[tuple[bytes, str], Sequence[EventRow]]


class Neighbours:
    """The events around and beside an event."""

    def __init__(self, rows: Mapping[bytes, EventRow]) -> None:
        self.find: Find = rows.get
        self.answers: Answers = by_answer(rows.values())


def by_answer(rows: Iterable[EventRow]) -> Answers:
    """Return the calls that lie beside each other with the same answer."""
    found: defaultdict[tuple[bytes, str], list[EventRow]] = defaultdict(list)
    for row in rows:
        if row.kind == LLM and row.parent_id is not None and row.response_id:
            found[row.parent_id, row.response_id].append(row)
    return found


def recount(rows: Iterable[EventRow], near: Neighbours) -> Iterator[EventRow]:
    """Set ``is_counted`` of the rows by what is ``near`` them; yield the changed."""
    covered: dict[bytes, bool] = {}
    for row in rows:
        is_counted = _counts(row, near, covered)
        if is_counted != row.is_counted:
            row.is_counted = is_counted
            yield row


def _counts(row: EventRow, near: Neighbours, covered: dict[bytes, bool]) -> bool:
    if row.kind in TOTALS:
        return not row.has_usage
    if row.kind == TOOL:
        return not _is_passed_on(row, near.find)
    if row.kind != LLM or row.parent_id is None:
        return True
    _cover(row, near, covered)
    if covered[row.id]:
        return False
    # A call that failed has no usage, and is one call all the same.
    return row.has_usage or _call_around(row, near) is None


def is_message(row: EventRow) -> bool:
    """Whether the row is a tool's call that one layer passed on to another."""
    return row.kind == TOOL and PASSED_ON in (row.name or "")


def _is_passed_on(row: EventRow, find: Find) -> bool:
    if row.parent_id is None or not is_message(row):
        return False
    parent = find(row.parent_id)
    return parent is not None and parent.kind == TOOL and tool_of(parent) == tool_of(row)


def tool_of(row: EventRow) -> str:
    """Return the tool that is called, whichever layer says so."""
    return (row.name or "").rpartition(PASSED_ON)[2]


def _cover(row: EventRow, near: Neighbours, covered: dict[bytes, bool]) -> None:
    """Note in ``covered`` whether a call around ``row`` has usage, and for all on the way up."""
    path: list[EventRow] = []
    places: dict[bytes, int] = {}
    at: EventRow | None = row
    while at is not None and at.id not in covered and at.id not in places:
        places[at.id] = len(path)
        path.append(at)
        at = _call_around(at, near)
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


def _call_around(row: EventRow, near: Neighbours) -> EventRow | None:
    parent = near.find(row.parent_id) if row.parent_id is not None else None
    if parent is None or parent.id == row.id or not is_inside(row, parent):
        return _call_beside(row, near.answers)
    return parent


def _call_beside(row: EventRow, answers: Answers) -> EventRow | None:
    """Return the shortest call beside this one in whose time it lies, with the same answer."""
    if row.parent_id is None or not row.response_id:
        return None
    beside = answers.get((row.parent_id, row.response_id), ())
    longer = [one for one in beside if one.id != row.id and _is_longer(one, row)]
    return min(longer, key=_length, default=None)


def _is_longer(outer: EventRow, inner: EventRow) -> bool:
    """Whether one call lies in the time of the other; of two at the same time, one does."""
    if not _contained(inner, outer):
        return False
    return not _contained(outer, inner) or outer.id < inner.id


def _length(row: EventRow) -> tuple[float, int]:
    duration = row.duration_ms
    # Of those as long as each other the largest id is innermost.
    return (0 if duration is None else duration), -int.from_bytes(row.id, "big")


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
