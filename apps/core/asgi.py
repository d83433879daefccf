"""Django under ASGI with one change of thread for a request."""

from __future__ import annotations

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIHandler
from django.http import HttpRequest
from django.http.response import HttpResponseBase


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
