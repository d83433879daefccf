"""The places where HTTP leaves an application: each is listened to where it is installed.

Listening is below the provider's client and above the network, so that the client itself
reads the bytes, live and replayed alike. What is not installed costs nothing.
"""

from __future__ import annotations

import importlib.util

from playhead.transports import httpx_like

HTTPX_LIKE = ("httpx2", "httpx")


def listen_to_http() -> None:
    """Wrap the transports of the HTTP clients that are installed. Safe to call again."""
    for name in HTTPX_LIKE:
        if importlib.util.find_spec(name) is not None:
            httpx_like.listen(name)
