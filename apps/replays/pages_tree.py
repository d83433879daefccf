"""The tree of forks: what a session comes from, and what was replayed and forked from it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from django.db.models import Count
from django.db.models.expressions import RawSQL

from apps.replays.models import Replay
from apps.replays.pages_rows import Named, ReplayRow, Told
from apps.sessions.models import Session
from apps.tenants.models import Project

# Under one session, and in all; of the rest it is told how many there are and where.
MOST_BESIDE = 20
MOST_NODES = 300
DEEPEST = 8
# Nobody has forked more often than this.
MOST_ABOVE = 20

# Forks first: they are what branches further.
BELOW = """
WITH RECURSIVE below AS (
    (SELECT id, session_id, 1 AS depth FROM replays_replay
     WHERE project_id = %s AND original_id = %s
     ORDER BY (origin = 'fork') DESC, id DESC LIMIT %s)
    UNION ALL
    SELECT child.id, child.session_id, below.depth + 1 FROM below, LATERAL (
        SELECT id, session_id FROM replays_replay
        WHERE project_id = %s AND original_id = below.session_id
        ORDER BY (origin = 'fork') DESC, id DESC LIMIT %s
    ) AS child
    WHERE below.depth < %s
)
SELECT id FROM below LIMIT %s
"""
ABOVE = """
WITH RECURSIVE above AS (
    SELECT id, replay_of, 0 AS depth FROM agent_sessions_session
    WHERE project_id = %s AND id = %s
    UNION ALL
    SELECT parent.id, parent.replay_of, above.depth + 1
    FROM above JOIN agent_sessions_session AS parent
    ON parent.project_id = %s AND parent.id = above.replay_of
    WHERE above.depth < %s
)
SELECT id FROM above
"""
Beside = dict[UUID | None, list[Replay]]


@dataclass(frozen=True, slots=True)
class Ancestor:
    """A session that this one was made from, and the step at which the next one left it."""

    named: Named
    left_at: UUID | None


@dataclass(frozen=True, slots=True)
class Node:
    """A replay in the tree, with those that were made of its session."""

    row: ReplayRow
    children: list[Node] = field(default_factory=list)
    # Replays of its session that are not shown here.
    more: int = 0


@dataclass(frozen=True, slots=True)
class Tree:
    """All that hangs together with a session."""

    # From the first original down to the parent.
    above: Sequence[Ancestor]
    children: Sequence[Node]
    more: int

    @property
    def has_forks(self) -> bool:
        return any(node.row.replay.is_fork or node.children for node in self.children)


@dataclass(frozen=True, slots=True)
class Kin:
    """The rows of which a tree is made, read before anything of them is opened."""

    session: Session
    below: Sequence[Replay]
    above: Sequence[Session]

    def tree(self, told: Told) -> Tree:
        """Return the tree, with what a page says of its sessions."""
        beside: Beside = defaultdict(list)
        for replay in self.below:
            beside[replay.original_id].append(replay)
        left_out = self._left_out({key: len(found) for key, found in beside.items()})
        children = list(_nodes(self.session.pk, beside, left_out, told))
        return Tree(list(self._ancestors(told)), children, left_out[self.session.pk])

    def _left_out(self, shown: Mapping[UUID | None, int]) -> Counter[UUID | None]:
        """Return how many more replays a session has, asked only where there may be some."""
        is_cut = len(self.below) == MOST_NODES
        doubted = {key for key, count in shown.items() if is_cut or count >= MOST_BESIDE}
        if is_cut:
            doubted |= {replay.session_id for replay in self.below}
        if not doubted:
            return Counter()
        rows = self.session.project.replays.filter(original_id__in=doubted)
        counts = rows.values_list("original_id").annotate(number=Count("pk")).order_by()
        return Counter({key: count - shown.get(key, 0) for key, count in counts})

    def _ancestors(self, told: Told) -> Iterator[Ancestor]:
        below = [*self.above, self.session][1:]
        for session, child in zip(self.above, below, strict=True):
            yield Ancestor(Named(session, told.titles.get(session.pk, "")), child.forked_at)


def kin_of(session: Session) -> Kin:
    """Return what hangs together with a session, in two queries for any number of replays."""
    return Kin(session, _below(session), _above(session))


def _below(session: Session) -> list[Replay]:
    project = session.project.pk
    values = (project, session.pk, MOST_BESIDE, project, MOST_BESIDE, DEEPEST, MOST_NODES)
    rows = session.project.replays.select_related("session", "original").defer("sealed")
    found = rows.filter(pk__in=RawSQL(BELOW, values))  # noqa: S611
    return sorted(found.order_by("-pk"), key=lambda replay: not replay.is_fork)


def _above(session: Session) -> list[Session]:
    """Return what a session was made from, the first original first."""
    if session.replay_of is None:
        return []
    project: Project = session.project
    values = (project.pk, session.pk, project.pk, MOST_ABOVE)
    found = project.sessions.filter(pk__in=RawSQL(ABOVE, values))  # noqa: S611
    by_id = {row.pk: row for row in found}
    chain: list[Session] = []
    above = by_id.pop(session.replay_of, None)
    while above is not None:
        chain.append(above)
        # Taken out, so that a ring ends.
        above = by_id.pop(above.replay_of, None) if above.replay_of else None
    return chain[::-1]


def _nodes(
    session_id: UUID, beside: Beside, left_out: Counter[UUID | None], told: Told
) -> Iterator[Node]:
    # Each is shown once, so that a ring ends.
    for replay in beside.pop(session_id, []):
        below = replay.session_id
        children = list(_nodes(below, beside, left_out, told))
        yield Node(told.rows[replay.pk], children, left_out[below])
