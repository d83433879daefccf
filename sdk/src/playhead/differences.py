"""Differences of two values of JSON, place by place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

Json = Any

# More of one call tell nobody anything new.
MOST = 200
LONGEST = 200


@dataclass(frozen=True, slots=True)
class Difference:
    """One place at which two values differ, as a JSON pointer (RFC 6901)."""

    path: str
    expected: Json
    got: Json

    def __str__(self) -> str:
        return f"{self.path or '/'}: expected {_short(self.expected)}, got {_short(self.got)}"


class Absent:
    """Stands for what one side does not have."""

    def __repr__(self) -> str:
        return "nothing"


ABSENT = Absent()


def _short(value: Json) -> str:
    text = repr(value)
    return text if len(text) <= LONGEST else text[:LONGEST] + "..."


def differences(expected: Json, got: Json) -> list[Difference]:
    """Return where two values differ, the first ones of many."""
    found = []
    for difference in _walk("", expected, got):
        found.append(difference)
        if len(found) == MOST:
            break
    return found


def _walk(path: str, expected: Json, got: Json) -> Iterator[Difference]:
    if expected == got and type(expected) is type(got):
        return
    if isinstance(expected, dict) and isinstance(got, dict):
        for name in [*expected, *(name for name in got if name not in expected)]:
            step = name.replace("~", "~0").replace("/", "~1")
            yield from _walk(f"{path}/{step}", expected.get(name, ABSENT), got.get(name, ABSENT))
    elif isinstance(expected, list) and isinstance(got, list):
        for at in range(max(len(expected), len(got))):
            left = expected[at] if at < len(expected) else ABSENT
            right = got[at] if at < len(got) else ABSENT
            yield from _walk(f"{path}/{at}", left, right)
    else:
        yield Difference(path, expected, got)
