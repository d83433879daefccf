"""The places where HTTP leaves an application: each is listened to where it is installed.

Listening is below the provider's client and above the network, so that the client itself
reads the bytes, live and replayed alike. What is not installed costs nothing.
"""

from __future__ import annotations

import importlib.util
from typing import Any, TypeVar

from playhead.transports import aiohttp, httpx_like, requests

T = TypeVar("T")


def listen_to_http() -> None:
    """Wrap the transports of the HTTP clients that are installed. Safe to call again."""
    for name in httpx_like.PACKAGES:
        if importlib.util.find_spec(name) is not None:
            httpx_like.listen(name)
    for name, listen in (("requests", requests.listen), ("aiohttp", aiohttp.listen)):
        if importlib.util.find_spec(name) is not None:
            listen()


def wrap(client: T) -> T:
    """Listen to a provider's client that sends through a transport of its own; return it."""
    inner: Any = client
    while (nested := getattr(inner, "_client", None)) is not None:
        inner = nested
    transport = getattr(inner, "_transport", None)
    if transport is None:
        raise TypeError(f"{type(client).__qualname__} sends through nothing that is known.")
    httpx_like.listen_to_transport(transport)
    return client
