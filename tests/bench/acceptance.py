"""Is a worse version caught, a better one passed, an identical one left alone, on real sessions?

    python -m tests.bench.acceptance airline.json [--sessions 100] [--repeats 2] [--kills 2]
    python -m tests.bench.acceptance airline.json --simulate 400

``airline.json`` is a list of conversations with ``traj``, as tau-bench publishes them
(sierra-research/tau-bench, historical_trajectories, MIT). They are imported into a Playhead of its
own, and a provider on a local port answers as was recorded, but errs at each call by chance, as
often as the sentence at the end of its instructions leads it to. One run holds three versions
against version 7. With ``--kills`` all workers are killed with -9 so often meanwhile; then what
the provider was asked is counted. ``--simulate`` draws the same errors without a server, to see
how often each verdict comes.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from apps.replays.verdict import judge
from apps.replays.verdict_shapes import Gate, Paired
from tests.bench.regression import CREDENTIAL
from tests.playhead_process import PlayheadProcess
from tests.providers.server import running
from tests.replays.erring import Erring

Json = Any
NAME = "airline"
# The last sentence of each version, and how often the model errs at a call under it.
SENTENCES = {
    7: "Be exact.",
    8: "Be quick: act before you ask.",
    9: "Be exact, and read the policy once more before each answer.",
    10: "Be exact. ",
}
RATES = {"Be exact": 0.004, "Be quick": 0.02, "once more": 0.001}
PLACES = 16
LONGEST = 14
POLL_SECONDS, KILL_SECONDS = 1.0, 8.0


def conversations(path: Path, sessions: int, longest: int) -> list[list[Json]]:
    """Return messages of conversations that are not too long, each up to its last answer."""
    found = [one["traj"] for one in json.loads(path.read_text())]
    short = [messages for messages in found if 2 <= answers(messages) <= longest]
    return short[:sessions]


def answers(messages: Sequence[Json]) -> int:
    return sum(one["role"] == "assistant" for one in messages)


def library(policy: str) -> Json:
    """Return the prompt with its versions as a file of the library."""
    sentences = {number: f"Draft {number}." for number in range(1, 7)} | SENTENCES
    versions = [
        {"version": number, "text": f"{policy}\n\n{sentence}", "note": "", "parameters": {}}
        for number, sentence in sorted(sentences.items())
    ]
    prompt = {"name": NAME, "versions": versions}
    return {"format": "playhead-prompts", "version": 1, "prompts": [prompt]}


class Trial:
    """A Playhead with the sessions, the prompt and a suite, and a run on it."""

    def __init__(self, playhead: PlayheadProcess, address: str, repeats: int) -> None:
        self.playhead, self.repeats = playhead, repeats
        playhead.manage("shell", "-c", CREDENTIAL.format(address, PLACES))
        scopes = "ingest,read:content,replays:run,prompts:write"
        made = playhead.manage("create_api_key", *playhead.project, "--scopes", scopes)
        playhead.key = made.strip()

    def furnish(self, chats: Sequence[Sequence[Json]]) -> None:
        """Import the sessions through the command, the prompt and the suite over the API."""
        file = self.playhead.data / "airline.jsonl"
        with file.open("w") as lines:
            for number, messages in enumerate(chats):
                chat = {"session": f"airline-{number}", "model": "gpt-4o", "messages": messages}
                lines.write(json.dumps(chat) + "\n")
        told = ["--format", "openai-chat", str(file)]
        self.playhead.manage("import_sessions", *self.playhead.project, *told)
        self.playhead.request("/api/v1/prompts/-/import", library(chats[0][0]["content"]))
        suite = {"name": NAME, "choose": {"filter": "model:gpt-4o", "limit": len(chats)}}
        self.playhead.request("/api/v1/suites", suite)

    def start(self) -> str:
        body = {
            "suite": NAME,
            "provider": "local",
            "repeats": self.repeats,
            "budget": "50",
            "baseline": {"prompt": f"{NAME}@7"},
            "candidates": [
                {"name": f"version {number}", "prompt": f"{NAME}@{number}"}
                for number in SENTENCES
                if number != 7
            ],
        }
        return str(self.playhead.request("/api/v1/regression-runs", body)["id"])

    def follow(self, run: str, kills: int) -> Json:
        """Wait for the end of the run, killing its workers meanwhile."""
        next_kill = time.monotonic() + KILL_SECONDS
        while True:
            told = self.playhead.request(f"/api/v1/regression-runs/{run}")
            if told["state"] != "running":
                return told
            if kills and time.monotonic() > next_kill:
                kills, next_kill = kills - 1, time.monotonic() + KILL_SECONDS
                self.kill()
            time.sleep(POLL_SECONDS)

    def kill(self) -> None:
        for process in self.playhead.children(r"celery"):
            process.send_signal(signal.SIGKILL)
        sys.stderr.write("killed the workers\n")


def run(chats: Sequence[Sequence[Json]], options: argparse.Namespace) -> Iterator[str]:
    """Run all versions, and yield what came of it in lines."""
    model = Erring(chats, RATES, options.seed)
    with running(model) as (address, _):
        playhead = PlayheadProcess()
        playhead.settings = {"PLAYHEAD_OUTBOUND_ALLOW": address}  # type: ignore[misc]
        with playhead:
            trial = Trial(playhead, address, options.repeats)
            trial.furnish(chats)
            started = time.monotonic()
            number = trial.start()
            told = trial.follow(number, options.kills)
            yield f"{told['state']} {told.get('reason') or ''} {time.monotonic() - started:.0f} s"
            report = playhead.request(f"/api/v1/regression-runs/{number}/report")
            yield from lines_of(report, model, options.repeats)
            yield f"paid: {told.get('progress', {}).get('paid')} US dollars"


def lines_of(report: Json, model: Erring, repeats: int) -> Iterator[str]:
    for one in report["candidates"]:
        gate = one["gates"][0]
        yield (
            f"{one['name']}: {one['result']} ({gate['baseline']:.3f} -> {gate['candidate']:.3f}, "
            f"{gate['lower']:+.3f} to {gate['upper']:+.3f}); better {one['better']}, "
            f"worse {one['worse']}, same {one['same']}"
        )
    twice = sum(count - repeats for count in model.questions.values() if count > repeats)
    yield f"asked {sum(model.asked.values())}, of them {twice} again; wrong {total(model.erred)}"


def total(counts: Counter[str]) -> str:
    return ", ".join(f"{system[-30:]!r} {count}" for system, count in counts.items())


def simulate(chats: Sequence[Sequence[Json]], options: argparse.Namespace) -> Iterator[str]:
    """Yield how often each verdict comes, over many seeds."""
    sizes = [answers(messages) for messages in chats]
    for number in (8, 9, 10):
        found: Counter[str] = Counter()
        for seed in range(options.simulate):
            chance = random.Random(options.seed + seed)
            pairs = [
                Paired(
                    str(at),
                    drawn(chance, rate_of(7), size, options.repeats),
                    drawn(chance, rate_of(number), size, options.repeats),
                )
                for at, size in enumerate(sizes)
            ]
            found[judge([Gate("success")], {"success": pairs}).result.value] += 1
            found["any case worse"] += any(sum(p.candidate) < sum(p.baseline) for p in pairs)
        shares = {name: round(count / options.simulate, 3) for name, count in found.items()}
        yield f"version {number} against 7: {shares}"


def rate_of(version: int) -> float:
    return [rate for words, rate in RATES.items() if words in SENTENCES[version]][-1]


def drawn(chance: random.Random, rate: float, calls: int, repeats: int) -> list[float]:
    return [float(chance.random() < (1 - rate) ** calls) for _ in range(repeats)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--sessions", type=int, default=100)
    parser.add_argument("--longest", type=int, default=LONGEST, help="calls of a session")
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--simulate", type=int, default=0, metavar="RUNS")
    options = parser.parse_args()
    chats = conversations(options.file, options.sessions, options.longest)
    sys.stderr.write(f"{len(chats)} sessions, {sum(map(answers, chats))} calls\n")
    for line in (simulate if options.simulate else run)(chats, options):
        sys.stdout.write(line + "\n")


if __name__ == "__main__":
    main()
