"""The plan of a run in words: what is asked, what is not and why, and what it may take."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from apps.core.units import UNKNOWN, duration, money, number
from apps.replays.runs.pages_sides import RECORD, others

Json = Any


@dataclass(frozen=True, slots=True)
class Reason:
    """Why cases are not tried, on which sides, and how many."""

    says: str
    where: str
    cases: int


@dataclass(frozen=True, slots=True)
class ShownSide:
    """One side of the run: what it is, and who answers."""

    name: str
    what: str
    provider: str


@dataclass(frozen=True, slots=True)
class ShownPlan:
    """A plan as the page shows it."""

    hash: str
    suite: str
    version: int
    tried: int
    skipped: int
    repeats: int
    sides: Sequence[ShownSide]
    trials: str
    calls: str
    tokens: str
    cost: str
    budget: str
    # Calls of which no price is known.
    without_cost: int
    # The calls one after the other, as the record has them.
    took: str
    reasons: Sequence[Reason]
    hints: Sequence[str]
    # Cases that were not looked into yet.
    unseen: int


def shown_plan(told: Mapping[str, Json]) -> ShownPlan:
    """Return ``planning.plan_json`` in words."""
    expected, cases = told["expected"], told["cases"]
    return ShownPlan(
        hash=told["plan_hash"],
        suite=told["suite"]["name"],
        version=told["suite"]["version"],
        tried=cases["tried"],
        skipped=cases["skipped"],
        repeats=told["repeats"],
        sides=[_side(one) for one in told["sides"]],
        trials=number(told["trials"]),
        calls=number(expected["calls"]),
        tokens=_tokens(expected),
        cost=money(expected["cost"]),
        budget="" if told["budget"] is None else money(told["budget"]),
        without_cost=expected["calls_without_cost"],
        took=duration(expected["recorded_ms"]),
        reasons=_reasons(told),
        hints=told["hints"],
        unseen=max(0, cases["all"] - told["looked_into"]),
    )


def _side(one: Mapping[str, Json]) -> ShownSide:
    prompt = one["prompt"]
    first = [f"prompt {prompt['name']} v{prompt['version']}"] if prompt else []
    what = ", ".join([*first, *others(one["model"], one["params"], has_system=one["has_system"])])
    provider = RECORD if one["is_record"] else one["provider"]
    return ShownSide(one["name"], what or "all as recorded", provider)


def _tokens(expected: Mapping[str, Json]) -> str:
    sides = expected["input_tokens"], expected["output_tokens"]
    if sides == (None, None):
        return UNKNOWN
    return f"{number(sides[0])} in, {number(sides[1])} out"


def _reasons(told: Mapping[str, Json]) -> list[Reason]:
    names = [one["name"] for one in told["sides"]]
    counted = Counter(
        (one["reason"], ", ".join(names[side] for side in one["sides"])) for one in told["skipped"]
    )
    return [Reason(says, where, cases) for (says, where), cases in counted.most_common()]
