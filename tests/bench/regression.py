"""Row 12: how much of a provider's own rate a regression run gets, and what ingest notices of it.

``python -m tests.bench.regression`` starts a provider with so many places in a process of its own
and a Playhead, records sessions, and asks the provider the same questions twice: by a bare client
with as many connections as the provider has places, and by a run of a suite. Then events are sent
at a steady rate while a run is held and let go in turns, so that both see the same machine.
"""

from __future__ import annotations

import argparse
import http.client
import json
import statistics
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.bench.cpu import cpu_by_part
from tests.bench.goals import Figure, table
from tests.bench.model_server import providing, took
from tests.playhead_process import PlayheadProcess

CALLS_A_SESSION = 5
SHARE_GOAL, MOVE_GOAL = 0.8, 0.10
POLL_SECONDS = 0.5
# Of ingest: events a request, requests a second, seconds of each turn.
BATCH, A_SECOND, TURN_SECONDS = 50, 4, 8.0
WORDS = "The parcel of order {0} was seen in Leeds; what it holds is listed below. " * 12
CREDENTIAL = """
from apps.audit.actors import SYSTEM
from apps.providers.services import Draft, add_credential
from apps.tenants.models import Project
add_credential(Project.objects.get(slug="test"), Draft(
    name="local", kind="openai-compatible", key="sk-of-the-bench", base_url="http://{}/v1",
    concurrency={}), actor=SYSTEM)
"""
Json = Any


def session(number: int) -> list[Json]:
    """Return the events of a conversation: calls whose history grows, tools between them."""
    begins = datetime.now(UTC) - timedelta(hours=1)
    messages: list[Json] = [{"role": "system", "content": "You are a support agent. " * 20}]
    events = []
    for turn in range(CALLS_A_SESSION):
        messages.append({"role": "user", "content": WORDS.format(f"{number}-{turn}")})
        said = {"role": "assistant", "content": f"It will be there tomorrow ({number})."}
        at = begins + timedelta(seconds=10 * turn)
        events.append(
            {
                "id": f"{number}-{turn}",
                "session": f"bench-{number}",
                "kind": "llm",
                "name": "reply",
                "provider": "openai",
                "model": "gpt-4o",
                "started_at": at.isoformat(),
                "ended_at": (at + timedelta(seconds=1)).isoformat(),
                "input": list(messages),
                "output": said,
                "usage": {"input": 400 * (turn + 1), "output": 12},
            }
        )
        messages.append(said)
    events[-1]["ends_session"] = True
    return events


def record(playhead: PlayheadProcess, first: int, sessions: int) -> None:
    for start in range(first, first + sessions, 20):
        numbers = range(start, min(start + 20, first + sessions))
        events = [event for number in numbers for event in session(number)]
        playhead.request("/api/v1/events", {"events": events})


@dataclass(frozen=True)
class Rate:
    """How many answers somebody got out of the provider, in how long."""

    answers: int
    seconds: float
    # CPU milliseconds of an answer, by part of Playhead.
    cpu: dict[str, float] = field(default_factory=dict)

    @property
    def per_second(self) -> float:
        return self.answers / self.seconds if self.seconds else 0.0

    def __str__(self) -> str:
        parts = ", ".join(f"{name} {value:.1f}" for name, value in sorted(self.cpu.items()))
        return f"{self.answers} answers, {self.per_second:.1f} a second; CPU ms each: {parts}"


def bare(address: str, places: int, questions: int) -> Rate:
    """Ask as a client that does nothing else, over one connection for each place."""
    bodies = [
        json.dumps({"model": "gpt-4o", "messages": event["input"]}).encode()
        for number in range(questions // CALLS_A_SESSION)
        for event in session(number)
    ]
    shares = [bodies[place::places] for place in range(places)]
    took(address)
    with ThreadPoolExecutor(places) as pool:
        list(pool.map(lambda share: _ask_all(address, share), shares))
    return Rate(*took(address))


def _ask_all(address: str, bodies: list[bytes]) -> None:
    connection = http.client.HTTPConnection(address)
    for body in bodies:
        connection.request("POST", "/v1/chat/completions", body)
        connection.getresponse().read()


class Bench:
    """A Playhead with sessions, a suite over them, and a provider to ask."""

    def __init__(self, playhead: PlayheadProcess, address: str, places: int) -> None:
        self.playhead, self.address, self.places = playhead, address, places
        playhead.manage("shell", "-c", CREDENTIAL.format(address, places))
        scopes = "ingest,read:content,replays:run"
        made = playhead.manage("create_api_key", *playhead.project, "--scopes", scopes)
        playhead.key = made.strip()

    def make_suite(self, sessions: int) -> None:
        record(self.playhead, 0, sessions)
        chosen = {"filter": "model:gpt-4o", "limit": sessions}
        self.playhead.request("/api/v1/suites", {"name": "bench", "choose": chosen})

    def start(self, **settings: Json) -> str:
        """Start a run of all sessions against the record, under another system message."""
        body = {
            "suite": "bench",
            "provider": "local",
            "baseline": {"recorded": True},
            "candidates": [{"name": "other", "system": f"Be brief. {time.time()}"}],
        }
        answer = self.playhead.request("/api/v1/regression-runs", body | settings)
        return f"/api/v1/regression-runs/{answer['id']}"

    def wait(self, run: str, seconds: float = 1800) -> Json:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            told = self.playhead.request(run)
            if told["state"] not in ("running",):
                return told
            time.sleep(POLL_SECONDS)
        raise TimeoutError(f"{run} did not end: {told}")

    def rate(self) -> tuple[Rate, float]:
        """Run the suite; return what it got, and how long all took from start to verdict."""
        took(self.address)
        before, started = cpu_by_part(self.playhead.process), time.monotonic()
        told = self.wait(self.start())
        whole = time.monotonic() - started
        if told["state"] != "done":
            raise SystemExit(f"The run is {told['state']}: {told.get('reason')}")
        answers, seconds = took(self.address)
        used = cpu_by_part(self.playhead.process) - before
        cpu = {part: value * 1000 / max(answers, 1) for part, value in used.items()}
        return Rate(answers, seconds, cpu), whole


def move_of_ingest(bench: Bench, turns: int) -> tuple[list[float], list[float]]:
    """Return seconds of ingest requests while a run is held, and while it goes on, in turns."""
    run = bench.start(repeats=4)
    quiet: list[float] = []
    busy: list[float] = []
    for turn in range(turns):
        for act, found in (("pause", quiet), ("resume", busy)):
            bench.playhead.request(f"{run}/{act}", {})
            # Calls that were on their way end.
            time.sleep(1.5)
            found += send_steadily(bench.playhead, f"{turn}-{act}")
    bench.playhead.request(f"{run}/cancel", {})
    return quiet, busy


def send_steadily(playhead: PlayheadProcess, name: str) -> list[float]:
    """Send requests at a steady rate, and return how long each took."""
    took_seconds, begins = [], time.monotonic()
    for number in range(int(TURN_SECONDS * A_SECOND)):
        time.sleep(max(0.0, begins + number / A_SECOND - time.monotonic()))
        body = {"events": list(steady_events(f"{name}-{number}"))}
        started = time.monotonic()
        playhead.request("/api/v1/events", body)
        took_seconds.append(time.monotonic() - started)
    return took_seconds


def steady_events(name: str) -> Iterator[Json]:
    for number in range(BATCH):
        yield {
            "id": f"{name}-{number}",
            "session": f"steady-{name}",
            "kind": "tool",
            "name": "lookup",
            "started_at": datetime.now(UTC).isoformat(),
            "input": {"note": WORDS.format(name)},
        }


def p95(seconds: list[float]) -> float:
    return statistics.quantiles(seconds, n=20)[-1]


def measure(steps: int, seconds: float, places: int, turns: int) -> Iterator[Figure]:
    with providing(seconds, places) as address:
        allowed = {"PLAYHEAD_OUTBOUND_ALLOW": address, "PLAYHEAD_REPLAY_THREADS": str(places)}
        playhead = PlayheadProcess()
        playhead.settings = allowed  # type: ignore[misc]
        with playhead:
            bench = Bench(playhead, address, places)
            bench.make_suite(steps // CALLS_A_SESSION)
            alone = bare(address, places, steps)
            found, whole = bench.rate()
            sys.stderr.write(f"bare: {alone}\nrun: {found}, {whole:.1f} s in all\n")
            share = found.per_second / alone.per_second
            yield Figure(
                12, "share of the provider's rate", share, "", SHARE_GOAL, True, str(found)
            )
            through = found.answers / whole / alone.per_second
            yield Figure(12, "the same from start to verdict", through, "", note=f"{whole:.1f} s")
            if turns:
                yield from figures_of_ingest(bench, turns)


def figures_of_ingest(bench: Bench, turns: int) -> Iterator[Figure]:
    quiet, busy = move_of_ingest(bench, turns)
    moved = p95(busy) / p95(quiet) - 1
    note = f"{p95(quiet) * 1000:.0f} ms held, {p95(busy) * 1000:.0f} ms going on"
    yield Figure(12, "p95 of ingest moves by", moved, "", MOVE_GOAL, note=note)
    median = statistics.median(busy) / statistics.median(quiet) - 1
    yield Figure(12, "median of ingest moves by", median)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=0.3, help="of one answer")
    parser.add_argument("--places", type=int, default=8, help="calls at a time")
    parser.add_argument("--turns", type=int, default=6, help="of ingest; 0: none")
    options = parser.parse_args()
    told = measure(options.steps, options.seconds, options.places, options.turns)
    sys.stdout.write(table(list(told)) + "\n")


if __name__ == "__main__":
    main()
