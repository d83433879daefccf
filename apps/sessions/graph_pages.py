"""The graph on the player's page: which steps are drawn, how, and what is not drawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from apps.core.errors import InvalidError
from apps.sessions.graph import Graph, graph_of
from apps.sessions.graph_alternatives import choices_of
from apps.sessions.graph_drawing import Picture
from apps.sessions.graph_pictures import WINDOW, Window, aggregated, expanded, window_around
from apps.sessions.keys import SessionCipher
from apps.sessions.models import Session

AGGREGATED, EXPANDED = MODES = ("aggregated", "expanded")
# What an address says of the graph: how its steps are drawn, and whether as a list.
PARAMETERS = frozenset({"graph", "as"})
LIST = "list"
# A list takes more elements for a step than a picture does.
WINDOW_OF_LIST = 80


@dataclass(frozen=True)
class Asked:
    """How the graph is asked for."""

    mode: str
    is_list: bool


def read_asked(query: Mapping[str, str]) -> Asked:
    mode, form = query.get("graph") or AGGREGATED, query.get("as") or ""
    if mode not in MODES:
        raise InvalidError(f"graph must be one of {', '.join(MODES)}.", "graph")
    if form not in ("", LIST):
        raise InvalidError(f"as must be {LIST} or left out.", "as")
    return Asked(mode, form == LIST)


def graph_context(
    session: Session, asked: Asked, at: int, cipher: SessionCipher | None
) -> dict[str, Any]:
    """Return what the graph's template shows; without a cipher nothing that is content."""
    graph = graph_of(session, cipher)
    size = WINDOW_OF_LIST if asked.is_list else WINDOW
    window = window_around(len(graph.layout), at, size)
    return {
        "picture": draw_graph(session, graph, asked.mode, window, at, cipher),
        "graph_mode": asked.mode,
        "graph_modes": MODES,
        "is_list": asked.is_list,
        # What addresses of other steps say of it.
        "kept": f"&graph={asked.mode}" + (f"&as={LIST}" if asked.is_list else ""),
        "folded": next((one.folded for one in graph.groups.groups if one.folded > 1), 0),
    } | (_beyond(graph, window) if asked.mode == EXPANDED else {})


def draw_graph(
    session: Session,
    graph: Graph,
    mode: str,
    window: Window,
    at: int,
    cipher: SessionCipher | None,
) -> Picture:
    is_expanded, content = mode == EXPANDED, cipher is not None
    drawn = range(window.first, window.last + 1) if is_expanded else range(len(graph.layout))
    choices = choices_of(session, graph, drawn, cipher)
    if is_expanded:
        return expanded(graph, window, at, choices, content=content)
    return aggregated(graph, at, choices, content=content)


def _beyond(graph: Graph, window: Window) -> dict[str, Any]:
    """Return how many steps lie outside of the window, and the nearest of them."""
    layout = graph.layout
    return {
        "steps_before": window.before,
        "steps_after": window.after,
        "step_before": layout.id(window.first - 1) if window.before else None,
        "step_after": layout.id(window.last + 1) if window.after else None,
        "first_drawn": window.first,
        "last_drawn": window.last,
    }
