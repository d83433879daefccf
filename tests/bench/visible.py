"""How long after its 2xx an event is in the list, in the player and in the search."""

from __future__ import annotations

import gzip
import time
from collections.abc import Callable, Iterator

from tests.bench.goals import Figure
from tests.bench.ingest_cpu import send
from tests.bench.lists import LIST
from tests.bench.visitor import Program
from tests.bench.workload import batches, sessions
from tests.playhead_process import PlayheadProcess

REPETITIONS = 20
PATIENCE_SECONDS = 30
FIRST_SEED = 70_000


def measure(playhead: PlayheadProcess) -> Iterator[Figure]:
    """Yield for each place how many first looks after a 2xx did not show what was sent."""
    program = Program(playhead)
    looks: dict[str, list[tuple[int, float]]] = {"list": [], "player": [], "search": []}
    for number in range(REPETITIONS):
        name, word = record_one(playhead, number)
        for place, shows in places(program, name, word).items():
            looks[place].append(look(shows))
    for place, seen in looks.items():
        late = sum(tries > 1 for tries, _ in seen)
        slowest = max(seconds for _, seconds in seen)
        note = f"looked {len(seen)} times; the slowest look took {slowest * 1000:.0f} ms"
        figure = f"events not in the {place} at the first look after their 2xx"
        yield Figure(4, figure, late, "", 0, note=note)


def record_one(playhead: PlayheadProcess, number: int) -> tuple[str, str]:
    """Record a session with a word of its own; return its name and the word."""
    word = f"visible{number}word{time.time_ns()}"
    seed = FIRST_SEED + number
    (spans,) = sessions(1, seed)
    attribute = next(one for span in spans for one in span.attributes if "result" in one.key)
    attribute.value.string_value = f"and then {word} came"
    for body in batches(spans, len(spans)):
        send(playhead.url, playhead.key, gzip.compress(body, 1))
    return f"bench-{seed}-0", word


def places(program: Program, name: str, word: str) -> dict[str, Callable[[], bool]]:
    """Return for each place what tells whether the session is there, the word with it."""

    def is_listed() -> bool:
        # Of what the benchmark has sent before some began later, so it is not the newest.
        found = program.read(LIST, external_id=name)["results"]
        return [row["external_id"] for row in found] == [name]

    def is_played() -> bool:
        found = program.read(LIST, external_id=name)["results"]
        page = found and program.get(f"{LIST}/{found[0]['id']}/events?limit=500")
        return bool(page) and word.encode() in page

    def is_found() -> bool:
        found = program.read(LIST, q=word)["results"]
        return [row["external_id"] for row in found] == [name]

    return {"list": is_listed, "player": is_played, "search": is_found}


def look(shows: Callable[[], bool]) -> tuple[int, float]:
    """Look until it is there; return how many looks and how many seconds that took."""
    started, tries = time.perf_counter(), 1
    while not shows():
        tries += 1
        if time.perf_counter() - started > PATIENCE_SECONDS:
            raise SystemExit("what was acknowledged did not come into sight")
    return tries, time.perf_counter() - started
