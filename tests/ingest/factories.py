"""What clients send, made small."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from apps.core.errors import DomainError

STARTED = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


def make_event(**fields: Any) -> dict[str, Any]:
    """Return a native event as a client sends it."""
    started = {"started_at": STARTED.isoformat().replace("+00:00", "Z")}
    return {"id": "e1", "session": "chat-1", "kind": "tool", "name": "search"} | started | fields


def make_body(*events: Any) -> bytes:
    return json.dumps({"events": list(events)}).encode()


def status_of(read: Callable[[], object]) -> int:
    """Return the status that a reader of bodies answers with; any other error is a bug."""
    try:
        read()
    except DomainError as error:
        return error.status
    return 200
