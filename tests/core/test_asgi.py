"""How a request runs under ASGI: one kept thread, and streams that end with their reader."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.conf import settings
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.urls import path

from apps.core.asgi import SyncViewsASGIHandler
from apps.core.patience import PatientConnection

THREADS: list[int] = []
CLOSED: list[str] = []


def whole(request: HttpRequest) -> HttpResponse:
    THREADS.append(threading.get_ident())
    return HttpResponse(request.body[::-1])


async def ticks() -> AsyncIterator[bytes]:
    try:
        while True:
            yield b"tick "
            await asyncio.sleep(0.01)
    finally:
        CLOSED.append("stream")


def endless(request: HttpRequest) -> HttpResponseBase:
    return StreamingHttpResponse(ticks())


def waiting(request: HttpRequest) -> HttpResponse:
    database = settings.DATABASES["default"]
    with PatientConnection.connect(
        host=database["HOST"], dbname="postgres", user=database["USER"],
        password=database["PASSWORD"] or None, autocommit=True,
    ) as connection:  # fmt: skip
        connection.execute("SELECT pg_sleep(20)")
    return HttpResponse()


def broken(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("broken on purpose")


def failed(request: HttpRequest) -> HttpResponse:
    return HttpResponse(b"sorry", status=500)


handler500 = failed
urlpatterns = [
    path("whole", whole),
    path("endless", endless),
    path("waiting", waiting),
    path("broken", broken),
]


@pytest.fixture
def handler(settings: Any) -> SyncViewsASGIHandler:
    settings.ROOT_URLCONF, settings.MIDDLEWARE = __name__, []
    THREADS.clear()
    CLOSED.clear()
    return SyncViewsASGIHandler()


def run(asking: Coroutine[Any, Any, Any]) -> Any:
    """Run in a thread of its own: browser tests leave a running event loop in the main one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, asking).result()


async def ask(handler: SyncViewsASGIHandler, name: str, reads: float = 5) -> list[Any]:
    """Return what was sent to a reader who stays ``reads`` seconds."""
    sent: list[Any] = []
    coming = [{"type": "http.request", "body": b"abc", "more_body": False}]

    async def receive() -> Any:
        if coming:
            return coming.pop()
        await asyncio.sleep(reads)
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": f"/{name}", "headers": []}
    await handler(scope, receive, send)
    return sent


def test_requests_run_in_threads_that_are_kept(handler: SyncViewsASGIHandler) -> None:
    async def many() -> list[list[Any]]:
        return [await ask(handler, "whole") for _ in range(30)]

    answers = run(many())
    assert [answer[1]["body"] for answer in answers] == [b"cba"] * 30
    # A thread may be a moment late to say that it is free again.
    assert len(set(THREADS)) <= 5


def test_a_stream_ends_when_its_reader_goes(handler: SyncViewsASGIHandler) -> None:
    sent = run(ask(handler, "endless", reads=0.05))
    assert sent[0]["status"] == 200
    assert [message["body"] for message in sent[1:3]] == [b"tick ", b"tick "]
    assert CLOSED == ["stream"]


def test_a_broken_view_is_answered(handler: SyncViewsASGIHandler) -> None:
    sent = run(ask(handler, "broken"))
    assert sent[0]["status"] == 500
    assert sent[1]["body"] == b"sorry"


def test_no_request_waits_for_ever_for_an_answer_of_the_database(
    handler: SyncViewsASGIHandler, settings: Any
) -> None:
    settings.PLAYHEAD_PATIENCE_SECONDS = 0.2
    started = time.monotonic()
    sent = run(ask(handler, "waiting"))
    assert sent[0]["status"] == 500
    assert time.monotonic() - started < 5
