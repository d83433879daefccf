"""``playhead tail``: sessions and their steps as they come."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Mapping
from typing import Any

from playhead.client import known_server
from playhead.commands.terminal import (
    FAINT,
    RED,
    SAME,
    coloured,
    complain,
    printable,
    say,
    shortly,
    show_line,
)
from playhead.fetching import NoSuchSessionError, Server, ServerError, find_session, get

Json = Any

# Seconds between two looks: at first, and at most while nothing comes.
SOON, SELDOM = 1.0, 10.0
GROWS = 1.5
PAGE = 500
# Sessions that are looked at: those that began last.
WATCHED = 50
FILTERS = ("agent", "environment", "user", "status", "tag", "model", "release")


def tail(options: argparse.Namespace) -> int:
    """Print steps as they come, until Ctrl-C; with ``--once`` only what is there."""
    server = known_server(options.session or "tail")
    watching = _Watching(server, options)
    wait = SOON
    while True:
        try:
            found = watching.look()
        except ServerError as error:
            if options.once or watching.is_first:
                # It never was there, or never took the key.
                raise
            complain(f"{error} It is asked again in {SELDOM:.0f} s.")
            found, wait = 0, SELDOM
        if options.once:
            return SAME
        wait = SOON if found else min(wait * GROWS, SELDOM)
        time.sleep(wait)


class _Watching:
    """What has been printed so far, so that everything is printed once."""

    def __init__(self, server: Server, options: argparse.Namespace) -> None:
        self._server, self._options = server, options
        self._sessions: dict[str, _Session] = {}
        self.is_first = True

    def look(self) -> int:
        """Print what is new, and return how many steps that is."""
        told = [self._known(one) for one in self._found()]
        count = sum(one.print_new() for one in told)
        self.is_first = False
        return count

    def _found(self) -> list[dict[str, Json]]:
        """Return the sessions that are watched, the oldest first."""
        if self._options.session:
            return [find_session(self._server, self._options.session)]
        query = {name: getattr(self._options, name) for name in FILTERS}
        asked = {name: value for name, value in query.items() if value}
        page = get(self._server, "sessions", {**asked, "limit": WATCHED})
        if page is None:
            raise NoSuchSessionError("The server does not understand these filters.")
        return list(reversed(page["results"]))

    def _known(self, found: Mapping[str, Json]) -> _Session:
        name = str(found["id"])
        session = self._sessions.get(name)
        if session is None:
            # What was there before is no news, but for the last steps of a session that is named.
            kept = self._options.lines if self._options.session or self._options.once else 0
            skipped = max(0, found["events"] - kept) if self.is_first else 0
            session = self._sessions[name] = _Session(self._server, name, self._options, skipped)
        session.found = found
        return session


class _Session:
    """One session that is watched."""

    def __init__(
        self, server: Server, name: str, options: argparse.Namespace, skipped: int
    ) -> None:
        self._server, self._name, self._options = server, name, options
        self.found: Mapping[str, Json] = {}
        self._skipped = skipped
        self._seen: set[str] = set()
        self._cursor = ""

    def print_new(self) -> int:
        if self.found["events"] <= max(len(self._seen), self._skipped):
            return 0
        new = list(self._new())
        if len(self._seen) < self.found["events"]:
            # What comes late may lie before what was seen.
            self._cursor = ""
            new += list(self._new())
        for event in new:
            self._print(event)
        return len(new)

    def _new(self) -> Iterator[dict[str, Json]]:
        """Yield the steps from the last page on that have not been seen."""
        cursor: str | None = self._cursor
        while cursor is not None:
            self._cursor = cursor
            fields = "all" if self._options.content else "meta"
            query = {"limit": PAGE, "fields": fields, **({"cursor": cursor} if cursor else {})}
            page = get(self._server, f"sessions/{self._name}/events", query)
            if page is None:
                return
            for event in page["results"]:
                if event["id"] not in self._seen:
                    self._seen.add(event["id"])
                    if event["seq"] > self._skipped:
                        yield event
            cursor = page["next"]
        self._skipped = 0

    def _print(self, event: Mapping[str, Json]) -> None:
        name = self.found["external_id"] or self._name
        if self._options.json:
            show_line({"session": self._name, "external_id": self.found["external_id"], **event})
            return
        at = str(event.get("started_at") or "")[11:23] or "-"
        error = event.get("error") or {}
        facts = [fact for fact in _facts(event) if fact]
        line = f"{at}  {name}  {event['seq']:>4}  {' '.join(facts)}"
        colour = RED if event.get("status") == "error" else ""
        failed = (
            f"  failed: {error.get('type') or ''} {error.get('message') or ''}" if colour else ""
        )
        text = printable(f"{line}{failed}")
        say(coloured(text, colour) if colour else text)
        if self._options.content:
            for word in ("input", "output"):
                if event.get(word) is not None:
                    say(coloured(printable(f"      {word}: {shortly(event[word])}"), FAINT))


def _facts(event: Mapping[str, Json]) -> Iterator[str]:
    yield str(event.get("kind") or "")
    yield str(event.get("name") or "")
    yield str(event.get("model") or "")
    if event.get("duration_ms") is not None:
        yield f"{float(event['duration_ms']):.0f} ms"
    usage = event.get("usage") or {}
    if usage.get("input") is not None or usage.get("output") is not None:
        yield f"{usage.get('input') or 0}+{usage.get('output') or 0} tokens"
    if event.get("cost") is not None:
        yield f"${event['cost']}"
