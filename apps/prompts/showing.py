"""How a version is laid out on pages: its lines, numbered, with the tags in them and comments."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from apps.prompts import templates
from apps.prompts.content import lines_of
from apps.prompts.models import PromptVersion, VersionComment
from apps.prompts.templates import Include

Json = Any

# Lines that a page draws; the rest is told, and is in the files.
MOST_LINES = 3_000
# Marks of direction, spaces of no width, and tags: words that are read and not seen.
HIDDEN = re.compile(
    "[\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\U000e0000-\U000e007f]{1,20}"
)


@dataclass(frozen=True, slots=True)
class Part:
    """A run of a line: plain text, a variable, or an include."""

    text: str
    kind: str = ""
    include: Include | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One line as it is shown, from 1, and what was said about it."""

    number: int
    parts: Sequence[Part]
    is_head: bool = False
    comments: Sequence[VersionComment] = ()


@dataclass(frozen=True)
class Shown:
    """The JSON of a version as people read it; empty where there is nothing."""

    parameters: str
    tools: str
    output_schema: str

    @classmethod
    def of(cls, version: PromptVersion) -> Shown:
        return cls(
            parameters=pretty(version.parameters) if version.parameters else "",
            tools=pretty(version.tools) if version.tools else "",
            output_schema="" if version.output_schema is None else pretty(version.output_schema),
        )


def pretty(value: Json) -> str:
    """Return JSON as people write it."""
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()


def lines_with_comments(version: PromptVersion) -> list[Line]:
    """Return the lines of a version with what was said about each; one query."""
    said: dict[int, list[VersionComment]] = {}
    rows = version.prompt.comments.filter(number=version.number, line__isnull=False)
    for comment in rows.order_by("pk"):
        said.setdefault(comment.line or 0, []).append(comment)
    kind = version.prompt.kind
    heads = head_lines(version)
    return [
        Line(
            number,
            (Part(text),) if number in heads else tuple(parts_of(text)),
            is_head=number in heads,
            comments=said.get(number, ()),
        )
        for number, text in enumerate(lines_of(kind, version.body)[:MOST_LINES], start=1)
    ]


def has_hidden(lines: Sequence[Line]) -> bool:
    return any(part.kind == "hidden" for line in lines for part in line.parts)


def head_lines(version: PromptVersion) -> set[int]:
    """Return which lines say who speaks, rather than being spoken."""
    if not version.prompt.is_chat:
        return set()
    heads, at = set(), 1
    for message in version.body:
        heads.add(at)
        at += 1 + (message["content"].count("\n") + 1 if "content" in message else 0)
    return heads


def parts_of(line: str) -> Iterator[Part]:
    """Yield a line's text and tags in their order."""
    at = 0
    for tag in templates.tags(line):
        if tag.start > at:
            yield from told(line[at : tag.start])
        kind = "variable" if tag.variable else "include" if tag.include else ""
        yield Part(line[tag.start : tag.end], kind, tag.include)
        at = tag.end
    yield from told(line[at:])


def told(text: str) -> Iterator[Part]:
    """Yield plain text with what hides in it by its number: what a model reads, people must see."""
    at = 0
    for match in HIDDEN.finditer(text):
        if match.start() > at:
            yield Part(text[at : match.start()])
        yield Part(" ".join(f"U+{ord(sign):04X}" for sign in match[0]), "hidden")
        at = match.end()
    if at < len(text):
        yield Part(text[at:])
