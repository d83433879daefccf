"""Lanes as a timeline shows them: one for the session, each agent below it, each that was sent.

A lane that follows from the tree only because a call ran beside another is no group of its
own: twelve calls at once are twelve bars under the agent that made them.
"""

from __future__ import annotations

from array import array

from apps.sessions.layout import Layout

AGENT = "agent"
# Names of agents that stand for one lane.
MOST_NAMES = 3


class LaneGroups:
    """Which group each step is in, and what the groups are called, as a timeline lists them."""

    def __init__(self, layout: Layout) -> None:
        self.at = array("i", bytes(len(layout) * array("i").itemsize))
        self.lanes: list[str] = []
        self._agents: list[dict[str, None]] = []
        numbers: dict[str, int] = {}
        for index in layout.order:
            lane = _lane_of(layout, index)
            if lane is None:
                self.at[index] = self.at[layout.parents[index]]
                continue
            if lane not in numbers:
                numbers[lane] = len(self.lanes)
                self.lanes.append(lane)
                self._agents.append({})
            self.at[index] = numbers[lane]
            self._call(layout, index)

    def _call(self, layout: Layout, index: int) -> None:
        name = layout.names[index]
        if layout.kinds[index] == AGENT and name:
            self._agents[self.at[index]][name] = None

    def __len__(self) -> int:
        return len(self.lanes)

    def name(self, group: int) -> str:
        """Return the agents that ran in the lane, or what the lane is called."""
        agents = list(self._agents[group])
        if not agents:
            return self.lanes[group]
        more = len(agents) - MOST_NAMES
        return ", ".join(agents[:MOST_NAMES]) + (f" and {more} more" if more > 0 else "")


def _lane_of(layout: Layout, index: int) -> str | None:
    """Return the lane that a step begins a stay in; None where it is in its parent's group."""
    lane = layout.lanes[index] or ""
    is_below = layout.parents[index] >= 0
    if lane in layout.sent_lanes or not is_below or layout.kinds[index] == AGENT:
        return lane
    return None
