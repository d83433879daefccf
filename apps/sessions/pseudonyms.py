"""Tokens in the place of personal data that can be given back: ``<EMAIL_1>``.

A value has one token in a session, so that a reader can follow it, and none in common with
another session. The values lie under the session's key, so they end with it.

Tokens are made before it is known where an event will lie. Where a session can only be the
one that is named, its tokens are plain. What may still join another session (a trace that
names none, or only a conversation) has tokens with a tag of its own, so that they stay apart
from those of the session that adopts it.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from apps.sessions import sql
from apps.sessions.arrays import array
from apps.sessions.events import IncomingEvent
from apps.sessions.keys import ProjectKeys, SessionCipher, WrappedKey, project_keys
from apps.sessions.owners import trace_key
from apps.sessions.session_rows import HeldSession

# Writers of the same sessions wait for one another; more slots than this would fill the
# database's table of locks.
SLOTS = 64
LOCKS = "redaction"
TAG_DIGITS = 6

LOCK = """
SELECT pg_advisory_xact_lock($1::int4, slot)
FROM (SELECT unnest($2::int8[])::int4 AS slot ORDER BY 1) AS wanted
"""
# Traces with the session that each belongs to, and sessions by their names.
PLACES = """
SELECT t.id, NULL, uuid_send(s.id), s.external_id, t.is_weak
FROM agent_sessions_trace t
JOIN agent_sessions_session s ON s.project_id = t.project_id AND s.id = t.session_id
WHERE t.project_id = $1 AND t.id = ANY($2::text[])
UNION ALL
SELECT NULL, s.external_id, uuid_send(s.id), s.external_id, false
FROM agent_sessions_session s
WHERE s.project_id = $1 AND s.external_id = ANY($3::text[])
"""
KNOWN = """
SELECT uuid_send(session_id), kind, number, tag, mac FROM agent_sessions_pseudonym
WHERE project_id = $1 AND session_id = ANY($2::uuid[])
"""
KEYS = """
SELECT uuid_send(session_id), version, wrapped_by, wrapped FROM agent_sessions_sessionkey
WHERE project_id = $1 AND session_id = ANY($2::uuid[])
"""
COLUMNS = [
    ("session_id", "uuid"),
    ("kind", "text"),
    ("number", "bigint"),
    ("tag", "text"),
    ("mac", "bytea"),
    ("sealed", "bytea"),
]
INSERT = """
INSERT INTO agent_sessions_pseudonym (project_id, session_id, kind, number, tag, mac, sealed)
SELECT $1, {selected} FROM {source} ON CONFLICT DO NOTHING
"""
ALL = """
SELECT kind, number, tag, mac, sealed FROM agent_sessions_pseudonym
WHERE project_id = $1 AND session_id = $2 ORDER BY kind, number, tag
"""
DELETE = "DELETE FROM agent_sessions_pseudonym WHERE project_id = $1 AND session_id = $2"


class Token(NamedTuple):
    """What stands in the place of a value."""

    kind: str
    number: int
    tag: str

    @property
    def text(self) -> str:
        return f"<{'_'.join(filter(None, (self.kind, str(self.number), self.tag)))}>"


@dataclass(slots=True)
class _Place:
    """The tokens of one session, or of a trace whose session is not known."""

    tag: str = ""
    tokens: dict[bytes, Token] = field(default_factory=dict)
    # The largest number so far, by kind.
    numbers: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))

    def token(self, kind: str, mac: bytes) -> Token:
        found = self.tokens.get(mac)
        if found is None:
            self.numbers[kind] += 1
            found = self.tokens[mac] = Token(kind, self.numbers[kind], self.tag)
        return found

    def learn(self, token: Token, mac: bytes) -> None:
        """Take in a token that the record has."""
        self.tokens.setdefault(mac, token)
        if token.tag == self.tag:
            self.numbers[token.kind] = max(self.numbers[token.kind], token.number)


class _Owner(NamedTuple):
    """The session that a trace belongs to so far."""

    session: bytes
    name: str | None
    is_weak: bool


# Where an event was going when a token was made in it: its trace and its session's name.
Going = tuple[str | None, str | None]


class PseudonymBook:
    """The tokens of the sessions of one request. Used inside of the transaction that appends."""

    def __init__(self, project_id: int, events: Sequence[IncomingEvent]) -> None:
        self._keys: ProjectKeys = project_keys(project_id)
        # The sessions that a trace names, and the conversations.
        self._claims: defaultdict[str, set[str]] = defaultdict(set)
        self._weak: defaultdict[str, set[str]] = defaultdict(set)
        self._places: dict[str, _Place] = {}
        self._used: set[tuple[Going, Token, bytes, str]] = set()
        self._going: Going = (None, None)
        for event in events:
            if event.trace is not None and event.session is not None:
                claims = self._weak if event.is_conversation else self._claims
                claims[trace_key(event.trace)].add(event.session)
        traces = {trace_key(event.trace) for event in events if event.trace is not None}
        names = {event.session for event in events if event.session is not None}
        # Read twice: which sessions to wait for is known only from the traces' own.
        known = {owner.name for owner in self._find(traces, names)[0].values()}
        self._held = traces | names | {name for name in known if name is not None}
        self._lock(self._held)
        self._owners, self._sessions = self._find(traces, names)
        self._load()

    def enter(self, event: IncomingEvent) -> None:
        """Make the following tokens for this event."""
        trace = None if event.trace is None else trace_key(event.trace)
        self._going = trace, event.session

    def token(self, kind: str, value: str) -> str:
        """Return the token of a value; ``keep`` stores what it stands for."""
        mac = self._keys.identity("pseudonym", f"{kind}\0{value}")
        token = self._place().token(kind, mac)
        self._used.add((self._going, token, mac, value))
        return token.text

    def keep(self) -> None:
        """Store what the tokens stand for, now that their sessions are there."""
        if not self._used:
            return
        traces = {trace for (trace, _), *_ in self._used if trace is not None}
        names = {name for (_, name), *_ in self._used if name is not None}
        owners, sessions = self._find(traces, names)
        held = {owner.session for owner in owners.values()} | set(sessions.values())
        ciphers = _ciphers(self._keys, held)
        rows = set()
        for (trace, name), token, mac, value in self._used:
            session = sessions[name or ""] if trace is None else owners[trace].session
            rows.add((session, token, mac, value))
        sealed = [
            (session, *token, mac, seal(ciphers[session], token, value))
            for session, token, mac, value in sorted(rows)
        ]
        sql.insert(INSERT, COLUMNS, self._keys.project_id, sealed)

    def _place(self) -> _Place:
        trace, name = self._going
        if trace is None:
            return self._plain(name or "")
        owner = self._owners.get(trace)
        claims, weak = self._claims[trace], self._weak[trace]
        if owner is not None and owner.name is not None:
            return self._place_in(owner.name, owner.is_weak, trace, claims)
        if len(claims) == 1:
            return self._plain(next(iter(claims)))
        if not claims and len(weak) == 1:
            return self._tagged(next(iter(weak)))
        # Without a name, or with several of which only one will count.
        return self._tagged(trace, *claims, *weak)

    def _place_in(self, session: str, is_weak: bool, trace: str, claims: set[str]) -> _Place:
        """Return the place of a trace that belongs to a session with a name."""
        if session not in self._held:
            # It joined that session just now, and others may be numbering there.
            return self._tagged(trace, session)
        if not is_weak:
            return self._plain(session)
        # A session id overrules a conversation, unless others go by that too.
        return self._tagged(trace, *claims) if claims else self._tagged(session)

    def _plain(self, name: str) -> _Place:
        return self._places.setdefault(f"\0{name}", _Place())

    def _tagged(self, *scope: str) -> _Place:
        """Return the place of what may still join another session."""
        told = "\0".join(sorted(scope))
        tag = self._keys.identity(LOCKS, told).hex()[:TAG_DIGITS].upper()
        return self._places.setdefault(told, _Place(tag=tag))

    def _lock(self, names: Iterable[str]) -> None:
        digests = {self._keys.identity(LOCKS, name)[0] % SLOTS for name in names}
        project = self._keys.project_id % 2**31
        sql.rows(LOCK, project, array("bigint", sorted(digests)))

    def _find(
        self, traces: set[str], names: set[str]
    ) -> tuple[dict[str, _Owner], dict[str, bytes]]:
        """Return the sessions of traces and names, as far as there are any."""
        owners: dict[str, _Owner] = {}
        sessions: dict[str, bytes] = {}
        wanted = array("text", sorted(traces)), array("text", sorted(names))
        for trace, name, session, external_id, is_weak in sql.rows(
            PLACES, self._keys.project_id, *wanted
        ):
            if trace is None:
                sessions[name] = session
            else:
                owners[trace] = _Owner(session, external_id, is_weak)
        return owners, sessions

    def _load(self) -> None:
        """Learn the tokens that these sessions have, in each place from which they may be used."""
        places: defaultdict[bytes, list[_Place]] = defaultdict(list)
        for name, session in self._sessions.items():
            places[session] += [self._plain(name), self._tagged(name)]
        for trace in {*self._owners, *self._claims, *self._weak}:
            self._going = trace, None
            place = self._place()
            named = [self._sessions.get(name) for name in self._claims[trace] | self._weak[trace]]
            if trace in self._owners:
                named.append(self._owners[trace].session)
            for known in named:
                if known is not None:
                    places[known].append(place)
        ids = array("uuid", sorted(places))
        for session, kind, number, tag, mac in sql.rows(KNOWN, self._keys.project_id, ids):
            for place in places[session]:
                place.learn(Token(kind, number, tag), bytes(mac))


def _ciphers(keys: ProjectKeys, sessions: set[bytes]) -> dict[bytes, SessionCipher]:
    found = sql.rows(KEYS, keys.project_id, array("uuid", sorted(sessions)))
    return {
        session: keys.cipher(uuid.UUID(bytes=session), WrappedKey(version, by, bytes(wrapped)))
        for session, version, by, wrapped in found
    }


def seal(cipher: SessionCipher, token: Token, value: str) -> bytes:
    """Encrypt the value of a token for its place in its session."""
    return cipher.seal(value.encode("utf-8", "surrogatepass"), _purpose(token))


def unseal(cipher: SessionCipher, token: Token, sealed: bytes) -> str:
    """Return the value that a token stands for."""
    return cipher.open(sealed, _purpose(token)).decode("utf-8", "surrogatepass")


def values_of(project_id: int, session_id: uuid.UUID, cipher: SessionCipher) -> dict[str, str]:
    """Return what each token of a session stands for, by the token."""
    return {
        token.text: unseal(cipher, token, sealed)
        for token, _, sealed in _rows(project_id, session_id)
    }


def move(project_id: int, own: HeldSession, named: HeldSession) -> None:
    """Seal the values of one session again under the key of the session that it joins."""
    session = uuid.UUID(bytes=own.row.id)
    rows = [
        (named.row.id, *token, mac, seal(named.cipher, token, unseal(own.cipher, token, sealed)))
        for token, mac, sealed in _rows(project_id, session)
    ]
    if rows:
        sql.insert(INSERT, COLUMNS, project_id, rows)
        sql.run(DELETE, project_id, session)


def _rows(project_id: int, session_id: uuid.UUID) -> list[tuple[Token, bytes, bytes]]:
    found = sql.rows(ALL, project_id, session_id)
    return [
        (Token(kind, number, tag), bytes(mac), bytes(sealed))
        for kind, number, tag, mac, sealed in found
    ]


def _purpose(token: Token) -> bytes:
    return b"pseudonym" + token.text.encode()
