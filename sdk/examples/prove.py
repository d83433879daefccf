"""Proves that an example runs again from its record, with the provider gone and no network.

    python prove.py [travel_desk | langgraph_desk | openai_agents_desk] [--times 100]

Records it once against ``random_provider.py``, ends the provider, cuts the network off (a network
namespace with nothing in it, where the system allows one) and replays it so many times. Then one
word of a prompt is changed, and the replay must name the first call that says it. Last, the
provider is started again and the session is forked at that step with another model.

With PLAYHEAD_URL and PLAYHEAD_API_KEY set everything is sent to a Playhead too, and the session is
replayed once more from there. Ends with 0 when all of it held.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import json
import os
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import playhead
from playhead.files import read_file

Json = Any

HERE = Path(__file__).parent
OTHER_MODEL = "gpt-4o-mini"
WORD, OTHER_WORD = "briefly", "kindly"


# -- What runs in a process of its own: it prints what it found as JSON.


def record(desk: Any, file: Path, name: str) -> Json:
    playhead.init()
    with playhead.session(name, file=file, user="ada", agent=desk.__name__):
        answer = desk.run()
    return {"answer": answer, "steps": len(read_file(file)[1])}


def replay(desk: Any, source: Path | str, times: int) -> Json:
    """Replay so many times, and return every answer and digest that came of it."""
    answers, digests, reports = set(), set(), set()
    began = time.process_time()
    for _ in range(times):
        with playhead.replay(source) as run:
            answers.add(json.dumps(desk.run()))
        run.report.assert_faithful()
        digests.add(run.report.digest)
        reports.add(run.report.text())
    each_ms = (time.process_time() - began) * 1000 / times
    return {
        "answers": [json.loads(one) for one in answers],
        "digests": sorted(digests),
        "reports": sorted(reports),
        "cpu_ms": round(each_ms, 1),
        "network": network(),
    }


def replay_from_server(desk: Any, name: str) -> Json:
    playhead.init()
    return replay(desk, name, 1)


def change(desk: Any, file: Path) -> Json:
    """Replay with one word of a prompt changed, and return what the replay says to it."""
    desk.BOOKING_PROMPT = desk.BOOKING_PROMPT.replace(WORD, OTHER_WORD)
    try:
        with playhead.replay(file) as run:
            desk.run()
    except playhead.Divergence as stopped:
        return {"step": run.report.first.step, "says": str(stopped)}
    return {"step": None, "says": "nothing"}


def fork(desk: Any, file: Path, at: int) -> Json:
    """Leave the record at a step, with another model; tools may only read from there on."""
    playhead.init()
    forked = file.with_name(f"{file.stem}-fork.playhead")
    reading = ["tool:search_*", "tool:price_of"]
    pretended = {"tool:hold": lambda *_, **__: "held", "tool:book": lambda *_, **__: "booked"}
    overrides = {"model": OTHER_MODEL, **pretended}
    with playhead.fork(file, at, file=forked, overrides=overrides, allow_live=reading):
        desk.run()
    events = [event for event in read_file(forked)[1] if event["kind"] == "llm"]
    return {
        "served": sum((event.get("metadata") or {}).get("served", False) for event in events),
        "asked": sum(event.get("model") == OTHER_MODEL for event in events),
        "file": str(forked),
    }


def network() -> str:
    """Return what a connection to anywhere says: to this machine, and to the world."""
    said = []
    for address in (provider_address(), ("1.1.1.1", 443)):
        try:
            socket.create_connection(address, timeout=2).close()
            said.append("connected")
        except OSError as error:
            said.append(str(error.strerror or error))
    return ", ".join(said)


def provider_address() -> tuple[str, int]:
    host, _, port = os.environ["OPENAI_BASE_URL"].split("/")[2].partition(":")
    return host, int(port)


PARTS = {one.__name__: one for one in (record, replay, replay_from_server, change, fork)}


# -- The proof: each part in a process of its own, so that nothing is left over from another.


def prove(name: str, times: int, folder: Path) -> bool:
    """Record, replay, change and fork one example; tell whether all of it held."""
    file, session = folder / f"{name}.playhead", f"{name}-{uuid.uuid4().hex[:8]}"
    with running_provider():
        recorded = part("record", name, file, session)
    print(f"{name}: {recorded['steps']} steps recorded as {session} in {file}")
    before = digest_of(file)
    checks = [
        replays_are_the_same(recorded["answer"], part("replay", name, file, times, cut=True)),
        change_is_named(file, part("change", name, file, cut=True)),
    ]
    with running_provider():
        checks.append(fork_is_told(part("fork", name, file, first_call(file, WORD))))
    checks.append(said(digest_of(file) == before, f"the record is as it was: {before}"))
    if os.environ.get("PLAYHEAD_URL"):
        found = part("replay_from_server", name, session)
        checks.append(replays_are_the_same(recorded["answer"], found))
    return all(checks)


def replays_are_the_same(answer: Json, found: Json) -> bool:
    print(f"  network: {found['network']}; {found['cpu_ms']} CPU ms a replay")
    for told in (*found["digests"], *found["reports"]):
        print("  " + told.replace("\n", "\n  "))
    is_same = found["answers"] == [answer] and len(found["digests"]) == 1
    return said(is_same, f"{len(found['answers'])} answer(s), {len(found['digests'])} digest(s)")


def change_is_named(file: Path, found: Json) -> bool:
    expected = first_call(file, WORD)
    lines = found["says"].splitlines()
    print(*(f"    {line}" for line in lines[:4]), sep="\n")
    claim = f"{WORD!r} changed to {OTHER_WORD!r} is first said at step {expected}"
    return said(found["step"] == expected, claim)


def fork_is_told(found: Json) -> bool:
    claim = f"forked: {found['served']} calls served, {found['asked']} asked of {OTHER_MODEL}"
    return said(found["served"] > 0 and found["asked"] > 0, claim)


def said(is_so: bool, claim: str) -> bool:
    print(f"  {'ok' if is_so else 'WRONG'}: {claim}")
    return is_so


def first_call(file: Path, word: str) -> int:
    """Return the step of the first call of a model that says a word in its instructions."""
    for step, event in enumerate(read_file(file)[1], 1):
        if event["kind"] == "llm" and word in json.dumps(event["input"][0]):
            return step
    raise ValueError(f"No call says {word!r}.")


def digest_of(file: Path) -> str:
    return "sha256:" + hashlib.sha256(file.read_bytes()).hexdigest()


def part(act: str, *arguments: object, cut: bool = False) -> Json:
    """Run one part in a new process, without any network if it is cut, and return its findings."""
    command = [sys.executable, __file__, "--part", act, *map(str, arguments)]
    around = dict(os.environ)
    if cut:
        # Replays report to a server where one is known; here nothing can be reached.
        around.pop("PLAYHEAD_URL", None)
        command = [*without_network(), *command]
    ended = subprocess.run(command, env=around, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(ended.stdout.splitlines()[-1])


def without_network() -> list[str]:
    """Return what starts a program without a network; nothing where that is not allowed."""
    for command in (["unshare", "--net"], ["unshare", "--map-root-user", "--net"]):
        try:
            subprocess.run([*command, "true"], check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError):
            continue
        return command
    print("  no network namespace may be made here: connections are refused by Playhead alone")
    return []


@contextmanager
def running_provider() -> Iterator[None]:
    """Let a provider run whose address the clients of OpenAI find in the environment."""
    command = [sys.executable, str(HERE / "random_provider.py")]
    provider = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert provider.stdout is not None
    os.environ |= {"OPENAI_BASE_URL": provider.stdout.readline().strip(), "OPENAI_API_KEY": "none"}
    try:
        yield
    finally:
        provider.terminate()
        provider.wait()
        provider.stdout.close()


def run_part(act: str, name: str, *arguments: str) -> None:
    desk = importlib.import_module(name)
    given = [int(one) if one.isdecimal() else Path(one) if "/" in one else one for one in arguments]
    found = PARTS[act](desk, *given)
    playhead.flush()
    print(json.dumps(found))


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("desks", nargs="*", default=["travel_desk"])
    options.add_argument("--times", type=int, default=100)
    options.add_argument("--folder", type=Path, default=Path())
    options.add_argument("--part", help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.part:
        run_part(chosen.part, *chosen.desks)
        return 0
    folder = chosen.folder.resolve()
    proved = [prove(name, chosen.times, folder) for name in chosen.desks]
    return 0 if all(proved) else 1


if __name__ == "__main__":
    sys.exit(main())
