"""How the steps of a session follow each other: forks and joins, from the tree and from times.

The steps below one parent are gone through in replay order. Those whose times overlap, one
another or through others, make a stage; within a stage what can follow without overlap is a
branch. A stage begins where the one before ended. A step that holds others ends with the last
of them, so that edges lead to where work really went on. Every edge goes forward in the order
of the tree, and each step but the first has one at least.
"""

from __future__ import annotations

import heapq
import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise

from apps.sessions.graph_edges import Edges, Tie, Why
from apps.sessions.graph_facts import Facts
from apps.sessions.layout import NOWHERE, Layout

# Ends of branches that a step hands on; more than these nobody could follow.
MOST_ENDS = 1000
# Seconds by which one step may seem to begin before the one that it followed has ended.
TOLERANCE = 0.0001
MODEL, AGENT, DECISION = "llm", "agent", "decision"
TOOLS = frozenset({"tool", "http", "retriever", "handoff"})

# Steps that follow one another.
Branch = list[int]


def flow_of(layout: Layout, facts: Facts, starts: Sequence[float]) -> Edges:
    """Return the edges of a session's flow, in O(n log n)."""
    return _Flow(layout, facts, starts).edges


class _Flow:
    def __init__(self, layout: Layout, facts: Facts, starts: Sequence[float]) -> None:
        self.layout, self.facts, self.starts = layout, facts, starts
        self.edges = Edges()
        below: dict[int, list[int]] = defaultdict(list)
        for index, parent in enumerate(layout.parents):
            below[parent].append(index)
        # Where work goes on from after a step: the step itself unless it holds others.
        self.ends: dict[int, Sequence[int]] = {}
        # Children first, so that the ends of each step are known when it is connected.
        for parent in (*reversed(layout.order), NOWHERE):
            if parent in below:
                self.ends[parent] = self._connect(parent, below[parent])

    def _connect(self, parent: int, children: Sequence[int]) -> Sequence[int]:
        before: Sequence[int] = () if parent == NOWHERE else (parent,)
        for stage in stages_of(children, self.starts, self.layout.durations):
            is_wide = len(stage) > 1
            self._lead(before, [branch[0] for branch in stage], is_wide=is_wide)
            for branch in stage:
                for one, other in pairwise(branch):
                    self._lead(self._ends_of(one), [other], is_wide=False)
            before = self._ends_of_stage(stage)
        return before[-MOST_ENDS:]

    def _ends_of(self, index: int) -> Sequence[int]:
        return self.ends.get(index, (index,))

    def _ends_of_stage(self, stage: Sequence[Branch]) -> Sequence[int]:
        if len(stage) == 1:
            return self._ends_of(stage[0][-1])
        return [end for branch in stage for end in self._ends_of(branch[-1])]

    def _lead(self, sources: Sequence[int], targets: Sequence[int], *, is_wide: bool) -> None:
        """Join all sources in the first target; let the others begin from the last source."""
        is_wide = is_wide or len(sources) > 1
        for source in sources:
            self._edge(source, targets[0], is_wide=is_wide)
        for target in targets[1:]:
            if sources:
                self._edge(sources[-1], target, is_wide=True)

    def _edge(self, source: int, target: int, *, is_wide: bool) -> None:
        layout = self.layout
        if layout.parents[target] == source:
            services = self.facts.services
            tie, why = tie_of_parent(layout, services, source, target, is_wide=is_wide), Why.PARENT
        elif is_wide:
            is_agent = layout.parents[target] != NOWHERE and layout.kinds[target] == AGENT
            tie, why = Tie.SUB_AGENT if is_agent else Tie.PARALLEL, Why.OVERLAP
        else:
            tie, why = self._told_by_order(source, target)
        self.edges.add(source, target, tie, why)

    def _told_by_order(self, source: int, target: int) -> tuple[Tie, Why]:
        layout, traces = self.layout, self.facts.traces
        is_root = layout.parents[target] == NOWHERE
        if layout.kinds[target] == AGENT and not is_root:
            return Tie.SUB_AGENT, Why.ORDER
        if layout.kinds[source] == DECISION:
            return Tie.BRANCH, Why.DECISION
        if _is_tool_chain(layout, source, target):
            return Tie.TOOL_CHAIN, Why.TOOL_CALL
        is_next_trace = is_root and traces[source] != traces[target]
        return Tie.SEQUENCE, Why.TRACE if is_next_trace else Why.ORDER


def tie_of_parent(
    layout: Layout,
    services: Sequence[str | None],
    parent: int,
    target: int,
    *,
    is_wide: bool = False,
) -> Tie:
    """Return what a step is to one of those inside of it."""
    here, there = services[parent], services[target]
    if here is not None and there is not None and here != there:
        return Tie.REMOTE_CALL
    if layout.kinds[target] == AGENT:
        return Tie.SUB_AGENT
    if is_wide:
        return Tie.PARALLEL
    return Tie.TOOL_CHAIN if _is_tool_chain(layout, parent, target) else Tie.INSIDE


def _is_tool_chain(layout: Layout, source: int, target: int) -> bool:
    one, other = layout.kinds[source], layout.kinds[target]
    return (one == MODEL and other in TOOLS) or (one in TOOLS and other == MODEL)


def stages_of(
    steps: Sequence[int], starts: Sequence[float], durations: Sequence[float]
) -> Iterator[list[Branch]]:
    """Yield the branches of each stage of some steps, which come in replay order."""
    stage: list[Branch] = []
    # When each branch is free again, the earliest first.
    free: list[tuple[float, int]] = []
    latest = -math.inf
    for step in steps:
        start, end = starts[step], _end(starts[step], durations[step])
        # Comparisons with what is unknown are false: it follows what came before.
        if stage and not start < latest - TOLERANCE:
            yield stage
            stage, free, latest = [], [], -math.inf
        number = heapq.heappop(free)[1] if free and free[0][0] <= start + TOLERANCE else len(stage)
        if number == len(stage):
            stage.append([])
        stage[number].append(step)
        heapq.heappush(free, (end, number))
        latest = max(latest, end)
    if stage:
        yield stage


def _end(start: float, lasts: float) -> float:
    """Return when a step ended; -inf where nothing is known."""
    if math.isnan(start):
        return -math.inf
    return start if math.isnan(lasts) else start + lasts / 1000
