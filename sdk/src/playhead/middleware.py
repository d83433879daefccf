"""A session for each request of a web application, by ASGI or WSGI."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from contextvars import Context, copy_context
from typing import Any

from playhead.client import session
from playhead.recording import Recording

Scope = dict[str, Any]
Asgi = Callable[[Scope, Any, Any], Awaitable[None]]
Wsgi = Callable[[dict[str, Any], Any], Iterable[bytes]]
Session = AbstractContextManager[Recording]


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

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer one request; the session ends when its last part has been taken."""
        # The application is called at once, as some servers send the head before the first part;
        # and in a context of its own, as they may take the parts in another.
        context, opened = copy_context(), session(self._name(environ))
        context.run(opened.__enter__)
        try:
            return _Parts(context, opened, context.run(self._app, environ, start_response))
        except BaseException:
            context.run(opened.__exit__, *sys.exc_info())
            raise


class _Parts:
    """The parts of an answer, each made within the session of its request."""

    def __init__(self, context: Context, opened: Session, parts: Iterable[bytes]) -> None:
        self._context, self._parts = context, parts
        self._opened: Session | None = opened
        self._left = context.run(iter, parts)

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        try:
            return self._context.run(next, self._left)
        except BaseException as error:
            self._end(None if isinstance(error, StopIteration) else error)
            raise

    def close(self) -> None:
        try:
            if hasattr(self._parts, "close"):
                self._context.run(self._parts.close)
        finally:
            self._end(None)

    def _end(self, error: BaseException | None) -> None:
        """End the session, once."""
        opened, self._opened = self._opened, None
        if opened is not None:
            kind = None if error is None else type(error)
            self._context.run(opened.__exit__, kind, error, None)
