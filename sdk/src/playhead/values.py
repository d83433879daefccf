"""Values of Python as JSON, and back: what tools are given and what they answer.

What JSON has no word for is written as ``{"$playhead": type, "value": ...}``. Nothing is ever
pickled: a recording is read by others, and must not be able to run code. What cannot be told
in JSON is recorded as text, and the answer of such a tool is not served at a replay.
"""

from __future__ import annotations

import base64
import dataclasses
import datetime as dt
import decimal
import enum
import math
import uuid
from collections.abc import Callable, Mapping
from typing import Any

Json = Any

TAG = "$playhead"
# What was not JSON, nor anything below: kept as text, for people to read.
OPAQUE = "opaque"
LONGEST_TEXT = 10_000
DEEPEST = 100

_WRITERS: list[tuple[type, str, Callable[[Any], Json]]] = [
    (bytes, "bytes", lambda value: base64.b64encode(value).decode()),
    (bytearray, "bytes", lambda value: base64.b64encode(value).decode()),
    (dt.datetime, "datetime", lambda value: value.isoformat()),
    (dt.date, "date", lambda value: value.isoformat()),
    (dt.time, "time", lambda value: value.isoformat()),
    (dt.timedelta, "timedelta", lambda value: value.total_seconds()),
    (decimal.Decimal, "decimal", str),
    (uuid.UUID, "uuid", str),
    (complex, "complex", lambda value: [value.real, value.imag]),
]
_READERS: dict[str, Callable[[Any], Any]] = {
    "bytes": base64.b64decode,
    "datetime": dt.datetime.fromisoformat,
    "date": dt.date.fromisoformat,
    "time": dt.time.fromisoformat,
    "timedelta": lambda value: dt.timedelta(seconds=value),
    "decimal": decimal.Decimal,
    "uuid": uuid.UUID,
    "complex": lambda value: complex(*value),
    "float": float,
    "tuple": lambda value: tuple(from_json(inner) for inner in value),
    "set": lambda value: {from_json(inner) for inner in value},
    "frozenset": lambda value: frozenset(from_json(inner) for inner in value),
    "map": lambda value: {from_json(name): from_json(inner) for name, inner in value},
}


def as_json(value: Any, depth: int = DEEPEST) -> Json:
    """Return a value as JSON. Never raises for a value that has a ``repr``."""
    if value is None or (isinstance(value, bool | str) and not isinstance(value, enum.Enum)):
        return value
    if isinstance(value, int | float) and not isinstance(value, enum.Enum):
        is_finite = isinstance(value, int) or math.isfinite(value)
        return value if is_finite else {TAG: "float", "value": str(value)}
    if depth == 0:
        return _opaque(value)
    return _composed(value, depth - 1)


def _composed(value: Any, depth: int) -> Json:
    if isinstance(value, enum.Enum):
        return as_json(value.value, depth)
    if isinstance(value, Mapping):
        return _mapping(value, depth)
    if isinstance(value, list):
        return [as_json(inner, depth) for inner in value]
    if isinstance(value, tuple | set | frozenset):
        return _group(value, depth)
    for kind, name, write in _WRITERS:
        if isinstance(value, kind):
            return {TAG: name, "value": write(value)}
    return _of_class(value, depth)


def _mapping(value: Mapping[Any, Any], depth: int) -> Json:
    if all(isinstance(name, str) for name in value) and TAG not in value:
        return {name: as_json(inner, depth) for name, inner in value.items()}
    pairs = [[as_json(name, depth), as_json(inner, depth)] for name, inner in value.items()]
    return {TAG: "map", "value": pairs}


def _group(value: Any, depth: int) -> Json:
    inner = [as_json(one, depth) for one in value]
    if isinstance(value, tuple):
        return {TAG: "tuple", "value": inner}
    # The order of a set changes from run to run.
    kind = "frozenset" if isinstance(value, frozenset) else "set"
    return {TAG: kind, "value": sorted(inner, key=repr)}


def _of_class(value: Any, depth: int) -> Json:
    dump = getattr(value, "model_dump", None)
    if callable(dump) and not isinstance(value, type):
        return as_json(dump(mode="json"), depth)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = dataclasses.fields(value)
        return {field.name: as_json(getattr(value, field.name), depth) for field in fields}
    return _opaque(value)


def _opaque(value: Any) -> Json:
    # An address in memory differs on every run.
    text = object.__repr__(value).partition(" at 0x")[0] + ">"
    is_plain = "__repr__" not in {name for kind in type(value).__mro__[:-1] for name in vars(kind)}
    return {
        TAG: OPAQUE,
        "type": f"{type(value).__module__}.{type(value).__qualname__}",
        "value": text if is_plain else repr(value)[:LONGEST_TEXT],
    }


def from_json(value: Json) -> Any:
    """Return the value that ``as_json`` was given, as far as JSON could tell it.

    Objects of classes come back as mappings; ``opaque`` values raise ValueError.
    """
    if isinstance(value, list):
        return [from_json(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    if TAG not in value:
        return {name: from_json(inner) for name, inner in value.items()}
    read = _READERS.get(value[TAG])
    if read is None:
        raise ValueError(f"A value of {value.get('type', 'an unknown type')} was not recorded.")
    return read(value["value"])


def key_orders(value: Json) -> list[list[str]]:
    """Return the order of names of each mapping in a value, where it is not that of the alphabet.

    JSON says nothing of it, and who stores JSON may sort it; but an application that writes an
    answer into its next question says it in the order in which the tool did.
    """
    found: dict[tuple[str, ...], list[str]] = {}
    _add_orders(value, found)
    return list(found.values())


def _add_orders(value: Json, found: dict[tuple[str, ...], list[str]]) -> None:
    if isinstance(value, list):
        for inner in value:
            _add_orders(inner, found)
    elif isinstance(value, dict):
        names = list(value)
        if names != (by_alphabet := sorted(names)):
            found.setdefault(tuple(by_alphabet), names)
        for inner in value.values():
            _add_orders(inner, found)


def in_order(value: Json, orders: list[list[str]]) -> Json:
    """Return a value whose mappings have their names in the orders that ``key_orders`` told."""
    known = {tuple(sorted(names)): names for names in orders}
    return _in_order(value, known) if known else value


def _in_order(value: Json, known: Mapping[tuple[str, ...], list[str]]) -> Json:
    if isinstance(value, list):
        return [_in_order(inner, known) for inner in value]
    if not isinstance(value, dict):
        return value
    names = known.get(tuple(sorted(value)), value)
    return {name: _in_order(value[name], known) for name in names}


def is_whole(value: Json) -> bool:
    """Tell whether everything in the JSON can be made into what it was."""
    if isinstance(value, list):
        return all(is_whole(inner) for inner in value)
    if not isinstance(value, dict):
        return True
    return value.get(TAG) != OPAQUE and all(is_whole(inner) for inner in value.values())
