"""Recognising a file's format by how it begins."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from typing import BinaryIO

from apps.ingest.batch import Batch
from apps.ingest.checks import Refusal
from apps.ingest.importers.histories import Histories
from apps.ingest.importers.importer import Importer
from apps.ingest.importers.inspect_logs import ARCHIVE, InspectLogs
from apps.ingest.importers.langfuse_exports import LangfuseExports
from apps.ingest.importers.native_lines import NativeLines, is_about, is_frame
from apps.ingest.importers.openai_chat import Chats
from apps.ingest.importers.otlp_lines import OtlpLines
from apps.ingest.importers.phoenix import PhoenixSpans
from apps.ingest.importers.records import Record, is_message, read_records
from apps.ingest.importers.swe_agent import Trajectories
from apps.sessions.events import KINDS, Json

# How many records are looked at: those before may be broken.
LOOKED_AT = 20
BLOCKS = ("tool_use", "tool_result")
UNKNOWN = "The format of this file is not recognised; choose one by name."
# A log of Inspect is one object, which is too large to be looked at whole.
INSPECT = re.compile(rb'\s*\{\s*"(version|status|eval)"\s*:.{0,200}?"(eval|status|eval_id)"', re.S)
PHOENIX_COLUMNS = re.compile(rb"(?m)\A[^\n]*\bcontext\.(span|trace)_id\b")
IMPORTERS: dict[str, type[Importer]] = {
    "inspect": InspectLogs,
    "phoenix": PhoenixSpans,
    "otlp-jsonl": OtlpLines,
    "swe-agent": Trajectories,
    "langfuse-json": LangfuseExports,
    "playhead-jsonl": NativeLines,
    "openai-chat": Chats,
    "chat": Histories,
}


class Recognised(Importer):
    """Reads a file by the format that it turns out to have."""

    def __init__(self) -> None:
        self.importer = Importer()

    def records(self, file: BinaryIO) -> Iterator[Record]:
        self.recognised = recognise(file) or ""
        if not self.recognised:
            yield Record(0, message=UNKNOWN)
            return
        self.importer = IMPORTERS[self.recognised]()
        yield from self.importer.records(file)

    def read(self, record: Record, batch: Batch, now: datetime) -> None:
        self.importer.read(record, batch, now)

    def pass_over(self, record: Record) -> None:
        self.importer.pass_over(record)


def recognise(file: BinaryIO) -> str | None:
    """Return the name of the format of a file, which is then at its start again."""
    file.seek(0)
    start = file.read(64 * 1024).removeprefix(b"\xef\xbb\xbf")
    file.seek(0)
    if start.startswith(ARCHIVE) or INSPECT.match(start):
        return "inspect"
    if PHOENIX_COLUMNS.match(start) and start.lstrip()[:1] not in (b"{", b"["):
        return "phoenix"
    found = _by_records(file)
    file.seek(0)
    return found


def _by_records(file: BinaryIO) -> str | None:
    for record in islice(read_records(file), LOOKED_AT):
        if not record.message and (name := _format_of(record.value)) is not None:
            return name
    return None


def _format_of(value: Json) -> str | None:
    value = _first(value)
    if isinstance(value, list):
        return "openai-chat" if value and all(map(is_message, value)) else _history(value)
    if not isinstance(value, dict):
        return None
    return next((name for name, has in SIGNS.items() if has(value)), None) or _history(value)


def _first(value: Json) -> Json:
    """Return the first thing on a page of an API's answer."""
    page = value.get("data") if isinstance(value, dict) else None
    return page[0] if isinstance(page, list) and page else value


def _history(value: Json) -> str | None:
    """Return which of the formats of chats takes a value, if one does."""
    for name, importer in (("openai-chat", Chats()), ("chat", Histories())):
        if name == "openai-chat" and _has_blocks(value):
            continue
        try:
            importer.read(Record(0, value), Batch(""), datetime.now().astimezone())
        except Refusal:
            continue
        return name
    return None


def _has_blocks(value: Json) -> bool:
    """Whether tools are called in the blocks of a message's content."""
    messages = value.get("messages") if isinstance(value, dict) else value
    if not isinstance(messages, list):
        return False
    contents = [one.get("content") for one in messages if is_message(one)]
    blocks = [block for content in contents if isinstance(content, list) for block in content]
    return any(isinstance(block, dict) and block.get("type") in BLOCKS for block in blocks)


def _is_native(value: dict[str, Json]) -> bool:
    return is_about(value) or is_frame(value) or (value.get("kind") in KINDS and "id" in value)


def _is_otlp(value: dict[str, Json]) -> bool:
    return "resourceSpans" in value or "resourceLogs" in value


def _is_phoenix(value: dict[str, Json]) -> bool:
    return "span_kind" in value or "context.span_id" in value


def _is_langfuse(value: dict[str, Json]) -> bool:
    told = value.keys()
    is_step = bool(told & {"traceId", "trace_id"}) and bool(told & {"id"})
    return is_step or ("observations" in told or {"htmlPath"} <= told or _is_trace(told))


def _is_trace(told: object) -> bool:
    names = {"sessionId", "session_id"}, {"userId", "user_id"}, {"timestamp"}, {"id"}
    return all(one & set(told) for one in names)  # type: ignore[call-overload]


def _is_trajectory(value: dict[str, Json]) -> bool:
    return "trajectory" in value or "attempts" in value


SIGNS = {
    "otlp-jsonl": _is_otlp,
    "phoenix": _is_phoenix,
    "swe-agent": _is_trajectory,
    "playhead-jsonl": _is_native,
    "langfuse-json": _is_langfuse,
}
