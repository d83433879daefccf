"""What may lead from one step to another, and how that is known: told, or inferred."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from enum import StrEnum
from itertools import accumulate
from typing import NamedTuple


class Tie(StrEnum):
    """What one step is to the one that an edge leads to."""

    SEQUENCE = "sequence"
    PARALLEL = "parallel"
    INSIDE = "inside"
    TOOL_CHAIN = "tool_chain"
    BRANCH = "branch"
    HAND_OFF = "hand_off"
    SUB_AGENT = "sub_agent"
    REMOTE_CALL = "remote_call"
    LINEAGE = "lineage"


class Why(StrEnum):
    """How an edge is known."""

    PARENT = "parent"
    INPUTS = "inputs"
    NAMED = "named"
    ALTERNATIVE = "alternative"
    ORDER = "order"
    OVERLAP = "overlap"
    TOOL_CALL = "tool_call"
    DECISION = "decision"
    AGENT = "agent"
    TRACE = "trace"
    CONTENT = "content"

    @property
    def is_explicit(self) -> bool:
        """Whether the sender said so; else it follows from times and kinds."""
        return self in (Why.PARENT, Why.INPUTS, Why.NAMED, Why.ALTERNATIVE)


TIES, WHYS = list(Tie), list(Why)
TITLES = {
    Tie.SEQUENCE: "Sequence",
    Tie.PARALLEL: "Parallel",
    Tie.INSIDE: "Inside",
    Tie.TOOL_CHAIN: "Tool chain",
    Tie.BRANCH: "Branch",
    Tie.HAND_OFF: "Hand-off",
    Tie.SUB_AGENT: "Sub-agent",
    Tie.REMOTE_CALL: "Remote call",
    Tie.LINEAGE: "Lineage",
}
REASONS = {
    Why.PARENT: "its sender names that step as its parent",
    Why.INPUTS: "its sender names that step among its inputs",
    Why.NAMED: "the hand-off names this agent",
    Why.ALTERNATIVE: "the decision names it, and chose otherwise",
    Why.ORDER: "it began next below the same parent",
    Why.OVERLAP: "it began next, and ran beside others",
    Why.TOOL_CALL: "a model call and a tool ran one right after the other",
    Why.DECISION: "it began right after the decision",
    Why.AGENT: "the first step of another agent after the hand-off",
    Why.TRACE: "the next trace of the session began with it",
    Why.CONTENT: "its input is what that step put out",
}


class Edge(NamedTuple):
    """From one step to another, both by index."""

    source: int
    target: int
    tie: Tie
    why: Why


class Edges:
    """Edges in columns: 50,000 take half a megabyte here."""

    def __init__(self) -> None:
        self.sources, self.targets = array("i"), array("i")
        self.ties, self.whys = bytearray(), bytearray()

    def __len__(self) -> int:
        return len(self.sources)

    def __iter__(self) -> Iterator[Edge]:
        return map(self.at, range(len(self)))

    def add(self, source: int, target: int, tie: Tie, why: Why) -> None:
        self.sources.append(source)
        self.targets.append(target)
        self.ties.append(_TIE_NUMBERS[tie])
        self.whys.append(_WHY_NUMBERS[why])

    def change(self, number: int, tie: Tie, why: Why) -> None:
        self.ties[number], self.whys[number] = _TIE_NUMBERS[tie], _WHY_NUMBERS[why]

    def at(self, number: int) -> Edge:
        tie, why = TIES[self.ties[number]], WHYS[self.whys[number]]
        return Edge(self.sources[number], self.targets[number], tie, why)


_TIE_NUMBERS = {tie: number for number, tie in enumerate(TIES)}
_WHY_NUMBERS = {why: number for number, why in enumerate(WHYS)}


class Inbound:
    """The edges into each step, found without going through all."""

    def __init__(self, edges: Edges, count: int) -> None:
        self._edges = edges
        self._numbers = array("i", sorted(range(len(edges)), key=edges.targets.__getitem__))
        counts = array("i", bytes(count * array("i").itemsize))
        for target in edges.targets:
            counts[target] += 1
        self._ends = array("i", accumulate(counts))

    def of(self, target: int) -> Iterator[Edge]:
        begin = self._ends[target - 1] if target else 0
        return (self._edges.at(number) for number in self._numbers[begin : self._ends[target]])
