"""Reading from a server: sessions, their events, and files of them."""

from __future__ import annotations

import gzip
import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPException
from typing import IO, Any

Json = Any

PAGE = 500
TIMEOUT = 60.0
AGENT = "playhead-python"
# What an error of the application holds beyond the fields of an event, as the server tells it.
ERROR_PARTS = ("module", "args")


@dataclass(frozen=True, slots=True)
class Server:
    """A Playhead, and the key that opens a project of it."""

    url: str
    key: str

    def address(self, path: str, query: Mapping[str, Json] | None = None) -> str:
        asked = f"?{urllib.parse.urlencode(query)}" if query else ""
        return f"{self.url.rstrip('/')}/api/v1/{path}{asked}"


class NoSuchSessionError(LookupError):
    """The server knows no session of that id or name."""


class ServerError(OSError):
    """The server is away, or does not do what it was asked; the message says what helps."""

    def __init__(
        self, says: str, status: int | None = None, fields: Sequence[Mapping[str, str]] = ()
    ) -> None:
        super().__init__(says)
        # None: nobody answered.
        self.status = status
        # What was refused: the path of each field, and why.
        self.fields = fields


def find_session(server: Server, session: str) -> dict[str, Json]:
    """Return what the server says of a session, by its id or by the sender's own name."""
    found = get(server, f"sessions/{urllib.parse.quote(session, safe='')}")
    if found is None:
        named = get(server, "sessions", {"external_id": session})
        if not (named and named["results"]):
            raise NoSuchSessionError(f"There is no session {session!r} in the project of this key.")
        found = named["results"][0]
    if not isinstance(found, dict) or "id" not in found:
        raise ServerError(f"{server.url} is no Playhead: it answers something else.")
    return found


def fetch_session(
    server: Server, session: str, progress: Callable[[int, int], None] | None = None
) -> Iterator[dict[str, Json]]:
    """Yield the events of a session in replay order; ``progress`` is told how many of how many."""
    found = find_session(server, session)
    cursor: str | None = ""
    seen = 0
    while cursor is not None:
        query = {"limit": PAGE, "raw": 1, **({"cursor": cursor} if cursor else {})}
        page = get(server, f"sessions/{found['id']}/events", query)
        if page is None:
            raise NoSuchSessionError(f"The session {session!r} is gone.")
        yield from map(_whole, page["results"])
        seen += len(page["results"])
        if progress is not None:
            progress(seen, found["events"])
        cursor = page["next"]


def _whole(event: dict[str, Json]) -> dict[str, Json]:
    """Return an event with what the server keeps beside the fields that it knows."""
    raw = event.pop("raw", None) or {}
    parts = {name: raw.get(f"error.{name}") for name in ERROR_PARTS}
    known = {name: value for name, value in parts.items() if value is not None}
    return event | {"error": event["error"] | known} if known and event.get("error") else event


def export_lines(server: Server, session: str) -> Iterator[dict[str, Json]]:
    """Yield the lines of a session's export: its events as they were sent, and notes on them."""
    found = find_session(server, session)
    query = {"format": "playhead-jsonl"}
    with opened(server, f"sessions/{found['id']}/export", query) as answer:
        for line in answer:
            yield json.loads(line)


def get(server: Server, path: str, query: Mapping[str, Json] | None = None) -> Json:
    """Return what the server answers; None where it knows nothing of the kind."""
    try:
        with opened(server, path, query) as answer:
            return json.load(answer)
    except NoSuchSessionError:
        return None


def post(server: Server, path: str, told: Json, headers: Mapping[str, str] | None = None) -> Json:
    """Send JSON to the server, and return what it answers."""
    body = json.dumps(told, ensure_ascii=False)
    with opened(server, path, body=body, headers=headers) as answer:
        return json.load(answer)


@contextmanager
def opened(
    server: Server,
    path: str,
    query: Mapping[str, Json] | None = None,
    *,
    body: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Iterator[IO[bytes]]:
    """Open an address of the server, or raise what whoever asked can do something about."""
    try:
        request = _request(server, server.address(path, query), body)
        for name, value in (headers or {}).items():
            request.add_header(name, value)
        with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
            yield answer
    except urllib.error.HTTPError as error:
        with error:
            raise _refused(error, path) from None
    except json.JSONDecodeError:
        raise ServerError(f"{server.url} is no Playhead: it answers something else.") from None
    except (OSError, HTTPException) as error:
        if isinstance(error, ServerError):
            raise
        reason = getattr(error, "reason", error)
        raise ServerError(f"No Playhead answers at {server.url}: {reason}.") from None
    except ValueError as error:
        raise ServerError(f"{server.url} is no address of a Playhead: {error}.") from None


def _request(server: Server, address: str, body: str | None) -> urllib.request.Request:
    headers = {"Authorization": f"Bearer {server.key}", "User-Agent": AGENT}
    if body is None:
        return urllib.request.Request(address, headers=headers)
    packed = gzip.compress(body.encode(errors="surrogatepass"), 1)
    headers |= {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    return urllib.request.Request(address, packed, headers)


def _refused(error: urllib.error.HTTPError, path: str) -> Exception:
    told = _told(error)
    fields = [one for one in told.get("errors") or () if isinstance(one, dict)]
    says = _message(told.get("detail") or "", fields)
    if error.code == 404:
        return NoSuchSessionError(says or f"The server knows no {path}.")
    return ServerError(_words(error, says, path), error.code, fields)


def _words(error: urllib.error.HTTPError, says: str, path: str) -> str:
    if error.code == 400:
        return f"The server does not take this: {says or path}"
    if error.code == 401:
        return "The server does not know the key. Make one under Keys in the project."
    if error.code == 403:
        return f"The key may not do this: {says or 'it needs the scope read:content'}"
    return f"The server answered {error.code}: {says or error.reason}"


def _told(error: urllib.error.HTTPError) -> dict[str, Json]:
    try:
        told = json.loads(error.read(10_000))
    except (ValueError, OSError):
        return {}
    return told if isinstance(told, dict) else {}


def _message(detail: str, fields: Sequence[Mapping[str, Json]]) -> str:
    first = fields[0] if fields else {}
    return f"{first['path']}: {detail}" if first.get("path") else detail
