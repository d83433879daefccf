"""Whether a JSON value holds all that another one names; what else it holds does not matter."""

from __future__ import annotations

from typing import Any

from playhead.differences import ABSENT, MOST, Difference

from apps.replays.comparators import SAME, Comparison
from apps.replays.comparators_json import WHOLE, Structure, is_equal, leaves

Json = Any


def subset(expected: Json, got: Json, structure: Structure = WHOLE) -> Comparison:
    """Compare the leaves that are expected with what lies at their paths.

    An expected empty object or list asks for one of that kind, whatever is in it.
    """
    wanted = list(leaves(expected, structure))
    if not wanted:
        return Comparison(1.0, "Nothing is left to compare: all of it is ignored.")
    found = [
        Difference(path, value, there)
        for path, value in wanted
        for there in [at(got, path)]
        if not _holds(value, there, structure, path)
    ]
    score = (len(wanted) - len(found)) / len(wanted)
    says = f"{len(wanted) - len(found)} of {len(wanted)} expected values are there."
    return Comparison(score, says if found else SAME, tuple(found[:MOST]))


def _holds(value: Json, there: Json, structure: Structure, path: str) -> bool:
    if there is ABSENT:
        return False
    if isinstance(value, dict | list):
        return type(value) is type(there)
    return is_equal(value, there, structure.tolerance(path))


def at(value: Json, path: str) -> Json:
    """Return what lies at a JSON pointer, or ABSENT."""
    for step in path.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict) and name in value:
            value = value[name]
        elif isinstance(value, list) and name.isdecimal() and int(name) < len(value):
            value = value[int(name)]
        else:
            return ABSENT
    return value
