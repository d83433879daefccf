"""Events in Playhead's own shape, one a line: written by anybody, or taken from a Playhead.

So are ``.playhead`` files of the client: their first line says what they are, their last one
how many events lie between.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime
from typing import BinaryIO

from apps.core.canonical import canonical_json
from apps.ingest.batch import Batch
from apps.ingest.checks import Refusal
from apps.ingest.importers.importer import Importer
from apps.ingest.importers.records import Record
from apps.ingest.native import Unread, bytes_of, read_event
from apps.sessions.events import Json

# What an export tells about its events, and about itself, under a key of its own.
ABOUT = "$playhead"
# The first and the last line of a file of the client, and the first of one that is encrypted.
BEGINS, ENDS, SEALED = {"playhead", "session"}, {"events", "sha256"}, "playhead_encrypted"
ENCRYPTED = "The file is encrypted. Write it anew without its passphrase: playhead export --plain."
CHANGED = "The file is not as it was exported: this session has other events, or not {} of them."
CUT = "The file is cut off: an export ends with a line that says how much it holds."


class NativeLines(Importer):
    """Reads what the API for events takes, however old it is.

    The last line of an export says what came before it. Events are recorded as they come, so
    what is missing can only be told in the end, as a refusal.
    """

    def __init__(self) -> None:
        # Of the sessions of an export: how many events each has, and their digest.
        self._sums: list[tuple[int, str]] = []
        self._count = self._seen = 0
        self._hash = hashlib.sha256()

    def records(self, file: BinaryIO) -> Iterator[Record]:
        is_export = is_whole = False
        after = 0
        for record in super().records(file):
            is_export |= is_about(record.value) or _begins(record.value)
            is_whole = _ends(record.value)
            after = record.index + 1
            yield record
        if is_export and not is_whole:
            yield Record(after, message=CUT)

    def read(self, record: Record, batch: Batch, now: datetime) -> None:
        value = record.value
        if is_about(value):
            self._note(value[ABOUT])
            return
        if is_frame(value):
            self._check_frame(value)
            return
        fields = self._event(value)
        unread = Unread(fields, bytes_of(fields))
        event = read_event(unread, record.index, now, batch.unmapped, is_import=True)
        self.add(batch, event, record, now)

    def pass_over(self, record: Record) -> None:
        if is_frame(record.value):
            return
        if not is_about(record.value):
            self._event(record.value)
        elif "manifest" not in record.value[ABOUT]:
            self._note(record.value[ABOUT])

    def _event(self, value: Json) -> Json:
        """Count an event, and return it without what is only told about it."""
        self._seen += 1
        if not isinstance(value, dict) or not isinstance(value.get(ABOUT), dict):
            return value
        fields = {name: inner for name, inner in value.items() if name != ABOUT}
        self._count += 1
        self._hash.update(_line(fields) + b"\n")
        return fields

    def _check_frame(self, told: Json) -> None:
        if SEALED in told:
            raise Refusal(ENCRYPTED)
        if set(told) == ENDS and told["events"] != self._seen:
            raise Refusal(CHANGED.format(told["events"]), "events")

    def _note(self, told: Json) -> None:
        if "session" in told:
            self._end_session()
        elif "manifest" in told:
            self._end_session()
            self._compare(told.get("sessions"))

    def _end_session(self) -> None:
        self._sums.append((self._count, self._hash.hexdigest()))
        self._count, self._hash = 0, hashlib.sha256()

    def _compare(self, told: Json) -> None:
        """Refuse the last line where it tells of other events than there were."""
        found = self._sums[1:]
        for at, one in enumerate(told if isinstance(told, list) else []):
            is_told = isinstance(one, dict)
            wanted = (one.get("events"), one.get("events_sha256")) if is_told else None
            if at >= len(found) or found[at] != wanted:
                raise Refusal(CHANGED.format(wanted[0] if wanted else "other"), f"sessions[{at}]")


def _line(fields: Json) -> bytes:
    try:
        return canonical_json(fields)
    except TypeError:
        # A number that the record cannot hold: the event is refused for it.
        return b""


def is_about(value: Json) -> bool:
    """Tell whether a line says something about the file and is no event."""
    return isinstance(value, dict) and set(value) == {ABOUT} and isinstance(value[ABOUT], dict)


def is_frame(value: Json) -> bool:
    """Tell whether a line opens or closes a file of the client, and is no event."""
    return isinstance(value, dict) and (set(value) in (BEGINS, ENDS) or SEALED in value)


def _begins(value: Json) -> bool:
    return isinstance(value, dict) and set(value) == BEGINS


def _ends(value: Json) -> bool:
    is_manifest = is_about(value) and "manifest" in value[ABOUT]
    return is_manifest or (is_frame(value) and set(value) == ENDS)
