"""What ``playhead gate`` asks the server, and what it makes of the answers."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urljoin

from playhead.client import KEY, URL
from playhead.fetching import NoSuchSessionError, Server, ServerError, opened, post

Json = Any
Answer = TypeVar("Answer")

# What a gate came to, as the shell sees it.
PASS, REGRESSION, INCONCLUSIVE, INFRASTRUCTURE, BUDGET = 0, 1, 2, 3, 4
RUNS = "regression-runs"
# Seconds between tries while the server is away, and how long it may be.
WAITS = (1.0, 2.0, 4.0, 8.0, 15.0)
PATIENCE = 180.0
# The server cannot answer now.
PASSING = frozenset({429, 502, 503, 504})
# Said with 409 while the very same request is at work.
BUSY = "Idempotency-Key"
LARGEST_PROMPT = 1_000_000


class StoppedError(Exception):
    """There is no verdict; says why, with the exit code, and the line of the gate file."""

    def __init__(self, says: str, code: int = INFRASTRUCTURE, line: int | None = None) -> None:
        super().__init__(says)
        self.code, self.line = code, line


@dataclass(frozen=True, slots=True)
class Gate:
    """A gate file that was read and found good."""

    path: str
    # As a run is started with.
    settings: dict[str, Json]
    lines: Mapping[str, int] = field(default_factory=dict)
    # The files of prompts that were read, and the versions that say what they say.
    files: list[dict[str, Json]] = field(default_factory=list)

    def stopped(self, error: ServerError) -> StoppedError:
        """Return what the server refused with the line that it stands in."""
        if error.status != 400 or not error.fields:
            return StoppedError(str(error))
        path = str(error.fields[0].get("path") or "")
        says = str(error.fields[0].get("message") or error)
        return self.refused(path, says, BUDGET if path == "budget" else INFRASTRUCTURE)

    def refused(self, path: str, says: str, code: int) -> StoppedError:
        """Return what is wrong with a field, with the line that it stands in."""
        line = _line(self.lines, path)
        return StoppedError(_placed(self.path, line, path, says), code, line)


def _line(lines: Mapping[str, int], path: str) -> int | None:
    while path and path not in lines:
        path = path.rpartition(".")[0]
    return lines.get(path)


def _placed(file: str, line: int | None, path: str, says: str) -> str:
    at = f"{file}:{line}" if line else file
    return f"{at}: {path}: {says}" if path else f"{at}: {says}"


def known() -> Server:
    """Return where runs are started, or raise StoppedError saying how it is told."""
    url, key = os.environ.get(URL), os.environ.get(KEY)
    if not (url and key):
        raise StoppedError(f"no server is known: give --url and --key, or set {URL} and {KEY}")
    return Server(url, key)


def read_gate(path: str, *, push: bool) -> Gate:
    """Return what a gate file asks for; raise StoppedError naming the line of what is wrong.

    Files of prompts that it names are sent, too, and become versions with ``push``.
    """
    text, server = _text(Path(path), path), known()
    told = _read(server, path, {"gate": text})
    if told["missing"]:
        files = {name: _prompt_text(path, name) for name in told["missing"]}
        told = _read(server, path, {"gate": text, "files": files, "push": push})
    return Gate(path, told["settings"], told["lines"], told["files"])


def _text(file: Path, name: str) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise StoppedError(f"{name} is no text in UTF-8.") from None
    except OSError as error:
        raise StoppedError(f"{name} cannot be read: {error.strerror or error}.") from None


def _prompt_text(gate: str, name: str) -> str:
    """Read a file that a gate file names; it lies below the folder that one is in."""
    file = Path(name)
    root = Path.cwd().resolve()
    if not file.resolve().is_relative_to(root):
        raise StoppedError(f"{gate}: {name} lies outside of {root}.")
    if file.is_file() and file.stat().st_size > LARGEST_PROMPT:
        raise StoppedError(f"{name} is larger than a prompt can be.")
    return _text(file, name)


def _read(server: Server, path: str, body: Json) -> dict[str, Json]:
    try:
        return dict(patiently(lambda: post(server, f"{RUNS}/gate", body)))
    except NoSuchSessionError:
        raise StoppedError(f"{server.url} knows no regression runs; is it older?") from None
    except ServerError as error:
        if error.status != 400 or not error.fields:
            raise
        first = error.fields[0]
        line = int(first["line"]) if first.get("line") else _line_in(first)
        says = str(first.get("message") or error)
        raise StoppedError(_placed(path, line, _field(first), says), line=line) from None


def _field(error: Mapping[str, str]) -> str:
    """Return the field that is wrong; of the file as a whole none."""
    path = str(error.get("path") or "")
    return "" if path == "gate" else path


def _line_in(error: Mapping[str, str]) -> int | None:
    """Return the line that the words of an error name, as those of broken YAML do."""
    _, found, rest = str(error.get("message") or "").partition("line ")
    digits = rest.partition(",")[0]
    return int(digits) if found and digits.isdigit() else None


def patiently(ask: Callable[[], Answer], patience: float = PATIENCE) -> Answer:
    """Ask until the server answers; raise what it said last when it is away for too long."""
    until, tries = time.monotonic() + patience, 0
    while True:
        try:
            return ask()
        except ServerError as error:
            wait = WAITS[min(tries, len(WAITS) - 1)]
            if not _is_passing(error) or time.monotonic() + wait > until:
                raise
            if not tries:
                sys.stderr.write(f"playhead: {error} It is asked again.\n")
        tries += 1
        time.sleep(wait)


def _is_passing(error: ServerError) -> bool:
    if error.status == 409:
        return BUSY in str(error)
    return error.status is None or error.status in PASSING


class Run:
    """One run on the server."""

    def __init__(self, server: Server, run_id: str) -> None:
        self._server, self.id = server, run_id

    def _path(self, rest: str = "") -> str:
        return f"{RUNS}/{self.id}{rest}"

    def look(self) -> dict[str, Json]:
        """Return how far it is."""
        return dict(json.loads(self._get("")))

    def report(self) -> dict[str, Json]:
        return dict(json.loads(self._get("/report")))

    def junit(self) -> bytes:
        return self._get("/junit")

    def markdown(self) -> bytes:
        return self._get("/report", {"format": "markdown"})

    def act(self, name: str) -> None:
        """Pause or cancel it; one that ended meanwhile is left as it is."""
        try:
            post(self._server, self._path(f"/{name}"), {})
        except ServerError as error:
            if error.status != 409:
                raise

    def _get(self, rest: str, query: Mapping[str, Json] | None = None) -> bytes:
        def ask() -> bytes:
            with opened(self._server, self._path(rest), query) as answer:
                return answer.read()

        return patiently(ask)


def start(gate: Gate, key: str) -> tuple[Run, str]:
    """Start a run and return it with its address. The same key never starts two."""
    server = known()
    headers = {"Idempotency-Key": key}
    try:
        told = patiently(lambda: post(server, RUNS, gate.settings, headers))
    except ServerError as error:
        raise gate.stopped(error) from None
    return Run(server, str(told["id"])), urljoin(server.url, str(told.get("url") or ""))


def plan(gate: Gate) -> dict[str, Json]:
    """Return what a run would try and cost."""
    server = known()
    try:
        return dict(patiently(lambda: post(server, f"{RUNS}/plan", gate.settings)))
    except ServerError as error:
        raise gate.stopped(error) from None
