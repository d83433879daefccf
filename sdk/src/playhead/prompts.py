"""Prompts of the library: ``playhead.prompt("triage", label="production").format(...)``.

What was fetched is kept: fresh for a minute, after that served at once while it is asked for
again. When the server is away the last good answer is served, from memory or from disk. Every
call of a model that is made with a filled prompt says which version it was. In a replay the
prompt comes from the record.
"""

from __future__ import annotations

import hashlib
import json
import logging
import math
import os
import re
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from typing import Any

from playhead import places
from playhead.client import known_server
from playhead.fetching import AGENT, Server
from playhead.forking import Forking
from playhead.matching import canonical
from playhead.stamping import note_use
from playhead.steps import retriever

Json = Any

log = logging.getLogger(__name__)

# Where the last good answers lie; "0" keeps none.
FOLDER = "PLAYHEAD_PROMPTS"
FRESH = 60.0
# How long a program waits for a prompt that it has not got, in seconds.
PATIENCE = 5.0
TAG = re.compile(r"\\\{\{|\{\{(?P<inside>[^{}\n]{0,300})(?P<end>\}\})?")
# What a fork fetches in the place of the prompt that is asked for.
_instead: ContextVar[dict[str, Json] | None] = ContextVar("playhead_prompt", default=None)
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")


class NoSuchPromptError(LookupError):
    """The library has no such prompt, or no version under this label."""


class PromptUnavailableError(OSError):
    """The server is away, and nothing was kept of this prompt."""


@dataclass(frozen=True)
class Prompt:
    """One version of a prompt, with all that it includes."""

    name: str
    version: int
    labels: list[str]
    # One of the two.
    text: str | None
    messages: list[dict[str, Json]] | None
    variables: list[dict[str, Json]]
    parameters: dict[str, Json] = field(default_factory=dict)
    tools: list[dict[str, Json]] = field(default_factory=list)
    output_schema: dict[str, Json] | None = None

    @classmethod
    def of(cls, told: Mapping[str, Json]) -> Prompt:
        """Read the server's answer."""
        version, resolved = told["version"], told["version"]["resolved"]
        return cls(
            name=told["name"],
            version=version["version"],
            labels=version["labels"],
            text=resolved["text"],
            messages=resolved["messages"],
            variables=resolved["variables"],
            parameters=version["parameters"],
            tools=version["tools"],
            output_schema=version["output_schema"],
        )

    def format(self, **values: Json) -> Any:
        """Return the text, or the messages, with values put in.

        A placeholder takes a list of messages. Whatever a value says, it stays text. Raises
        ValueError naming each variable that is missing, unknown or of another type.
        """
        places = {one["placeholder"] for one in self.messages or [] if "placeholder" in one}
        put_in = {name: values.pop(name, []) for name in places}
        written = write_values(self.variables, values)
        stamp = {"name": self.name, "version": self.version, "variables": values or None}
        if self.messages is None:
            text = substitute(self.text or "", written)
            note_use([text], stamp)
            return text
        own, whole = [], []
        for one in self.messages:
            if "placeholder" in one:
                whole += list(put_in[one["placeholder"]])
                continue
            own.append(substitute(one["content"], written))
            whole.append(one | {"content": own[-1]})
        note_use(own, stamp)
        return whole


def substitute(text: str, values: Mapping[str, str]) -> str:
    """Return a template with values in the places of variables; values are not read again."""

    def put(match: re.Match[str]) -> str:
        if match["inside"] is None:
            return "{{"
        name = match["inside"].strip()
        is_variable = match["end"] is not None and VARIABLE.fullmatch(name)
        return values[name] if is_variable else match[0]

    return TAG.sub(put, text)


def write_values(variables: list[dict[str, Json]], values: Mapping[str, Json]) -> dict[str, str]:
    """Return the text of each variable, defaults where no value is given."""
    declared = {one["name"]: one for one in variables}
    wrong = [f"there is no variable {name}" for name in values if name not in declared]
    written: dict[str, str] = {}
    for name, one in declared.items():
        value = values.get(name, one.get("default"))
        if value is None and one["required"]:
            wrong.append(f"the variable {name} needs a value")
        told = "" if value is None else _written(one["type"], value)
        if told is None:
            wrong.append(f"the variable {name} takes a value of type {one['type']}")
        written[name] = told or ""
    if wrong:
        said = "; ".join(wrong)
        raise ValueError(f"{said[0].upper()}{said[1:]}.")
    return written


def _written(kind: str, value: Json) -> str | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if kind == "text":
        return value if isinstance(value, str) else None
    if kind == "integer":
        return str(value) if is_number and isinstance(value, int) else None
    if kind == "number":
        return json.dumps(value) if is_number and math.isfinite(value) else None
    if kind == "boolean":
        return ("false", "true")[value] if isinstance(value, bool) else None
    return canonical(value).decode() if kind == "json" else None


def prompt(name: str, *, label: str | None = None, version: int | None = None) -> Prompt:
    """Return a prompt of the library: the version under ``label``, or that numbered ``version``.

    Without either the version under ``production``. Raises NoSuchPromptError where the library
    has none, PromptUnavailableError where the server is away and nothing was kept.
    """
    if label is not None and version is not None:
        raise ValueError("Give either label or version, not both.")
    run = places.current_run()
    token = _instead.set(run.prompt_at(name) if isinstance(run, Forking) else None)
    try:
        at = {"label": label or "production"} if version is None else {"version": version}
        return Prompt.of(_fetched(name, at))
    finally:
        _instead.reset(token)


@retriever(name="prompt")  # type: ignore[untyped-decorator]
def _fetched(name: str, at: dict[str, Json]) -> dict[str, Json]:
    # A step of the session, so that a replay is answered from the record. A fork comes here
    # only for what it fetches anew.
    at = _instead.get() or at
    try:
        server = known_server(name)
    except ValueError:
        message = f"No server is known to fetch the prompt {name} from: call playhead.init()."
        raise PromptUnavailableError(message) from None
    return _library.get(server, name, at)


@dataclass
class Kept:
    """An answer, its tag, and since when it is fresh by this computer's steady clock."""

    told: dict[str, Json]
    tag: str
    since: float
    is_asked: bool = False


class Library:
    """What was fetched, in memory and on disk. Safe to use from several threads."""

    def __init__(self, fresh: float = FRESH) -> None:
        self.fresh = fresh
        self._kept: dict[tuple[str, ...], Kept] = {}
        self._lock = threading.Lock()

    def get(self, server: Server, name: str, at: dict[str, Json]) -> dict[str, Json]:
        key = (server.url, server.key, name, json.dumps(at, sort_keys=True))
        with self._lock:
            kept = self._kept.get(key)
        if kept is None:
            return self._first(key, server, name, at)
        if time.monotonic() - kept.since > self.fresh:
            self._ask_again(key, kept, server, name, at)
        return kept.told

    def clear(self) -> None:
        with self._lock:
            self._kept.clear()

    def _first(
        self, key: tuple[str, ...], server: Server, name: str, at: dict[str, Json]
    ) -> dict[str, Json]:
        try:
            told, tag = _ask(server, name, at, "")
        except OSError as error:
            kept = _read(key)
            if kept is None:
                message = f"The prompt {name} cannot be fetched, and none was kept: {error}"
                raise PromptUnavailableError(message) from None
            log.warning("prompt %s: the server is away, the last good one is used", name)
            told, tag = kept
            # Asked for again at the next use.
            self._keep(key, Kept(told, tag, -math.inf))
            return told
        self._keep(key, Kept(told, tag, time.monotonic()))
        _write(key, told, tag)
        return told

    def _ask_again(
        self, key: tuple[str, ...], kept: Kept, server: Server, name: str, at: dict[str, Json]
    ) -> None:
        with self._lock:
            if kept.is_asked:
                return
            kept.is_asked = True

        def ask() -> None:
            try:
                told, tag = _ask(server, name, at, kept.tag)
            except (OSError, LookupError) as error:
                log.warning("prompt %s: not renewed, the last good one is used: %s", name, error)
                told, tag = kept.told, kept.tag
            if told:
                _write(key, told, tag)
            self._keep(key, Kept(told or kept.told, tag, time.monotonic()))

        threading.Thread(target=ask, name="playhead-prompt", daemon=True).start()

    def _keep(self, key: tuple[str, ...], kept: Kept) -> None:
        with self._lock:
            self._kept[key] = kept


_library = Library()


def _ask(server: Server, name: str, at: dict[str, Json], tag: str) -> tuple[dict[str, Json], str]:
    """Return the server's answer and its tag; an empty answer where ``tag`` is still good."""
    address = server.address(f"prompts/{urllib.parse.quote(name)}", at)
    headers = {"Authorization": f"Bearer {server.key}", "User-Agent": AGENT}
    if tag:
        headers["If-None-Match"] = tag
    if not address.startswith(("http://", "https://")):
        raise OSError(f"{server.url} is no address of a Playhead.")
    request = urllib.request.Request(address, headers=headers)  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:  # noqa: S310
            return json.load(answer), answer.headers.get("ETag", "")
    except urllib.error.HTTPError as error:
        with error:
            if error.code == 304:
                return {}, tag
            if error.code in (400, 404):
                said = _detail(error)
                raise NoSuchPromptError(said or f"There is no prompt {name}.") from None
            if error.code in (401, 403):
                message = f"The key may not read prompts: {_detail(error)}"
                raise PermissionError(message) from None
            raise OSError(f"The server answered {error.code}.") from None
    except (HTTPException, json.JSONDecodeError) as error:
        raise OSError(f"{server.url} does not answer as a Playhead does: {error}") from None


def _detail(error: urllib.error.HTTPError) -> str:
    try:
        return str(json.loads(error.read(10_000)).get("detail", ""))
    except (ValueError, OSError, AttributeError):
        return ""


def _place(key: tuple[str, ...]) -> Path | None:
    """Return where the last good answer lies: apart for each key, which each opens one project."""
    folder = os.environ.get(FOLDER, "")
    if folder == "0":
        return None
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "playhead" / "prompts"
    digest = hashlib.sha256("\0".join(key).encode()).hexdigest()
    return (Path(folder) if folder else base) / f"{digest}.json"


def _read(key: tuple[str, ...]) -> tuple[dict[str, Json], str] | None:
    place = _place(key)
    try:
        told = json.loads(place.read_text(encoding="utf-8")) if place else None
        return (told["prompt"], told["tag"]) if told else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _write(key: tuple[str, ...], told: dict[str, Json], tag: str) -> None:
    place = _place(key)
    if place is None:
        return
    try:
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = place.with_suffix(f".{os.getpid()}-{threading.get_ident()}")
        # Prompts may be a company's secret: for this user alone.
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump({"prompt": told, "tag": tag}, file)
        fresh.replace(place)
    except OSError as error:
        log.warning("a prompt cannot be kept on disk: %s", error)
