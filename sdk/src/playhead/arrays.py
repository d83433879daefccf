"""Random numbers of numpy from the streams of a session, where an application has numpy.

The functions of ``numpy.random`` draw as those of ``random`` do, and generators that are made
without a seed are given one. What holds numpy's own shared generator draws from it as ever, and
so does an application that loads numpy only after its session has begun.
"""

from __future__ import annotations

import functools
import importlib
import sys
from collections.abc import Callable
from typing import Any

from playhead import places
from playhead.chance import Chance, caller, chance_here, draws

PACKAGE, MODULE, GENERATORS = "numpy", "numpy.random", "default_rng"
# They are the shared generator's own, and no draws.
STATE = ("get_state", "set_state", "get_bit_generator", "set_bit_generator")
_done: set[str] = set()


def take_over() -> dict[int, Any]:
    """Put our functions in the place of numpy's, once it is loaded; return them by the ids of
    those that they stand in for.
    """
    if PACKAGE not in sys.modules or MODULE in _done:
        return {}
    _done.add(MODULE)
    # numpy itself loads it when it is first asked for.
    numpy_random: Any = importlib.import_module(MODULE)
    shared = getattr(numpy_random.random_sample, "__self__", None)
    found: dict[int, Any] = {}
    for name in numpy_random.__all__:
        original = getattr(numpy_random, name)
        is_shared = getattr(original, "__self__", None) is shared or name == "seed"
        if is_shared and name not in STATE:
            ours = draws(original, name, functools.partial(_state, numpy_random), MODULE)
        elif name == GENERATORS:
            ours = _with_seed(original)
        else:
            continue
        found[id(original)] = ours
        setattr(numpy_random, name, ours)
    return found


def _state(numpy_random: Any, seed: bytes) -> Any:
    return numpy_random.RandomState(_words(seed))


def _words(seed: bytes) -> list[int]:
    return [int.from_bytes(seed[at : at + 4], "big") for at in range(0, len(seed), 4)]


def _with_seed(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def made(seed: Any = None) -> Any:
        chance: Chance | None = chance_here()
        if seed is not None or chance is None:
            return original(seed)
        return original(_words(chance.octets(places.current_lane().path, caller(), 32)))

    return made
