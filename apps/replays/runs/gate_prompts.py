"""Prompts that lie in the repository of a gate file: a candidate names the file.

What a file says becomes a version of its prompt, where no version says it yet, and the candidate
is run with that version. A candidate that names a version besides, or a system message, is run
with that; the file then only tells where a finding belongs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any

from django.db import transaction

from apps.audit.actors import Actor
from apps.core.errors import InvalidError
from apps.prompts import services, templates
from apps.prompts.content import Content, clean_content
from apps.prompts.files import read_version
from apps.prompts.models import Kind, Prompt
from apps.prompts.resolving import content_of
from apps.prompts.services import About
from apps.tenants.models import Project

Json = Any

LONGEST_PATH = 500
# Of the path of a file, which is no part of the prompt's name.
FOLDER = "prompts/"
RULE = (
    "A file is named by its path in the repository, with slashes: prompts/triage.md. "
    "It lies below the folder that the command is run in."
)


@dataclass(frozen=True, slots=True)
class PromptFile:
    """A file that a candidate is made of."""

    # The candidate's place in the gate file, from 0.
    at: int
    path: str
    prompt: str

    @property
    def place(self) -> str:
        return f"candidates.{self.at}.file"


@dataclass(frozen=True, slots=True)
class Pushed:
    """What became of a file."""

    file: PromptFile
    # None: no version says it yet, and none was added.
    version: int | None
    is_new: bool


def files_wanted(told: Mapping[str, Json]) -> list[PromptFile]:
    """Return the files whose words are needed. Raises InvalidError naming the candidate."""
    candidates = told.get("candidates")
    if not isinstance(candidates, list):
        return []
    found = [_wanted(at, one) for at, one in enumerate(candidates) if isinstance(one, dict)]
    return [one for one in found if one is not None]


def _wanted(at: int, told: Mapping[str, Json]) -> PromptFile | None:
    if "file" not in told:
        return None
    path = _checked(told["file"], f"candidates.{at}.file")
    prompt = told.get("prompt")
    if told.get("system") is not None or (isinstance(prompt, str) and set(prompt) & set("@:")):
        return None
    return PromptFile(at, path, prompt if isinstance(prompt, str) else _name_of(path))


def _checked(path: Json, place: str) -> str:
    if not isinstance(path, str) or not 0 < len(path) <= LONGEST_PATH or not path.isprintable():
        raise InvalidError(RULE, place)
    parts = PurePosixPath(path).parts
    if not parts or parts[0] == "/" or ".." in parts or set(path) & set("\\:"):
        raise InvalidError(RULE, place)
    return path


def _name_of(path: str) -> str:
    """Return the prompt that a file stands for: prompts/support/triage.md is support/triage."""
    name = str(PurePosixPath(path).with_suffix(""))
    return name.removeprefix(FOLDER)


@transaction.atomic
def push_files(
    project: Project, wanted: Sequence[PromptFile], texts: Mapping[str, str], *, actor: Actor
) -> list[Pushed]:
    """Add a version for each file that says what no version says.

    Raises InvalidError naming the candidate's file, where it cannot be a version.
    """
    services.hold_library(project)
    return [_push(project, file, texts, actor) for file in wanted]


def look_up_files(
    project: Project, wanted: Sequence[PromptFile], texts: Mapping[str, str]
) -> list[Pushed]:
    """Return which versions say what the files say, and add nothing.

    Raises InvalidError naming the candidate's file, where it cannot be a version.
    """
    found = []
    for file in wanted:
        prompt = _prompt(project, file)
        content = _content(file, texts, prompt)
        number = _number(prompt, content) if prompt else None
        found.append(Pushed(file, number, is_new=number is None))
    return found


def _push(project: Project, file: PromptFile, texts: Mapping[str, str], actor: Actor) -> Pushed:
    prompt = _prompt(project, file)
    content = _content(file, texts, prompt)
    number = _number(prompt, content) if prompt else None
    if number is not None:
        return Pushed(file, number, is_new=False)
    note = f"From {file.path}"[:200]
    try:
        if prompt is None:
            about = About(file.prompt, _kind(content))
            made = services.create_prompt(
                project, about=about, content=content, actor=actor, note=note
            )
        else:
            made = services.add_version(prompt, content=content, actor=actor, note=note)
    except InvalidError as error:
        raise InvalidError(f"{file.path}: {error}", file.place) from None
    return Pushed(file, made.number, is_new=True)


def _prompt(project: Project, file: PromptFile) -> Prompt | None:
    prompt = project.prompts.filter(name=file.prompt).first()
    if prompt is not None:
        prompt.project = project
    return prompt


def _content(file: PromptFile, texts: Mapping[str, str], prompt: Prompt | None) -> Content:
    """Return what a file says; what it does not say is as the newest version has it."""
    if file.path not in texts:
        raise InvalidError(f"{file.path} was not sent.", file.place)
    sent = _read(file, texts[file.path].replace("\r\n", "\n").removesuffix("\n"))
    newest = _newest(prompt)
    if newest is not None and not file.path.endswith(".json"):
        used = set(templates.all_of(sent.texts, templates.variables))
        kept = [one for one in newest.variables if one["name"] in used]
        sent = replace(newest, body=sent.body, variables=kept)
    try:
        return clean_content(prompt.kind if prompt else _kind(sent), sent)
    except InvalidError as error:
        says = error.errors[0]["message"] if error.errors else str(error)
        raise InvalidError(f"{file.path}: {says}", file.place) from None


def _read(file: PromptFile, text: str) -> Content:
    """Read words as they are, and JSON as a version of the library's files, or as messages."""
    if not file.path.endswith(".json"):
        return Content(text)
    try:
        told = json.loads(text)
        told = {"messages": told} if isinstance(told, list) else dict(told)
        return read_version(told)
    except (ValueError, TypeError, RecursionError, InvalidError):
        message = f"{file.path} holds no list of messages, and no version with text or messages."
        raise InvalidError(message, file.place) from None


def _newest(prompt: Prompt | None) -> Content | None:
    if prompt is None:
        return None
    version = prompt.versions.filter(number=prompt.last_number).first()
    return None if version is None else content_of(version)


def _kind(content: Content) -> str:
    return Kind.TEXT if isinstance(content.body, str) else Kind.CHAT


def _number(prompt: Prompt, content: Content) -> int | None:
    """Return the newest version that says exactly this."""
    same = prompt.versions.filter(digest=content.digest).order_by("-number")
    return same.values_list("number", flat=True).first()
