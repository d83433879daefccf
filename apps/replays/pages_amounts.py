"""What a replay took beside its original: steps, time, tokens, cost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from apps.replays.models import Replay

Json = Any

TIMES = {"p50_ms": "Median of a call made for real", "p95_ms": "95th percentile of those"}


@dataclass(frozen=True, slots=True)
class Amount:
    """What both sessions took of something."""

    title: str
    # How it is written: duration, number or money.
    style: str
    before: Any
    after: Any


def took(replay: Replay) -> float | None:
    """Return how long it ran, in milliseconds; unknown while it runs."""
    if replay.started_at is None or replay.ended_at is None:
        return None
    return (replay.ended_at - replay.started_at).total_seconds() * 1000


def amounts_of(replay: Replay, report: Mapping[str, Json]) -> list[Amount]:
    """Return what both took: the whole sessions as recorded, and calls as the report has them."""
    found = [*_of_sessions(replay), _cost(replay, report), *_of_calls(report)]
    return [one for one in found if one.before is not None or one.after is not None]


def _of_sessions(replay: Replay) -> Iterator[Amount]:
    original, session = replay.original, replay.session
    if original is None:
        return
    yield Amount("Steps", "number", original.event_count, session.event_count)
    yield Amount("Errors", "number", original.error_count, session.error_count)
    yield Amount("Duration", "duration", original.duration_ms, session.duration_ms)
    yield Amount("Input tokens", "number", original.input_tokens, session.input_tokens)
    yield Amount("Output tokens", "number", original.output_tokens, session.output_tokens)


def _of_calls(report: Mapping[str, Json]) -> Iterator[Amount]:
    """Yield what the report compares: answers from the record are compared with nothing."""
    latency = _mapped(report, "latency")
    before, now = _mapped(latency, "before"), _mapped(latency, "now")
    for name, title in TIMES.items():
        yield Amount(title, "duration", _amount(before, name), _amount(now, name))


def _cost(replay: Replay, report: Mapping[str, Json]) -> Amount:
    """Return what calls cost that both have; of whole sessions, where the report cannot say."""
    cost = _mapped(report, "cost")
    told = Amount("Cost of calls", "money", _amount(cost, "before"), _amount(cost, "now"))
    if told.before is not None or replay.original is None:
        return told
    return Amount("Cost", "money", replay.original.cost, replay.session.cost)


def served_of(latency: Mapping[str, Json]) -> tuple[int, int] | None:
    """Return how many calls were answered from the record, and of how many."""
    served, calls = latency.get("served"), latency.get("calls")
    if isinstance(served, int) and isinstance(calls, int) and served:
        return served, calls
    return None


def _mapped(one: Mapping[str, Json], name: str) -> Mapping[str, Json]:
    value = one.get(name)
    return value if isinstance(value, dict) else {}


def _amount(one: Mapping[str, Json], name: str) -> Json:
    value: Json = one.get(name)
    # Digits only: what is drawn as money is a decimal number.
    return round(value, 8) if isinstance(value, int | float) else None
