"""Recorded answers as the types that a function says it returns."""

from __future__ import annotations

import dataclasses
import json
import typing
from collections.abc import Callable
from typing import Any

from playhead.values import from_json

Json = Any


def as_declared(value: Json, function: Callable[..., Any]) -> Any:
    """Return a recorded value as ``function`` would have returned it.

    Dataclasses and pydantic models come back as such where the function is annotated with
    them. Raises ValueError for values that could not be recorded.
    """
    found = from_json(value)
    try:
        declared = typing.get_type_hints(function).get("return")
    except (NameError, TypeError):
        return found
    return _as(found, declared)


def _as(value: Any, declared: Any) -> Any:
    arguments = [one for one in typing.get_args(declared) if one is not type(None)]
    if value is None or declared is None:
        return value
    if declared is str and isinstance(value, dict | list):
        # Other recorders open the JSON that a tool answered as text.
        return json.dumps(value, ensure_ascii=False)
    if typing.get_origin(declared) is list and isinstance(value, list) and arguments:
        return [_as(one, arguments[0]) for one in value]
    # Optional[X] and X | None.
    if not isinstance(declared, type) and len(arguments) == 1:
        return _as(value, arguments[0])
    if isinstance(declared, type) and isinstance(value, dict):
        return _object(value, declared)
    return value


def _object(value: dict[str, Any], declared: type) -> Any:
    validate = getattr(declared, "model_validate", None)
    if validate is not None:
        return validate(value)
    if dataclasses.is_dataclass(declared):
        hints = typing.get_type_hints(declared)
        return declared(**{name: _as(one, hints.get(name)) for name, one in value.items()})
    return value
