"""HTTP through the guard, as a transport that clients of others can be given.

The official clients of OpenAI and Anthropic speak through httpx2 and take a client of it; so
what they send, whatever it is, goes where ``outbound`` allows. Part of the extra ``providers``:
nothing else of a plain installation opens connections.
"""

from __future__ import annotations

import atexit
import ssl
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from typing import Any, cast

import httpcore2
import httpx2

from apps.core.bodies import unpack
from apps.core.body_limit import MIB
from apps.core.errors import DomainError
from apps.core.outbound import BlockedError, Place, check_place, plain_host, resolve

CONNECT_SECONDS = 10.0
# Connections that a process keeps, to all places together.
CONNECTIONS = 100
UNREADABLE = "The answer is larger than {} MiB, or is packed in a way that is not read here."

Rewrite = Callable[[httpx2.Headers], Mapping[str, str]]

_ends_at: ContextVar[float] = ContextVar("_ends_at")


class Stream(httpcore2.NetworkStream):
    """A connection whose every wait ends with the time that the whole request has.

    A server that sends a byte now and then would otherwise hold its caller for ever.
    """

    def __init__(self, stream: httpcore2.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _time_left(timeout, httpcore2.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _time_left(timeout, httpcore2.WriteTimeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore2.NetworkStream:
        patience = _time_left(timeout, httpcore2.ConnectTimeout)
        return Stream(self._stream.start_tls(ssl_context, server_hostname, patience))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class Network(httpcore2.SyncBackend):
    """Connects to the address that was checked; TLS and Host keep the name."""

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        address = str(resolve(host, port))
        patience = _time_left(timeout, httpcore2.ConnectTimeout)
        return Stream(super().connect_tcp(address, port, patience, local_address, socket_options))

    def connect_unix_socket(self, *_: Any, **__: Any) -> httpcore2.NetworkStream:
        raise BlockedError("No socket of this machine is connected to.")


class Guarded(httpx2.BaseTransport):
    """Sends one request and reads the whole answer, within its time and size.

    Redirects are answers like any other: where they lead was not checked, so nobody goes there.
    """

    def __init__(self, seconds: float, mebibytes: int, headers: Rewrite | None) -> None:
        self._seconds, self._mebibytes, self._headers = seconds, mebibytes, headers

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        url = request.url
        port = url.port or (443 if url.scheme == "https" else 80)
        check_place(Place(url.scheme, plain_host(url.raw_host.decode()), port))
        with _within(self._seconds):
            # The pool is everybody's; what one request may take is not.
            answer = _pool().handle_request(self._rewritten(request))
            try:
                body = self._read(answer)
            finally:
                answer.close()
        headers = [pair for pair in answer.headers.multi_items() if pair[0] not in WIRE_HEADERS]
        return httpx2.Response(answer.status_code, headers=headers, content=body, request=request)

    def _rewritten(self, request: httpx2.Request) -> httpx2.Request:
        """Return what goes over the wire; the caller's own request stays as it was."""
        if self._headers is None:
            return request
        return httpx2.Request(
            request.method,
            request.url,
            headers=self._headers(request.headers),
            stream=request.stream,
            extensions=request.extensions,
        )

    def _read(self, answer: httpx2.Response) -> bytes:
        limit, parts, size = self._mebibytes * MIB, [], 0
        for part in cast(httpx2.SyncByteStream, answer.stream):
            size += len(part)
            if size > limit:
                raise httpx2.DecodingError(UNREADABLE.format(self._mebibytes))
            parts.append(part)
        try:
            body = unpack(b"".join(parts), answer.headers.get("content-encoding", ""))
        except DomainError:
            body = None
        if body is None or len(body) > limit:
            raise httpx2.DecodingError(UNREADABLE.format(self._mebibytes))
        return body


# They tell how the body was packed on the wire, and it is unpacked by then.
WIRE_HEADERS = ("content-encoding", "content-length", "transfer-encoding")


class _Pool(httpx2.HTTPTransport):
    """httpx2's own transport over our network; it has no argument for that."""

    def __init__(self) -> None:
        super().__init__(trust_env=True)
        context = self._pool._ssl_context
        self._pool = httpcore2.ConnectionPool(
            ssl_context=context,
            max_connections=CONNECTIONS,
            max_keepalive_connections=20,
            keepalive_expiry=30.0,
            network_backend=Network(),
        )


@lru_cache(maxsize=1)
def _pool() -> _Pool:
    """Return the connections of this process. Preparing TLS is most of what a small call costs."""
    pool = _Pool()
    atexit.register(pool.close)
    return pool


def guarded_client(
    *, seconds: float = 10.0, mebibytes: int = 1, headers: Rewrite | None = None
) -> httpx2.Client:
    """Return a client for calls to one tenant's place; nothing of it is kept between tenants.

    ``seconds`` is for a whole request, ``mebibytes`` for its unpacked answer; ``headers``
    decides which headers are sent. Proxies, cookies and passwords of the environment are not
    used. Where a request may not go it raises BlockedError.
    """
    return httpx2.Client(
        transport=Guarded(seconds, mebibytes, headers),
        trust_env=False,
        follow_redirects=False,
        timeout=httpx2.Timeout(seconds, connect=min(seconds, CONNECT_SECONDS)),
        headers={"Accept-Encoding": "gzip, deflate"},
    )


@contextmanager
def _within(seconds: float) -> Iterator[None]:
    token = _ends_at.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _ends_at.reset(token)


def _time_left(timeout: float | None, error: type[httpcore2.TimeoutException]) -> float:
    left = _ends_at.get(time.monotonic() + CONNECT_SECONDS) - time.monotonic()
    if left <= 0:
        raise error("The time for this request is over.")
    return left if timeout is None else min(timeout, left)
