"""Reading again what was sent to a session: what its events would be today."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec

from apps.sessions import reader
from apps.sessions.appending import combined
from apps.sessions.chunks import Contents
from apps.sessions.drafts import Draft, draft, settle
from apps.sessions.event_rows import all_events
from apps.sessions.events import IncomingEvent
from apps.sessions.facets import facets_of
from apps.sessions.fidelity import features_of
from apps.sessions.keys import ProjectKeys
from apps.sessions.models import Session
from apps.sessions.rows import EventRow
from apps.sessions.sent import Sent, sent_of
from apps.sessions.titles import title_in

Json = Any


class Recorded(msgspec.Struct, kw_only=True):
    """An event as it is recorded, and the spans and records that made it, if they were kept."""

    row: EventRow
    body: dict[str, Json]
    sent: list[Sent]


# From the events of one trace to what was sent of them says now: each version of an event
# by itself. Events that are not among them stay as they are.
Reread = Callable[[Sequence[Recorded]], Iterable[IncomingEvent]]


class Published(msgspec.Struct):
    """What events give to their session: values to be found by, and what was recorded."""

    facets: set[tuple[str, str]] = msgspec.field(default_factory=set)
    features: int = 0

    def add(self, facets: set[tuple[str, str]], features: int) -> None:
        self.facets |= facets
        self.features |= features


class Redone(msgspec.Struct, kw_only=True):
    """A session's events as they are recorded, and as they would be today."""

    key: bytes
    rows: dict[bytes, EventRow]
    contents: Contents
    drafts: dict[bytes, Draft] = msgspec.field(default_factory=dict)
    # Of the events that were read again, before and after; and of the others.
    before: Published = msgspec.field(default_factory=Published)
    after: Published = msgspec.field(default_factory=Published)
    others: Published = msgspec.field(default_factory=Published)

    def body(self, row: EventRow) -> dict[str, Json]:
        """Return the body of a recorded event."""
        return self.contents.body(self.key, row.extra_digest) or {}

    def title(self, row: EventRow) -> str | None:
        """Return what an event gives the session for a title."""
        if (made := self.drafts.get(row.id)) is not None:
            return made.title
        return title_in(row.kind, self.contents.body(self.key, row.input_digest))


def read_again(session: Session, keys: ProjectKeys, reread: Reread) -> Redone | None:
    """Return the session with all that was sent read again; None where nothing was kept of it."""
    key = session.pk.bytes
    cipher = reader.ciphers([session]).get(session.pk)
    if cipher is None:
        return None
    rows = {row.id: row for row in all_events(session.project_id, session.pk)}
    contents = Contents(session.project_id, {key: cipher})
    there = contents.contents_of(key)
    redone = Redone(key=key, rows=rows, contents=contents)
    for trace in _by_trace(rows.values()):
        recorded = [_recorded(redone, row) for row in trace]
        if any(one.sent for one in recorded):
            _draft_again(redone, recorded, keys, reread)
            _drop_known(redone, trace, there)
        for one in recorded:
            published = redone.before if one.row.id in redone.drafts else redone.others
            published.add(*_published(one))
    return redone if redone.drafts else None


def _by_trace(rows: Iterable[EventRow]) -> Iterable[list[EventRow]]:
    traces: dict[str | None, list[EventRow]] = defaultdict(list)
    for row in rows:
        traces[row.trace].append(row)
    return traces.values()


def _recorded(redone: Redone, row: EventRow) -> Recorded:
    body = redone.body(row)

    def content(digest: bytes) -> Json:
        return redone.contents.body(redone.key, digest)

    return Recorded(row=row, body=body, sent=sent_of(row, body, content))


def _draft_again(
    redone: Redone, recorded: Sequence[Recorded], keys: ProjectKeys, reread: Reread
) -> None:
    by_client_id = {one.row.client_id: one for one in recorded}
    users = _users(recorded)
    for event in reread(recorded):
        one = by_client_id[event.id]
        _keep_others_words(event, one)
        environment = (event.sent or [{}])[0].get("environment", "")
        made = _with_user(draft(event, keys, environment), event, one, users)
        first = redone.drafts.get(made.row.id)
        redone.drafts[made.row.id] = combined(first, made, keys) if first else made
        redone.after.add(made.facets, made.features)


def _keep_others_words(event: IncomingEvent, one: Recorded) -> None:
    """Keep what was not read from the span: its place, hashes made of it before it was masked,
    and notes of who changed it on the way in.
    """
    event.position = one.row.position
    event.replay = one.body.get("replay", event.replay)
    noted = [flag for flag in one.body.get("flags", ()) if "by" in flag]
    event.flags = [*(event.flags or ()), *noted] or None
    if any(flag.get("field") == "id" for flag in noted):
        # Ids were masked, so what they name cannot be told any more; the trace knows.
        event.session = None


def _users(recorded: Sequence[Recorded]) -> dict[str | None, str]:
    """Return the hashes of users by what is kept of them, which may be masked."""
    return {one.body.get("user"): one.row.user_ref for one in recorded if one.row.user_ref}


def _with_user(
    made: Draft, event: IncomingEvent, one: Recorded, users: dict[str | None, str]
) -> Draft:
    """Keep the user's hash, which was made before the user was masked or dropped."""
    is_same = event.user == one.body.get("user")
    ref = one.row.user_ref if is_same else users.get(event.user, made.row.user_ref)
    if ref != made.row.user_ref:
        made.row.user_ref = ref
        settle(made.row)
        made.facets = facets_of(made.row, event.tags)
    return made


def _drop_known(redone: Redone, trace: Iterable[EventRow], there: dict[bytes, bytes]) -> None:
    """Keep of the drafts only what the session does not hold; there may be many."""
    for row in trace:
        if (made := redone.drafts.get(row.id)) is not None:
            made.parts = {
                digest: part for digest, part in made.parts.items() if digest not in there
            }
            made.body = {"outcome": made.body.get("outcome", {})}


def _published(one: Recorded) -> tuple[set[tuple[str, str]], int]:
    return facets_of(one.row, one.body.get("tags")), features_of(one.row, one.body)
