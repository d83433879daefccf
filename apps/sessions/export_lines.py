"""Sessions as files that programs read: events one a line, or one JSON document.

The lines are the native API's own events, so that they can be sent to any Playhead again.
What is only told about them lies under one reserved key, which an import leaves out. The
last line says how much there is before it: a file without it is not whole.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import orjson
from django.utils import timezone

from apps.core.api import plain
from apps.core.canonical import canonical_json
from apps.sessions import native, reader
from apps.sessions.export_walk import Walked, walk
from apps.sessions.keys import ProjectKeys, project_keys
from apps.sessions.models import Session

Json = Any

JSONL, DOCUMENT = "playhead-jsonl", "playhead-json"
VERSION = 1
# What lies under it is about an event and no part of it.
ABOUT = "$playhead"
# Fields of an event that are sent as the record holds them.
SENT = (
    "trace kind name started_at ended_at status input output model model_returned provider params "
    "tools usage time_to_first_token_ms response_id prompt stamps agent effects decision "
    "state_patch state code_change inputs confidence reasoning request_id memory outcome "
    "user_role environment release tags metadata consent replay schema ends_session extra"
).split()
# What is told of a session as a whole, in the shape of the API.
Facts = Mapping[str, Json]


class Sum:
    """How many events were written, and a digest of them."""

    def __init__(self) -> None:
        self.events = 0
        self._hash = hashlib.sha256()

    def add(self, line: bytes) -> None:
        self.events += 1
        self._hash.update(line + b"\n")

    @property
    def told(self) -> dict[str, Json]:
        return {"events": self.events, "events_sha256": self._hash.hexdigest()}


def event_lines(sessions: Iterable[tuple[Session, Facts]]) -> Iterator[bytes]:
    """Yield sessions as ``playhead-jsonl``, the manifest last."""
    whole = hashlib.sha256()
    manifest: list[dict[str, Json]] = []
    for line in _lines(sessions, manifest.append):
        whole.update(line + b"\n")
        yield line + b"\n"
    told = {
        "manifest": True,
        "events": sum(one["events"] for one in manifest),
        "sessions": manifest,
        "sha256": whole.hexdigest(),
    }
    yield _about(told) + b"\n"


def _lines(
    sessions: Iterable[tuple[Session, Facts]], done: Callable[[dict[str, Json]], None]
) -> Iterator[bytes]:
    yield _about({"format": JSONL, "version": VERSION, "exported_at": timezone.now()})
    for session, facts in sessions:
        yield _about({"session": facts})
        keys, total = project_keys(session.project_id), Sum()
        for walked in walk(session):
            event = importable(session, walked, keys)
            line = canonical_json(event)
            total.add(line)
            yield _with_note(line, noted(walked, event))
        done({"id": str(session.pk), "external_id": session.external_id} | total.told)


def _about(told: Mapping[str, Json]) -> bytes:
    return orjson.dumps({ABOUT: told}, default=plain, option=orjson.OPT_PASSTHROUGH_DATETIME)


def _with_note(line: bytes, note: Mapping[str, Json]) -> bytes:
    """Put what is told about an event before what the event says itself."""
    return _about(note)[:-1] + b"," + line[1:]


def importable(session: Session, walked: Walked, keys: ProjectKeys) -> dict[str, Json]:
    """Return an event as its sender sent it, as far as that is kept."""
    step, row, said = walked
    shape = native.event(session, step, row, said)
    fields = {name: shape.get(name) for name in SENT} | {
        "id": row.client_id,
        "parent": row.client_parent,
        "session": row.claimed_session or session.external_id,
        "lane": row.lane,
        "error": _known(shape["error"]),
        "usage": _known(shape["usage"]),
        # The server's own estimate is no statement of the sender.
        "cost": shape["cost"] if row.is_cost_sent else None,
        "user": _user(walked, keys),
    }
    for name, key in (("prompt", "name"), ("outcome", "status")):
        if (fields[name] or {}).get(key) is None:
            fields[name] = None
    return {name: value for name, value in fields.items() if value is not None}


def _known(fields: Mapping[str, Json] | None) -> dict[str, Json] | None:
    return {name: value for name, value in (fields or {}).items() if value is not None} or None


def _user(walked: Walked, keys: ProjectKeys) -> Json:
    """Return the user, unless redaction put something else in place of who it was.

    Sent back as it is, that would be a person of its own, whom the record would be found by.
    """
    user = walked.said.body.get("user")
    is_whole = user is not None and keys.identity("user", user).hex() == walked.row.user_ref
    return user if is_whole else None


def noted(walked: Walked, event: Mapping[str, Json]) -> dict[str, Json]:
    """Return what is told about an event and was not sent with it."""
    step, row, said = walked
    note = {
        "seq": step.seq,
        "id": step.id,
        "cost": None if row.cost is None or row.is_cost_sent else format(row.cost, "f"),
        "is_counted": None if row.is_counted else False,
        "user": said.body.get("user") if "user" not in event else None,
        "flags": said.body.get("flags"),
    }
    return {name: value for name, value in note.items() if value is not None}


def document(session: Session, facts: Facts) -> Iterator[bytes]:
    """Yield a session as one JSON document, with all that is known of each step."""
    total = Sum()
    head = {"format": DOCUMENT, "version": VERSION, "exported_at": timezone.now()}
    yield b'{"playhead":' + _json(head) + b',"session":' + _json(facts) + b',"events":['
    for walked in walk(session):
        line = _json(shown(session, walked))
        yield b",\n" + line if total.events else b"\n" + line
        total.add(line)
    yield b'\n],"manifest":' + _json(total.told) + b"}\n"


def shown(session: Session, walked: Walked) -> dict[str, Json]:
    """Return an event as the API gives it with ``raw``."""
    step, row, said = walked
    shape = native.event(session, step, row, said)
    shape.pop("extra", None)
    [sent] = reader.sent_in(session, [row], [said])
    return shape | {"raw": native.raw(said, sent)}


def _json(value: Json) -> bytes:
    return orjson.dumps(value, default=plain, option=orjson.OPT_PASSTHROUGH_DATETIME)
