"""Where the nodes of a graph lie: lanes beside each other, what follows below. O(nodes + edges)."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

WIDTH = 208
# From one node to the next one beside it; between one and the next below it.
ACROSS, GAP = 256, 32
# How far from its right corner a line back leaves a box.
RETURN = 36
# A step has two lines of text, a group three.
STEP_HEIGHT, GROUP_HEIGHT = 46, 62
MARGIN, HEAD = 16, 36
# Left of the first column; further on the space between columns is as wide.
ASIDE = 48
# Room for the roads not taken beside a decision.
STUB_WIDTH = 168
# Nodes of one lane beside each other, before the next begin a row of their own.
MOST_BESIDE = 6


class Place(NamedTuple):
    """The corner of a node, and in which column and row it is."""

    x: int
    y: int
    height: int
    column: int
    row: int

    @property
    def right(self) -> int:
        return self.x + WIDTH

    @property
    def centre(self) -> int:
        return self.x + WIDTH // 2

    @property
    def middle(self) -> int:
        return self.y + self.height // 2

    @property
    def bottom(self) -> int:
        return self.y + self.height


class Grid:
    """Columns and rows in which nodes lie, none on top of another."""

    def __init__(self, height: int) -> None:
        self.height = height
        self.cells: dict[int, tuple[int, int]] = {}
        self._taken: dict[int, list[int]] = defaultdict(list)

    def put(self, node: int, column: int, row: int) -> None:
        self.cells[node] = (column, row)
        insort(self._taken[column], row)

    def next_free(self, column: int) -> int:
        return self._taken[column][-1] + 1 if self._taken[column] else 0

    def is_free(self, column: int, above: int, below: int) -> bool:
        """Whether nothing lies in the column between two rows."""
        rows = self._taken[column]
        at = bisect_right(rows, above)
        return at == len(rows) or rows[at] >= below

    def places(self, widths: Mapping[int, int]) -> dict[int, Place]:
        lefts, x = {}, ASIDE
        for column in range(max((column for column, _ in self.cells.values()), default=0) + 1):
            lefts[column] = x
            x += ACROSS + widths.get(column, 0)
        return {
            node: Place(
                lefts[column], HEAD + MARGIN + row * (self.height + GAP), self.height, column, row
            )
            for node, (column, row) in self.cells.items()
        }


def lay_out_steps(
    steps: Sequence[int], columns: Mapping[int, int], before: Mapping[int, Iterable[int]]
) -> Grid:
    """Put steps, which come in the order of the tree, into their columns, each below its causes."""
    grid = Grid(STEP_HEIGHT)
    for step in steps:
        rows = [grid.cells[one][1] + 1 for one in before.get(step, ()) if one in grid.cells]
        column = columns[step]
        grid.put(step, column, max([grid.next_free(column), *rows]))
    return grid


def lay_out_groups(
    lanes: Sequence[int], before: Mapping[int, Iterable[int]], height: int
) -> tuple[Grid, Sequence[int]]:
    """Put groups into layers: each below what leads to it, loops left aside.

    ``lanes`` has the lane of each group. What is in one layer of one lane lies side by side.
    Returns the first column of each lane too.
    """
    layers: list[int] = []
    # Nothing lies above what came before it in its lane.
    latest: dict[int, int] = defaultdict(int)
    for group, lane in enumerate(lanes):
        above = [layers[one] + 1 for one in before.get(group, ()) if one < group]
        latest[lane] = max([latest[lane], *above])
        layers.append(latest[lane])
    cells: dict[tuple[int, int], list[int]] = defaultdict(list)
    for group, (lane, layer) in enumerate(zip(lanes, layers, strict=True)):
        cells[lane, layer].append(group)
    lefts = _lefts(cells, max(lanes, default=0) + 1)
    tops = _tops(cells, max(layers, default=0) + 1)
    grid = Grid(height)
    for (lane, layer), groups in sorted(cells.items()):
        for at, group in enumerate(groups):
            row, column = divmod(at, MOST_BESIDE)
            grid.put(group, lefts[lane] + column, tops[layer] + row)
    return grid, lefts


def _lefts(cells: Mapping[tuple[int, int], Sequence[int]], count: int) -> list[int]:
    """Return the first column of each lane."""
    widths = [1] * count
    for (lane, _), groups in cells.items():
        widths[lane] = max(widths[lane], min(len(groups), MOST_BESIDE))
    return [sum(widths[:lane]) for lane in range(count)]


def _tops(cells: Mapping[tuple[int, int], Sequence[int]], count: int) -> list[int]:
    """Return the first row of each layer."""
    heights = [1] * count
    for (_, layer), groups in cells.items():
        heights[layer] = max(heights[layer], -(-len(groups) // MOST_BESIDE))
    tops = [0]
    for height in heights:
        tops.append(tops[-1] + height)
    return tops


def path_of(source: Place, target: Place, grid: Grid, *, is_joining: bool) -> str:
    """Return the path from below one node to above another: straight, or with elbows.

    One that joins others begins at its end: what paths share must be their beginning, or else
    dashes of several would fill each other's gaps.
    """
    if target.row <= source.row and source.column == target.column:
        return _back(source, target)
    is_back = target.row <= source.row
    points = _points_back(source, target) if is_back else _points(source, target, grid)
    if is_joining:
        points.reverse()
    return "M" + "L".join(f"{x} {y}" for x, y in points)


def _points_back(source: Place, target: Place) -> list[tuple[int, int]]:
    """Return the way up between rows, then beside the column of the target."""
    begin, above = source.right - RETURN, source.y - GAP // 4
    gap, into = target.right + 18, target.middle + 6
    return [(begin, source.y), (begin, above), (gap, above), (gap, into), (target.right, into)]


def _points(source: Place, target: Place, grid: Grid) -> list[tuple[int, int]]:
    begin, end, half = source.centre, target.centre, GAP // 2
    top, bottom = source.bottom, target.y
    is_free_below = grid.is_free(source.column, source.row, target.row)
    if source.column == target.column and is_free_below:
        return [(begin, top), (end, bottom)]
    if is_free_below:
        return [(begin, top), (begin, bottom - half), (end, bottom - half), (end, bottom)]
    if source.column != target.column and grid.is_free(target.column, source.row, target.row):
        return [(begin, top), (begin, top + half), (end, top + half), (end, bottom)]
    # Through the gap beside the column.
    gap = source.right + 8 + 5 * (source.row % 6)
    across = [(gap, top + half), (gap, bottom - half)]
    return [(begin, top), (begin, top + half), *across, (end, bottom - half), (end, bottom)]


def curve_of(source: Place, target: Place) -> str:
    """Return a curve beside the roads that work took."""
    if target.row <= source.row or source.column == target.column:
        return _back(source, target)
    begin, end = source.centre + 24, target.centre + 24
    bend = max(GAP, (target.y - source.bottom) // 2)
    top, bottom = source.bottom, target.y
    return f"M{begin} {top}C{begin} {top + bend} {end} {bottom - bend} {end} {bottom}"


def _back(source: Place, target: Place) -> str:
    """Return a curve upwards, or to what lies beside."""
    begin, end = source.middle, target.middle
    if source.column == target.column:
        out = source.x - 10 - min(5 * abs(source.row - target.row), 30)
        return f"M{source.x} {begin - 8}C{out} {begin - 8} {out} {end + 8} {source.x} {end + 8}"
    is_right = target.x > source.x
    left, right = (source.right, target.x) if is_right else (source.x, target.right)
    middle = (left + right) // 2
    return f"M{left} {begin}C{middle} {begin} {middle} {end} {right} {end}"


def around(place: Place) -> str:
    """Return a small loop from a node to itself."""
    right, middle, out = place.right, place.middle, place.right + 26
    return f"M{right} {middle + 10}C{out} {middle + 14} {out} {middle - 14} {right} {middle - 10}"
