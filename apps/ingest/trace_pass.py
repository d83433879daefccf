"""What the spans of one trace say about each other.

Children come before their parents and a trace is spread over requests, so what a span
inherits here is only what this request knows; the record links the rest when it comes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from apps.ingest.checks import Refusal, check_words
from apps.ingest.conventions.attributes import Json
from apps.ingest.normalising import Read

PASSED_DOWN = ("session", "conversation", "user", "tags")


def relate(read: Sequence[Read]) -> None:
    """Let the spans of each trace tell each other what they know."""
    for trace in _by_trace(read):
        _pass_down(trace)


def _by_trace(read: Sequence[Read]) -> Iterator[dict[str, Read]]:
    traces: defaultdict[str, dict[str, Read]] = defaultdict(dict)
    for one in read:
        traces[one.span.trace_id][one.span.span_id] = one
    yield from traces.values()


def _pass_down(trace: dict[str, Read]) -> None:
    """Give each span what it does not say itself: from its ancestors, else from its trace."""
    anywhere = {name: _first_said(trace, name) for name in PASSED_DOWN}
    nearest = {
        name: {} if anywhere[name] is None else _nearest(trace, name) for name in PASSED_DOWN
    }
    for span_id, one in trace.items():
        told = {name: one.fields.get(name) or nearest[name].get(span_id) for name in PASSED_DOWN}
        session = told["session"] or (None if told["conversation"] else anywhere["session"])
        conversation = told["conversation"] or anywhere["conversation"]
        one.fields["session"] = session or conversation
        # A framework may have invented it: a session id that comes later counts more.
        one.fields["is_conversation"] = session is None and conversation is not None
        for name in ("user", "tags"):
            one.fields[name] = told[name] or anywhere[name]


def _first_said(trace: dict[str, Read], name: str) -> Json:
    """Return what the earliest span of the trace that says it says."""
    saying = [one for one in trace.values() if _passed(one, name) is not None]
    if not saying:
        return None
    return min(saying, key=lambda one: (one.span.start, one.span.span_id)).fields[name]


def _passed(one: Read, name: str) -> Json:
    """Return what a span says for others, too; what is refused is refused with that span alone."""
    said = one.fields.get(name)
    try:
        check_words([said] if isinstance(said, str) else said, name)
    except Refusal:
        return None
    return said


def _nearest(trace: dict[str, Read], name: str) -> dict[str, Json]:
    """Return for each span what it or its nearest ancestor in this request says."""
    found: dict[str, Json] = {}
    for span_id in trace:
        path, value, here = [], None, span_id
        # A span that was met before ends the climb, even where parents run in a circle.
        while here in trace and here not in found:
            path.append(here)
            found[here] = value = _passed(trace[here], name)
            if value is not None:
                break
            here = trace[here].span.parent_id or ""
        else:
            value = found.get(here)
        found.update(dict.fromkeys(path, value))
    return found
