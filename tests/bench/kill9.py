"""Kill PostgreSQL and the web server with -9 under load, then count what was acknowledged.

Run by hand: ``.venv/bin/python -m tests.bench.kill9 --kills 20``. Four writers send events and
note every id that was acknowledged; each retries the same body until it gets an answer, as
exporters do. In the end every noted id must be in the record exactly once.
"""

from __future__ import annotations

import argparse
import http.client
import json
import random
import sys
import threading
import time
import urllib.error
from collections import Counter
from dataclasses import dataclass, field
from urllib.parse import quote

import psutil

from tests.playhead_process import PlayheadProcess

WRITERS = 4
BATCH = 20
# The postmaster is the one whose command line names the data folder.
VICTIMS = {"postgres": r"postgres.* -D ", "web": r"granian"}


@dataclass
class Writer(threading.Thread):
    """Sends batches to its own session until told to stop."""

    playhead: PlayheadProcess
    number: int
    stopping: threading.Event
    acknowledged: list[str] = field(default_factory=list)
    retries: int = 0

    def __post_init__(self) -> None:
        super().__init__(daemon=True)

    def __hash__(self) -> int:
        return id(self)

    @property
    def session(self) -> str:
        return f"kill-{self.number}"

    def run(self) -> None:
        batch = 0
        while not self.stopping.is_set():
            ids = [f"{self.number}-{batch}-{index}" for index in range(BATCH)]
            self.deliver([self.event(event_id) for event_id in ids])
            self.acknowledged += ids
            batch += 1

    def event(self, event_id: str) -> dict[str, object]:
        return {
            "id": event_id,
            "session": self.session,
            "kind": "tool",
            "name": "lookup",
            "started_at": "2026-11-01T00:00:00Z",
            "input": {"note": event_id * 20},
        }

    def deliver(self, events: list[dict[str, object]]) -> None:
        while True:
            try:
                answer = self.playhead.request("/api/v1/events", {"events": events}, timeout=15)
            except (urllib.error.URLError, OSError, http.client.HTTPException):
                self.retries += 1
                time.sleep(0.2)
                continue
            if answer["accepted"] + answer["duplicates"] != len(events):
                raise SystemExit(f"not all were taken: {answer}")
            return


def kill(playhead: PlayheadProcess, victim: str, rng: random.Random) -> float:
    """Kill one process of ``victim`` and return the seconds until the server is ready again."""
    processes = playhead.children(VICTIMS[victim])
    if not processes:
        raise SystemExit(f"no process of {victim} to kill")
    try:
        rng.choice(processes).kill()
    except psutil.NoSuchProcess:
        return 0.0
    time.sleep(0.05)
    return playhead.wait_until_ready()


def stored_ids(playhead: PlayheadProcess, session: str) -> Counter[str]:
    """Return how often each client id of a session is in the record."""
    found = playhead.request(f"/api/v1/sessions?external_id={quote(session)}")["results"]
    ids: Counter[str] = Counter()
    cursor = ""
    while cursor is not None:
        path = f"/api/v1/sessions/{found[0]['id']}/events?fields=meta&limit=500&cursor={cursor}"
        page = playhead.request(path if cursor else path.removesuffix("&cursor="))
        ids.update(event["client_id"] for event in page["results"])
        cursor = page["next"]
    return ids


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    options = parser.parse_args()
    rng = random.Random(7)
    with PlayheadProcess() as playhead:
        report = attack(playhead, options.kills, rng)
    sys.stdout.write(json.dumps(report, indent=1) + "\n")
    if report["lost"] or report["twice"]:
        raise SystemExit(1)


def attack(playhead: PlayheadProcess, kills: int, rng: random.Random) -> dict[str, object]:
    stopping = threading.Event()
    writers = [Writer(playhead, number, stopping) for number in range(WRITERS)]
    for writer in writers:
        writer.start()
    recoveries = []
    for index in range(kills):
        time.sleep(rng.uniform(0.5, 2))
        recoveries.append(kill(playhead, list(VICTIMS)[index % 2], rng))
    stopping.set()
    for writer in writers:
        writer.join(60)
    return count(playhead, writers, recoveries)


def count(
    playhead: PlayheadProcess, writers: list[Writer], recoveries: list[float]
) -> dict[str, object]:
    lost = twice = 0
    for writer in writers:
        ids = stored_ids(playhead, writer.session)
        lost += sum(1 for acknowledged in writer.acknowledged if not ids[acknowledged])
        twice += sum(1 for times in ids.values() if times > 1)
    return {
        "kills": len(recoveries),
        "acknowledged": sum(len(writer.acknowledged) for writer in writers),
        "retried requests": sum(writer.retries for writer in writers),
        "lost": lost,
        "twice": twice,
        "slowest recovery in seconds": round(max(recoveries), 2),
    }


if __name__ == "__main__":
    main()
