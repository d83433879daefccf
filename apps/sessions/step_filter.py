"""The filter of a session's steps: ``kind:tool error lane:researcher duration>2s "late order"``.

A step is found when all of it is true. What begins like a key that there is not is text: names
of steps hold colons. ``static/ph/step-filter.js`` reads the same in the browser.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable
from dataclasses import dataclass

from apps.core.errors import InvalidError
from apps.sessions.drawing import Drawing
from apps.sessions.layout import NOWHERE, Layout, Words

FIELD = "f"
LONGEST = 200
# A key with a value, in quotes or without; a comparison; anything in quotes; a word.
PART = re.compile(
    r'(kind|lane|name|status):("[^"]*"?|\S*)|(duration[<>]\S*)|"([^"]*)"?|(\S+)', re.I
)
DURATION = re.compile(r"duration([<>])(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h)?", re.IGNORECASE)
MILLISECONDS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000}

# Whether the step at an index is found.
Rule = Callable[[int], bool]


@dataclass(frozen=True)
class Found:
    """The steps that a filter finds, and with them those above, in the order of the tree."""

    text: str
    matches: frozenset[int]
    kept: array[int]

    @property
    def count(self) -> int:
        return len(self.matches)


def find_steps(drawing: Drawing, text: str) -> Found | None:
    """Return what the filter finds, None for an empty one."""
    if len(text) > LONGEST:
        raise InvalidError(f"f must have at most {LONGEST} characters.", FIELD)
    rules = [_rule(drawing, *part) for part in PART.findall(text) if _says_something(*part)]
    if not rules:
        return None
    layout = drawing.layout
    matches = {index for index in range(len(layout)) if all(rule(index) for rule in rules)}
    kept = _with_those_above(layout, matches)
    ordered = array("i", (index for index in layout.order if index in kept))
    return Found(text, frozenset(matches), ordered)


def _with_those_above(layout: Layout, matches: set[int]) -> set[int]:
    kept: set[int] = set()
    for index in matches:
        while index >= 0 and index not in kept:
            kept.add(index)
            index = layout.parents[index]
    return kept


def _says_something(key: str, value: str, compared: str, quoted: str, word: str) -> bool:
    """Whether a part is finished: one that is being typed restricts nothing."""
    return bool(value.strip('"') if key else len(compared) > len("duration>") or quoted or word)


def _rule(drawing: Drawing, key: str, value: str, compared: str, quoted: str, word: str) -> Rule:
    layout = drawing.layout
    if compared:
        return _of_duration(layout, compared)
    if key:
        return RULES[key.lower()](drawing, value.strip('"').lower())
    if word.lower() == "error":
        return layout.is_error
    if word.lower() == "critical":
        return drawing.path.__contains__
    return _of_name(drawing, (quoted or word).lower())


def _of_duration(layout: Layout, text: str) -> Rule:
    read = DURATION.fullmatch(text)
    if read is None:
        raise InvalidError(f"f: {text} is no length of time, such as duration>2s.", FIELD)
    sign, number, unit = read.groups()
    limit = float(number) * MILLISECONDS[(unit or "s").lower()]
    durations = layout.durations
    # Unknown is neither longer nor shorter.
    if sign == ">":
        return lambda index: durations[index] > limit
    return lambda index: durations[index] < limit


def _of_name(drawing: Drawing, text: str) -> Rule:
    layout = drawing.layout
    names = _with_text(layout.names, text)
    kinds = _with_text(layout.kinds, text)
    # A step without a name is shown by its kind.
    nameless = layout.names.words.index(None) if None in layout.names.words else NOWHERE

    def is_named(index: int) -> bool:
        name = layout.names.at[index]
        return layout.kinds.at[index] in kinds if name == nameless else name in names

    return is_named


def _of_kind(drawing: Drawing, text: str) -> Rule:
    asked = frozenset(text.split(","))
    column = drawing.layout.kinds
    wanted = {number for number, word in enumerate(column.words) if word in asked}
    return lambda index: column.at[index] in wanted


def _of_lane(drawing: Drawing, text: str) -> Rule:
    """Find a lane with its branches by what it is called, or by the agents that ran in it."""
    layout, groups = drawing.layout, drawing.groups
    column = layout.lanes
    lanes = {number for number, lane in enumerate(column.words) if _is_or_branch(lane or "", text)}
    named = {group for group in range(len(groups)) if text in groups.name(group).lower()}
    return lambda index: column.at[index] in lanes or groups.at[index] in named


def _is_or_branch(lane: str, text: str) -> bool:
    return lane.lower() == text or lane.lower().startswith(f"{text}.")


def _of_status(drawing: Drawing, text: str) -> Rule:
    layout = drawing.layout
    if text not in ("error", "ok"):
        raise InvalidError("f: status: is error or ok.", FIELD)
    return lambda index: layout.is_error(index) == (text == "error")


def _with_text(column: Words, text: str) -> set[int]:
    return {number for number, word in enumerate(column.words) if text in (word or "").lower()}


RULES: dict[str, Callable[[Drawing, str], Rule]] = {
    "kind": _of_kind,
    "lane": _of_lane,
    "name": _of_name,
    "status": _of_status,
}
