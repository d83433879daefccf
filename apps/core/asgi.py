"""Django under ASGI with one change of thread for a request."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.core import signals
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, get_script_prefix
from django.db import close_old_connections
from django.urls import set_script_prefix

from apps.core.arriving_body import ArrivingBody
from apps.core.body_limit import takes_files
from apps.core.patience import patience

# As many as the web server lets in at once; a thread that waits costs little.
MOST_THREADS = 256


class SyncViewsASGIHandler(ASGIHandler):
    """Runs all of a request, signals and middleware and view, in a thread that is kept.

    Our views are synchronous. Django's own handler changes between event loop and thread half
    a dozen times, in a thread that it makes for the request and throws away with its memory;
    that costs more than a small request does. An answer that streams is sent as Django does.
    """

    def __init__(self) -> None:
        super().__init__()
        self.threads = ThreadPoolExecutor(MOST_THREADS, thread_name_prefix="request")

    def load_middleware(self, is_async: bool = False) -> None:
        super().load_middleware(is_async=False)

    async def handle(self, scope: Any, receive: Any, send: Any) -> None:
        """Hand large files to the view as they arrive; other bodies are read before it runs."""
        loop = asyncio.get_running_loop()
        if takes_files(scope):
            receive = ArrivingBody(receive, loop)
        try:
            body = await self.read_body(receive)
        except RequestAborted:
            return
        run = copy_context().run
        response = await loop.run_in_executor(self.threads, run, self._respond, scope, body)
        if response.streaming:
            await self._stream(response, receive, send)
        else:
            await self.send_response(response, send)

    async def read_body(self, receive: Any) -> Any:
        return receive if isinstance(receive, ArrivingBody) else await super().read_body(receive)

    def _respond(self, scope: Any, body: Any) -> Any:
        """Return the answer; one that is whole is closed already, which ends the request."""
        set_script_prefix(get_script_prefix(scope))
        signals.request_started.send(sender=self.__class__, scope=scope)
        request, refused = self.create_request(scope, body)
        with patience(settings.PLAYHEAD_PATIENCE_SECONDS):
            response: Any = self.get_response(request) if request else refused
        response._handler_class = self.__class__
        body.close()
        if response.streaming:
            close_old_connections()
        else:
            response.close()
        return response

    async def _stream(self, response: Any, receive: Any, send: Any) -> None:
        """Send until the answer ends or its reader has gone."""
        sending = asyncio.create_task(self.send_response(response, send))
        reading = asyncio.create_task(self.listen_for_disconnect(receive))
        await asyncio.wait({sending, reading}, return_when=asyncio.FIRST_COMPLETED)
        for task in (sending, reading):
            task.cancel()
        ended, _ = await asyncio.gather(sending, reading, return_exceptions=True)
        await sync_to_async(response.close)()
        if isinstance(ended, Exception):
            raise ended
