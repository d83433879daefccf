"""How many calls may be made, over all workers: kept in Valkey.

A credential has places for calls at the same time, a bucket of calls a minute, and a pause
when its provider asked for one; a project has places over all of its credentials. A place is
leased for half a minute, and for longer while whoever holds it lives: the places of a worker
that was killed are free before those who wait for them give up. While Valkey is away calls
go on, and each process obeys the pauses that it heard itself.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from uuid import uuid4

from apps.core import valkey
from apps.providers.models import Credential
from apps.providers.protocol import RateLimitedError
from apps.tenants.models import Project

# Calls of one project at the same time, over all of its credentials.
PROJECT_PLACES = 32
# How often somebody who waits for a place looks again.
LOOK_AGAIN_SECONDS = 0.2

# Returns "0" when the call may be made, else for how many milliseconds to wait.
ENTER = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local most, lease = {tonumber(ARGV[1]), tonumber(ARGV[2])}, tonumber(ARGV[3])
local pause = redis.call('PTTL', KEYS[3])
if pause > 0 then return tostring(pause) end
for index = 1, 2 do
    redis.call('ZREMRANGEBYSCORE', KEYS[index], '-inf', now)
    if redis.call('ZCARD', KEYS[index]) >= most[index] then return ARGV[6] end
end
local rate = tonumber(ARGV[4])
if rate > 0 then
    local kept = redis.call('HMGET', KEYS[4], 'level', 'at')
    local burst = math.max(1, rate / 6)
    local level, at = tonumber(kept[1]) or burst, tonumber(kept[2]) or now
    level = math.min(burst, level + math.max(now - at, 0) * rate / 60000)
    if level < 1 then return tostring(math.ceil((1 - level) * 60000 / rate)) end
    redis.call('HSET', KEYS[4], 'level', tostring(level - 1), 'at', now)
    redis.call('PEXPIRE', KEYS[4], 120000)
end
for index = 1, 2 do
    redis.call('ZADD', KEYS[index], now + lease, ARGV[5])
    redis.call('PEXPIRE', KEYS[index], lease + 60000)
end
return "0"
"""
LEAVE = "for index = 1, 2 do redis.call('ZREM', KEYS[index], ARGV[1]) end return 1"
# The longer of two pauses holds.
PAUSE = """
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[1]) then
    redis.call('SET', KEYS[1], '1', 'PX', ARGV[1])
end
return 1
"""

# Keeps the places that are still held; one that ran out is not taken again.
PROLONG = """
local time = redis.call('TIME')
local until_then = time[1] * 1000 + math.floor(time[2] / 1000) + tonumber(ARGV[1])
for index = 1, 2 do
    for place = 2, #ARGV do redis.call('ZADD', KEYS[index], 'XX', until_then, ARGV[place]) end
    redis.call('PEXPIRE', KEYS[index], ARGV[1] + 60000)
end
return 1
"""
PLACE_SECONDS = 30.0
# Two may be missed.
BEAT_SECONDS = 8.0

_paused_until: dict[str, float] = {}


class Held:
    """The places that this process holds, kept alive by one thread while there are any."""

    def __init__(self) -> None:
        self._places: dict[str, list[str]] = {}
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def add(self, holder: str, places: list[str]) -> None:
        with self._lock:
            self._places[holder] = places
            # After a fork the thread is the parent's.
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._beat, daemon=True)
                self._thread.start()

    def drop(self, holder: str) -> None:
        with self._lock:
            self._places.pop(holder, None)

    def prolong(self) -> None:
        """Hold what is held for as long again."""
        by_keys = defaultdict(list)
        for holder, places in self._places.copy().items():
            by_keys[tuple(places)].append(holder)
        for keys, holders in by_keys.items():
            valkey.run(PROLONG, list(keys), [int(PLACE_SECONDS * 1000), *holders])

    def _beat(self) -> None:
        while True:
            time.sleep(BEAT_SECONDS)
            with self._lock:
                if not self._places:
                    self._thread = None
                    return
            self.prolong()


HELD = Held()


@dataclass(frozen=True, slots=True)
class Gate:
    """Where calls with one credential wait for their turn."""

    project_id: int
    credential_id: str
    places: int
    # 0: not known.
    calls_per_minute: int
    sleep: Callable[[float], None] = field(default=time.sleep, repr=False)

    @contextmanager
    def turn(self, *, patience: float, lease: float) -> Iterator[float]:
        """Wait for a place, hold it, and yield the seconds that were waited.

        Raises RateLimitedError when none was to be had within ``patience`` seconds.
        """
        holder = uuid4().hex
        waited = self._wait(holder, patience, min(lease, PLACE_SECONDS))
        HELD.add(holder, self._places)
        try:
            yield waited
        finally:
            HELD.drop(holder)
            valkey.run(LEAVE, self._places, [holder])

    def pause(self, seconds: float) -> None:
        """Let nobody call for a while: the provider asked for it."""
        milliseconds = max(int(seconds * 1000), 1)
        _paused_until[self.credential_id] = time.monotonic() + seconds
        valkey.run(PAUSE, [self._key("pause")], [milliseconds])

    def _wait(self, holder: str, patience: float, lease: float) -> float:
        waited = 0.0
        while (wait := self._enter(holder, lease)) > 0:
            if waited + wait > patience:
                raise RateLimitedError(
                    "No call may be made now: the limits of this provider are used up.",
                    retry_after=round(wait, 1),
                )
            self.sleep(wait)
            waited += wait
        return waited

    def _enter(self, holder: str, lease: float) -> float:
        """Return 0 when a place was taken, else after how many seconds to look again."""
        keys = [*self._places, self._key("pause"), self._key("bucket")]
        found = valkey.run(
            ENTER,
            keys,
            [
                self.places,
                PROJECT_PLACES,
                int(lease * 1000),
                self.calls_per_minute,
                holder,
                int(LOOK_AGAIN_SECONDS * 1000),
            ],
        )
        if found is None:
            return max(_paused_until.get(self.credential_id, 0.0) - time.monotonic(), 0.0)
        return int(float(found)) / 1000

    @property
    def _places(self) -> list[str]:
        return [self._key("places"), f"playhead:calls:project:{self.project_id}"]

    def _key(self, use: str) -> str:
        return f"playhead:calls:{use}:{self.credential_id}"


def gate_of(
    project: Project, credential: Credential, *, sleep: Callable[[float], None] = time.sleep
) -> Gate:
    """Return where calls with this credential wait."""
    return Gate(
        project_id=project.pk,
        credential_id=str(credential.pk),
        places=credential.concurrency,
        calls_per_minute=credential.requests_per_minute or 0,
        sleep=sleep,
    )
