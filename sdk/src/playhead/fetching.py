"""Reading a recorded session from the server."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from typing import Any

Json = Any

PAGE = 500
TIMEOUT = 60.0


class NoSuchSessionError(LookupError):
    """The server knows no session of that id or name."""


def fetch_session(url: str, key: str, session: str) -> Iterator[dict[str, Json]]:
    """Yield the events of a session in replay order, by its id or by the sender's own name."""
    root = url.rstrip("/") + "/api/v1/sessions"
    found = _get(f"{root}/{urllib.parse.quote(session, safe='')}", key)
    if found is None:
        named = _get(f"{root}?{urllib.parse.urlencode({'external_id': session})}", key)
        if not (named and named["results"]):
            raise NoSuchSessionError(f"There is no session {session!r}.")
        found = named["results"][0]
    cursor: str | None = ""
    while cursor is not None:
        query = {"limit": PAGE, **({"cursor": cursor} if cursor else {})}
        page = _get(f"{root}/{found['id']}/events?{urllib.parse.urlencode(query)}", key)
        if page is None:
            raise NoSuchSessionError(f"The session {session!r} is gone.")
        yield from page["results"]
        cursor = page["next"]


def _get(url: str, key: str) -> Json:
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {key}"})
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            if error.code in (400, 404):
                return None
            raise
