"""``playhead export`` and ``import``: sessions from the server into files, and back."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from playhead.client import known_server
from playhead.commands.terminal import DIFFERENT, SAME, Progress, complain, show
from playhead.fetching import ServerError, export_lines, find_session, post
from playhead.files import PASSPHRASE, SUFFIX, check_place, read_file, write_file

Json = Any

# What an export says about an event, and not in its sender's words.
ABOUT = "$playhead"
BATCH_EVENTS, BATCH_BYTES = 500, 4 * 1024 * 1024
SHOWN = 5


def export(options: argparse.Namespace) -> int:
    """Write a session into a file, as it was sent; one of a file is written anew."""
    check_place(options.file)
    progress = Progress("exported", is_wanted=not options.json)
    events: Iterable[dict[str, Json]]
    if options.session.endswith(SUFFIX):
        name, events = read_file(options.session)
    else:
        server = known_server(options.session)
        found = find_session(server, options.session)
        name = found["external_id"] or found["id"]
        lines = export_lines(server, found["id"])
        events = _counted(events_of(lines), progress, found["events"])
    count = write_file(options.file, name, events, passphrase="" if options.plain else None)
    progress.end()
    is_sealed = bool(os.environ.get(PASSPHRASE)) and not options.plain
    told = {"session": name, "events": count, "file": str(options.file), "encrypted": is_sealed}
    sealed = ", encrypted" if is_sealed else ""
    show(
        told if options.json else f"{count} events of {name} in {options.file}{sealed}",
        as_json=options.json,
    )
    return SAME


def events_of(lines: Iterable[dict[str, Json]]) -> Iterator[dict[str, Json]]:
    """Yield the events of an export as they were sent, or raise where it is not whole."""
    seen, manifest = 0, None
    for line in lines:
        about = line.pop(ABOUT, {})
        if about.get("manifest"):
            manifest = about
        elif "id" in line:
            seen += 1
            yield line
    # A file that ends anywhere else was cut off on its way.
    if manifest is None or manifest.get("events") != seen:
        raise ServerError(f"The export broke off after {seen} events: try again.")


def _counted(
    events: Iterable[dict[str, Json]], progress: Progress, whole: int
) -> Iterator[dict[str, Json]]:
    for seen, event in enumerate(events, 1):
        progress(seen, whole)
        yield event


def import_file(options: argparse.Namespace) -> int:
    """Send the session of a file to the server; what is there already changes nothing."""
    if not options.file.name.endswith(SUFFIX):
        raise ValueError(f"{options.file} is no {SUFFIX} file; others are imported on the server.")
    session, events = read_file(options.file)
    server = known_server(str(options.file))
    progress, told = Progress("imported", is_wanted=not options.json), _Told(session)
    for batch in _batches(events):
        told.add(post(server, "events", {"events": batch}), len(batch))
        progress(told.sent, len(events))
    progress.end()
    for one in told.rejected[:SHOWN]:
        complain(f"an event was refused: {one.get('path') or 'event'}: {one.get('message')}")
    show(vars(told) if options.json else told.text(), as_json=options.json)
    return DIFFERENT if told.rejected else SAME


class _Told:
    """What became of the events of a file."""

    def __init__(self, session: str) -> None:
        self.session, self.sent, self.duplicates = session, 0, 0
        self.rejected: list[dict[str, Json]] = []

    def add(self, answer: Mapping[str, Json], count: int) -> None:
        self.sent += count
        self.duplicates += answer.get("duplicates") or 0
        self.rejected += answer.get("rejected") or []

    def text(self) -> str:
        known = f", {self.duplicates} were there already" if self.duplicates else ""
        refused = f", {len(self.rejected)} were refused" if self.rejected else ""
        return f"{self.sent} events of {self.session} sent{known}{refused}"


def _batches(events: Iterable[Mapping[str, Json]]) -> Iterator[list[Mapping[str, Json]]]:
    batch, size = list[Mapping[str, Json]](), 0
    for event in events:
        length = len(json.dumps(event))
        if batch and (len(batch) == BATCH_EVENTS or size + length > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(event)
        size += length
    if batch:
        yield batch
