"""What the graph needs to know of each step beyond its place: agent, trace, service, lineage."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import orjson

from apps.sessions import reader, sql
from apps.sessions.fidelity import LINEAGE
from apps.sessions.keys import SessionCipher
from apps.sessions.layout import Layout
from apps.sessions.models import Session
from apps.sessions.state import batched

FACTS = """
SELECT uuid_send(id), agent, trace, input_digest, output_digest, extra_digest
FROM agent_sessions_event
WHERE project_id = $1 AND session_id = $2
"""
INPUTS = """
SELECT uuid_send(event_id), uuid_send(source_id), is_inferred FROM agent_sessions_eventinput
WHERE project_id = $1 AND session_id = $2
"""

# Which service a span ran in is told by its resource, in its content: read up to here.
MOST_READ = 60_000
AT_ONCE = 1000
# What OpenTelemetry calls a service that was given no name.
UNNAMED = "unknown_service"
SERVICE = re.compile(rb'"resource":\{(?:[^{}]|\{[^{}]*\})*?"service\.name":("(?:[^"\\]|\\.)*")')


class Given(NamedTuple):
    """Lineage: the output of one step was fed to another, by index."""

    source: int
    target: int
    is_inferred: bool


class Row(NamedTuple):
    agent: str | None = None
    trace: str | None = None
    input: bytes | None = None
    output: bytes | None = None
    extra: bytes | None = None


UNKNOWN = Row()


@dataclass(frozen=True)
class Facts:
    """Facts of a session's steps, in replay order; None where the sender does not say."""

    agents: Sequence[str | None]
    traces: Sequence[str | None]
    services: Sequence[str | None]
    # Digests: the same ones stand for the same content.
    inputs: Sequence[bytes | None]
    outputs: Sequence[bytes | None]
    given: Sequence[Given] = field(default_factory=list)


def facts_of(session: Session, layout: Layout, cipher: SessionCipher | None = None) -> Facts:
    """Read the facts of all steps, in two queries and one pass over the content.

    Whoever has the session's cipher already hands it on.
    """
    found = sql.rows(FACTS, session.project_id, session.pk)
    rows = {bytes(event): Row(*rest) for event, *rest in found}
    ordered = [rows.get(layout.id_bytes(index), UNKNOWN) for index in range(len(layout))]
    # Few different words: each is held once.
    same: dict[str | None, str | None] = {}
    return Facts(
        agents=[same.setdefault(row.agent, row.agent) for row in ordered],
        traces=[same.setdefault(row.trace, row.trace) for row in ordered],
        services=services_of(session, [row.extra for row in ordered], cipher),
        inputs=[row.input for row in ordered],
        outputs=[row.output for row in ordered],
        given=given_in(session, layout),
    )


def given_in(session: Session, layout: Layout) -> list[Given]:
    if not session.features & LINEAGE:
        return []
    places = {layout.id_bytes(index): index for index in range(len(layout))}
    found = [
        Given(places.get(bytes(source), -1), places.get(bytes(event), -1), bool(is_inferred))
        for event, source, is_inferred in sql.rows(INPUTS, session.project_id, session.pk)
    ]
    return sorted(one for one in found if one.source >= 0 and one.target >= 0)


def services_of(
    session: Session, digests: Sequence[bytes | None], cipher: SessionCipher | None = None
) -> list[str | None]:
    """Return the service that each step ran in; unknown in sessions too long to be read."""
    cipher = cipher or reader.ciphers([session]).get(session.pk)
    if cipher is None or len(digests) > MOST_READ:
        return [None] * len(digests)
    named: dict[bytes, str | None] = {}
    same: dict[str | None, str | None] = {}
    contents, key = reader.contents_of(session, [], cipher), session.pk.bytes
    # In the order in which they arrived, so that few chunks are opened more than once.
    for portion in batched([one for one in dict.fromkeys(digests) if one], AT_ONCE):
        contents.open((key, digest) for digest in portion)
        opened = contents.opened(key)
        named |= {digest: _service_in(opened, digest) for digest in portion}
        contents.forget()
    names = (named.get(digest) if digest else None for digest in digests)
    return [same.setdefault(name, name) for name in names]


def _service_in(opened: Mapping[bytes, bytes], digest: bytes) -> str | None:
    found = SERVICE.search(opened.get(digest, b""))
    name = orjson.loads(found[1]) if found else ""
    return None if not name or name.startswith(UNNAMED) else str(name)
