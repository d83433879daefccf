"""CPU of a search over all content, by a program, as words are rare and common."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from tests.bench.cpu import cost_of
from tests.bench.goals import Figure
from tests.bench.lists import LIST
from tests.bench.visitor import Program, path_of
from tests.bench.workload import COMMON, RARE, UNCOMMON
from tests.playhead_process import PlayheadProcess

# At 100,000 events, and twice as much at a million.
GOAL_MS, GOAL_OF_MORE_MS, MANY = 200.0, 400.0, 200_000
TIMES = 10
SEARCHES = {
    "a rare word": RARE,
    "two words, one of them rare": f"{RARE} {COMMON}",
    "a word of one session in a hundred": UNCOMMON,
    "a word of every session": COMMON,
    "two common words": "ka lo",
    "a phrase of two common words": '"ka lo"',
    "a phrase that nobody said": f'"{COMMON} {UNCOMMON} {COMMON}"',
    "a word that nobody said": "absentword",
    "a rare word and a filter": f"{RARE}&kind=llm",
}


def measure(playhead: PlayheadProcess, events: int, when: str = "") -> Iterator[Figure]:
    """Yield what each kind of search costs."""
    program, goal = Program(playhead), GOAL_MS if events < MANY else GOAL_OF_MORE_MS
    for name, q in SEARCHES.items():
        words, _, kind = q.partition("&kind=")
        query = {"q": words, "limit": 50} | ({"kind": kind} if kind else {})
        path = path_of(LIST, **query)
        cost = cost_of(playhead, partial(program.get, path), TIMES)
        found = program.read(path)
        note = f"{cost}; {len(found['results'])} sessions on the page"
        figure = f"search: {name}, {events:,} events{when}"
        yield Figure(7, figure, cost.served, "CPU ms", goal, note=note)
