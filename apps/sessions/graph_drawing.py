"""The graph as a picture: boxes, lines and words with their places, to be written down."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from apps.sessions.graph_edges import REASONS, TITLES, Tie, Why
from apps.sessions.graph_places import (
    ACROSS,
    MARGIN,
    RETURN,
    STUB_WIDTH,
    Grid,
    Place,
    around,
    curve_of,
    path_of,
)

# Characters that fit into a box, beside a number in its corner.
NAME_FITS, STUB_FITS, LANE_FITS = 23, 22, 30
MOST_LINES = 520
MOST_STUBS = 3
# Ties that are written on their lines, as far as there is room.
WRITTEN = {Tie.HAND_OFF: "hand-off", Tie.REMOTE_CALL: "remote call"}
MOST_WRITTEN = 60


# Until it is drawn.
NOWHERE = Place(0, 0, 0, 0, 0)


@dataclass
class Node:
    """A step, or a group of steps, before and after it got its place."""

    number: int
    # The step that it leads to, from 0, and its id.
    at: int
    step: str
    kind: str
    name: str
    corner: str
    timing: str
    # Whether, or how often, it failed; empty where it did not.
    error: str
    # What it is called where it is not seen.
    says: str
    # The first step that it stands for, from 0.
    first: int
    beside: str = ""
    is_selected: bool = False
    is_future: bool = False
    chosen: str | None = None
    alternatives: Sequence[str] = ()
    place: Place = NOWHERE
    leads_to: list[Line] = field(default_factory=list)

    @property
    def label(self) -> str:
        return fitted(self.name, NAME_FITS - len(self.corner) - 2 * bool(self.corner))


@dataclass(frozen=True)
class Line:
    """An edge as it is drawn and told."""

    source: Node
    target: Node
    tie: Tie
    why: Why
    count: int
    path: str
    # Whether the path is written down from its end.
    is_reversed: bool
    word: str
    word_at: tuple[int, int]

    @property
    def title(self) -> str:
        return TITLES[self.tie]

    @property
    def basis(self) -> str:
        return "explicit" if self.why.is_explicit else "inferred"

    @property
    def reason(self) -> str:
        return REASONS[self.why]


@dataclass(frozen=True)
class Stub:
    """A road that a decision took, or did not."""

    path: str
    text: str
    full: str
    x: int
    y: int
    is_chosen: bool = False


@dataclass(frozen=True)
class LaneHead:
    name: str
    full: str
    x: int
    width: int


@dataclass(frozen=True)
class Sign:
    """An entry of the legend: a tie as it is known here, and how."""

    tie: Tie
    basis: str
    title: str
    reasons: Sequence[str]


@dataclass(frozen=True)
class Picture:
    width: int
    height: int
    nodes: Sequence[Node]
    lines: Sequence[Line]
    stubs: Sequence[Stub]
    lanes: Sequence[LaneHead]
    legend: Sequence[Sign]
    # How many of the rarest edges are not drawn.
    lines_left_out: int


@dataclass(frozen=True)
class Tied:
    """An edge between nodes, by number, still without a place."""

    source: int
    target: int
    tie: Tie
    why: Why
    count: int = 1


def draw(
    nodes: Sequence[Node],
    tied: Sequence[Tied],
    grid: Grid,
    heads: Mapping[int, str],
    *,
    left_out: int = 0,
) -> Picture:
    """Return the picture of nodes in a grid; ``heads`` names the columns where lanes begin."""
    widths = {
        grid.cells[node.number][0]: STUB_WIDTH for node in nodes if node.alternatives or node.chosen
    }
    places = grid.places(widths)
    by_number = {node.number: node for node in nodes}
    for node in nodes:
        node.place = places[node.number]
    lines = _lines(by_number, tied[:MOST_LINES], grid)
    for line in lines:
        line.source.leads_to.append(line)
    right = max((place.x for place in places.values()), default=0) + ACROSS
    bottom = max((place.bottom for place in places.values()), default=0) + MARGIN
    return Picture(
        width=right + max(widths.values(), default=0) - MARGIN,
        height=bottom,
        nodes=nodes,
        lines=lines,
        stubs=[stub for node in nodes for stub in _stubs(node)],
        lanes=_lane_heads(places.values(), heads, right),
        legend=_legend(lines, nodes),
        lines_left_out=left_out + max(0, len(tied) - MOST_LINES),
    )


def _lines(nodes: Mapping[int, Node], tied: Sequence[Tied], grid: Grid) -> list[Line]:
    into, out = Counter(one.target for one in tied), Counter(one.source for one in tied)
    words = _Words()
    lines = []
    for one in tied:
        source, target = nodes[one.source].place, nodes[one.target].place
        is_joining = into[one.target] > out[one.source] and is_elbowed(one.tie, source, target)
        word, word_at = words.put(_word(one), _beside(source, target))
        lines.append(
            Line(
                source=nodes[one.source],
                target=nodes[one.target],
                tie=one.tie,
                why=one.why,
                count=one.count,
                path=_path(source, target, one.tie, grid, is_joining=is_joining),
                is_reversed=is_joining,
                word=word,
                word_at=word_at,
            )
        )
    return lines


class _Words:
    """The words on lines: few, and none on top of another."""

    def __init__(self) -> None:
        self.count = 0
        self.ends: dict[tuple[int, int], int] = {}

    def put(self, word: str, place: tuple[int, int]) -> tuple[str, tuple[int, int]]:
        if not word or self.count == MOST_WRITTEN:
            return "", place
        self.count += 1
        x = self.ends.get(place, place[0])
        self.ends[place] = x + 8 * len(word) + 6
        return word, (x, place[1])


def is_elbowed(tie: Tie, source: Place, target: Place) -> bool:
    is_beside = target.row <= source.row and source.column == target.column
    return tie is not Tie.LINEAGE and not is_beside


def _path(source: Place, target: Place, tie: Tie, grid: Grid, *, is_joining: bool) -> str:
    if source == target:
        return around(source)
    if tie is Tie.LINEAGE:
        return curve_of(source, target)
    return path_of(source, target, grid, is_joining=is_joining)


def _word(one: Tied) -> str:
    word = WRITTEN.get(one.tie, "")
    return f"{word} ×{one.count:,}".strip() if one.count > 1 else word


def _beside(source: Place, target: Place) -> tuple[int, int]:
    """Return where a line's word is out of its way."""
    if source == target:
        return source.right + 22, source.middle + 4
    if target.row > source.row:
        return target.centre + 6, target.y - 5
    if source.column == target.column:
        return source.x - 40, source.middle + 14
    return source.right - RETURN + 5, source.y - 11


def _stubs(node: Node) -> Iterable[Stub]:
    roads = [(text, False) for text in node.alternatives[:MOST_STUBS]]
    if node.chosen:
        roads.insert(0, (node.chosen, True))
    if rest := node.alternatives[MOST_STUBS:]:
        roads.append((f"and {len(rest)} more: {', '.join(rest)}", False))
    left, middle = node.place.right, node.place.middle
    for at, (text, is_chosen) in enumerate(roads):
        y = node.place.y + 1 + at * 16
        path = f"M{left} {middle}C{left + 12} {middle} {left + 8} {y} {left + 22} {y}"
        yield Stub(path, fitted(text, STUB_FITS), text, left + 26, y + 4, is_chosen)


def _lane_heads(places: Iterable[Place], heads: Mapping[int, str], right: int) -> list[LaneHead]:
    lefts = {place.column: place.x for place in places}
    begins = [(lefts[column], name) for column, name in sorted(heads.items()) if column in lefts]
    ends = [x for x, _ in begins[1:]] + [right]
    return [
        LaneHead(fitted(name, LANE_FITS), name, x - MARGIN, end - x)
        for (x, name), end in zip(begins, ends, strict=True)
    ]


def _legend(lines: Sequence[Line], nodes: Sequence[Node]) -> list[Sign]:
    found: dict[tuple[Tie, str], dict[str, None]] = {}
    for line in lines:
        found.setdefault((line.tie, line.basis), {})[line.reason] = None
    if any(node.alternatives for node in nodes):
        found[Tie.BRANCH, "not taken"] = {REASONS[Why.ALTERNATIVE]: None}
    order = list(Tie)
    return [
        Sign(tie, basis, TITLES[tie], list(reasons))
        for (tie, basis), reasons in sorted(
            found.items(), key=lambda one: (order.index(one[0][0]), one[0][1])
        )
    ]


def fitted(text: str, width: int) -> str:
    """Shorten a text to so many columns; a wide character takes two."""
    text = " ".join(text.split())
    used = 0
    for at, character in enumerate(text):
        used += 2 if unicodedata.east_asian_width(character) in "WF" else 1
        if used > width:
            return text[: max(at - 1, 0)].rstrip() + "…"
    return text
