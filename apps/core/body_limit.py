"""Refuse a body that is too large, or comes too slowly, while it arrives.

Django's ASGI handler reads a whole body to a temporary file before any view runs, so a
limit checked in a view comes too late for a sender who streams without end.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from apps.core.errors import DomainError

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
TAKES_FILES = re.compile(r"/api/v1/imports/?|/o/[^/]+/p/[^/]+/imports/?")
# A sender that says nothing for this long has gone, or means to hold the connection.
SILENCE_SECONDS = 30.0
# A whole body may take longer only if at least this much came in for each second.
WHOLE_SECONDS = 60.0
SLOWEST_BYTES = 16 * 1024


class BodyRefusedError(DomainError):
    """A body is not read further. Where the view reads it itself, the view answers."""

    def __init__(self, status: int, title: str, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.title = title


def takes_files(scope: Scope) -> bool:
    """Whether a request may bring a file to import, which is handed on as it arrives."""
    is_post = scope["type"] == "http" and scope.get("method") == "POST"
    return is_post and TAKES_FILES.fullmatch(scope["path"]) is not None


def limit_for(scope: Scope) -> int:
    """Return how many bytes a request may carry on the wire."""
    return IMPORT_LIMIT if takes_files(scope) else BODY_LIMIT


def limit_bodies(application: Application, *, silence: float = SILENCE_SECONDS) -> Application:
    """Wrap an ASGI application so that bodies beyond a limit are refused before they are stored.

    ``silence`` is how many seconds a sender may take until its next bytes.
    """

    async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await application(scope, receive, send)
            return
        limit = limit_for(scope)
        if _declared_length(scope) > limit:
            await _refuse(send, _too_large(limit))
            return
        try:
            await application(scope, _Body(receive, limit, silence).receive, send)
        except BodyRefusedError as refused:
            await _refuse(send, refused)

    return guarded


class _Body:
    """Counts a body while the application reads it."""

    def __init__(self, receive: Receive, limit: int, silence: float) -> None:
        self._receive = receive
        self._limit = limit
        self._silence = silence
        self._seen = 0
        self._is_whole = False
        self._started = asyncio.get_running_loop().time()

    async def receive(self) -> Message:
        if self._is_whole:
            # What comes now is the end of the connection, whenever that is.
            return await self._receive()
        try:
            async with asyncio.timeout(self._silence):
                message = await self._receive()
        except TimeoutError:
            raise _too_slow(f"Nothing came for {self._silence:g} seconds") from None
        if message["type"] == "http.disconnect":
            # Django would go away without an answer, which the server makes a fault of ours.
            raise BodyRefusedError(400, "Bad request", "The body broke off before its end.")
        self._seen += len(message.get("body", b""))
        self._is_whole = not message.get("more_body", False)
        self._check()
        return message

    def _check(self) -> None:
        if self._seen > self._limit:
            raise _too_large(self._limit)
        seconds = asyncio.get_running_loop().time() - self._started
        if seconds > WHOLE_SECONDS and self._seen < seconds * SLOWEST_BYTES:
            raise _too_slow(f"Less than {SLOWEST_BYTES // 1024} KiB a second came")


def _too_large(limit: int) -> BodyRefusedError:
    detail = f"The body is larger than the limit of {limit // MIB} MiB."
    return BodyRefusedError(413, "Too large", detail)


def _too_slow(what: str) -> BodyRefusedError:
    return BodyRefusedError(408, "Too slow", f"{what}; send the request again.")


def _declared_length(scope: Scope) -> int:
    headers = dict(scope["headers"])
    declared = headers.get(b"content-length", b"0")
    # Python reads no number of thousands of digits.
    return int(declared[:20]) if declared.isdigit() else 0


async def _refuse(send: Send, refused: BodyRefusedError) -> None:
    problem = {
        "type": "about:blank",
        "title": refused.title,
        "status": refused.status,
        "detail": str(refused),
    }
    headers = [(b"content-type", b"application/problem+json"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": refused.status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(problem).encode()})
