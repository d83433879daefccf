"""Kill real workers of a replay with -9 again and again, then count; then try to overspend.

Run by hand: ``.venv/bin/python -m tests.bench.killed_replays --workers 8 --kills 6``. A replay of
200 calls is worked on by so many Celery workers, against a provider on this machine that takes
one to three seconds and counts. All of them are killed at a random moment, and others started,
so often. In the end every step must be done once; a question may have been asked again only
where its call was under way at a kill. Then the same under a budget for a quarter of it: what is
spent must stay below.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import psutil
import psycopg
from celery import Celery

from config.celery_workers import REPLAY_NICENESS
from tests.playhead_process import ROOT, PlayheadProcess, clean_environment
from tests.providers.server import Reply, Sent, chat, running

STEPS = 200
# 10 and 5 tokens, at a dollar for a thousand of each.
PAID = 0.015
WAIT_SECONDS = 600
FURNISH = """
from datetime import datetime, UTC
from decimal import Decimal
from apps.audit.actors import SYSTEM
from apps.providers.prices import NewPrice, add_price
from apps.providers.services import Draft, add_credential
from apps.tenants.models import Project
project = Project.objects.get(slug="test")
kind = "openai-compatible"
draft = Draft("local", kind, "sk-local", base_url="http://{place}/v1", concurrency=32)
add_credential(project, draft, actor=SYSTEM)
start = datetime(2026, 1, 1, tzinfo=UTC)
add_price(project, NewPrice("gpt-4o", Decimal(1000), Decimal(1000), start), actor=SYSTEM)
"""
OF_RUN = """
SELECT (SELECT count(*) FROM replays_serverstep s WHERE s.run_id = r.id AND s.state = 'done'),
       (SELECT count(*) FROM replays_serverstep s WHERE s.run_id = r.id AND s.state = 'leased'),
       r.state, b.spent::float, b.reserved::float, b.uncertain::float, b."limit"::float
FROM replays_serverreplay r JOIN providers_budget b ON b.id = r.budget_id WHERE r.id = %s
"""


class AllowedOut(PlayheadProcess):
    """A Playhead that may reach the provider of this machine, and may be slow to start."""

    def wait_until_ready(self, seconds: float = WAIT_SECONDS) -> float:
        return super().wait_until_ready(seconds)


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


class Campaign:
    """A Playhead, workers beside its own, and a replay that they work on."""

    def __init__(self, playhead: PlayheadProcess, workers: int) -> None:
        self.playhead, self.count = playhead, workers
        self.workers: list[subprocess.Popen[bytes]] = []
        self.database = psycopg.connect(playhead.kept("DATABASE_URL"), autocommit=True)
        url = playhead.kept("REDIS_URL").replace("unix://", "redis+socket://")
        self.broker = Celery(broker=url.replace("?db=", "?virtual_host="))
        scopes = "ingest,read:content,replays:run"
        self.playhead.key = playhead.manage(
            "create_api_key", *playhead.project, "--scopes", scopes
        ).strip()

    def environment(self) -> dict[str, str]:
        lines = (self.playhead.data / "env").read_text().splitlines()
        kept = dict(line.split("=", 1) for line in lines if "=" in line)
        return clean_environment() | kept | dict(self.playhead.settings)

    def begin(self) -> None:
        """Start workers until there are as many as wanted, and wait until all are at work."""
        own = ("-Q", "replay", "-P", "threads", "-c", "2", "--without-gossip", "--without-mingle")
        while len(self.workers) < self.count:
            name = f"bench-{time.monotonic_ns()}@%h"
            command = [sys.executable, "-m", "celery", "-q", "-A", "config", "worker", *own]
            env = self.environment() | {"PLAYHEAD_IGNORE_DATA": "1"}
            self.workers.append(
                subprocess.Popen([*command, "-n", name, "-l", "error"], cwd=ROOT, env=env)
            )

        end = time.monotonic() + WAIT_SECONDS
        # And the two of Playhead itself.
        while len(self.broker.control.ping(timeout=2)) < self.count + 2:
            if time.monotonic() > end:
                raise SystemExit("Not all workers have started.")

    def kill(self) -> None:
        for worker in self.workers:
            worker.kill()
        for own in self.playhead.children("celery_workers"):
            with suppress(psutil.NoSuchProcess):
                if own.nice() == REPLAY_NICENESS:
                    own.kill()
        for worker in self.workers:
            worker.wait()
        self.workers.clear()

    def start(self, session: str, budget: float) -> tuple[int, str]:
        """Start a replay; return its project and its own id."""
        body = {"session": session, "provider": "local", "budget": str(budget)}
        self.playhead.request("/api/v1/replays", body)
        found = self.database.execute(
            "SELECT project_id, id FROM replays_serverreplay ORDER BY created_at DESC LIMIT 1"
        ).fetchone()
        assert found is not None
        return found[0], str(found[1])

    def tell(self, run: tuple[int, str]) -> None:
        """Send every worker to the replay, as many short ones would."""
        for _ in range(self.count):
            self.broker.send_task("replays.work", args=list(run), queue="replay")

    def look(self, run: tuple[int, str]) -> Mapping[str, Any]:
        names = ("done", "leased", "state", "spent", "reserved", "uncertain", "limit")
        found = self.database.execute(OF_RUN, [run[1]]).fetchone()
        assert found is not None
        return dict(zip(names, found, strict=True))

    def wait(self, run: tuple[int, str], *states: str) -> Mapping[str, Any]:
        end = time.monotonic() + WAIT_SECONDS
        while (seen := self.look(run))["state"] not in states or seen["leased"]:
            if time.monotonic() > end:
                raise SystemExit(f"It did not end: {seen}")
            self.tell(run)
            time.sleep(1)
        return seen


def record(playhead: PlayheadProcess, session: str) -> None:
    events = [
        {
            "id": f"{session}-{number}",
            "session": session,
            "kind": "llm",
            "model": "gpt-4o",
            "started_at": f"2026-11-01T00:{number // 60:02}:{number % 60:02}Z",
            "input": {"messages": [{"role": "user", "content": f"{session} {number}"}]},
            "output": {"role": "assistant", "content": "Hello."},
            "params": {"max_tokens": 100},
        }
        for number in range(STEPS)
    ]
    playhead.request("/api/v1/events", {"events": events})


def asked(sent: list[Sent], session: str) -> Counter[str]:
    said = [one.body["messages"][-1]["content"] for one in sent]
    return Counter(text for text in said if text.startswith(session))


def kills(campaign: Campaign, sent: list[Sent], count: int, rng: random.Random) -> bool:
    """Kill all workers so often while they work; return whether the count is right."""
    record(campaign.playhead, "killed")
    campaign.begin()
    run = campaign.start("killed", 100)
    under_way, started = 0, time.monotonic()
    for number in range(count):
        wanted = sum(asked(sent, "killed").values()) + rng.randint(8, STEPS // (count + 2))
        while sum(asked(sent, "killed").values()) < wanted:
            campaign.tell(run)
            time.sleep(0.2)
        campaign.kill()
        seen = campaign.look(run)
        under_way += seen["leased"]
        say(f"kill {number + 1}: {seen['done']} done, {seen['leased']} under way")
        campaign.begin()
    seen = campaign.wait(run, "done")
    counts = asked(sent, "killed")
    again = sum(counts.values()) - len(counts)
    say(
        f"{seen['done']} of {STEPS} steps done once, {time.monotonic() - started:.0f} s; asked "
        f"{sum(counts.values())} times, {again} of them again, {under_way} were under way at "
        f"{count} kills; spent ${seen['spent']:.3f} (each answer once: ${PAID * STEPS:.3f}), "
        f"perhaps ${seen['uncertain']:.3f}, still reserved ${seen['reserved']:.3f}"
    )
    return seen["done"] == STEPS and again <= under_way and seen["spent"] <= PAID * STEPS + 1e-9


def overspending(campaign: Campaign, sent: list[Sent]) -> bool:
    """Let all workers loose on a budget for a quarter of the calls."""
    record(campaign.playhead, "dear")
    campaign.begin()
    run = campaign.start("dear", PAID * STEPS / 4)
    seen = campaign.wait(run, "paused", "done")
    answered = sum(asked(sent, "dear").values())
    say(
        f"{answered} calls for ${answered * PAID:.3f}; spent ${seen['spent']:.3f} and perhaps "
        f"${seen['uncertain']:.3f} of ${seen['limit']:.3f}; {seen['state']}"
    )
    return seen["spent"] + seen["uncertain"] <= seen["limit"] and answered * PAID <= seen["limit"]


@contextmanager
def furnished(workers: int) -> Iterator[tuple[Campaign, list[Sent]]]:
    rng = random.Random(2)

    def answer(_: Sent) -> Reply:
        time.sleep(rng.uniform(1, 3))
        return chat("Hello again.")

    with running(answer) as (place, sent):
        AllowedOut.settings = {"PLAYHEAD_OUTBOUND_ALLOW": place}
        with AllowedOut() as playhead:
            playhead.manage("shell", "-c", FURNISH.format(place=place))
            campaign = Campaign(playhead, workers)
            try:
                yield campaign, sent
            finally:
                campaign.kill()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--kills", type=int, default=6)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with furnished(given.workers) as (campaign, sent):
        is_right = kills(campaign, sent, given.kills, random.Random(given.seed))
        is_right &= overspending(campaign, sent)
    sys.exit(0 if is_right else 1)


if __name__ == "__main__":
    main()
