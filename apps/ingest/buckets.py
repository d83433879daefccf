"""Token buckets in Valkey: one for each project that has a quota a minute.

A bucket holds a minute's events at most and fills evenly. It may be overdrawn: the request
that empties it is taken whole. Where Valkey is away nobody is refused, and nothing waits
for it again and again.
"""

from __future__ import annotations

import time
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

# The level now, after taking ARGV[2] events; nothing is written where nothing is taken.
BUCKET = """
local limit, taken = tonumber(ARGV[1]), tonumber(ARGV[2])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local kept = redis.call('HMGET', KEYS[1], 'level', 'at')
local level, at = tonumber(kept[1]) or limit, tonumber(kept[2]) or now
level = math.min(limit, level + math.max(now - at, 0) * limit / 60000) - taken
if taken > 0 then
    redis.call('HSET', KEYS[1], 'level', tostring(level), 'at', now)
    redis.call('PEXPIRE', KEYS[1], math.ceil((limit - level) * 60000 / limit) + 60000)
end
return tostring(level)
"""

_away_until = 0.0


def level(project_id: int, limit: int) -> float | None:
    """Return how many events may still come; below zero is overdrawn, None is not known."""
    return _run(project_id, limit, 0)


def take(project_id: int, limit: int, count: int) -> None:
    """Take ``count`` events out of the bucket."""
    _run(project_id, limit, count)


def is_away() -> bool:
    """Whether Valkey cannot be asked."""
    try:
        _client().ping()
    except redis.RedisError:
        return True
    return False


def _run(project_id: int, limit: int, count: int) -> float | None:
    global _away_until
    if time.monotonic() < _away_until:
        return None
    try:
        found = _script()(keys=[f"playhead:quota:{project_id}"], args=[limit, count])
    except redis.RedisError as error:
        _away_until = time.monotonic() + PAUSE_SECONDS
        log.warning("the quota a minute is not counted: Valkey is away", error=str(error))
        return None
    return float(found)


@lru_cache(maxsize=1)
def _client() -> redis.Redis:
    return redis.Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=PATIENCE_SECONDS,
        socket_connect_timeout=PATIENCE_SECONDS,
    )


@lru_cache(maxsize=1)
def _script() -> Any:
    return _client().register_script(BUCKET)
