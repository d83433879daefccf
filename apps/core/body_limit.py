"""Refuse a body that is too large while it arrives.

Django's ASGI handler reads a whole body to a temporary file before any view runs, so a
limit checked in a view comes too late for a sender who streams without end.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

# As Django's handler types them.
Message = Mapping[str, Any]
Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

MIB = 1024 * 1024
BODY_LIMIT = 20 * MIB
# Files to import are streamed; they have a limit of their own.
IMPORT_LIMIT = 1024 * MIB + MIB


class _TooLargeError(Exception):
    pass


def limit_for(path: str) -> int:
    """Return how many bytes a request to ``path`` may carry on the wire."""
    return IMPORT_LIMIT if path.startswith("/api/v1/imports") else BODY_LIMIT


def limit_bodies(application: Application) -> Application:
    """Wrap an ASGI application so that oversized bodies get a 413 and are not stored."""

    async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await application(scope, receive, send)
            return
        limit = limit_for(scope["path"])
        if _declared_length(scope) > limit:
            await _refuse(send, limit)
            return
        await _run_counting(application, scope, receive, send, limit)

    return guarded


async def _run_counting(
    application: Application, scope: Scope, receive: Receive, send: Send, limit: int
) -> None:
    seen = 0

    async def counted() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > limit:
            raise _TooLargeError
        return message

    try:
        await application(scope, counted, send)
    except _TooLargeError:
        await _refuse(send, limit)


def _declared_length(scope: Scope) -> int:
    headers = dict(scope["headers"])
    declared = headers.get(b"content-length", b"0")
    return int(declared) if declared.isdigit() else 0


async def _refuse(send: Send, limit: int) -> None:
    problem = {
        "type": "about:blank",
        "title": "Too large",
        "status": 413,
        "detail": f"The body is larger than the limit of {limit // MIB} MiB.",
    }
    headers = [(b"content-type", b"application/problem+json"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(problem).encode()})
