"""A session for each request of a web application, by ASGI or WSGI."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import Any

from playhead.client import session

Scope = dict[str, Any]
Asgi = Callable[[Scope, Any, Any], Awaitable[None]]
Wsgi = Callable[[dict[str, Any], Any], Iterable[bytes]]


class AsgiSessions:
    """Wraps an ASGI application. ``name`` gives the session's id for a scope, or None."""

    def __init__(self, app: Asgi, name: Callable[[Scope], str | None] = lambda scope: None) -> None:
        self._app, self._name = app, name

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        with session(self._name(scope)):
            await self._app(scope, receive, send)


class WsgiSessions:
    """Wraps a WSGI application, such as Django's. ``name`` gives the session's id, or None."""

    def __init__(
        self, app: Wsgi, name: Callable[[dict[str, Any]], str | None] = lambda environ: None
    ) -> None:
        self._app, self._name = app, name

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
        """Answer one request; the session ends when its last part has been taken."""
        with session(self._name(environ)):
            parts = self._app(environ, start_response)
            try:
                yield from parts
            finally:
                close = getattr(parts, "close", None)
                if close is not None:
                    close()
