"""The variables of a template: their declarations, and how their values are written."""

from __future__ import annotations

import math
from typing import Any

import orjson

from apps.core.canonical import canonical_json
from apps.core.errors import InvalidError
from apps.prompts.checks import check_json, clean_words
from apps.prompts.models import LONGEST_NOTE
from apps.prompts.templates import VARIABLE

Json = Any

MOST_VARIABLES = 200
LONGEST_DEFAULT = 20_000
TYPES = ("text", "integer", "number", "boolean", "json")
VARIABLE_FIELDS = frozenset({"name", "type", "required", "default", "description"})
VARIABLE_RULE = "A variable's name is up to 64 letters, digits and _, and begins with no digit."


def clean_variables(variables: Json) -> list[dict[str, Json]]:
    """Return declarations in their one form, each name once."""
    if not isinstance(variables, list):
        raise InvalidError("variables must be a list.", "variables")
    if len(variables) > MOST_VARIABLES:
        raise InvalidError(f"A version has at most {MOST_VARIABLES} variables.", "variables")
    clean = [_clean_variable(one, f"variables.{at}") for at, one in enumerate(variables)]
    names = [one["name"] for one in clean]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise InvalidError(f"The variable {twice} is declared twice.", "variables")
    return clean


def _clean_variable(variable: Json, path: str) -> dict[str, Json]:
    if not isinstance(variable, dict) or not isinstance(variable.get("name"), str):
        raise InvalidError(f"{path} must be an object with a name.", path)
    if unknown := sorted(set(variable) - VARIABLE_FIELDS):
        raise InvalidError(f"A variable has no field {unknown[0][:64]}.", path)
    name, kind, default = variable["name"], variable.get("type", "text"), variable.get("default")
    if not VARIABLE.fullmatch(name):
        raise InvalidError(VARIABLE_RULE, f"{path}.name")
    if kind not in TYPES:
        raise InvalidError(f"type must be one of {', '.join(TYPES)}.", f"{path}.type")
    clean: dict[str, Json] = {"name": name, "type": kind}
    clean["required"] = _clean_flag(variable.get("required", default is None), f"{path}.required")
    if default is not None:
        clean["default"] = _clean_default(clean, default, f"{path}.default")
    if variable.get("description"):
        words = clean_words(variable["description"], f"{path}.description", LONGEST_NOTE)
        clean["description"] = words
    return clean


def _clean_flag(value: Json, path: str) -> bool:
    if not isinstance(value, bool):
        raise InvalidError(f"{path} must be true or false.", path)
    return value


def _clean_default(variable: dict[str, Json], default: Json, path: str) -> Json:
    try:
        written = written_value(variable["name"], variable["type"], default)
    except InvalidError as error:
        raise InvalidError(str(error), path) from None
    if len(written) > LONGEST_DEFAULT:
        raise InvalidError(f"A default holds at most {LONGEST_DEFAULT:,} characters.", path)
    return default


def written_value(name: str, kind: str, value: Json) -> str:
    """Return the text that stands for a variable's value, or raise InvalidError naming it."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if kind == "text" and isinstance(value, str):
        return value
    if kind == "integer" and is_number and isinstance(value, int):
        return str(value)
    if kind == "number" and is_number and math.isfinite(value):
        return orjson.dumps(value).decode()
    if kind == "boolean" and isinstance(value, bool):
        return "true" if value else "false"
    if kind == "json":
        check_json(value, name)
        return canonical_json(value).decode()
    raise InvalidError(f"The variable {name} takes a value of type {kind}.", name)
