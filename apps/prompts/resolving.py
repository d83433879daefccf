"""Includes put in: what a version says once every other prompt that it names stands in it.

Prompts may include others by label, and labels move. So what is asked here for one version may
be asked for a label that is only about to move: ``Moved`` says which.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Q

from apps.core.errors import ConflictError, InvalidError, LimitError
from apps.prompts import templates
from apps.prompts.checks import refusal
from apps.prompts.content import Content, texts_of
from apps.prompts.models import Kind, Prompt, PromptVersion
from apps.prompts.templates import Include
from apps.prompts.variables import written_value
from apps.tenants.models import Project

Json = Any

DEEPEST = 5
# Of a version with all that it includes, in characters.
LARGEST = 1024 * 1024
Held = tuple[str, int]


class UnresolvedError(ConflictError):
    """A prompt includes what is not there, what includes it in turn, or too much."""

    title = "Includes that cannot be put in"


@dataclass(frozen=True)
class Moved:
    """A label that is taken to stand elsewhere than it does."""

    name: str
    label: str
    number: int | None


@dataclass
class Shelf:
    """What was read of the library to put includes in: few queries, however many includes."""

    project: Project
    moved: Moved | None = None
    versions: dict[Held, PromptVersion] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)
    labels: dict[tuple[str, str], int] = field(default_factory=dict)

    def load(self, wanted: Iterable[Include]) -> None:
        """Read versions and all that they include, one depth after the other."""
        level = list(wanted)
        for _ in range(DEEPEST + 1):
            missing = [one for one in level if self.held(one) not in self.versions]
            if not missing:
                return
            self._read_labels({one.name for one in missing})
            found = self._read_versions({self.held(one) for one in missing} - {None})
            level = [
                one
                for row in found
                for text in texts_of(row.body)
                for one in templates.includes(text)
            ]

    def held(self, include: Include) -> Held | None:
        """Return which version a reference means, None where the label stands nowhere."""
        if include.number is not None:
            return include.name, include.number
        number = self.labels.get((include.name, include.label))
        if self.moved and (self.moved.name, self.moved.label) == (include.name, include.label):
            number = self.moved.number
        return None if number is None else (include.name, number)

    def _read_labels(self, names: set[str]) -> None:
        names -= {name for name, _ in self.labels}
        rows = self.project.prompt_labels.filter(prompt__name__in=names)
        for name, label, number in rows.values_list("prompt__name", "name", "number"):
            self.labels[name, label] = number

    def _read_versions(self, held: Iterable[Held | None]) -> Sequence[PromptVersion]:
        wanted = Q()
        for one in held:
            if one is not None:
                wanted |= Q(prompt__name=one[0], number=one[1])
        if not wanted:
            return []
        rows = list(self.project.prompt_versions.filter(wanted).select_related("prompt"))
        for row in rows:
            self.versions[row.prompt.name, row.number] = row
            self.kinds[row.prompt.name] = row.prompt.kind
        return rows


@dataclass(frozen=True)
class Resolved:
    """A version with its includes put in, and the variables that it then takes."""

    body: Json
    variables: list[dict[str, Json]]
    # Which versions were put in: ("policies/refunds", 3).
    included: list[Held]

    @property
    def placeholders(self) -> list[str]:
        if isinstance(self.body, str):
            return []
        return [one["placeholder"] for one in self.body if "placeholder" in one]


@dataclass
class Resolver:
    """Puts includes in, depth first, knowing the way it came."""

    shelf: Shelf
    included: dict[Held, None] = field(default_factory=dict)
    variables: dict[str, dict[str, Json]] = field(default_factory=dict)
    size: int = 0

    def expand(self, text: str, way: tuple[Held, ...]) -> str:
        self.size += len(text)
        if self.size > LARGEST:
            message = f"{_named(way[0])} with all that it includes is over {LARGEST:,} characters."
            raise LimitError(message)
        return templates.expand(text, lambda one: self._text_of(one, way))

    def declare(self, variables: Iterable[dict[str, Json]]) -> None:
        """Take declarations; those of what includes win over those of what is included."""
        for one in variables:
            self.variables.setdefault(one["name"], one)

    def _text_of(self, include: Include, way: tuple[Held, ...]) -> str:
        held = self.shelf.held(include)
        if held is not None and held in way:
            round_trip = " → ".join(_named(one) for one in (*way[way.index(held) :], held))
            raise UnresolvedError(f"Prompts would include each other: {round_trip}.")
        if len(way) > DEEPEST:
            ways = " → ".join(_named(one) for one in way)
            raise UnresolvedError(f"Includes go at most {DEEPEST} deep: {ways}.")
        version = None if held is None else self.shelf.versions.get(held)
        if held is None or version is None:
            raise UnresolvedError(f"{_named(way[-1])} includes {include}, which does not exist.")
        if self.shelf.kinds[held[0]] != Kind.TEXT:
            message = f"{_named(way[-1])} includes {include}, a chat; only texts can be included."
            raise UnresolvedError(message)
        self.included[held] = None
        text = self.expand(version.body, (*way, held))
        self.declare(version.variables)
        return text


def resolve(
    prompt: Prompt, number: int, content: Content, *, moved: Moved | None = None
) -> Resolved:
    """Put in all that a version includes, or raise an error that names the way that fails."""
    shelf = Shelf(prompt.project, moved)
    shelf.load(content.includes)
    resolver = Resolver(shelf)
    resolver.declare(content.variables)
    start = ((prompt.name, number),)
    body = map_texts(content.body, lambda text: resolver.expand(text, start))
    return Resolved(body, list(resolver.variables.values()), list(resolver.included))


def content_of(version: PromptVersion) -> Content:
    return Content(**version.content)


def resolve_version(version: PromptVersion, *, moved: Moved | None = None) -> Resolved:
    """Put in all that a stored version includes."""
    return resolve(version.prompt, version.number, content_of(version), moved=moved)


def fill(resolved: Resolved, values: dict[str, Json]) -> Json:
    """Return the words with values put in, or raise InvalidError naming each bad variable."""
    written = write_values(resolved, values)
    return map_texts(resolved.body, lambda text: templates.substitute(text, written))


def map_texts(body: Json, change: Callable[[str], str]) -> Json:
    """Return a body with every text of it changed."""
    if isinstance(body, str):
        return change(body)
    return [one | {"content": change(one["content"])} if "content" in one else one for one in body]


def write_values(resolved: Resolved, values: dict[str, Json]) -> dict[str, str]:
    """Return the text of each variable's value, defaults where none is given."""
    declared = {one["name"]: one for one in resolved.variables}
    errors = [
        {"path": name, "message": f"There is no variable {name[:64]}."}
        for name in values
        if name not in declared
    ]
    written: dict[str, str] = {}
    for name, one in declared.items():
        value = values.get(name, one.get("default"))
        if value is None:
            if one["required"]:
                errors.append({"path": name, "message": f"The variable {name} needs a value."})
            written[name] = ""
            continue
        try:
            written[name] = written_value(name, one["type"], value)
        except InvalidError as error:
            errors += error.errors
    if errors:
        raise refusal(errors)
    return written


def _named(held: Held) -> str:
    return f"{held[0]} v{held[1]}"
