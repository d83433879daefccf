"""What a Playhead takes before anybody uses it: memory, packages, disk, and time to start."""

from __future__ import annotations

import time
import urllib.request
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

import psutil
from packaging.requirements import Requirement

from tests.bench.cpu import cpu_by_part
from tests.bench.goals import Figure
from tests.playhead_process import PlayheadProcess

MIB = 1024 * 1024
REST_SECONDS = 20
SERVER = "playhead-server"
GOAL_MIB, GOAL_SECONDS = 300, 8
# {extras: (packages, MB)}
INSTALLS = {
    ("embedded",): (75, 320),
    ("embedded", "analysis"): (110, 520),
    ("embedded", "providers", "test"): (110, 520),
}


def measure(playhead: PlayheadProcess) -> Iterator[Figure]:
    yield from memory(playhead)
    yield from later_start(playhead)
    for extras, goals in INSTALLS.items():
        yield from installed(extras, *goals)


def memory(playhead: PlayheadProcess) -> Iterator[Figure]:
    """Yield memory after the first page was served and some rest."""
    first_page(playhead)
    time.sleep(REST_SECONDS)
    found = [playhead.process, *playhead.process.children(recursive=True)]
    postgres = {process for process in found if is_postgres(process)}
    own = [process for process in found if process not in postgres]
    note = ", ".join(f"{told(process)} {pss(process):.0f}" for process in own)
    yield Figure(10, "idle memory (PSS)", sum(map(pss, own)), "MiB", GOAL_MIB, note=note)
    resident = sum(process.memory_info().rss for process in own) / MIB
    yield Figure(10, "idle memory (RSS, shared pages counted twice)", resident, "MiB")
    yield Figure(10, "idle memory of PostgreSQL (PSS)", sum(map(pss, postgres)), "MiB")


def pss(process: psutil.Process) -> float:
    """Return the memory of a process, with its share of what it shares."""
    return float(process.memory_full_info().pss) / MIB


def is_postgres(process: psutil.Process) -> bool:
    return "postgres" in process.name()


def told(process: psutil.Process) -> str:
    words = " ".join(process.cmdline())
    names = ("granian", "celery", "valkey", "manage.py up")
    return next((name for name in names if name in words), process.name())


def first_page(playhead: PlayheadProcess) -> None:
    with urllib.request.urlopen(f"{playhead.url}/login/", timeout=30) as response:
        response.read()


def later_start(playhead: PlayheadProcess) -> Iterator[Figure]:
    playhead.stop()
    started = time.monotonic()
    playhead.start()
    first_page(playhead)
    seconds = time.monotonic() - started
    times = playhead.process.cpu_times()
    own = times.user + times.system + times.children_user + times.children_system
    note = f"{own + sum(cpu_by_part(playhead.process).values()):.1f} s of CPU, all processes"
    yield Figure(10, "first page after a later start", seconds, "s", GOAL_SECONDS, note=note)


def installed(extras: tuple[str, ...], packages: int, megabytes: int) -> Iterator[Figure]:
    """Yield how many packages the extras bring into this environment, and their size."""
    found = closure(extras)
    name = f"installed: {SERVER}[{','.join(extras)}]"
    yield Figure(10, f"{name}, packages", len(found), "", packages)
    by_size = {one: size_of(package) / 1e6 for one, package in found.items()}
    largest = sorted(by_size, key=lambda one: -by_size[one])[:5]
    note = ", ".join(f"{one} {by_size[one]:.0f}" for one in largest)
    yield Figure(10, f"{name}, size", sum(by_size.values()), "MB", megabytes, note=note)


def closure(extras: tuple[str, ...]) -> dict[str, Distribution]:
    """Return all that is installed because the server with its extras needs it, itself too."""
    found: dict[str, Distribution] = {}
    waiting = [(SERVER, frozenset(extras))]
    seen = set[tuple[str, frozenset[str]]]()
    while waiting:
        name, wanted = waiting.pop()
        if (name, wanted) in seen:
            continue
        seen.add((name, wanted))
        try:
            found[name] = package = distribution(name)
        except PackageNotFoundError:
            continue
        waiting += needed(package, wanted)
    return found


def needed(package: Distribution, extras: frozenset[str]) -> list[tuple[str, frozenset[str]]]:
    """Return the names of what a package with these extras requires, and with which extras."""
    found = []
    for text in package.requires or []:
        requirement = Requirement(text)
        marker = requirement.marker
        if marker is None or any(marker.evaluate({"extra": extra}) for extra in extras | {""}):
            name = requirement.name.lower().replace("_", "-")
            found.append((name, frozenset(requirement.extras)))
    return found


def size_of(package: Distribution) -> int:
    paths = (Path(str(file.locate())) for file in package.files or [])
    return sum(path.stat().st_size for path in paths if path.exists())
