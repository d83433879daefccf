"""One side of a comparison: a session's steps with the digests of what they said."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from playhead.alignment import common_ends

from apps.sessions import reader, sql
from apps.sessions.arrays import array
from apps.sessions.chunks import Contents
from apps.sessions.lanes import MAIN
from apps.sessions.layout import Layout
from apps.sessions.layout_cache import layout_of
from apps.sessions.likeness import Likeness
from apps.sessions.models import Session

FACTS = """
SELECT uuid_send(id), lane, model, model_returned, provider, prompt_name, prompt_version, agent,
    status = 'error', error_type, input_digest, output_digest, extra_digest
FROM agent_sessions_event
WHERE project_id = $1 AND session_id = $2
"""
STORED = """
SELECT coalesce(sum(octet_length(body)), 0)::bigint FROM agent_sessions_chunk
WHERE project_id = $1 AND session_id = ANY($2::uuid[])
"""
# What is opened to compare two sessions. Beyond it their digests alone decide, and it is said.
BODIES_OPENED = 60_000
BYTES_STORED = 16 * 1024 * 1024
BYTES_OPENED = 48 * 1024 * 1024

# Where the name of a span holds the model that was asked.
NAMED_BY_MODEL = frozenset({"llm", "embedding", "reranker"})
# The first lane, as the Playhead client numbers it; others call it by what is shown.
ROOT = "0"
SPACES = re.compile(r"\s+")


class Facts(NamedTuple):
    """What is compared of a step without opening what it said."""

    # As it was sent.
    lane: str | None = None
    model: str | None = None
    model_returned: str | None = None
    provider: str | None = None
    prompt: str | None = None
    prompt_version: str | None = None
    agent: str | None = None
    is_error: bool | None = None
    error: str | None = None
    input: bytes | None = None
    output: bytes | None = None
    extra: bytes | None = None

    @property
    def digests(self) -> Iterator[bytes]:
        return (one for one in (self.input, self.output, self.extra) if one is not None)


NOTHING = Facts()


@dataclass(frozen=True, slots=True)
class Side:
    """The steps of a session in replay order, with names, lanes and facts to compare."""

    session: Session
    layout: Layout
    facts: Sequence[Facts]
    names: Sequence[str]
    lanes: Sequence[str]

    def __len__(self) -> int:
        return len(self.layout)

    @property
    def key(self) -> bytes:
        return self.session.pk.bytes

    def kind(self, at: int) -> str:
        return self.layout.kinds[at] or ""


def read_side(session: Session) -> Side:
    """Return a session's side, from two queries over narrow columns."""
    layout = layout_of(session)
    rows = sql.rows(FACTS, session.project_id, session.pk)
    found = {bytes(event): Facts(*rest) for event, *rest in rows}
    facts = [found.get(layout.id_bytes(at), NOTHING) for at in range(len(layout))]
    names = [_name(layout.kinds[at], layout.names[at], facts[at]) for at in range(len(layout))]
    return Side(session, layout, facts, names, _lanes(layout, facts))


def _name(kind: str | None, name: str | None, facts: Facts) -> str:
    """Return the name by which a step is found again: the model is no part of it."""
    name = name or ""
    if kind not in NAMED_BY_MODEL:
        return name
    for model in (facts.model_returned, facts.model):
        name = name.replace(model, " ") if model else name
    return SPACES.sub(" ", name).strip()


def _lanes(layout: Layout, facts: Sequence[Facts]) -> list[str]:
    """Return the lanes along which steps are aligned: as sent, else one for each sub-agent.

    Lanes that are derived for display follow from when steps overlapped, which is never the
    same twice.
    """
    lanes = [ROOT] * len(layout)
    agents: Counter[str] = Counter()
    # Parents first, each level in replay order.
    for at in sorted(range(len(layout)), key=layout.depths.__getitem__):
        parent = layout.parents[at]
        if parent >= 0:
            lanes[at] = lanes[parent]
            if layout.kinds[at] == "agent":
                agents[lanes[parent]] += 1
                lanes[at] = f"{lanes[parent]}.{agents[lanes[parent]]}"
        sent = facts[at].lane
        lanes[at] = ROOT if sent == MAIN else sent or lanes[at]
    return lanes


def open_sides(a: Side, b: Side) -> Likeness | None:
    """Return what tells whether steps said the same; None where that is too much to open.

    Three queries, however long the sessions are. Steps that have equal digests in both at the
    beginning and at the end are not opened.
    """
    wanted = list(_undecided(a, b))
    ids = array("uuid", [a.key, b.key])
    project_id = a.session.project_id
    [(stored,)] = sql.rows(STORED, project_id, ids)
    if len(wanted) > BODIES_OPENED or stored > BYTES_STORED:
        return None
    ciphers = reader.ciphers([a.session, b.session])
    contents = Contents(project_id, {pk.bytes: cipher for pk, cipher in ciphers.items()})
    contents.load(wanted)
    opened: Mapping[bytes, bytes] = {**contents.opened(a.key), **contents.opened(b.key)}
    if sum(len(opened[digest]) for _, digest in wanted) > BYTES_OPENED:
        return None
    return Likeness(opened)


def _undecided(a: Side, b: Side) -> Iterator[tuple[bytes, bytes]]:
    """Yield the bodies whose digests do not say whether both sessions hold the same."""
    head, tail = common_ends(len(a), len(b), lambda i, j: _is_same(a, b, i, j))
    ends = [(at, at) for at in range(head)]
    ends += [(len(a) - at, len(b) - at) for at in range(1, tail + 1)]
    for i, j in ends:
        ours, theirs = a.facts[i].extra, b.facts[j].extra
        if ours != theirs:
            yield from ((side, one) for side, one in ((a.key, ours), (b.key, theirs)) if one)
    for side in (a, b):
        for at in range(head, len(side) - tail):
            yield from ((side.key, digest) for digest in side.facts[at].digests)


def _is_same(a: Side, b: Side, i: int, j: int) -> bool:
    return _known(a, i) == _known(b, j)


def _known(side: Side, at: int) -> tuple[str | bytes | None, ...]:
    facts = side.facts[at]
    return side.kind(at), side.names[at], side.lanes[at], facts.input, facts.output
