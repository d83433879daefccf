"""What a page shows of a graph: all steps as groups, or those around the playhead one by one."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from apps.core.units import duration
from apps.sessions.graph import Graph
from apps.sessions.graph_alternatives import Choice
from apps.sessions.graph_drawing import Node, Picture, Tied, draw
from apps.sessions.graph_edges import Tie, Why
from apps.sessions.graph_groups import FOLDED, Group
from apps.sessions.graph_places import (
    GROUP_HEIGHT,
    STEP_HEIGHT,
    lay_out_groups,
    lay_out_steps,
)

# Steps that are drawn one by one.
WINDOW = 120
# Lines that begin at one group: of many, the most frequent tell what it leads to.
MOST_FROM_ONE = 4
# Lanes beside each other; what needs more shares the last one.
MOST_LANES = 24

Choices = Mapping[int, Choice]


@dataclass(frozen=True)
class Window:
    """Steps around the playhead, in replay order, and how many lie before and after."""

    first: int
    last: int
    count: int

    @property
    def before(self) -> int:
        return self.first

    @property
    def after(self) -> int:
        return self.count - self.last - 1

    def __contains__(self, index: int) -> bool:
        return self.first <= index <= self.last


def window_around(count: int, at: int, size: int = WINDOW) -> Window:
    first = max(0, min(at - size // 2, count - size))
    return Window(first, min(first + size, count) - 1, count)


def expanded(graph: Graph, window: Window, at: int, choices: Choices, *, content: bool) -> Picture:
    """Draw the steps of a window, each in its lane, below what led to it."""
    layout = graph.layout
    steps = sorted(range(window.first, window.last + 1), key=layout.positions.__getitem__)
    columns, heads = _columns(graph, steps)
    tied = _tied(graph, window, steps, content=content)
    grid = lay_out_steps(steps, columns, _causes(tied))
    nodes = [_step_node(graph, step, at, choices.get(step)) for step in steps]
    return draw(nodes, tied, grid, heads)


def _causes(tied: Sequence[Tied]) -> Mapping[int, Sequence[int]]:
    """Return what lies above each node: whatever leads to it, but for its content."""
    before: dict[int, list[int]] = defaultdict(list)
    for one in tied:
        if one.tie is not Tie.LINEAGE:
            before[one.target].append(one.source)
    return before


def _tied(graph: Graph, window: Window, steps: Sequence[int], *, content: bool) -> list[Tied]:
    """Return the edges within a window, without those from parents to what follows a sibling."""
    found = []
    for target in steps:
        into = graph.edges_into(target, content=content)
        edges = [edge for edge in into if edge.source in window]
        follows = any(edge.why is not Why.PARENT for edge in edges if edge.tie is not Tie.LINEAGE)
        found += [
            Tied(edge.source, target, edge.tie, edge.why)
            for edge in edges
            if not follows or edge.why is not Why.PARENT or edge.tie is Tie.REMOTE_CALL
        ]
    return found


def _columns(graph: Graph, steps: Sequence[int]) -> tuple[dict[int, int], dict[int, str]]:
    """Return the column of each step, and the names of lanes by their first column."""
    lanes = graph.lanes
    keys = {step: (lanes.owner_of[step], lanes.branch_of[step]) for step in steps}
    numbers: dict[tuple[int, int], int] = {}
    for key in sorted(set(keys.values())):
        numbers[key] = min(len(numbers), MOST_LANES - 1)
    heads: dict[int, str] = {}
    for (owner, _), column in numbers.items():
        heads.setdefault(column, lanes.name(owner))
    for column in sorted(heads)[:0:-1]:
        if heads[column] == heads[column - 1]:
            del heads[column]
    return {step: numbers[key] for step, key in keys.items()}, heads


def _step_node(graph: Graph, step: int, at: int, choice: Choice | None) -> Node:
    place = graph.layout.place(step)
    name, lasts = place.name or place.kind, duration(place.duration_ms)
    says = f"step {place.seq} of {len(graph.layout)}, {place.kind} {name}, {lasts}"
    return Node(
        number=step,
        at=step,
        step=place.id,
        kind=place.kind,
        name=name,
        corner=f"{place.seq:,}",
        timing=f"{place.kind}, {lasts}",
        error="error" if place.is_error else "",
        says=f"{says}, error" if place.is_error else says,
        first=step,
        is_selected=step == at,
        is_future=step > at,
        chosen=choice.chosen if choice else None,
        alternatives=choice.alternatives if choice else (),
    )


def aggregated(graph: Graph, at: int, choices: Choices, *, content: bool) -> Picture:
    """Draw all steps as groups: counted, with loops as cycles."""
    groups = graph.groups
    owners = [graph.lanes.owner_of[group.steps[0]] for group in groups.groups]
    # Owners without a group of their own leave no gap.
    lanes = {owner: place for place, owner in enumerate(sorted(set(owners)))}
    tied = _tied_groups(graph, content=content)
    says_more = any(group.errors or group.at_once > 1 for group in groups.groups)
    height = GROUP_HEIGHT if says_more else STEP_HEIGHT
    grid, lefts = lay_out_groups([lanes[owner] for owner in owners], _causes(tied), height)
    heads = {lefts[lane]: groups.called(graph.lanes.name(owner)) for owner, lane in lanes.items()}
    nodes = [_group_node(graph, group, at, choices) for group in groups.groups]
    drawn = _frequent(tied)
    return draw(nodes, drawn, grid, heads, left_out=len(tied) - len(drawn))


def _frequent(tied: Sequence[Tied]) -> list[Tied]:
    """Leave out the rarest of many lines from one node, unless a node was reached by no other."""
    ranked = sorted(tied, key=lambda one: -one.count)
    from_each, reached = Counter[int](), set[int]()
    kept = []
    for one in ranked:
        is_flow = one.tie in (Tie.SEQUENCE, Tie.PARALLEL, Tie.TOOL_CHAIN)
        if not is_flow or from_each[one.source] < MOST_FROM_ONE or one.target not in reached:
            kept.append(one)
            from_each[one.source] += 1
            reached.add(one.target)
    return kept


def _tied_groups(graph: Graph, *, content: bool) -> list[Tied]:
    """Return the edges between groups, one for each two: the most frequent, with their sum."""
    found: dict[tuple[int, int, bool], Tied] = {}
    for one in graph.groups.bundles:
        if one.why is Why.CONTENT and not content:
            continue
        key = (one.source, one.target, one.tie is Tie.LINEAGE)
        known = found.get(key)
        if known is None:
            found[key] = Tied(one.source, one.target, one.tie, one.why, one.count)
        else:
            count = known.count + one.count
            found[key] = Tied(known.source, known.target, known.tie, known.why, count)
    return list(found.values())


def _group_node(graph: Graph, group: Group, at: int, choices: Choices) -> Node:
    step = group.step_near(at)
    name = group.name or group.kind
    if group.kind == FOLDED:
        name = f"{group.folded:,} other kinds of steps"
    choice = choice_of_group(group, choices)
    return Node(
        number=group.number,
        at=step,
        step=graph.layout.id(step),
        kind=group.kind,
        name=name,
        corner=f"×{group.count:,}" if group.count > 1 else "",
        timing=timing_of(group),
        beside=f"{group.at_once:,} at once" if group.at_once > 1 else "",
        error=errors_of(group),
        says=_says(group, name),
        first=group.steps[0],
        is_selected=graph.groups.of[at] == group.number,
        is_future=group.steps[0] > at,
        chosen=choice.chosen,
        alternatives=choice.alternatives,
    )


def choice_of_group(group: Group, choices: Choices) -> Choice:
    """Return what a group of decisions always chose, if it did, and what it never chose."""
    made = [choices[step] for step in group.steps if step in choices] if choices else []
    chosen = dict.fromkeys(one.chosen for one in made)
    named = dict.fromkeys(other for one in made for other in one.alternatives)
    always = next(iter(chosen)) if len(chosen) == 1 else None
    return Choice(always, tuple(other for other in named if other not in chosen))


def timing_of(group: Group) -> str:
    total = duration(group.total_ms)
    return f"{total}, p50 {duration(group.p50_ms)}" if len(group.durations) > 1 else total


def errors_of(group: Group) -> str:
    if not group.errors:
        return ""
    return "error" if group.count == 1 else f"{group.errors:,} failed"


def _says(group: Group, name: str) -> str:
    words = [f"{group.kind} {name}"]
    if group.count > 1:
        words += [f"{group.count:,} times", f"total {duration(group.total_ms)}"]
        words.append(f"median {duration(group.p50_ms)}")
        if group.at_once > 1:
            words.append(f"up to {group.at_once:,} at once")
    else:
        words.append(duration(group.total_ms))
    if group.errors:
        words.append(f"{group.errors:,} failed" if group.count > 1 else "error")
    return ", ".join(words)
