"""One side of a comparison: a session's steps with the digests of what they said."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from playhead.alignment import common_ends

from apps.sessions import reader, sql
from apps.sessions.arrays import array
from apps.sessions.chunks import Contents
from apps.sessions.likeness import Likeness
from apps.sessions.models import Session
from apps.sessions.steps import Step

DIGESTS = """
SELECT uuid_send(id), lane, input_digest, output_digest, extra_digest FROM agent_sessions_event
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

MAIN = "main"
# Where the name of a span holds the model that was asked.
NAMED_BY_MODEL = frozenset({"llm", "embedding", "reranker"})
SPACES = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Digests:
    """Under which digests a step's content lies, and its lane as it was sent."""

    lane: str | None = None
    input: bytes | None = None
    output: bytes | None = None
    extra: bytes | None = None

    @property
    def all(self) -> Iterator[bytes]:
        return (one for one in (self.input, self.output, self.extra) if one is not None)


UNSEEN = Digests()


@dataclass(frozen=True, slots=True)
class Side:
    """The steps of a session in replay order, with names, lanes and digests to compare."""

    session: Session
    steps: Sequence[Step]
    digests: Sequence[Digests]
    names: Sequence[str]
    lanes: Sequence[str]

    @property
    def key(self) -> bytes:
        return self.session.pk.bytes


def read_side(session: Session) -> Side:
    """Return a session's side, from two queries over narrow columns."""
    steps = reader.outline(session).steps
    rows = sql.rows(DIGESTS, session.project_id, session.pk)
    found = {bytes(event).hex(): Digests(*rest) for event, *rest in rows}
    digests = [found.get(step.id, UNSEEN) for step in steps]
    return Side(session, steps, digests, [name_of(step) for step in steps], _lanes(steps, digests))


def name_of(step: Step) -> str:
    """Return the name by which a step is found again: the model is no part of it."""
    name = step.name or ""
    if step.kind not in NAMED_BY_MODEL:
        return name
    for model in (step.model_returned, step.model):
        name = name.replace(model, " ") if model else name
    return SPACES.sub(" ", name).strip()


def _lanes(steps: Sequence[Step], digests: Sequence[Digests]) -> list[str]:
    """Return the lanes along which steps are aligned: as sent, else one for each sub-agent.

    Lanes that are derived for display follow from when steps overlapped, which is never the
    same twice.
    """
    lanes: dict[str, str] = {}
    agents: dict[str, int] = {}
    for step, digest in sorted(
        zip(steps, digests, strict=True), key=lambda pair: (pair[0].depth, pair[0].seq)
    ):
        lane = lanes.get(step.parent or "", MAIN)
        if step.kind == "agent" and step.parent is not None:
            agents[lane] = agents.get(lane, 0) + 1
            lane = f"{lane}.{agents[lane]}"
        lanes[step.id] = digest.lane or lane
    return [lanes[step.id] for step in steps]


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
    count_a, count_b = len(a.steps), len(b.steps)
    head, tail = common_ends(count_a, count_b, lambda i, j: _is_same(a, b, i, j))
    ends = [(at, at) for at in range(head)]
    ends += [(count_a - at, count_b - at) for at in range(1, tail + 1)]
    for i, j in ends:
        ours, theirs = a.digests[i].extra, b.digests[j].extra
        if ours != theirs:
            yield from ((side, one) for side, one in ((a.key, ours), (b.key, theirs)) if one)
    for side, count in ((a, count_a), (b, count_b)):
        for at in range(head, count - tail):
            yield from ((side.key, digest) for digest in side.digests[at].all)


def _is_same(a: Side, b: Side, i: int, j: int) -> bool:
    ours, theirs = a.digests[i], b.digests[j]
    return (a.steps[i].kind, a.names[i], a.lanes[i], ours.input, ours.output) == (
        b.steps[j].kind,
        b.names[j],
        b.lanes[j],
        theirs.input,
        theirs.output,
    )
