"""Edges beside the flow: hand-offs between agents, and whose output became whose input."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from apps.sessions.graph_edges import Edges, Tie, Why
from apps.sessions.graph_facts import Facts
from apps.sessions.layout import Layout

HAND_OFF = "handoff"
# Tools by which agents of some frameworks hand over; they are recorded as tools.
HANDING_TOOLS = ("transfer_to_", "handoff_to_", "hand_off_to_")
# Steps after a hand-off among which the next agent is looked for.
LOOKED_THROUGH = 500


def tie_hand_offs(edges: Edges, layout: Layout, agents: Sequence[str | None]) -> None:
    """Lead from each hand-off to the first step of the agent that took over."""
    found = {
        (source, target): _why(layout, agents, source, target)
        for source in _hand_offs(layout)
        if (target := _taken_over_at(layout, agents, source)) is not None
    }
    if not found:
        return
    for number in range(len(edges)):
        why = found.pop((edges.sources[number], edges.targets[number]), None)
        if why is not None:
            edges.change(number, Tie.HAND_OFF, why)
    for (source, target), why in found.items():
        edges.add(source, target, Tie.HAND_OFF, why)


def _hand_offs(layout: Layout) -> Iterator[int]:
    kinds, names = layout.kinds.words, layout.names.words
    is_handing = [(name or "").casefold().startswith(HANDING_TOOLS) for name in names]
    for index, (kind, name) in enumerate(zip(layout.kinds.at, layout.names.at, strict=True)):
        if kinds[kind] == HAND_OFF or (kinds[kind] == "tool" and is_handing[name]):
            yield index


def _taken_over_at(layout: Layout, agents: Sequence[str | None], source: int) -> int | None:
    """Return the first later step of another agent; the one that the hand-off names, if any."""
    later = range(source + 1, min(source + 1 + LOOKED_THROUGH, len(layout)))
    others = [index for index in later if agents[index] not in (None, agents[source])]
    named = (one for one in others if _names(layout, source, agents[one]))
    return next(named, others[0] if others else None)


def _why(layout: Layout, agents: Sequence[str | None], source: int, target: int) -> Why:
    return Why.NAMED if _names(layout, source, agents[target]) else Why.AGENT


def _names(layout: Layout, source: int, agent: str | None) -> bool:
    said = _plain(layout.names[source] or "")
    return bool(agent) and said.endswith(_plain(agent or ""))


def _plain(name: str) -> str:
    return name.casefold().replace("_", " ").replace("-", " ").strip()


def tie_lineage(edges: Edges, layout: Layout, facts: Facts) -> None:
    """Lead from each output to the steps that it was fed to, as told, or by the same content."""
    told = {(one.source, one.target) for one in facts.given}
    for one in facts.given:
        why = Why.CONTENT if one.is_inferred else Why.INPUTS
        edges.add(one.source, one.target, Tie.LINEAGE, why)
    flowing = set(zip(edges.sources, edges.targets, strict=True))
    for source, target in _same_content(layout, facts):
        if (source, target) not in told and (source, target) not in flowing:
            edges.add(source, target, Tie.LINEAGE, Why.CONTENT)


def _same_content(layout: Layout, facts: Facts) -> Iterator[tuple[int, int]]:
    """Yield which step's output is another's whole input; only where a single step put it out."""
    sources: dict[bytes, int] = {}
    for index, digest in enumerate(facts.outputs):
        if digest is not None:
            # What wraps a step puts out the same: the innermost is where it came from.
            known = sources.get(digest)
            if known is None or _is_around(layout, known, index):
                sources[digest] = index
            elif not _is_around(layout, index, known):
                sources[digest] = -1
    for target, digest in enumerate(facts.inputs):
        source = sources.get(digest, -1) if digest is not None else -1
        if 0 <= source < target and not _is_around(layout, source, target):
            yield source, target


def _is_around(layout: Layout, outer: int, inner: int) -> bool:
    """Whether one step lies, at most a few levels, inside of another."""
    at = inner
    for _ in range(8):
        at = layout.parents[at]
        if at in (outer, -1):
            break
    return at == outer
