"""What a version holds: its one checked form, its limits, its digest, its words as lines."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from apps.core.canonical import canonical_json
from apps.core.errors import InvalidError
from apps.prompts import templates
from apps.prompts.checks import (
    KIB,
    LONGEST_TEXT,
    check_json,
    check_size,
    clean_text,
    clean_words,
    refusal,
)
from apps.prompts.models import LONGEST_NOTE, Kind
from apps.prompts.templates import VARIABLE, Include
from apps.prompts.variables import MOST_VARIABLES, clean_variables

Json = Any

LARGEST_PARAMETERS = 64 * KIB
LARGEST_TOOLS = 256 * KIB
LARGEST_SCHEMA = 256 * KIB
MOST_MESSAGES = 200
MOST_TOOLS = 128
MOST_INCLUDES = 50
ROLES = ("system", "developer", "user", "assistant", "tool")
MESSAGE_FIELDS = frozenset({"role", "content", "name"})


@dataclass(frozen=True)
class Content:
    """All that a version can differ from another in, checked and in its one form."""

    body: Json
    parameters: dict[str, Json] = field(default_factory=dict)
    tools: list[Json] = field(default_factory=list)
    output_schema: Json = None
    variables: list[dict[str, Json]] = field(default_factory=list)

    @property
    def texts(self) -> list[str]:
        """Every text of the body that is a template."""
        return texts_of(self.body)

    @property
    def includes(self) -> list[Include]:
        return list(dict.fromkeys(one for text in self.texts for one in templates.includes(text)))

    @property
    def digest(self) -> str:
        return hashlib.sha256(canonical_json(vars(self))).hexdigest()


def texts_of(body: Json) -> list[str]:
    """Return every text of a body that is a template."""
    if isinstance(body, str):
        return [body]
    return [message["content"] for message in body if "content" in message]


def clean_content(kind: str, sent: Content) -> Content:
    """Return a version's content in the form that is stored, or raise an error naming the field."""
    body = clean_text(sent.body, "text") if kind == Kind.TEXT else _clean_messages(sent.body)
    check_size(body, "messages" if kind == Kind.CHAT else "text", LONGEST_TEXT)
    content = replace(
        sent,
        body=body,
        parameters=_clean_object(sent.parameters, "parameters", LARGEST_PARAMETERS),
        tools=_clean_tools(sent.tools),
        output_schema=_clean_schema(sent.output_schema),
        variables=clean_variables(sent.variables),
    )
    check_template(content)
    if len(content.includes) > MOST_INCLUDES:
        raise InvalidError(f"A version includes at most {MOST_INCLUDES} others.", "includes")
    return replace(content, variables=declare(content))


def check_template(content: Content) -> None:
    """Raise InvalidError naming the line of each fault of the body's templates."""
    told = [
        {"path": path, "message": str(fault)}
        for path, text in _placed(content.body)
        for fault in templates.faults(text)
    ]
    if told:
        raise refusal(told[: templates.MOST_ERRORS])


def declare(content: Content) -> list[dict[str, Json]]:
    """Return the variables, those that the words use and nobody declared as required text."""
    declared = {one["name"] for one in content.variables}
    used = templates.all_of(content.texts, templates.variables)
    found = [one for one in used if one not in declared]
    variables = [
        *content.variables,
        *({"name": n, "type": "text", "required": True} for n in found),
    ]
    if len(variables) > MOST_VARIABLES:
        raise InvalidError(f"A version has at most {MOST_VARIABLES} variables.", "variables")
    return variables


def clean_note(text: str) -> str:
    return clean_words(text, "note", LONGEST_NOTE)


def lines_of(kind: str, body: Json) -> list[str]:
    """Return a version as people see, compare and comment it: line by line.

    Each message of a chat is headed by a line that says who speaks.
    """
    if kind == Kind.TEXT:
        return str(body).split("\n")
    return [line for message in body for line in _lines_of_message(message)]


def _lines_of_message(message: Mapping[str, str]) -> list[str]:
    if "placeholder" in message:
        return [f"[messages: {message['placeholder']}]"]
    name = f" {message['name']}" if "name" in message else ""
    return [f"[{message['role']}{name}]", *message["content"].split("\n")]


def _placed(body: Json) -> list[tuple[str, str]]:
    if isinstance(body, str):
        return [("text", body)]
    return [
        (f"messages.{at}.content", one["content"])
        for at, one in enumerate(body)
        if "content" in one
    ]


def _clean_messages(messages: Json) -> list[dict[str, str]]:
    if not isinstance(messages, list) or not messages:
        raise InvalidError("messages must be a list of at least one message.", "messages")
    if len(messages) > MOST_MESSAGES:
        raise InvalidError(f"A prompt has at most {MOST_MESSAGES} messages.", "messages")
    clean = [_clean_message(one, f"messages.{at}") for at, one in enumerate(messages)]
    places = [one["placeholder"] for one in clean if "placeholder" in one]
    if len(places) != len(set(places)):
        raise InvalidError("Two placeholders have the same name.", "messages")
    return clean


def _clean_message(message: Json, path: str) -> dict[str, str]:
    if not isinstance(message, dict):
        raise InvalidError(f"{path} must be an object.", path)
    if set(message) == {"placeholder"}:
        name = message["placeholder"]
        if not isinstance(name, str) or not VARIABLE.fullmatch(name):
            raise InvalidError("A placeholder is named as a variable is.", f"{path}.placeholder")
        return {"placeholder": name}
    if unknown := sorted(set(message) - MESSAGE_FIELDS):
        raise InvalidError(
            f"A message has no field {unknown[0][:64]}.", f"{path}.{unknown[0][:64]}"
        )
    if message.get("role") not in ROLES:
        raise InvalidError(f"role must be one of {', '.join(ROLES)}.", f"{path}.role")
    content = clean_text(message.get("content"), f"{path}.content", may_be_empty=True)
    clean = {"role": message["role"], "content": content}
    if message.get("name") is not None:
        clean["name"] = clean_text(message["name"], f"{path}.name")[:LONGEST_NOTE]
    return clean


def _clean_object(value: Json, path: str, largest: int) -> dict[str, Json]:
    if not isinstance(value, dict):
        raise InvalidError(f"{path} must be a JSON object.", path)
    check_json(value, path)
    check_size(value, path, largest)
    return value


def _clean_tools(tools: Json) -> list[Json]:
    if not isinstance(tools, list) or not all(isinstance(tool, dict) for tool in tools):
        raise InvalidError("tools must be a list of JSON objects.", "tools")
    if len(tools) > MOST_TOOLS:
        raise InvalidError(f"A version has at most {MOST_TOOLS} tools.", "tools")
    check_json(tools, "tools")
    check_size(tools, "tools", LARGEST_TOOLS)
    return tools


def _clean_schema(schema: Json) -> Json:
    if schema is None:
        return None
    return _clean_object(schema, "output_schema", LARGEST_SCHEMA)
