"""The library as a file, out and in.

One JSON document, always the same bytes for the same library, so that it can be kept under version
control: prompts by name, versions by number, labels by name. Who wrote what and when is not in it,
since a file proves neither.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from django.db import transaction

from apps.audit.actors import Actor
from apps.core.errors import DomainError, InvalidError, LimitError
from apps.prompts import moving, services
from apps.prompts.content import Content, clean_content
from apps.prompts.models import Kind, LabelMove, LabelRequest, Prompt, PromptVersion
from apps.prompts.resolving import UnresolvedError, content_of
from apps.prompts.services import About
from apps.tenants.models import Project

Json = Any

FORMAT = "playhead-prompts"
VERSION = 1
MOST_VERSIONS = 1_000
BATCH = 50
MOST_TOLD = 200
PROMPT_FIELDS = frozenset("name kind description tags archived labels versions".split())
CONTENT_FIELDS = ("parameters", "tools", "output_schema", "variables")
VERSION_FIELDS = frozenset({"version", "text", "messages", "note", *CONTENT_FIELDS})
NOT_OURS = f'This is no file of prompts: it must be an object with "format": "{FORMAT}".'


@dataclass
class Imported:
    """What an import did, and what it left out and why."""

    prompts_added: int = 0
    versions_added: int = 0
    labels_moved: int = 0
    labels_asked: int = 0
    left_out: list[dict[str, str]] = field(default_factory=list)

    def leave_out(self, path: str, error: Exception | str) -> None:
        if len(self.left_out) < MOST_TOLD:
            self.left_out.append({"path": path, "message": str(error)})


def export_lines(project: Project, *, folder: str = "", name: str = "") -> Iterator[bytes]:
    """Yield the file of a project's prompts, of a folder, or of one prompt."""
    yield f'{{"format":"{FORMAT}","version":{VERSION},"prompts":['.encode()
    rows = project.prompts.order_by("name")
    if folder:
        rows = rows.filter(name__startswith=f"{folder.rstrip('/')}/")
    if name:
        rows = rows.filter(name=name)
    is_first = True
    names = list(rows.values_list("pk", flat=True))
    for at in range(0, len(names), BATCH):
        batch = rows.filter(pk__in=names[at : at + BATCH])
        for prompt in batch.prefetch_related("labels", "versions"):
            yield (b"\n" if is_first else b",\n") + orjson.dumps(prompt_entry(prompt))
            is_first = False
    yield b"\n]}\n"


def prompt_entry(prompt: Prompt) -> dict[str, Json]:
    versions = sorted(prompt.versions.all(), key=lambda row: row.number)
    return {
        "name": prompt.name,
        "kind": prompt.kind,
        "description": prompt.description,
        "tags": prompt.tags,
        "archived": prompt.archived_at is not None,
        "labels": {row.name: row.number for row in prompt.labels.all()},
        "versions": [version_entry(row) for row in versions],
    }


def version_entry(version: PromptVersion) -> dict[str, Json]:
    content = content_of(version)
    words = "text" if isinstance(content.body, str) else "messages"
    return {
        "version": version.number,
        words: content.body,
        **{name: getattr(content, name) for name in CONTENT_FIELDS},
        "note": version.note,
    }


@transaction.atomic
def import_prompts(
    project: Project, document: Json, *, moves_labels: bool, actor: Actor
) -> Imported:
    """Add what a file has and the library has not. Nothing that is here is changed.

    Versions keep their numbers, so that includes stay right: where a version of the file differs
    from the one of its number here, the prompt is left out and told. Labels that stand elsewhere
    are moved only with ``moves_labels``.
    """
    services.hold_library(project)
    run = _Run(project, moves_labels, actor, [_Entry.of(row) for row in read_entries(document)])
    return run.finish()


def read_entries(document: Json) -> list[dict[str, Json]]:
    """Return the prompts of a file, or raise InvalidError where it is none of ours."""
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise InvalidError(NOT_OURS, "format")
    if document.get("version") != VERSION:
        raise InvalidError(f"Only version {VERSION} of the format is read.", "version")
    prompts = document.get("prompts")
    if not isinstance(prompts, list):
        raise InvalidError("prompts must be a list.", "prompts")
    for at, prompt in enumerate(prompts):
        _check_entry(prompt, f"prompts.{at}")
    count = sum(len(prompt["versions"]) for prompt in prompts)
    if count > MOST_VERSIONS:
        message = f"A file has at most {MOST_VERSIONS:,} versions; this has {count:,}. Split it."
        raise LimitError(message)
    return prompts


def _check_entry(prompt: Json, path: str) -> None:
    if not isinstance(prompt, dict) or not isinstance(prompt.get("name"), str):
        raise InvalidError(f"{path} must be an object with a name.", path)
    if unknown := sorted(set(prompt) - PROMPT_FIELDS):
        raise InvalidError(f"A prompt has no field {unknown[0][:64]}.", path)
    versions, labels = prompt.get("versions"), prompt.get("labels", {})
    if not isinstance(versions, list) or not versions:
        raise InvalidError(f"{path}.versions must be a list of at least one.", f"{path}.versions")
    if not isinstance(labels, dict) or not all(type(at) is int for at in labels.values()):
        raise InvalidError(f"{path}.labels must name a version each.", f"{path}.labels")
    for at, version in enumerate(versions):
        _check_version(version, at + 1, f"{path}.versions.{at}")
    tags = prompt.get("tags", [])
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        raise InvalidError(f"{path}.tags must be a list of texts.", f"{path}.tags")


def _check_version(version: Json, number: int, path: str) -> None:
    if not isinstance(version, dict) or version.get("version") != number:
        raise InvalidError(f"{path} must be version {number}: they go from 1 up.", path)
    if unknown := sorted(set(version) - VERSION_FIELDS):
        raise InvalidError(f"A version has no field {unknown[0][:64]}.", path)


@dataclass
class _Entry:
    """A prompt of the file, and how far it has come."""

    told: Mapping[str, Json]
    pending: list[Mapping[str, Json]]
    labels: dict[str, int]
    prompt: Prompt | None = None
    error: Exception | None = None

    @classmethod
    def of(cls, told: Mapping[str, Json]) -> _Entry:
        return cls(told, list(told["versions"]), dict(told.get("labels", {})))

    @property
    def name(self) -> str:
        return str(self.told["name"])

    @property
    def kind(self) -> str:
        first = self.told["versions"][0]
        return str(self.told.get("kind") or (Kind.CHAT if "messages" in first else Kind.TEXT))


@dataclass
class _Run:
    """One import: what includes what is not there yet waits for another round."""

    project: Project
    moves_labels: bool
    actor: Actor
    entries: Sequence[_Entry]
    done: Imported = field(default_factory=Imported)

    def finish(self) -> Imported:
        names = [entry.name for entry in self.entries]
        found = {row.name: row for row in self.project.prompts.filter(name__in=names)}
        for entry in self.entries:
            entry.prompt = found.get(entry.name)
            if entry.prompt is not None:
                entry.prompt.project = self.project
                self._pass_known(entry, entry.prompt)
        while sum(self._advance(entry) for entry in self.entries):
            pass
        for entry in self.entries:
            self._tell(entry)
            self._archive(entry)
        return self.done

    def _pass_known(self, entry: _Entry, prompt: Prompt) -> None:
        """Leave out the versions that are here already; stop where they differ."""
        if prompt.kind != entry.kind:
            entry.pending, entry.labels = [], {}
            entry.error = InvalidError(f"It is a {prompt.kind} here, and a {entry.kind} there.")
            return
        digests = dict(prompt.versions.values_list("number", "digest"))
        while entry.pending and entry.pending[0]["version"] in digests:
            told = entry.pending[0]
            try:
                digest = clean_content(prompt.kind, read_version(told)).digest
            except DomainError as error:
                entry.pending, entry.labels, entry.error = [], {}, error
                return
            if digest != digests[told["version"]]:
                message = f"Version {told['version']} here says something else. Nothing was added."
                entry.pending, entry.labels, entry.error = [], {}, InvalidError(message)
                return
            entry.pending.pop(0)

    def _advance(self, entry: _Entry) -> bool:
        """Add what can be added of one prompt; tell whether there was something."""
        before = (len(entry.pending), len(entry.labels))
        while entry.pending and self._add(entry):
            entry.pending.pop(0)
        if entry.prompt is not None:
            for label, number in list(entry.labels.items()):
                self._label(entry, entry.prompt, label, number)
        return before != (len(entry.pending), len(entry.labels))

    def _add(self, entry: _Entry) -> bool:
        told = entry.pending[0]
        try:
            with transaction.atomic():
                content, note = read_version(told), told.get("note", "")
                if entry.prompt is None:
                    version = services.create_prompt(
                        self.project,
                        about=About(
                            entry.name,
                            entry.kind,
                            description=entry.told.get("description", ""),
                            tags=entry.told.get("tags", []),
                        ),
                        content=content,
                        note=note,
                        actor=self.actor,
                    )
                    entry.prompt = version.prompt
                    self.done.prompts_added += 1
                else:
                    services.add_version(entry.prompt, content=content, note=note, actor=self.actor)
        except UnresolvedError as error:
            # Perhaps what it includes comes later in the file.
            entry.error = error
            return False
        except DomainError as error:
            entry.error, entry.pending[1:] = error, []
            return False
        entry.error = None
        self.done.versions_added += 1
        return True

    def _label(self, entry: _Entry, prompt: Prompt, label: str, number: int) -> None:
        stands = prompt.labels.filter(name=label).first()
        if stands is not None and (stands.number == number or not self.moves_labels):
            del entry.labels[label]
            return
        try:
            with transaction.atomic():
                why = "Imported from a file"
                result = moving.move_label(
                    prompt, label=label, number=number, why=why, actor=self.actor
                )
        except DomainError as error:
            entry.error = entry.error or error
            return
        del entry.labels[label]
        self.done.labels_moved += isinstance(result, LabelMove)
        self.done.labels_asked += isinstance(result, LabelRequest)

    def _tell(self, entry: _Entry) -> None:
        if entry.pending:
            path = f"{entry.name} v{entry.pending[0]['version']}"
            self.done.leave_out(path, entry.error or "It could not be added.")
        elif entry.labels:
            path = f"{entry.name}: {', '.join(entry.labels)}"
            self.done.leave_out(path, entry.error or "There is no such version.")
        elif entry.error is not None:
            self.done.leave_out(entry.name, entry.error)

    def _archive(self, entry: _Entry) -> None:
        is_whole = entry.prompt is not None and not entry.pending and entry.error is None
        if not is_whole or not entry.told.get("archived") or entry.prompt is None:
            return
        try:
            services.change_prompt(entry.prompt, changes={"is_archived": True}, actor=self.actor)
        except DomainError as error:
            self.done.leave_out(entry.name, error)


def read_version(told: Mapping[str, Json]) -> Content:
    """Return the content of a version of a file, unchecked."""
    if ("text" in told) == ("messages" in told):
        raise InvalidError("A version has text or messages.", "text")
    body = told["text"] if "text" in told else told["messages"]
    return Content(body, **{name: told[name] for name in CONTENT_FIELDS if name in told})
