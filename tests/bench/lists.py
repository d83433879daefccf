"""CPU of the session list: the newest 50, each filter, each order; by a program and a person."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial

from tests.bench.cpu import Cost, cost_of
from tests.bench.goals import Figure
from tests.bench.visitor import Person, Program, Visitor, path_of
from tests.playhead_process import PlayheadProcess

LIST, PAGE = "/api/v1/sessions", "/o/test/p/test/sessions/"
# At 100,000 events, and half more at any size beyond.
GOAL_MS, GOAL_OF_MORE_MS, MANY = 100.0, 150.0, 200_000
TIMES = 20
# Each filter of the list, with a value that many, some, one or none of the sessions have.
FILTERS: Mapping[str, Mapping[str, str]] = {
    "kind": {"kind": "tool"},
    "model": {"model": "gpt-4o"},
    "provider": {"provider": "openai"},
    "agent": {"agent": "support"},
    "tool": {"tool": "lookup"},
    "error": {"error": "TimeoutError"},
    "model nobody used": {"model": "gpt-0"},
    "user": {"user": "customer-17"},
    "external id": {"external_id": "bench-1000-3"},
    "origin": {"origin": "live"},
    "origin nobody had": {"origin": "import"},
    "environment nobody had": {"environment": "nowhere"},
    "with errors": {"status": "error"},
    "without errors": {"status": "ok"},
    "still open": {"status": "open"},
    "between two days": {
        "started_after": "2026-05-29T00:00Z",
        "started_before": "2026-05-30T00:00Z",
    },
    "duration from": {"min_duration_ms": "30000"},
    "duration nobody had": {"min_duration_ms": "9000000000"},
    "cost nobody had": {"min_cost": "100000"},
    "two facets": {"error": "TimeoutError", "model": "gpt-4o"},
    "facet and errors": {"agent": "support", "status": "error"},
    "by cost": {"sort": "-cost"},
    "by duration": {"sort": "-duration"},
    "by errors": {"sort": "-errors"},
    "facet, by cost": {"tool": "lookup", "sort": "-cost"},
}


def measure(playhead: PlayheadProcess, events: int, person: Person) -> Iterator[Figure]:
    """Yield the newest 50, and the dearest filter with all others in its note."""
    program = Program(playhead)
    size, goal = f"{events:,} events", GOAL_MS if events < MANY else GOAL_OF_MORE_MS
    for name, visitor, path in (("API", program, LIST), ("page", person, PAGE)):
        cost = cost_of(playhead, partial(visitor.get, path), TIMES)
        figure = f"session list, 50 newest, {name}, {size}"
        yield Figure(6, figure, cost.served, "CPU ms", goal, note=str(cost))
    for name, visitor, path in (("API", program, LIST), ("page", person, PAGE)):
        costs = filtered(playhead, visitor, path)
        dearest = max(costs, key=lambda told: costs[told].served)
        told = ", ".join(f"{told} {cost.served:.0f}" for told, cost in costs.items())
        figure = f"dearest of {len(costs)} filters and orders ({dearest}), {name}, {size}"
        yield Figure(6, figure, costs[dearest].served, "CPU ms", goal, note=told)


def filtered(playhead: PlayheadProcess, visitor: Visitor, path: str) -> dict[str, Cost]:
    """Return what the list costs by each filter and order."""
    addresses = {told: path_of(path, **asked) for told, asked in FILTERS.items()}
    return {
        told: cost_of(playhead, partial(visitor.get, address), TIMES)
        for told, address in addresses.items()
    }
