"""Simulators: what stands in for a tool where no record answers, declared with the replay.

Nothing is called: a simulator is an answer, or rules of which the first that fits answers. What
it says is marked, and counts as no fidelity.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import re2

from apps.core.canonical import canonical_json
from apps.core.errors import InvalidError

Json = Any

MOST_RULES = 100
LONGEST_PATTERN = 500
SIMULATOR = ("answer", "error", "rules")
RULE = ("text", "answer", "error")


@dataclass(frozen=True, slots=True)
class Rule:
    """What is answered, and the pattern (RE2) that must be found in the arguments' JSON."""

    answer: Json
    is_error: bool
    pattern: Any = None


@dataclass(frozen=True, slots=True)
class Simulator:
    """What stands in for one tool."""

    rules: tuple[Rule, ...]

    def answer(self, arguments: Json) -> Rule | None:
        """Return the first rule that fits; None where none does."""
        told = canonical_json(arguments).decode()
        fits = (rule for rule in self.rules if not rule.pattern or rule.pattern.search(told))
        return next(fits, None)


def read_simulators(told: Mapping[str, Json]) -> dict[str, Simulator]:
    """Return simulators by the names of their tools. Raises InvalidError naming the place.

    ``{"find_order": {"answer": {"state": "paid"}}}``, or rules, tried in their order:
    ``{"find_order": {"rules": [{"text": "4411", "answer": ...}, {"error": "No such order."}]}}``.
    """
    return {name: _simulator(one, f"simulators.{name}") for name, one in told.items()}


def _simulator(told: Json, path: str) -> Simulator:
    _check(told, SIMULATOR, path)
    if "rules" not in told:
        return Simulator((_rule(told, path),))
    rules = told["rules"]
    if len(told) > 1 or not isinstance(rules, list) or not 1 <= len(rules) <= MOST_RULES:
        raise InvalidError(f"Give an answer, or 1 to {MOST_RULES} rules.", f"{path}.rules")
    return Simulator(tuple(_rule(rule, f"{path}.rules[{at}]") for at, rule in enumerate(rules)))


def _rule(told: Json, path: str) -> Rule:
    _check(told, RULE, path)
    if ("answer" in told) == ("error" in told):
        raise InvalidError("Give an answer or an error, one of both.", path)
    if "error" in told and not isinstance(told["error"], str):
        raise InvalidError("An error is text.", f"{path}.error")
    pattern = _pattern(told["text"], f"{path}.text") if "text" in told else None
    return Rule(told.get("answer", told.get("error")), "error" in told, pattern)


def _check(told: Json, names: tuple[str, ...], path: str) -> None:
    if not isinstance(told, Mapping):
        raise InvalidError('A simulator is an object, such as {"answer": ...}.', path)
    if unknown := sorted(told.keys() - set(names)):
        raise InvalidError(f"Known are {', '.join(names)}.", f"{path}.{unknown[0]}")


def _pattern(told: Json, path: str) -> Any:
    if not isinstance(told, str) or len(told) > LONGEST_PATTERN:
        raise InvalidError(f"A pattern is text of {LONGEST_PATTERN} characters at most.", path)
    options = re2.Options()
    options.log_errors = False
    options.case_sensitive = False
    try:
        return re2.compile(told, options=options)
    except re2.error as error:
        raise InvalidError(f"This is no pattern: {error}.", path) from None
