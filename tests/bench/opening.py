"""CPU of opening a session: of 500 events with content and without, and of 50,000.

What the browser does with them is measured by ``tests.bench.pages``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.bench.cpu import cost_of
from tests.bench.filling import send_all
from tests.bench.goals import Figure
from tests.bench.ingest_cpu import packed
from tests.bench.lists import LIST, PAGE
from tests.bench.visitor import Person, Program
from tests.bench.workload import long_session, many_words
from tests.playhead_process import PlayheadProcess

CONTENT_MS, TREE_MS = 250.0, 60.0
MIDDLE, LARGE = 500, 50_000
TIMES = 10
MIB = 1024 * 1024


@dataclass
class Opened:
    """A long session, and who opens it."""

    playhead: PlayheadProcess
    person: Person
    program: Program
    id: str

    @property
    def page(self) -> str:
        return f"{PAGE}{self.id}/"

    def events(self, fields: str) -> bytes:
        return self.program.get(f"{LIST}/{self.id}/events?limit={MIDDLE}&fields={fields}")


def measure(playhead: PlayheadProcess, person: Person) -> Iterator[Figure]:
    middle = record(playhead, person, MIDDLE)
    yield from of_500(middle)
    yield from of_50_000(record(playhead, person, LARGE))


def record(playhead: PlayheadProcess, person: Person, events: int) -> Opened:
    """Record a session of so many events, turn by turn, and find it."""
    name, program = f"long-{events}", Program(playhead)
    spans: list[Span] = []
    for turn in long_session(name, events, many_words()):
        spans += turn
        if len(spans) >= 500:
            send_all(playhead, packed(spans, MIDDLE))
            spans = []
    send_all(playhead, packed(spans, MIDDLE))
    (found,) = program.read(LIST, external_id=name)["results"]
    if found["event_count"] != events:
        raise SystemExit(f"{name} holds {found['event_count']} events")
    return Opened(playhead, person, program, found["id"])


def of_500(opened: Opened) -> Iterator[Figure]:
    asked = {
        "open 500 events with content, API": (lambda: opened.events("all"), CONTENT_MS),
        "open 500 events, tree only, API": (lambda: opened.events("meta"), TREE_MS),
        "open 500 events, page": (lambda: opened.person.get(opened.page), CONTENT_MS),
        "open 500 events, columns of the tree": (
            lambda: opened.person.get(f"{opened.page}spans.json"),
            TREE_MS,
        ),
        "open 500 events, transcript": (
            lambda: opened.person.get(f"{opened.page}?view=transcript"),
            CONTENT_MS,
        ),
    }
    for name, (ask, goal) in asked.items():
        cost = cost_of(opened.playhead, ask, TIMES)
        yield Figure(8, name, cost.served, "CPU ms", goal, note=str(cost))


def of_50_000(opened: Opened) -> Iterator[Figure]:
    """Yield what the page and its columns cost, each time after something has arrived."""
    before = web_memory(opened.playhead)

    def page() -> None:
        opened.person.get(opened.page)

    def columns() -> None:
        opened.person.get(f"{opened.page}spans.json")

    for name, ask in {"page": page, "columns of the tree": columns}.items():
        cost = cost_of(opened.playhead, ask, 2)
        yield Figure(8, f"open 50,000 events, {name}", cost.served, "CPU ms", note=str(cost))
    grown = (web_memory(opened.playhead) - before) / MIB
    yield Figure(8, "open 50,000 events, growth of the web server", grown, "MiB")


def web_memory(playhead: PlayheadProcess) -> int:
    return sum(process.memory_info().rss for process in playhead.children("granian"))
