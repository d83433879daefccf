"""Columns of rows as PostgreSQL arrays in binary form.

One ``INSERT ... SELECT FROM unnest(...)`` writes any number of rows. psycopg's own arrays
cost several times as much here, and their types depend on the values, so that a prepared
statement would rarely be found again.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg
from psycopg.adapt import Dumper
from psycopg.pq import Format

from apps.core.canonical import canonical_json

_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_NULL = b"\xff\xff\xff\xff"
_LENGTH = struct.Struct("!i").pack
_EIGHT = struct.Struct("!iq").pack
_HEAD = struct.Struct("!iiIii").pack
_FLOAT = struct.Struct("!id").pack


def _text(value: str) -> bytes:
    data = value.encode()
    return _LENGTH(len(data)) + data


def _raw(value: bytes) -> bytes:
    return _LENGTH(len(value)) + value


def _time(value: datetime) -> bytes:
    return _EIGHT(8, (value - _EPOCH) // _MICROSECOND)


def _number(value: Decimal) -> bytes:
    return _text(format(value, "f"))


def _numbers(value: Sequence[int]) -> bytes:
    return _text(f"{{{','.join(map(str, value))}}}")


def _json(value: Any) -> bytes:
    return _raw(canonical_json(value))


# type: (type of the array's elements, its oid, the array's oid, encoding)
# Numbers with decimals, JSON and lists travel as text and are cast row by row.
TYPES: dict[str, tuple[str, int, int, Callable[[Any], bytes]]] = {
    "text": ("text", 25, 1009, _text),
    "uuid": ("uuid", 2950, 2951, _raw),
    "bytea": ("bytea", 17, 1001, _raw),
    "bigint": ("bigint", 20, 1016, lambda value: _EIGHT(8, value)),
    "float8": ("float8", 701, 1022, lambda value: _FLOAT(8, value)),
    "timestamptz": ("timestamptz", 1184, 1185, _time),
    "boolean": ("boolean", 16, 1000, lambda value: b"\0\0\0\1\1" if value else b"\0\0\0\1\0"),
    "numeric": ("text", 25, 1009, _number),
    "jsonb": ("text", 25, 1009, _json),
    "int[]": ("text", 25, 1009, _numbers),
}


class _Array:
    __slots__ = ("data",)

    def __init__(self, data: bytes) -> None:
        self.data = data


def _array_class(type_name: str) -> type[_Array]:
    array_oid = TYPES[type_name][2]
    made = type(f"{type_name.title()}Array", (_Array,), {"__slots__": ()})

    class ArrayDumper(Dumper):
        format = Format.BINARY
        oid = array_oid

        def dump(self, obj: Any) -> bytes:
            return obj.data  # type: ignore[no-any-return]

    psycopg.adapters.register_dumper(made, ArrayDumper)
    return made


_ARRAYS = {name: _array_class(name) for name in TYPES}


def array(type_name: str, values: Sequence[Any]) -> _Array:
    """Return ``values`` as one parameter of type ``type_name[]``; None is NULL."""
    if not values:
        return _EMPTY[type_name]
    if len(values) == 1 and values[0] is None:
        # Most columns of a request with one event.
        return _NOTHING[type_name]
    _, oid, _, encode = TYPES[type_name]
    body = b"".join([_NULL if value is None else encode(value) for value in values])
    return _ARRAYS[type_name](_HEAD(1, 1, oid, len(values), 1) + body)


_EMPTY = {name: _ARRAYS[name](struct.pack("!iiI", 0, 0, TYPES[name][1])) for name in TYPES}
_NOTHING = {name: _ARRAYS[name](_HEAD(1, 1, TYPES[name][1], 1, 1) + _NULL) for name in TYPES}


def arrays(columns: Sequence[tuple[str, str]], rows: Sequence[Sequence[Any]]) -> list[_Array]:
    """Return one parameter a column, from rows in the columns' order."""
    if not rows:
        return [_EMPTY[type_name] for _, type_name in columns]
    turned = zip(*rows, strict=True)
    return [
        array(type_name, values) for (_, type_name), values in zip(columns, turned, strict=True)
    ]


def unnest(columns: Sequence[tuple[str, str]], first: int) -> str:
    """Return ``unnest($first::type[], ...) AS r(column, ...)`` for the columns."""
    marks = ", ".join(
        f"${first + at}::{TYPES[type_name][0]}[]" for at, (_, type_name) in enumerate(columns)
    )
    return f"unnest({marks}) AS r({', '.join(name for name, _ in columns)})"


def selected(columns: Sequence[tuple[str, str]]) -> str:
    """Return the select list over ``unnest``, with the casts that are still needed."""
    return ", ".join(
        f"r.{name}" if TYPES[type_name][0] == type_name else f"r.{name}::{type_name}"
        for name, type_name in columns
    )
