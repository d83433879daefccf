"""Arize Phoenix's spans: its API's JSON, saved data frames as JSON lines or CSV.

Phoenix takes the kind out of the attributes, and nests them in some exports; put back as they
were sent, they are read as the spans of OpenInference that they are.
"""

from __future__ import annotations

import ast
import csv
import io
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import BinaryIO

from apps.core.bodies import check_depth
from apps.core.errors import DomainError
from apps.ingest.batch import Batch
from apps.ingest.checks import Refusal, check_event
from apps.ingest.importers.importer import Importer
from apps.ingest.importers.records import LONGEST, Record, read_records
from apps.ingest.importers.told import Fields, Told, check_fit
from apps.ingest.normalising import normalise
from apps.ingest.otlp.spans import EPOCH, ERROR, OK, UNSET, RawSpan, SpanEvent, check_attributes
from apps.ingest.text import clean_json, json_in_text
from apps.ingest.trace_pass import relate
from apps.ingest.traces import event_of
from apps.sessions.events import IncomingEvent, Json

KIND = "openinference.span.kind"
SPAN_COLUMNS = {"context.span_id", "span_id"}
STATUS = {"OK": OK, "ERROR": ERROR}
# Values of OpenInference that are JSON in text, and stay one value.
WHOLE = ("input.value", "output.value", "llm.invocation_parameters", "metadata", "tool.parameters")
# Counted from other fields, or of Phoenix's own housekeeping.
REPEATED = (
    "id conversation project_session_id cumulative_error_count cumulative_llm_token_count_prompt "
    "cumulative_llm_token_count_completion cumulative_llm_token_count_total "
    "cumulative_token_count.prompt cumulative_token_count.completion cumulative_token_count.total "
    "latency_ms llm_token_count_prompt llm_token_count_completion llm_token_count_total"
).split()


class PhoenixSpans(Importer):
    """Reads one span a record."""

    def records(self, file: BinaryIO) -> Iterator[Record]:
        start = file.read(1024).lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
        file.seek(0)
        yield from read_records(file) if start in (b"{", b"[") else _rows(file)

    def read(self, record: Record, batch: Batch, now: datetime) -> None:
        value = record.value
        pages = isinstance(value, dict) and isinstance(value.get("data"), list)
        spans = value["data"] if pages else [value]
        events: list[IncomingEvent] = []
        for index, one in enumerate(spans):
            events += self._events(one, f"data[{index}]" if pages else "", batch, now)
        for event in events:
            batch.add(event, record.index)

    def _events(
        self, value: Json, path: str, batch: Batch, now: datetime
    ) -> Iterator[IncomingEvent]:
        try:
            check_fit(value)
            read = normalise(span_of(value), batch.unmapped)
            relate([read])
            yield check_event(event_of(read), now)
        except Refusal as refusal:
            raise Refusal(
                str(refusal), ".".join(filter(None, (path, refusal.path))), refusal.reason
            ) from None


def span_of(value: Json) -> RawSpan:
    """Return the span that was sent to Phoenix."""
    told = Told(value)
    attributes = _attributes(told)
    trace, span = _ids(told)
    kind = told.text("span_kind")
    if kind and kind != "UNKNOWN":
        attributes.setdefault(KIND, kind)
    start, end = told.moment("start_time"), told.moment("end_time")
    told_status = told.text("status_code") or ""
    raw = RawSpan(
        index=0,
        trace_id=trace,
        span_id=span,
        parent_id=told.text("parent_id", "parent_span_id"),
        name=told.text("name") or "",
        start=_nanoseconds(start),
        end=_nanoseconds(end),
        status=STATUS.get(told_status.upper(), UNSET),
        message=told.text("status_message") or "",
        attributes=attributes,
        events=[_event(one, f"events[{at}]") for at, one in enumerate(_listed(told, "events"))],
    )
    told.skip(*REPEATED)
    # What a data frame was made to hold besides is kept as an attribute would be.
    raw.attributes.update(told.rest())
    check_attributes(raw.attributes)
    return raw


def _ids(told: Told) -> tuple[str, str]:
    context = told.inner("context")
    trace = context.text("trace_id") or told.text("context.trace_id", "trace_id")
    span = context.text("span_id") or told.text("context.span_id", "span_id")
    for name, given in (("trace_id", trace), ("span_id", span)):
        if not given:
            raise Refusal("Required.", f"context.{name}")
    return str(trace), str(span)


def _attributes(told: Told) -> Fields:
    """Return the attributes flat, as they were sent: names with dots, indexes of lists in them."""
    nested = told.mapping("attributes")
    for name in [name for name in told.left if name.startswith("attributes.")]:
        nested[name.removeprefix("attributes.")] = told.value(name)
    flat: Fields = {}
    for name, value in nested.items():
        flat.update(_flat(name, value))
    return flat


def _flat(name: str, value: Json) -> Iterator[tuple[str, Json]]:
    if value is None:
        return
    if isinstance(value, dict) and value and name not in WHOLE:
        for key, inner in value.items():
            yield from _flat(f"{name}.{key}", inner)
    elif isinstance(value, list) and value and all(isinstance(one, dict) for one in value):
        for index, inner in enumerate(value):
            yield from _flat(f"{name}.{index}", inner)
    else:
        yield name, value


def _listed(told: Told, name: str) -> list[Json]:
    if isinstance(told.left.get(name), str):
        told.left[name] = json_in_text(told.left[name]) or None
    return told.listing(name)


def _event(value: Json, path: str) -> SpanEvent:
    told = Told(value, path)
    at = told.moment("timestamp", "time")
    return SpanEvent(told.text("name") or "", _nanoseconds(at), told.mapping("attributes"))


def _nanoseconds(at: datetime | None) -> int:
    return 0 if at is None else (at - EPOCH) // timedelta(microseconds=1) * 1000


def _rows(file: BinaryIO) -> Iterator[Record]:
    """Return the rows of a data frame that was written as CSV."""
    text = io.TextIOWrapper(file, "utf-8-sig", errors="surrogateescape", newline="")
    csv.field_size_limit(LONGEST)
    try:
        rows = csv.DictReader(text)
        if not set(rows.fieldnames or ()) & SPAN_COLUMNS:
            raise ValueError("a table of spans has a column context.span_id")
        for index, row in enumerate(rows):
            yield _row(index, row)
    except csv.Error as error:
        raise ValueError(f"not a CSV file: {error}") from None
    finally:
        text.detach()


def _row(index: int, row: dict[str, Json]) -> Record:
    if None in row:
        return Record(index, message="There are more cells than columns.")
    cells = {name: cell for name, cell in row.items() if isinstance(cell, str) and cell}
    return Record(index, clean_json({name: _cell(name, cells[name]) for name in cells}))


def _cell(name: str, text: str) -> Json:
    """Return a cell: lists and objects stand in it as JSON, or as Python writes them."""
    if name.removeprefix("attributes.") in WHOLE:
        return text
    if text[:1] not in ("[", "{"):
        return _number(text) if name.startswith("attributes.") else text
    opened = json_in_text(text)
    return _literal(text) if isinstance(opened, str) else opened


def _number(text: str) -> Json:
    """Return the number that a cell stands for; a data frame writes whole ones with ".0"."""
    try:
        return int(text.removesuffix(".0")) if len(text) <= 18 else text
    except ValueError:
        return text


def _literal(text: str) -> Json:
    try:
        check_depth(text.encode("utf-8", "replace"))
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError, DomainError):
        return text
    return value if isinstance(value, dict | list) else text
