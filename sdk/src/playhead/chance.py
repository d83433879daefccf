"""Random numbers, ids and secrets of a session: as unforeseeable as ever, and the same again.

Every session has a seed of 256 bits from the operating system, which is recorded. What code
draws comes from streams that are derived from it, one for each lane and module that draws: so
parallel work and libraries that draw more or less do not shift what others get.

Numbers of ``random`` come from its own generator, seeded by the stream. Ids and secrets are the
output of HMAC-SHA-256 in counter mode (NIST SP 800-108), so that who has not read the record
cannot foresee them.
"""

from __future__ import annotations

import functools
import hashlib
import hmac
import os
import random
import secrets
import sys
import threading
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from playhead import places
from playhead.clocks import is_own

T = TypeVar("T")

SEED_BYTES = 32
# Functions of ``random`` that belong to its one shared generator.
SHARED = tuple(
    name
    for name in random.__all__
    if getattr(getattr(random, name), "__self__", None) is getattr(random, "_inst", None)
    and name not in ("getstate", "setstate")
)
_urandom = secrets.token_bytes


def new_seed() -> str:
    return _urandom(SEED_BYTES).hex()


class Chance:
    """The streams of one session. Safe to use from several threads."""

    def __init__(self, seed: str) -> None:
        self.seed = seed
        self._key = bytes.fromhex(seed)
        self._lock = threading.Lock()
        self._generators: dict[tuple[str, str, str], Any] = {}
        self._counters: dict[tuple[str, str], int] = {}

    def generator(
        self, lane: str, module: str, make: Callable[[bytes], Any], use: str = "random"
    ) -> Any:
        """Return the generator that a module draws numbers from in a lane.

        Where the application has set a seed, that is one for all modules of the lane.
        """
        with self._lock:
            found = self._generators.get((use, lane, ""))
            found = found or self._generators.get((use, lane, module))
        if found is None:
            # Made without the lock: numpy draws from the session while it makes one.
            found = make(self._block(use, lane, module, 0))
            with self._lock:
                found = self._generators.setdefault((use, lane, module), found)
        return found

    def set_generator(self, lane: str, generator: Any, use: str = "random") -> None:
        """Let all modules of a lane draw from a generator, as a seed of the application means."""
        with self._lock:
            self._generators[use, lane, ""] = generator

    def octets(self, lane: str, module: str, count: int) -> bytes:
        """Return the next bytes of the stream of ids and secrets."""
        with self._lock:
            made = b""
            while len(made) < count:
                at = self._counters.get((lane, module), 0)
                self._counters[lane, module] = at + 1
                made += self._block("octets", lane, module, at)
        return made[:count]

    def _block(self, use: str, lane: str, module: str, at: int) -> bytes:
        said = f"{use}\0{lane}\0{module}\0{at}".encode()
        return hmac.new(self._key, said, hashlib.sha256).digest()


def chance_here() -> Chance | None:
    """Return the chance of the session that runs here."""
    run = places.current_run()
    return None if run is None else run.chance


def caller() -> str:
    """Return the module that called the function which asks."""
    return str(sys._getframe(2).f_globals.get("__name__", ""))


def replacements() -> dict[Callable[..., Any], Callable[..., Any]]:
    """Return what stands in for the functions that draw: of no session, they are as before."""
    found: dict[Callable[..., Any], Callable[..., Any]] = {
        getattr(random, name): _of_random(name) for name in SHARED
    }
    found[uuid.uuid4], found[uuid.uuid1] = _uuid4, _uuid1
    found[secrets.randbits], found[secrets.randbelow] = _randbits, _randbelow
    found[secrets.choice] = _choice
    found[os.urandom] = _of_the_system
    found[secrets.token_bytes] = _token_bytes
    found[secrets.token_hex] = _token_hex
    found[secrets.token_urlsafe] = _token_urlsafe
    return found


def _of_random(name: str) -> Callable[..., Any]:
    return draws(getattr(random, name), name, random.Random, "random")


def draws(
    original: Callable[..., Any], name: str, make: Callable[[bytes], Any], use: str
) -> Callable[..., Any]:
    """Return what draws from a session's stream in the place of a shared generator's method."""

    @functools.wraps(original)
    def drawn(*args: Any, **kwargs: Any) -> Any:
        chance = chance_here()
        if chance is None:
            return original(*args, **kwargs)
        lane, module = places.current_lane().path, caller()
        if name == "seed" and (args or kwargs):
            generator = make(bytes(SEED_BYTES))
            chance.set_generator(lane, generator, use)
        else:
            generator = chance.generator(lane, module, make, use)
        return getattr(generator, name)(*args, **kwargs)

    return drawn


_real_uuid4, _real_uuid1, _real_urandom = uuid.uuid4, uuid.uuid1, os.urandom


@functools.wraps(uuid.uuid4)
def _uuid4() -> uuid.UUID:
    chance = chance_here()
    if chance is None:
        return _real_uuid4()
    octets = chance.octets(places.current_lane().path, caller(), 16)
    return uuid.UUID(bytes=octets, version=4)


@functools.wraps(uuid.uuid1)
def _uuid1(node: int | None = None, clock_seq: int | None = None) -> uuid.UUID:
    """Return an id of the form that has a time, without one: nobody can tell it from another's."""
    chance = chance_here()
    if chance is None:
        return _real_uuid1(node, clock_seq)
    octets = chance.octets(places.current_lane().path, caller(), 16)
    return uuid.UUID(bytes=octets, version=1)


class _Source(random.Random):
    """Python's own way from bits to choices, over the bits of a session."""

    def __init__(self, module: str) -> None:
        self._module = module
        super().__init__(0)

    def getrandbits(self, k: int, /) -> int:
        octets = _octets((k + 7) // 8, self._module)
        return int.from_bytes(octets, "big") >> (-k % 8)

    def random(self) -> float:
        return self.getrandbits(53) / 2**53


@functools.wraps(secrets.randbits)
def _randbits(k: int) -> int:
    return _Source(caller()).getrandbits(k)


@functools.wraps(secrets.randbelow)
def _randbelow(exclusive_upper_bound: int) -> int:
    return _Source(caller()).randrange(exclusive_upper_bound)


@functools.wraps(secrets.choice)
def _choice(seq: Sequence[T]) -> T:
    return _Source(caller()).choice(seq)


@functools.wraps(os.urandom)
def _of_the_system(size: int, /) -> bytes:
    # Of libraries this is the keys of connections, which no record may hold.
    return _octets(size, module) if is_own(module := caller()) else _real_urandom(size)


@functools.wraps(secrets.token_bytes)
def _token_bytes(nbytes: int | None = None) -> bytes:
    return _octets(nbytes, caller())


@functools.wraps(secrets.token_hex)
def _token_hex(nbytes: int | None = None) -> str:
    return _octets(nbytes, caller()).hex()


@functools.wraps(secrets.token_urlsafe)
def _token_urlsafe(nbytes: int | None = None) -> str:
    return urlsafe_b64encode(_octets(nbytes, caller())).rstrip(b"=").decode()


def _octets(nbytes: int | None, module: str) -> bytes:
    chance, count = chance_here(), secrets.DEFAULT_ENTROPY if nbytes is None else nbytes
    if chance is None:
        return _urandom(count)
    return chance.octets(places.current_lane().path, module, count)
