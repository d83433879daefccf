"""How long a replay took and what it cost, beside its original.

Neither is part of the fidelity. An answer from the record takes no time and costs nothing:
what it took is compared with nothing, and the comparison says that it was served.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

Json = Any
Event = Mapping[str, Json]
SHARES = {"p50": 0.5, "p95": 0.95}


@dataclass(frozen=True, slots=True)
class Spent:
    """One call beside its recorded one: milliseconds, USD and tokens; None where unknown."""

    event: Event
    is_served: bool
    took_ms: float | None = None
    cost: float | None = None
    tokens: int | None = None


def latency_of(spent: Iterable[Spent]) -> dict[str, Json]:
    """Return the medians and 95th percentiles of calls that were made for real, and their ratio.

    ``log_ratio`` is the natural logarithm of now over before: 0 alike, 0.69 twice as long.
    """
    spent = list(spent)
    both = [(took_of(one.event), one.took_ms) for one in spent if not one.is_served]
    known = [(before, now) for before, now in both if before is not None and now is not None]
    served = sum(one.is_served for one in spent)
    before = _shares([one for one, _ in known])
    now = _shares([one for _, one in known])
    return {
        "calls": len(spent),
        "served": served,
        "stubbed": served > 0,
        "before": {f"{name}_ms": value for name, value in before.items()},
        "now": {f"{name}_ms": value for name, value in now.items()},
        "log_ratio": {name: _log_ratio(before[name], now[name]) for name in SHARES},
    }


def took_of(event: Event) -> float | None:
    """Return how many milliseconds a recorded call took."""
    if isinstance(event.get("duration_ms"), int | float):
        return float(event["duration_ms"])
    if not (event.get("started_at") and event.get("ended_at")):
        return None
    began, ended = (
        datetime.fromisoformat(str(event[name]).replace("Z", "+00:00"))
        for name in ("started_at", "ended_at")
    )
    return (ended - began).total_seconds() * 1000


def _shares(figures: Sequence[float]) -> dict[str, float | None]:
    ordered = sorted(figures)
    if not ordered:
        return dict.fromkeys(SHARES)
    last = len(ordered) - 1
    return {name: round(ordered[math.ceil(share * last)], 3) for name, share in SHARES.items()}


def _log_ratio(before: float | None, now: float | None) -> float | None:
    return round(math.log(now / before), 4) if before and now else None


def cost_of(spent: Iterable[Spent]) -> dict[str, Json]:
    """Return what the calls cost before and now in USD, over those for which both are known."""
    spent = list(spent)
    pairs = [(_number(one.event.get("cost")), 0.0 if one.is_served else one.cost) for one in spent]
    known = [(before, now) for before, now in pairs if before is not None and now is not None]
    before, now = (
        (round(sum(side), 8) for side in zip(*known, strict=True)) if known else (None,) * 2
    )
    return {
        "pairs": len(known),
        "unknown": len(pairs) - len(known),
        "before": before,
        "now": now,
        "delta": None if before is None or now is None else round(now - before, 8),
        "tokens": _tokens(spent),
    }


def _tokens(spent: Iterable[Spent]) -> dict[str, int | None]:
    pairs = [
        (tokens_of(one.event.get("usage")), 0 if one.is_served else one.tokens) for one in spent
    ]
    known = [(before, now) for before, now in pairs if before is not None and now is not None]
    before, now = map(sum, zip(*known, strict=True)) if known else (None, None)
    return {"before": before, "now": now}


def tokens_of(usage: Mapping[str, Json] | None) -> int | None:
    """Return the tokens of both directions; None where nobody counted them."""
    counts = [(usage or {}).get(name) for name in ("input", "output")]
    known = [count for count in counts if isinstance(count, int)]
    return sum(known) if known else None


def _number(value: Json) -> float | None:
    try:
        return None if value is None else float(value)
    except (TypeError, ValueError):
        return None
