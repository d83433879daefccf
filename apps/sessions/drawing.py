"""How a session's steps are drawn: when, in which lanes, and which of them are critical.

The record says when a step began by the clock of the machine it ran on. Where clocks
disagreed, what is drawn is corrected (see ``skew``), and says so; nothing else uses this.
"""

from __future__ import annotations

import math
from array import array
from collections import defaultdict
from functools import cached_property

from apps.sessions.critical_path import Intervals, OnPath, critical_path
from apps.sessions.lane_groups import LaneGroups
from apps.sessions.layout import Layout, known
from apps.sessions.models import Session
from apps.sessions.origins import origins_in
from apps.sessions.skew import shifts_of


class Drawing:
    """A layout with corrected times; found once for as long as the layout is kept."""

    def __init__(self, layout: Layout, shifts: dict[int, float]) -> None:
        self.layout = layout
        # Seconds by step, of those that are drawn at another time than they were recorded at.
        self.shifts = shifts
        self.starts = array("d", layout.starts)
        for index, shift in shifts.items():
            self.starts[index] += shift

    @cached_property
    def begins(self) -> float:
        """When the first step is drawn to begin, in seconds."""
        return min((start for start in self.starts if not math.isnan(start)), default=0.0)

    @cached_property
    def is_timed(self) -> bool:
        return not all(map(math.isnan, self.starts))

    @cached_property
    def total_ms(self) -> float:
        """From the beginning to the latest end; never 0."""
        timed = zip(self.starts, self.layout.durations, strict=True)
        ends = (start + (known(lasts) or 0.0) / 1000 for start, lasts in timed)
        last = max((end for end in ends if not math.isnan(end)), default=0.0)
        return max((last - self.begins) * 1000, 1.0)

    def left_ms(self, index: int) -> float | None:
        """Return how long after the beginning a step is drawn to begin."""
        start = known(self.starts[index])
        return None if start is None else (start - self.begins) * 1000

    @cached_property
    def path(self) -> dict[int, OnPath]:
        """The steps of the critical path, by index, in replay order."""
        times = Intervals(self.starts, self.layout.durations, self.layout.parents)
        return {one.at: one for one in critical_path(times)}

    @cached_property
    def path_by_kind(self) -> list[tuple[str, float]]:
        """What the path's time went to: kinds of steps with their milliseconds, most first."""
        spent: dict[str, float] = defaultdict(float)
        for one in self.path.values():
            spent[self.layout.kinds[one.at] or ""] += one.own_ms
        return sorted(spent.items(), key=lambda kind: (-kind[1], kind[0]))

    @cached_property
    def groups(self) -> LaneGroups:
        return LaneGroups(self.layout)


def drawing_of(session: Session, layout: Layout) -> Drawing:
    """Return how the session is drawn; clocks are compared when it is first asked for."""
    if not isinstance(layout.drawn, Drawing):
        times = Intervals(layout.starts, layout.durations, layout.parents)
        layout.drawn = Drawing(layout, shifts_of(times, origins_in(session, layout)))
    return layout.drawn
