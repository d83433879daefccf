"""Which agent and service each step belongs to: what the lanes of the graph are made of."""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Sequence

from apps.sessions.graph_facts import Facts
from apps.sessions.layout import Layout

AGENT = "agent"


def agents_of(layout: Layout, facts: Facts) -> list[str | None]:
    """Return the agent of each step: its own, as its sender says, or that of its parent."""
    agents: list[str | None] = [None] * len(layout)
    for index in layout.order:
        parent = layout.parents[index]
        agents[index] = _own_agent(layout, facts, index) or (
            agents[parent] if parent >= 0 else None
        )
    return agents


def _own_agent(layout: Layout, facts: Facts, index: int) -> str | None:
    is_agent = layout.kinds[index] == AGENT
    return facts.agents[index] or (layout.names[index] if is_agent else None)


# A service and an agent, as far as they are known.
Owner = tuple[str | None, str | None]


class Lanes:
    """Lanes by service and agent first; what runs beside its own agent's steps gets more.

    Services are told apart where there are several.
    """

    def __init__(self, layout: Layout, facts: Facts, agents: Sequence[str | None]) -> None:
        self.is_distributed = len({one for one in facts.services if one is not None}) > 1
        services = facts.services if self.is_distributed else [None] * len(layout)
        numbers: dict[Owner, int] = {}
        branches: dict[int, dict[int, int]] = defaultdict(dict)
        # Of each step: whose lane it is in, and in which of these.
        self.owner_of, self.branch_of = array("i"), array("i")
        for owner, lane in zip(zip(services, agents, strict=True), layout.lanes.at, strict=True):
            number = numbers.setdefault(owner, len(numbers))
            self.owner_of.append(number)
            self.branch_of.append(branches[number].setdefault(lane, len(branches[number])))
        self.owners = list(numbers)

    def name(self, owner: int) -> str:
        """Return how the lanes of an owner are called."""
        return " · ".join(part for part in self.owners[owner] if part) or "main"
