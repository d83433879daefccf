"""The gate file of a repository: which suite a candidate is run against, and what must hold.

YAML, read safely: no tags, no aliases that unfold, every unknown name refused with its place.

    suite: refunds            # its name or id; @3 for a version
    candidates:
      - name: v8
        prompt: triage@8
    repeats: 4
    budget: 2.50
    gates:
      - metric: success
        margin: 0.03
      - metric: latency
        scale: ratio
        lower_is_better: true
        margin: 0.10
        on_inconclusive: pass
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import yaml

from apps.core.errors import InvalidError
from apps.replays.verdict_shapes import ALPHA, MARGIN, Gate, Result, Scale

Json = Any

LONGEST_FILE = 100_000
LONGEST_TEXT = 200
MOST_CANDIDATES, MOST_GATES, MOST_REPEATS = 8, 20, 20
NAMES = frozenset({"suite", "candidates", "gates", "budget", "repeats", "pinned_by", "sequential"})
OF_CANDIDATE = frozenset({"name", "prompt", "model", "params"})
OF_GATE = frozenset(
    {"metric", "scale", "lower_is_better", "margin", "alpha", "on_inconclusive", "informational"}
)
EXAMPLE = "gates: [{metric: success, margin: 0.03}]"


@dataclass(frozen=True, slots=True)
class Candidate:
    """What is tried instead of what was recorded; None stays as it was."""

    name: str
    prompt: str | None = None
    model: str | None = None
    params: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class GateFile:
    """A gate file, read and found good."""

    suite: str
    # None: the newest.
    version: int | None
    candidates: Sequence[Candidate]
    gates: Sequence[Gate]
    # In US dollars; None: no limit but that of the project.
    budget: Decimal | None
    repeats: int = 1
    # The metric to which pinned cases are held; None: that of the first gate on a rate.
    pinned_by: str | None = None
    # Whether the run may stop as soon as it is decided.
    is_sequential: bool = False


class _Loader(yaml.SafeLoader):
    """SafeLoader without aliases, which can unfold a small file to a huge one."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            event = self.peek_event()  # type: ignore[no-untyped-call]
            raise yaml.MarkedYAMLError(
                problem="aliases are not taken", problem_mark=event.start_mark
            )
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        names = [key.value for key, _ in node.value]
        if twice := sorted({str(name) for name in names if names.count(name) > 1}):
            raise yaml.MarkedYAMLError(
                problem=f"{twice[0][:64]} stands there twice", problem_mark=node.start_mark
            )
        return super().construct_mapping(node, deep=deep)


def read_gate_file(text: str) -> GateFile:
    """Return what a gate file says, or raise InvalidError naming the place and what is right."""
    told = _parsed(text)
    _known(told, NAMES, "")
    suite, version = _suite(told.get("suite"))
    return GateFile(
        suite=suite,
        version=version,
        candidates=_each(told, "candidates", MOST_CANDIDATES, _candidate),
        gates=_each(told, "gates", MOST_GATES, _gate),
        budget=_budget(told.get("budget")),
        repeats=_whole(told.get("repeats", 1), "repeats", MOST_REPEATS),
        pinned_by=_text(told["pinned_by"], "pinned_by") if "pinned_by" in told else None,
        is_sequential=_flag(told.get("sequential", False), "sequential"),
    )


def _parsed(text: str) -> Mapping[str, Json]:
    if len(text) > LONGEST_FILE:
        raise InvalidError(f"A gate file has at most {LONGEST_FILE:,} characters.")
    try:
        told = yaml.load(text, _Loader)  # noqa: S506
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise InvalidError(f"This is no YAML that can be read: {where}{error.problem}.") from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        message = f"This is no YAML that can be read: {str(error)[:200]}"
        raise InvalidError(message) from None
    if not isinstance(told, dict):
        raise InvalidError(f"A gate file names a suite, candidates and gates: {EXAMPLE}")
    return told


def _known(told: Mapping[Json, Json], names: frozenset[str], path: str) -> None:
    unknown = sorted(str(name) for name in told if name not in names)
    if unknown:
        message = f"There is no {unknown[0][:64]}; there are {', '.join(sorted(names))}."
        raise InvalidError(message, f"{path}{unknown[0][:64]}")


def _suite(told: Json) -> tuple[str, int | None]:
    name, mark, number = _text(told, "suite").rpartition("@")
    if not mark:
        return number, None
    if not (number.isascii() and number.isdigit() and 0 < len(number) <= 9 and int(number)):
        raise InvalidError("A version of a suite is a number: refunds@3.", "suite")
    return name, int(number)


def _each(
    told: Mapping[str, Json], name: str, most: int, read: Callable[[Json, str], Json]
) -> list[Json]:
    rows = told.get(name)
    if not isinstance(rows, list) or not 1 <= len(rows) <= most:
        raise InvalidError(f"{name} is a list of 1 to {most} entries.", name)
    found = [read(row, f"{name}.{at}") for at, row in enumerate(rows)]
    key = "name" if name == "candidates" else "metric"
    seen = [getattr(one, key) for one in found]
    if twice := sorted({one for one in seen if seen.count(one) > 1}):
        raise InvalidError(f"{twice[0]} stands there twice.", name)
    return found


def _candidate(told: Json, path: str) -> Candidate:
    told = _mapping(told, path)
    _known(told, OF_CANDIDATE, f"{path}.")
    params = _mapping(told.get("params", {}), f"{path}.params")
    if not any(told.get(name) for name in ("prompt", "model", "params")):
        raise InvalidError("Name what is tried: a prompt, a model, or params.", path)
    return Candidate(
        _text(told.get("name"), f"{path}.name"),
        _text(told["prompt"], f"{path}.prompt") if "prompt" in told else None,
        _text(told["model"], f"{path}.model") if "model" in told else None,
        {_text(name, f"{path}.params"): value for name, value in params.items()},
    )


def _gate(told: Json, path: str) -> Gate:
    told = _mapping(told, path)
    _known(told, OF_GATE, f"{path}.")
    try:
        return Gate(
            metric=_text(told.get("metric"), f"{path}.metric"),
            scale=_one_of(Scale, told.get("scale", Scale.RATE), f"{path}.scale"),
            higher_is_better=not _flag(
                told.get("lower_is_better", False), f"{path}.lower_is_better"
            ),
            margin=_number(told.get("margin", MARGIN), f"{path}.margin"),
            alpha=_number(told.get("alpha", ALPHA), f"{path}.alpha"),
            on_inconclusive=_one_of(
                Result,
                told.get("on_inconclusive", Result.INCONCLUSIVE),
                f"{path}.on_inconclusive",
            ),
            is_informational=_flag(told.get("informational", False), f"{path}.informational"),
        )
    except InvalidError:
        raise
    except ValueError as error:
        raise InvalidError(f"{error}.", path) from None


def _mapping(told: Json, path: str) -> Mapping[str, Json]:
    if not isinstance(told, dict):
        raise InvalidError("Names with values are expected here.", path)
    return told


def _text(told: Json, path: str) -> str:
    if not isinstance(told, str) or not 1 <= len(told.strip()) <= LONGEST_TEXT:
        raise InvalidError(f"A text of 1 to {LONGEST_TEXT} characters is expected here.", path)
    return told.strip()


def _flag(told: Json, path: str) -> bool:
    if not isinstance(told, bool):
        raise InvalidError("true or false is expected here.", path)
    return told


def _number(told: Json, path: str) -> float:
    if isinstance(told, bool) or not isinstance(told, int | float) or not abs(told) < 1e15:
        raise InvalidError("A number is expected here: 0.03 is 3 points.", path)
    return float(told)


def _whole(told: Json, path: str, most: int) -> int:
    if isinstance(told, bool) or not isinstance(told, int) or not 1 <= told <= most:
        raise InvalidError(f"A whole number from 1 to {most} is expected here.", path)
    return told


def _budget(told: Json) -> Decimal | None:
    if told is None:
        return None
    if _number(told, "budget") <= 0:
        raise InvalidError("A budget is in US dollars, and above 0.", "budget")
    return Decimal(str(told))


def _one_of(choices: Any, told: Json, path: str) -> Any:
    if told not in [choice.value for choice in choices]:
        names = ", ".join(choice.value for choice in choices)
        raise InvalidError(f"One of {names} is expected here.", path)
    return choices(told)
