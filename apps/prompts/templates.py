r"""Templates: ``{{name}}`` is a variable, ``{{> folder/name@3}}`` another prompt, and that is all.

There is no template engine on purpose: texts of a library are written by many people, and an
engine would let each of them run code. What is put in for a variable is never read again, so
that hostile values stay text. ``\{{`` writes two braces; two closing braces alone are text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from apps.core.errors import InvalidError
from apps.prompts.names import LATEST, clean_label, clean_name

# What may open: an escaped pair of braces, or a pair with what is inside up to its end.
TAG = re.compile(r"\\\{\{|\{\{(?P<inside>[^{}\n]{0,300})(?P<end>\}\})?")
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
ESCAPED = r"\{{"
SHOWN = 60
MOST_ERRORS = 20
LATEST_IS_NO_PIN = (
    "latest moves with every new version; include a version by its number, or by a label."
)


@dataclass(frozen=True, slots=True)
class Include:
    """A reference to another prompt: one version of it, or what stands under a label."""

    name: str
    number: int | None = None
    label: str = ""

    def __str__(self) -> str:
        return f"{self.name}@{self.number if self.number is not None else self.label}"


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a template, and where: lines and columns count from 1."""

    line: int
    column: int
    says: str

    def __str__(self) -> str:
        return f"Line {self.line}, column {self.column}: {self.says}"


@dataclass(frozen=True, slots=True)
class Tag:
    """One tag of a template, at its place."""

    start: int
    end: int
    variable: str = ""
    include: Include | None = None
    fault: str = ""


def tags(text: str) -> Iterator[Tag]:
    """Yield the variables, includes and faults of a template in their order."""
    for match in TAG.finditer(text):
        if match[0] == ESCAPED:
            continue
        if match["end"] is None:
            yield Tag(match.start(), match.end(), fault=_never_closed(match["inside"]))
            continue
        yield _tag(match.start(), match.end(), match["inside"].strip())


def variables(text: str) -> list[str]:
    """Return the names of the variables, each once, in the order of their first places."""
    return list(dict.fromkeys(tag.variable for tag in tags(text) if tag.variable))


def includes(text: str) -> list[Include]:
    """Return what is included, each once."""
    return list(dict.fromkeys(tag.include for tag in tags(text) if tag.include))


def faults(text: str) -> list[Fault]:
    """Return what is wrong with a template, the first twenty faults."""
    found: list[Fault] = []
    for tag in tags(text):
        if tag.fault and len(found) < MOST_ERRORS:
            line, column = place_of(text, tag.start)
            found.append(Fault(line, column, tag.fault))
    return found


def place_of(text: str, at: int) -> tuple[int, int]:
    """Return the line and the column of a place, both from 1."""
    before = text[:at]
    return before.count("\n") + 1, at - before.rfind("\n")


def expand(text: str, included: Callable[[Include], str]) -> str:
    """Return a template with its includes put in; variables and escapes stay."""
    return "".join(_expanded(text, included))


def _expanded(text: str, included: Callable[[Include], str]) -> Iterator[str]:
    at = 0
    for tag in tags(text):
        if tag.include is not None:
            yield text[at : tag.start]
            yield included(tag.include)
            at = tag.end
    yield text[at:]


def substitute(text: str, values: dict[str, str]) -> str:
    """Return the text with values in the places of variables; every variable must have one."""

    def put(match: re.Match[str]) -> str:
        if match[0] == ESCAPED:
            return "{{"
        name = (match["inside"] or "").strip()
        is_variable = match["end"] is not None and VARIABLE.fullmatch(name)
        return values[name] if is_variable else match[0]

    return TAG.sub(put, text)


def _tag(start: int, end: int, inside: str) -> Tag:
    if not inside.startswith(">"):
        if VARIABLE.fullmatch(inside):
            return Tag(start, end, variable=inside)
        return Tag(start, end, fault=_no_name(inside))
    try:
        return Tag(start, end, include=read_include(inside[1:].strip()))
    except InvalidError as error:
        return Tag(start, end, fault=str(error))


def read_include(text: str) -> Include:
    """Read ``folder/name@3`` or ``folder/name@production``, or raise InvalidError."""
    name, at, pin = text.rpartition("@")
    if not at:
        message = f"{_shown(text)} names no version: write {_shown(text)}@3 or @production."
        raise InvalidError(message)
    name = clean_name(name.strip())
    if pin.isascii() and pin.isdigit() and 0 < len(pin) <= 6 and int(pin):
        return Include(name, number=int(pin))
    if pin == LATEST:
        raise InvalidError(LATEST_IS_NO_PIN)
    return Include(name, label=clean_label(pin))


def _never_closed(inside: str) -> str:
    return (
        f"{{{{{_shown(inside)} is not closed by }}}} on its line. "
        "To write two braces as they are, put a backslash before them."
    )


def _no_name(inside: str) -> str:
    return (
        f"{_shown(inside) or 'nothing'} is no name of a variable: letters, digits and _ only, not "
        "beginning with a digit. To write two braces as they are, put a backslash before them."
    )


def _shown(text: str) -> str:
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


def all_of(texts: Sequence[str], read: Callable[[str], list[str]]) -> list[str]:
    """Return what ``read`` finds in several texts, each once."""
    return list(dict.fromkeys(found for text in texts for found in read(text)))
