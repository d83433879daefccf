"""Logs of evaluations made with Inspect: one JSON, or an archive with a file a sample.

A record is one sample, with what the log says of all of them.
"""

from __future__ import annotations

import io
import struct
import zipfile
from collections import Counter
from collections.abc import Iterator
from typing import BinaryIO

import zstandard

from apps.core.body_limit import MIB
from apps.ingest.checks import Refusal
from apps.ingest.importers.events_of_records import RecordImporter
from apps.ingest.importers.inspect_samples import sample_events
from apps.ingest.importers.records import Record, Window
from apps.ingest.importers.told import Fields, check_fit
from apps.ingest.text import clean_json, read_json
from apps.sessions.events import IncomingEvent, Json

ARCHIVE = b"PK\x03\x04"
# Of a log's header, what its samples are about; the first is there once the log is whole.
HEADERS = ("header.json", "_journal/start.json")
SAMPLES = "samples/"
LONGEST_MEMBER = 64 * MIB
ZSTANDARD = 93
LOCAL_HEADER = struct.Struct("<26xHH")


class InspectLogs(RecordImporter):
    """Makes a session of each sample."""

    def records(self, file: BinaryIO) -> Iterator[Record]:
        is_archive = file.read(len(ARCHIVE)) == ARCHIVE
        file.seek(0)
        for index, (value, message) in enumerate(_archived(file) if is_archive else _plain(file)):
            yield Record(index, value, message)

    def events(self, value: Json, unmapped: Counter[str]) -> list[IncomingEvent]:
        if not isinstance(value, dict) or not isinstance(value.get("sample"), dict):
            raise Refusal("A sample must be an object.", "samples")
        check_fit(value)
        return sample_events(value["log"], value["sample"], unmapped)


def _plain(file: BinaryIO) -> Iterator[tuple[Json, str]]:
    """Walk through the one object that a log is; its samples come last, one by one."""
    text = io.TextIOWrapper(file, encoding="utf-8-sig", errors="surrogateescape")
    try:
        window = Window(text)
        log: Fields = {}
        for name in _names(window):
            if name != "samples":
                log[name] = window.value()
                continue
            for sample in _elements(window):
                yield {"log": _about(log), "sample": sample}, ""
        _about(log)
    finally:
        text.detach()


def _names(window: Window) -> Iterator[str]:
    """Return the names in an object; who asks reads each value before the next name."""
    if window.peek() != "{":
        raise ValueError("a log of Inspect is a JSON object or an archive")
    window.skip()
    while window.peek() == '"':
        name = window.value()
        _expect(window, ":")
        yield name
        if window.peek() != ",":
            break
        window.skip()
    _expect(window, "}")


def _elements(window: Window) -> Iterator[Json]:
    if window.peek() == "n":
        window.value()
        return
    _expect(window, "[")
    while window.peek() != "]":
        yield window.value()
        if window.peek() != ",":
            break
        window.skip()
    _expect(window, "]")


def _expect(window: Window, sign: str) -> None:
    if window.peek() != sign:
        raise ValueError(f"a {sign} is missing")
    window.skip()


def _archived(file: BinaryIO) -> Iterator[tuple[Json, str]]:
    archive = zipfile.ZipFile(file)
    log = _about(_header(archive, file))
    for member in archive.infolist():
        if not member.filename.startswith(SAMPLES) or not member.filename.endswith(".json"):
            continue
        try:
            yield {"log": log, "sample": _member(archive, file, member)}, ""
        except (ValueError, RecursionError, zipfile.BadZipFile, zstandard.ZstdError) as error:
            yield None, f"{member.filename} cannot be read: {error}."


def _header(archive: zipfile.ZipFile, file: BinaryIO) -> Json:
    names = archive.namelist()
    name = next((name for name in HEADERS if name in names), None)
    if name is None:
        raise ValueError("the archive has no header.json, so it is no log of Inspect")
    return _member(archive, file, archive.getinfo(name))


def _member(archive: zipfile.ZipFile, file: BinaryIO, member: zipfile.ZipInfo) -> Json:
    """Return the JSON of a file in the archive, never more of it than the limit."""
    if member.compress_type == ZSTANDARD:
        body = _unpacked(file, member)
    else:
        with archive.open(member) as opened:
            body = opened.read(LONGEST_MEMBER + 1)
    if len(body) > LONGEST_MEMBER:
        raise ValueError(f"it is longer than the limit of {LONGEST_MEMBER // MIB} MiB")
    return clean_json(read_json(body))


def _unpacked(file: BinaryIO, member: zipfile.ZipInfo) -> bytes:
    """Return a member in Zstandard, which Python's archives do not read before 3.14."""
    file.seek(member.header_offset)
    names, extra = LOCAL_HEADER.unpack(file.read(LOCAL_HEADER.size))
    file.seek(names + extra, io.SEEK_CUR)
    packed = file.read(min(member.compress_size, LONGEST_MEMBER))
    with zstandard.ZstdDecompressor().stream_reader(packed, read_across_frames=True) as reader:
        return bytes(reader.read(LONGEST_MEMBER + 1))


def _about(log: Json) -> Fields:
    """Return what the log says of its samples together."""
    eval_ = log.get("eval") if isinstance(log, dict) else None
    if not isinstance(eval_, dict):
        raise ValueError("the log says nothing of its evaluation (eval)")
    return eval_
