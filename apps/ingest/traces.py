"""From the spans of one request to events: each by its convention, then each by its trace.

Children come before their parents and a trace is spread over requests, so what a span
inherits here is only what this request knows; the record links the rest when it comes.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import ModuleType

import msgspec

from apps.ingest.batch import Batch, Rejection
from apps.ingest.checks import Refusal, check_event, flag, keep
from apps.ingest.conventions import genai, generic, openinference
from apps.ingest.conventions.attributes import Attributes, Fields, Json, Reading
from apps.ingest.otlp.spans import RawSpan, Scope, SpanEvent, moment
from apps.ingest.text import json_in_text
from apps.sessions.events import IncomingEvent

# The first that matches speaks; those after it fill the gaps.
CONVENTIONS: tuple[ModuleType, ...] = (openinference, genai, generic)
KEPT = tuple(prefix for convention in CONVENTIONS for prefix in convention.KEPT)
# Clients of providers that make spans of their own.
LIBRARIES = frozenset({"com.anthropic.sdk.python"})
MAX_SIBLINGS = 200
PASSED_DOWN = ("session", "conversation", "user", "tags")


@dataclass(slots=True)
class Read:
    """A span and the fields that its conventions found."""

    span: RawSpan
    fields: Fields
    kept: Attributes
    # The call that this span reports a second time, where the sender put it beside that.
    reported: str | None = None


def read_spans(spans: Sequence[RawSpan], batch: Batch, now: datetime) -> None:
    """Put the events of ``spans`` into ``batch``, and what was not understood."""
    read = [normalise(span, batch.unmapped) for span in spans]
    for trace in _by_trace(read):
        _pass_down(trace)
        _nest_reports(trace)
    for one in read:
        try:
            event = event_of(one)
            batch.truncated += count_truncated(event, one.span.dropped)
            batch.add(check_event(event, now), one.span.index)
        except Refusal as refusal:
            batch.refuse(Rejection.of(one.span.index, refusal))


def normalise(span: RawSpan, unmapped: Counter[str]) -> Read:
    """Return the fields of a span by the conventions that match it, in their order."""
    reading = Reading(span)
    fields: Fields = {}
    for convention in CONVENTIONS:
        if convention.matches(span):
            fields = convention.normalise(reading) | fields
            reading.settled.update(fields)
    kept = {name: span.attributes[name] for name in span.attributes.keys() - reading.used}
    unmapped.update(name for name in kept if not is_kept(name))
    return Read(span, fields, kept)


def is_kept(name: str) -> bool:
    """Whether an attribute is known to be of no use to an event; it is kept, and not told."""
    return name.startswith(KEPT)


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
        told = {name: nearest[name].get(span_id) for name in PASSED_DOWN}
        one.fields["session"] = (
            told["session"]
            or told["conversation"]
            or anywhere["session"]
            or anywhere["conversation"]
        )
        for name in ("user", "tags"):
            one.fields[name] = told[name] or anywhere[name]


def _first_said(trace: dict[str, Read], name: str) -> Json:
    """Return what the earliest span of the trace that says it says."""
    saying = [one for one in trace.values() if name in one.fields]
    if not saying:
        return None
    return min(saying, key=lambda one: (one.span.start, one.span.span_id)).fields[name]


def _nearest(trace: dict[str, Read], name: str) -> dict[str, Json]:
    """Return for each span what it or its nearest ancestor in this request says."""
    found: dict[str, Json] = {}
    for span_id in trace:
        path, value, here = [], None, span_id
        # A span that was met before ends the climb, even where parents run in a circle.
        while here in trace and here not in found:
            path.append(here)
            found[here] = value = trace[here].fields.get(name)
            if value is not None:
                break
            here = trace[here].span.parent_id or ""
        else:
            value = found.get(here)
        found.update(dict.fromkeys(path, value))
    return found


def _nest_reports(trace: dict[str, Read]) -> None:
    """Put the span of a provider's own library inside of the call that it belongs to.

    Where an answer is streamed, some instrumentations end their context early: the library's
    span then lies beside the call, and its tokens would be counted twice.
    """
    calls: defaultdict[str | None, list[Read]] = defaultdict(list)
    for one in trace.values():
        if one.fields["kind"] == "llm" and one.span.scope.name not in LIBRARIES:
            calls[one.span.parent_id].append(one)
    for one in trace.values():
        if one.span.scope.name in LIBRARIES:
            beside = calls[one.span.parent_id][:MAX_SIBLINGS]
            around = next((call for call in beside if _reports(one, call)), None)
            one.reported = around.span.span_id if around else None


def _reports(inner: Read, outer: Read) -> bool:
    if not outer.span.start <= inner.span.start <= inner.span.end <= outer.span.end:
        return False
    answers = {one.fields.get("response_id") for one in (inner, outer)}
    if answers == {None}:
        return bool(inner.fields.get("model") == outer.fields.get("model"))
    return len(answers) == 1


def event_of(one: Read) -> IncomingEvent:
    """Return the event of a span whose fields are known."""
    span, fields = one.span, one.fields
    fields.pop("conversation", None)
    name = fields.pop("name", None) or span.name or None
    event = IncomingEvent(
        id=span.span_id,
        trace=span.trace_id,
        parent=one.reported or span.parent_id,
        name=name,
        started_at=moment(span.start),
        ended_at=moment(span.end),
        extra=_extra(one, fields.pop("tool_call", None)),
        **fields,
    )
    if one.reported is not None:
        keep(event, "original", dict)["parent"] = span.parent_id
    _count_cached_tokens(event)
    if span.is_cleaned:
        flag_cleaned(event)
    return event


def flag_cleaned(event: IncomingEvent) -> None:
    """Note that text of the event was made fit."""
    flag(event, "", "NUL or broken surrogates in its text were replaced by U+FFFD.")


def count_truncated(event: IncomingEvent, dropped: int) -> int:
    """Return how much the sender cut off or left out because of its own limits; flag it."""
    if dropped:
        flag(event, "attributes", f"The sender left out {dropped} attributes or events.")
    cut = [name for name in ("input", "output") if is_cut(getattr(event, name))]
    for name in cut:
        flag(event, name, "The sender cut its JSON in the middle; it is kept as text.")
    return dropped + len(cut)


def is_cut(value: Json) -> bool:
    """Whether a value is the start of JSON that does not go on to its end."""
    return isinstance(value, str) and value.startswith(('[{"', '{"'))


def _count_cached_tokens(event: IncomingEvent) -> None:
    """Include cached tokens in the input, where the sender plainly left them out."""
    usage = event.usage
    if usage is None or usage.input is None:
        return
    cached = (usage.cache_read or 0) + (usage.cache_write or 0)
    if cached > usage.input:
        event.usage = msgspec.structs.replace(usage, input=usage.input + cached)
        flag(event, "usage.input", "Cached tokens were added; the sender had left them out.")


def _extra(one: Read, tool_call: Fields | None) -> Fields | None:
    span = one.span
    events = [_span_event(event) for event in span.events]
    extra = {
        "attributes": {name: _opened(value) for name, value in one.kept.items()},
        "resource": span.resource.attributes,
        "scope": scope_of(span.scope),
        "events": events,
        "links": span.links,
        "tool_call": tool_call,
    }
    return {name: value for name, value in extra.items() if value} or None


def scope_of(scope: Scope) -> Fields:
    """Return the library that made a span, as it is shown."""
    return {"name": scope.name, "version": scope.version} if scope.name else {}


def _span_event(event: SpanEvent) -> Fields:
    at = moment(event.at)
    return {
        "name": event.name,
        "at": at.isoformat() if at else None,
        "attributes": event.attributes,
    }


def _opened(value: Json) -> Json:
    """Return JSON in text as JSON: what it repeats of the messages is then stored once."""
    return json_in_text(value) if isinstance(value, str) else value
