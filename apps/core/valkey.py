"""Asking Valkey for what can be done without: limits, pauses, hints.

Where it is away the answer is None, and it is left alone for a while, so that nobody waits
for it again and again.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import redis
import structlog
from django.conf import settings

log = structlog.get_logger(__name__)

# On a laptop's socket it takes a fraction of a millisecond.
PATIENCE_SECONDS = 0.25
# After it was found away it is left alone for so long.
PAUSE_SECONDS = 5.0

_away_until = 0.0


def run(script: str, keys: Sequence[str], values: Sequence[Any]) -> Any:
    """Run a script of Lua and return what it returns; None while Valkey is away."""
    global _away_until
    if time.monotonic() < _away_until:
        return None
    try:
        return _script(script)(keys=list(keys), args=list(values))
    except redis.RedisError as error:
        _away_until = time.monotonic() + PAUSE_SECONDS
        log.warning("Valkey is away; limits hold in each process alone", error=str(error))
        return None


@lru_cache(maxsize=1)
def _client() -> redis.Redis:
    return redis.Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=PATIENCE_SECONDS,
        socket_connect_timeout=PATIENCE_SECONDS,
    )


@lru_cache(maxsize=32)
def _script(text: str) -> Any:
    return _client().register_script(text)
