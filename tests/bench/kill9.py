"""Kill PostgreSQL, the web server and the worker with -9 under load, then count.

Run by hand: ``.venv/bin/python -m tests.bench.kill9 --kills 50``: half of the kills hit
PostgreSQL, three of ten the web server, two of ten the worker. Four writers send events and
note every id that was acknowledged; each retries the same body until it gets an answer, as
exporters do, and ends its session now and then, so that there is something to compact. Meanwhile
one file after the other is imported. In the end every noted id, and every event of a file, must
be in the record exactly once.
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
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import psutil
import psycopg
from celery import Celery

from tests.bench.senders import stored
from tests.playhead_process import PlayheadProcess

WRITERS = 4
BATCH = 20
# A session ends with so many batches, and is compacted while others are written.
BATCHES = 25
# The postmaster is the one whose command line names the data folder.
VICTIMS = {"postgres": r"postgres.* -D ", "web": r"granian", "worker": r"celery"}
# Of ten kills.
SHARES = {"postgres": 5, "web": 3, "worker": 2}
COMPACTED = """
SELECT count(*) FROM agent_sessions_session WHERE status = 'closed' AND chunk_count < 2
"""
EVENTS_OF_FILE = 4000
# A run of an import that was killed is missed after its lease, which grows with each.
IMPORT_SECONDS = 900
AWAY = (urllib.error.URLError, OSError, http.client.HTTPException)


@dataclass
class Writer(threading.Thread):
    """Sends batches to sessions of its own until told to stop."""

    playhead: PlayheadProcess
    number: int
    stopping: threading.Event
    # {session: ids that were acknowledged}
    acknowledged: dict[str, list[str]] = field(default_factory=dict)
    retries: int = 0

    def __post_init__(self) -> None:
        super().__init__(daemon=True)

    def __hash__(self) -> int:
        return id(self)

    def run(self) -> None:
        batch = 0
        while not self.stopping.is_set():
            session = f"kill-{self.number}-{batch // BATCHES}"
            ids = [f"{self.number}-{batch}-{index}" for index in range(BATCH)]
            events = [make_event(event_id, session) for event_id in ids]
            events[-1]["ends_session"] = batch % BATCHES == BATCHES - 1
            self.deliver(events)
            self.acknowledged.setdefault(session, []).extend(ids)
            batch += 1

    def deliver(self, events: list[dict[str, Any]]) -> None:
        answer = self.persist(
            lambda: self.playhead.request("/api/v1/events", {"events": events}, timeout=15)
        )
        if answer["accepted"] + answer["duplicates"] != len(events):
            raise SystemExit(f"not all were taken: {answer}")

    def persist(self, ask: Callable[[], Any]) -> Any:
        """Ask until there is an answer."""
        while True:
            try:
                return ask()
            except AWAY:
                self.retries += 1
                time.sleep(0.2)


class Importer(Writer):
    """Sends file after file, each under a key of its own until it is taken."""

    def run(self) -> None:
        number = 0
        while not self.stopping.is_set():
            session = f"file-{number}"
            ids = [f"f{number}-{index}" for index in range(EVENTS_OF_FILE)]
            row = self.persist(lambda: self.send(session, ids))  # noqa: B023 - called at once
            self.acknowledged[session] = ids
            self.wait_for(row["id"], while_running=lambda: not self.stopping.is_set())
            number += 1

    def send(self, session: str, ids: list[str]) -> Any:
        lines = b"".join(json.dumps(make_event(one, session)).encode() + b"\n" for one in ids)
        parts = (
            b'--b\r\nContent-Disposition: form-data; name="format"\r\n\r\nplayhead-jsonl\r\n'
            b'--b\r\nContent-Disposition: form-data; name="file"; filename="f.jsonl"\r\n\r\n',
            lines,
            b"\r\n--b--\r\n",
        )
        headers = {
            "Authorization": f"Bearer {self.playhead.key}",
            "Content-Type": "multipart/form-data; boundary=b",
            "Idempotency-Key": session,
        }
        url = f"{self.playhead.url}/api/v1/imports"
        request = urllib.request.Request(url, b"".join(parts), headers)
        with urllib.request.urlopen(request, timeout=30) as response:
            return json.loads(response.read())

    def wait_for(self, import_id: str, while_running: Callable[[], bool]) -> str:
        path = f"/api/v1/imports/{import_id}"
        while True:
            status = self.persist(lambda: self.playhead.request(path, timeout=15))["status"]
            if status not in ("waiting", "running") or not while_running():
                return str(status)
            time.sleep(0.5)

    def wait_for_all(self) -> Counter[str]:
        """Return how the imports ended."""
        end = time.monotonic() + IMPORT_SECONDS
        rows = self.playhead.request("/api/v1/imports?limit=500")["results"]
        return Counter(self.wait_for(row["id"], lambda: time.monotonic() < end) for row in rows)


def make_event(event_id: str, session: str) -> dict[str, Any]:
    return {
        "id": event_id,
        "session": session,
        "kind": "tool",
        "name": "lookup",
        "started_at": "2026-11-01T00:00:00Z",
        "input": {"note": event_id * 20},
    }


def kill(playhead: PlayheadProcess, victim: str, rng: random.Random) -> float:
    """Kill one process of ``victim`` and return the seconds until it works again."""
    if victim == "worker":
        give_work(playhead)
    processes = playhead.children(VICTIMS[victim])
    if not processes:
        raise SystemExit(f"no process of {victim} to kill")
    try:
        rng.choice(processes).kill()
    except psutil.NoSuchProcess:
        return 0.0
    started = time.monotonic()
    time.sleep(0.05)
    while not playhead.children(VICTIMS[victim]):
        time.sleep(0.05)
    playhead.wait_until_ready()
    return time.monotonic() - started


def give_work(playhead: PlayheadProcess) -> None:
    """Let the worker compact what is closed, right when it is killed."""
    url = (
        playhead.kept("REDIS_URL")
        .replace("unix://", "redis+socket://")
        .replace("?db=", "?virtual_host=")
    )
    with Celery(broker=url) as app:
        app.send_task("sessions.sweep_compaction", queue="ingest")


def schedule(kills: int, rng: random.Random) -> list[str]:
    """Return whom to kill, one after the other."""
    victims = [name for name, share in SHARES.items() for _ in range(round(kills * share / 10))]
    rng.shuffle(victims)
    return victims


def attack(playhead: PlayheadProcess, kills: int, rng: random.Random) -> dict[str, Any]:
    stopping = threading.Event()
    writers = [Writer(playhead, number, stopping) for number in range(WRITERS)]
    importer = Importer(playhead, WRITERS, stopping)
    for thread in (*writers, importer):
        thread.start()
    recoveries: dict[str, list[float]] = {name: [] for name in VICTIMS}
    for victim in schedule(kills, rng):
        time.sleep(rng.uniform(0.5, 2))
        recoveries[victim].append(kill(playhead, victim, rng))
    stopping.set()
    for thread in (*writers, importer):
        thread.join(120)
    ended = importer.wait_for_all()
    return (
        report(writers, importer, recoveries)
        | count(playhead, (*writers, importer))
        | {
            "imports": dict(ended),
            "sessions compacted": compacted(playhead),
        }
    )


def report(
    writers: list[Writer], importer: Importer, recoveries: dict[str, list[float]]
) -> dict[str, Any]:
    return {
        "kills": {name: len(seconds) for name, seconds in recoveries.items()},
        "acknowledged": sum(map(acknowledged, writers)),
        "in files": acknowledged(importer),
        "retried requests": sum(writer.retries for writer in (*writers, importer)),
        "slowest recovery in seconds": {
            name: round(max(seconds, default=0), 2) for name, seconds in recoveries.items()
        },
    }


def acknowledged(writer: Writer) -> int:
    return sum(map(len, writer.acknowledged.values()))


def count(playhead: PlayheadProcess, writers: Iterable[Writer]) -> dict[str, int]:
    lost = twice = 0
    for writer in writers:
        for session, noted in writer.acknowledged.items():
            ids = stored(playhead, session)
            lost += sum(1 for event_id in noted if not ids[event_id])
            twice += sum(1 for times in ids.values() if times > 1)
    return {"lost": lost, "twice": twice}


def compacted(playhead: PlayheadProcess) -> int:
    """Return how many sessions were compacted: there was something to kill."""
    with psycopg.connect(playhead.kept("DATABASE_OWNER_URL")) as connection:
        found = connection.execute(COMPACTED).fetchone()
    return int(found[0]) if found else 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    with PlayheadProcess() as playhead:
        found = attack(playhead, options.kills, random.Random(options.seed))
    sys.stdout.write(json.dumps(found, indent=1) + "\n")
    if found["lost"] or found["twice"] or found["imports"].keys() - {"done"}:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
