"""The graph of a session: which step led to which, in whose lane. Kept with its layout."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property

from apps.sessions.drawing import drawing_of
from apps.sessions.graph_agents import Lanes, agents_of
from apps.sessions.graph_edges import Edge, Inbound, Why
from apps.sessions.graph_facts import Facts, facts_of
from apps.sessions.graph_flow import flow_of, tie_of_parent
from apps.sessions.graph_groups import Groups
from apps.sessions.graph_links import tie_hand_offs, tie_lineage
from apps.sessions.keys import SessionCipher
from apps.sessions.layout import Layout
from apps.sessions.layout_cache import layout_of
from apps.sessions.models import Session


class Graph:
    """All edges of a session, and the lanes of its steps. Holds no content."""

    def __init__(self, layout: Layout, facts: Facts, starts: Sequence[float]) -> None:
        self.layout, self.services = layout, facts.services
        self.agents = agents_of(layout, facts)
        self.lanes = Lanes(layout, facts, self.agents)
        self.edges = flow_of(layout, facts, starts)
        tie_hand_offs(self.edges, layout, self.agents)
        tie_lineage(self.edges, layout, facts)

    @cached_property
    def inbound(self) -> Inbound:
        return Inbound(self.edges, len(self.layout))

    @cached_property
    def groups(self) -> Groups:
        return Groups(self.layout, self.edges)

    def edges_into(self, target: int, *, content: bool = True) -> Iterator[Edge]:
        """Yield the edges into a step, the one from its parent among them.

        Without ``content`` none that were found by looking at what was said.
        """
        parent = self.layout.parents[target]
        for edge in self.inbound.of(target):
            if edge.source == parent and edge.why is Why.PARENT:
                parent = -1
            if content or edge.why is not Why.CONTENT:
                yield edge
        if parent >= 0:
            tie = tie_of_parent(self.layout, self.services, parent, target)
            yield Edge(parent, target, tie, Why.PARENT)


def graph_of(session: Session, cipher: SessionCipher | None = None) -> Graph:
    """Return the session's graph, made once for each state of its layout."""
    layout = layout_of(session)
    if layout.graph is None:
        # Steps whose clocks disagreed are taken at their corrected times.
        starts = drawing_of(session, layout).starts
        layout.graph = Graph(layout, facts_of(session, layout, cipher), starts)
    graph: Graph = layout.graph
    return graph
