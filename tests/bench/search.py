"""CPU of a search, web and PostgreSQL apart, over a project of many events.

Run by hand: ``DATABASE_URL=... .venv/bin/python -m tests.bench.search --events 100000``, after
``manage.py prepare_database``. Sessions of about 37 events whose history grows, of words as
unevenly spread as in speech, written by ``store.append``. CPU is read from the kernel, for
this process and for the one of PostgreSQL that serves it.
"""

from __future__ import annotations

import argparse
import itertools
import os
import random
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import django
import psutil

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.db import connection  # noqa: E402

from apps.sessions import search, store  # noqa: E402
from apps.sessions.events import IncomingEvent  # noqa: E402
from apps.sessions.filters import SessionFilters  # noqa: E402
from apps.tenants.models import Project  # noqa: E402
from tests.factories import make_organization, make_project  # noqa: E402

START = datetime(2026, 6, 1, tzinfo=UTC)
VOCABULARY = 30_000
SYLLABLES = "ka lo mi nu re sa to vi wen dor gal hex jun pry qua zim bel cor fan tis".split()
TURNS = 9
EVENTS_A_TURN = 4
# Planted: in three sessions, in one of a hundred, in every one.
RARE, UNCOMMON, COMMON = "zanzibarquartz", "uncommonword", "everywhere"
REPEATS = 10


@dataclass
class Clock:
    """CPU seconds so far, of this process and of its PostgreSQL."""

    web: float
    database: float

    @classmethod
    def now(cls) -> Clock:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            times = psutil.Process(cursor.fetchone()[0]).cpu_times()
        return cls(time.process_time(), times.user + times.system)


class Speaker:
    """Says words as unevenly spread as in speech."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        made = {
            "".join(word)
            for n in (1, 2, 3, 4)
            for word in itertools.islice(itertools.product(SYLLABLES, repeat=n), VOCABULARY)
        }
        self.words = sorted(made, key=lambda word: (len(word), word))[:VOCABULARY]
        weights = (1 / (rank + 3) for rank in range(len(self.words)))
        self.weights = list(itertools.accumulate(weights))

    def say(self, count: int) -> str:
        return " ".join(self.rng.choices(self.words, cum_weights=self.weights, k=count))


def session(speaker: Speaker, number: int, planted: str) -> list[IncomingEvent]:
    """Return the events of one session: turns of an agent, a retriever, a call and a tool."""
    history: list[dict[str, Any]] = [{"role": "system", "content": speaker.say(300)}]
    events = [event(number, 0, "human", input=f"{speaker.say(20)} {planted}")]
    for turn in range(TURNS):
        history.append({"role": "user", "content": speaker.say(60)})
        answer = {"role": "assistant", "content": speaker.say(90)}
        at = 1 + turn * EVENTS_A_TURN
        events += [
            event(number, at, "agent", input=history[-1]["content"], output=answer["content"]),
            event(number, at + 1, "retriever", input=speaker.say(8), output=speaker.say(200)),
            event(number, at + 2, "llm", input={"messages": list(history)}, output=answer),
            event(
                number,
                at + 3,
                "tool",
                input={"id": f"ORD-{speaker.rng.getrandbits(32)}"},
                output=speaker.say(80),
            ),
        ]
        history.append(answer)
    return events


def event(number: int, at: int, kind: str, **fields: Any) -> IncomingEvent:
    started = START + timedelta(minutes=number, seconds=at)
    name = f"bench-{number}"
    return IncomingEvent(
        id=f"{number}-{at}", session=name, kind=kind, started_at=started, position=at, **fields
    )


def fill(project: Project, events: int, batch: int) -> int:
    """Record about ``events`` events, a few sessions at once; return how many."""
    speaker, count, size = Speaker(1), 0, 1 + TURNS * EVENTS_A_TURN
    sessions = events // size
    for first in range(0, sessions, batch):
        numbers = range(first, min(first + batch, sessions))
        made = [
            one for number in numbers for one in session(speaker, number, planted(number, sessions))
        ]
        store.append(project, made)
        count += len(made)
    return count


def planted(number: int, sessions: int) -> str:
    words = [COMMON]
    words += [RARE] if number in (0, sessions // 2, sessions - 1) else []
    return " ".join(words + ([UNCOMMON] if number % 100 == 7 else []))


def sizes() -> Iterator[tuple[str, int]]:
    """Yield the bytes of the tables of the record, with their indexes."""
    tables = ("event", "chunk", "chunkterms")
    with connection.cursor() as cursor:
        for table in tables:
            cursor.execute(
                "SELECT coalesce(sum(pg_total_relation_size(relid)), 0), coalesce(sum("
                " pg_indexes_size(relid)), 0) FROM pg_partition_tree(%s)",
                [f"agent_sessions_{table}"],
            )
            whole, indexes = cursor.fetchone()
            yield table, int(whole)
            yield f"{table} indexes", int(indexes)


def measure(project: Project, q: str, **filters: Any) -> str:
    """Search a few times and say what it took."""
    wanted = SessionFilters(q=q, **filters)
    found = search.find(project, wanted, cursor=None, limit=50)
    before, started = Clock.now(), time.perf_counter()
    for _ in range(REPEATS):
        search.find(project, wanted, cursor=None, limit=50)
    after, wall = Clock.now(), time.perf_counter() - started
    web, database = after.web - before.web, after.database - before.database
    return (
        f"{q:45} {len(found.page.rows):3} sessions  CPU ms {1000 * (web + database) / REPEATS:7.1f}"
        f" (web {1000 * web / REPEATS:.1f}, database {1000 * database / REPEATS:.1f})"
        f"  {1000 * wall / REPEATS:.1f} ms"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--sessions-a-batch", type=int, default=8)
    options = parser.parse_args()
    project = make_project(make_organization(f"bench-{os.getpid()}"))
    before = Clock.now()
    count = fill(project, options.events, options.sessions_a_batch)
    after = Clock.now()
    write = sys.stdout.write
    write(
        f"{count} events written: {1000 * (after.web - before.web) / count:.3f} CPU ms an event,"
        f" database {1000 * (after.database - before.database) / count:.3f}\n"
    )
    for name, size in sizes():
        write(f"{name}: {size / count:.0f} bytes an event\n")
    for q in (RARE, f"{RARE} {COMMON}", UNCOMMON, COMMON, '"wen wen"', "absentword"):
        write(measure(project, q) + "\n")
    write(measure(project, RARE, facets={"kind": "llm"}) + "\n")


if __name__ == "__main__":
    main()
