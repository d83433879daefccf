"""Django under ASGI with one change of thread for a request."""

from __future__ import annotations

import asyncio
from typing import Any

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIHandler
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from apps.core.arriving_body import ArrivingBody
from apps.core.body_limit import takes_files


class SyncViewsASGIHandler(ASGIHandler):
    """Runs middleware and view together in the request's thread.

    Our views are synchronous. Django's own handler changes between event loop and thread at
    each middleware that is not written for both, which costs more than a small request does.
    Event streams still work: their answers are iterated on the event loop.
    """

    def load_middleware(self, is_async: bool = False) -> None:
        super().load_middleware(is_async=False)

    async def get_response_async(self, request: HttpRequest) -> HttpResponseBase:
        return await sync_to_async(self.get_response, thread_sensitive=True)(request)

    async def handle(self, scope: Any, receive: Any, send: Any) -> None:
        """Hand large files to the view as they arrive; other bodies are read before it runs."""
        if takes_files(scope):
            receive = ArrivingBody(receive, asyncio.get_running_loop())
        await super().handle(scope, receive, send)

    async def read_body(self, receive: Any) -> Any:
        return receive if isinstance(receive, ArrivingBody) else await super().read_body(receive)
