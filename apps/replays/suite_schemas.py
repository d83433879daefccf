"""JSON Schemas that people write into expectations: read safely, and checked without a network.

The schema is hostile input. Nothing is fetched for a reference; references to its own parts are
followed as far as the whole, written out, has a bounded size. ``pattern`` is RE2's, because
Python's own patterns can be made to run for ever.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import re2
from jsonschema import Draft202012Validator, ValidationError
from jsonschema.exceptions import SchemaError
from jsonschema.validators import extend
from referencing import Registry

from apps.core.errors import InvalidError

Json = Any

# Parts of a schema, each counted as often as it is referred to.
MOST_PARTS = 2_000
OWN = "#/$defs/"
REFUSED = frozenset({"patternProperties", "$dynamicRef", "$dynamicAnchor", "$anchor", "$id"})


def check_schema(schema: Json, path: str) -> None:
    """Raise InvalidError where a schema cannot be read, or would cost too much to check."""
    if not isinstance(schema, dict):
        raise InvalidError("schema is a JSON Schema: an object.", path)
    try:
        if _parts(schema, schema, ()) > MOST_PARTS:
            raise InvalidError(f"A schema has at most {MOST_PARTS:,} parts, written out.", path)
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        where = "".join(f".{step}" for step in error.absolute_path)
        raise InvalidError(f"This is no JSON Schema: {error.message[:200]}", path + where) from None
    except (RecursionError, _RefusedError) as error:
        raise InvalidError(str(error) or "The schema is too deep.", path) from None
    for pattern in _patterns(schema):
        _compiled(pattern, path)


class _RefusedError(ValueError):
    """Part of a schema that is not taken; the message says which."""


def _parts(part: Json, schema: dict[str, Json], within: tuple[str, ...]) -> int:
    """Count the parts of a schema with all references written out, up to the bound."""
    if isinstance(part, dict):
        if refused := sorted(REFUSED.intersection(part)):
            raise _RefusedError(f"{refused[0]} is not taken in schemas.")
        inner = [value for name, value in part.items() if name not in ("$ref", "$defs")]
        count = 1 + _reference(part["$ref"], schema, within) if "$ref" in part else 1
    elif isinstance(part, list):
        inner, count = part, 1
    else:
        return 1
    for value in inner:
        count += _parts(value, schema, within)
        if count > MOST_PARTS:
            return count
    return count


def _reference(name: Json, schema: dict[str, Json], within: tuple[str, ...]) -> int:
    if not isinstance(name, str) or not name.startswith(OWN):
        raise _RefusedError("$ref can name parts under #/$defs/ alone.")
    definitions = schema.get("$defs")
    part = definitions.get(name.removeprefix(OWN)) if isinstance(definitions, dict) else None
    if part is None:
        raise _RefusedError(f"There is no {name[:80]}.")
    if name in within:
        raise _RefusedError(f"{name[:80]} refers to itself, and would have no end.")
    return _parts(part, schema, (*within, name))


def _patterns(part: Json) -> Iterator[Json]:
    if isinstance(part, dict):
        if isinstance(part.get("pattern"), str):
            yield part["pattern"]
        for value in part.values():
            yield from _patterns(value)
    elif isinstance(part, list):
        for value in part:
            yield from _patterns(value)


def _compiled(pattern: str, path: str) -> Any:
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(pattern, options)
    except (re2.error, UnicodeEncodeError):
        raise InvalidError(f"pattern cannot be read: {pattern[:80]}", path) from None


def _pattern(
    validator: Any, pattern: str, instance: Json, schema: Json
) -> Iterator[ValidationError]:
    if isinstance(instance, str) and not _compiled(pattern, "pattern").search(instance):
        yield ValidationError(f"{instance[:80]!r} does not match {pattern[:80]!r}")


_Validator = extend(Draft202012Validator, {"pattern": _pattern})


def first_fault(schema: dict[str, Json], answer: Json) -> str | None:
    """Return the first place where an answer is not as the schema asks, or None."""
    validator = _Validator(schema, registry=Registry())
    fault = next(iter(sorted(validator.iter_errors(answer), key=lambda one: one.json_path)), None)
    return f"{fault.json_path}: {fault.message[:300]}" if fault else None
