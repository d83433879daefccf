"""Changes of JSON as RFC 6902 writes them, applied without changing what they are applied to."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping
from typing import Any

Json = Any


class PatchError(ValueError):
    """A patch that does not fit the value that it is applied to."""


def patched_json(value: Json, patch: Iterable[Mapping[str, Json]]) -> Json:
    """Return a value with all operations of a patch applied, or raise PatchError."""
    # The value stands in a mapping, so that the whole of it can be replaced as any part.
    root = {"": copy.deepcopy(value)}
    for operation in patch:
        try:
            act = _ACTS[str(operation["op"])]
            act(root, operation)
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise PatchError(
                f"{operation.get('op')} at {operation.get('path')!r}: {error}"
            ) from None
    return root[""]


def _place(root: Json, pointer: str) -> tuple[Json, str]:
    """Return what holds the place of a pointer (RFC 6901), and the place's name in it."""
    if pointer and not pointer.startswith("/"):
        raise ValueError("is no JSON pointer")
    *way, last = [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")]
    for step in way:
        root = _at(root, step)
    return root, last


def _index(step: str) -> int:
    if not (step.isascii() and step.isdigit()) or (step[0] == "0" and step != "0"):
        raise ValueError(f"{step!r} is no place in a list")
    return int(step)


def _at(holder: Json, step: str) -> Json:
    if isinstance(holder, list):
        return holder[_index(step)]
    if not isinstance(holder, dict):
        raise TypeError(f"there is nothing below {step!r}")
    return holder[step]


def _get(root: Json, pointer: str) -> Json:
    return _at(*_place(root, pointer))


def _put(root: Json, pointer: str, value: Json) -> None:
    holder, last = _place(root, pointer)
    if isinstance(holder, list):
        at = len(holder) if last == "-" else _index(last)
        if at > len(holder):
            raise IndexError(f"{at} is beyond the end")
        holder.insert(at, value)
    elif isinstance(holder, dict):
        holder[last] = value
    else:
        raise TypeError(f"there is nothing below {last!r}")


def _take(root: Json, pointer: str) -> Json:
    holder, last = _place(root, pointer)
    found = _at(holder, last)
    del holder[_index(last) if isinstance(holder, list) else last]
    return found


def _add(root: Json, told: Mapping[str, Json]) -> None:
    _put(root, told["path"], copy.deepcopy(told["value"]))


def _remove(root: Json, told: Mapping[str, Json]) -> None:
    _take(root, told["path"])


def _replace(root: Json, told: Mapping[str, Json]) -> None:
    holder, last = _place(root, told["path"])
    _at(holder, last)
    holder[_index(last) if isinstance(holder, list) else last] = copy.deepcopy(told["value"])


def _move(root: Json, told: Mapping[str, Json]) -> None:
    if str(told["path"]).startswith(f"{told['from']}/"):
        raise ValueError("a value cannot be moved into itself")
    _put(root, told["path"], _take(root, told["from"]))


def _copy(root: Json, told: Mapping[str, Json]) -> None:
    _put(root, told["path"], copy.deepcopy(_get(root, told["from"])))


def _test(root: Json, told: Mapping[str, Json]) -> None:
    found = _get(root, told["path"])
    if found != told["value"] or isinstance(found, bool) != isinstance(told["value"], bool):
        raise ValueError("another value stands there")


_ACTS: dict[str, Callable[[Json, Mapping[str, Json]], None]] = {
    "add": _add,
    "remove": _remove,
    "replace": _replace,
    "move": _move,
    "copy": _copy,
    "test": _test,
}
