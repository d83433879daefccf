"""Reads of the library."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields

from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.http import Http404

from apps.core.errors import InvalidError
from apps.core.paging import Page, decode_cursor, decode_position, encode_cursor
from apps.prompts.models import (
    LabelMove,
    LabelRequest,
    Prompt,
    PromptInclude,
    PromptSettings,
    PromptVersion,
    RequestState,
)
from apps.prompts.names import LATEST, LONGEST_NAME, clean_label
from apps.tenants.models import Project

LARGEST_NUMBER = 2**31 - 1
LONGEST_WORDS = 200
MOST_FOLDERS = 300
SHOWN = ("in_use", "archived", "all")
COMMON = frozenset({"project"})


def refuse_unknown(query: Mapping[str, str], known: Collection[str]) -> None:
    """Raise InvalidError naming the query parameter that is none of ours."""
    if unknown := sorted(set(query) - set(known)):
        raise InvalidError(f"Unknown query parameter: {unknown[0][:64]}.", unknown[0][:64])


@dataclass(frozen=True)
class PromptFilters:
    """What a list of prompts is narrowed by; empty: not at all."""

    q: str = ""
    folder: str = ""
    tag: str = ""
    label: str = ""
    kind: str = ""
    state: str = "in_use"

    @classmethod
    def from_query(cls, query: Mapping[str, str], *, also: frozenset[str]) -> PromptFilters:
        """Read filters; a name or value that is none of ours is an error that names it."""
        own = {one.name for one in fields(cls)}
        refuse_unknown(query, own | also)
        values = {name: query[name] for name in own if query.get(name)}
        for name, value in values.items():
            if len(value) > LONGEST_WORDS or "\x00" in value:
                message = f"{name} must be at most {LONGEST_WORDS} characters, without NUL."
                raise InvalidError(message, name)
        if values.get("state", "in_use") not in SHOWN:
            raise InvalidError(f"state must be one of {', '.join(SHOWN)}.", "state")
        if values.get("kind", "text") not in ("text", "chat"):
            raise InvalidError("kind must be text or chat.", "kind")
        return cls(**values)

    @property
    def is_narrowed(self) -> bool:
        return self != PromptFilters()


def prompt_page(
    project: Project, filters: PromptFilters, *, cursor: str | None, limit: int
) -> Page[Prompt]:
    """Return prompts in the order of their names, labels read with them."""
    rows = filtered(project, filters).order_by("name")
    if cursor:
        [name] = decode_cursor(cursor, 1)
        if not isinstance(name, str) or len(name) > LONGEST_NAME or "\x00" in name:
            raise InvalidError("This cursor is not one that Playhead gave out.", "cursor")
        rows = rows.filter(name__gt=name)
    found = list(rows.select_related("owner").prefetch_related("labels")[: limit + 1])
    following = encode_cursor(found[limit - 1].name) if len(found) > limit else None
    for prompt in found:
        prompt.project = project
    return Page(found[:limit], next=following)


def filtered(project: Project, filters: PromptFilters) -> QuerySet[Prompt]:
    rows = project.prompts.all()
    if filters.state != "all":
        rows = rows.filter(archived_at__isnull=filters.state == "in_use")
    for word in filters.q.split():
        rows = rows.filter(Q(name__icontains=word) | Q(description__icontains=word))
    if filters.folder:
        rows = rows.filter(name__startswith=f"{filters.folder.rstrip('/')}/")
    if filters.tag:
        rows = rows.filter(tags__contains=[filters.tag])
    if filters.kind:
        rows = rows.filter(kind=filters.kind)
    if filters.label:
        held = project.prompt_labels.filter(prompt=OuterRef("pk"), name=filters.label)
        rows = rows.filter(Exists(held))
    return rows


@dataclass(frozen=True)
class Folder:
    """A folder of the library, and how many prompts in use lie under it."""

    path: str
    count: int

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]

    @property
    def depth(self) -> int:
        return self.path.count("/")


def folders_of(project: Project) -> list[Folder]:
    """Return the folders in the order of a tree, the first three hundred."""
    counts: dict[str, int] = {}
    for name in project.prompts.filter(archived_at=None, name__contains="/").values_list(
        "name", flat=True
    ):
        parts = name.split("/")[:-1]
        for depth in range(1, len(parts) + 1):
            path = "/".join(parts[:depth])
            counts[path] = counts.get(path, 0) + 1
    ordered = sorted(counts, key=lambda path: path.split("/"))
    return [Folder(path, counts[path]) for path in ordered[:MOST_FOLDERS]]


def tags_of(project: Project) -> list[str]:
    """Return every tag of prompts in use."""
    rows = project.prompts.filter(archived_at=None).exclude(tags=[]).values_list("tags", flat=True)
    return sorted({tag for tags in rows for tag in tags})


def find_prompt(project: Project, name: str) -> Prompt:
    """Return a prompt by its name, or a 404."""
    if "\x00" in name:
        raise Http404
    prompt = project.prompts.select_related("owner").filter(name=name).first()
    if prompt is None:
        raise Http404("There is no such prompt.")
    prompt.project = project
    return prompt


def find_version(prompt: Prompt, number: int) -> PromptVersion:
    """Return a version by its number, or a 404."""
    version = prompt.versions.filter(number=number).first() if 0 < number < 2**31 else None
    if version is None:
        raise Http404("There is no such version of this prompt.")
    version.prompt = prompt
    return version


def number_at(prompt: Prompt, *, label: str = "", version: str = "") -> int:
    """Return the number of the version that is meant; without label and version the newest."""
    if label and version:
        raise InvalidError("Ask for a label or for a version, not for both.", "version")
    if version:
        return read_number(version)
    if not label or label == LATEST:
        return prompt.last_number
    found = prompt.labels.filter(name=clean_label(label)).values_list("number", flat=True).first()
    if found is None:
        raise Http404(f"No version of this prompt has the label {label}.")
    return found


def read_number(text: str, path: str = "version") -> int:
    """Return the number of a version as an address has it."""
    is_number = text.isascii() and text.isdigit() and len(text) <= 9
    if not is_number or not int(text):
        raise InvalidError(f"{path} must be a version's number, from 1.", path)
    return int(text)


def version_page(prompt: Prompt, *, cursor: str | None, limit: int) -> Page[PromptVersion]:
    """Return versions, the newest first, without their words."""
    rows = prompt.versions.order_by("-number").defer("body", "tools", "output_schema")
    if cursor:
        rows = rows.filter(number__lt=min(decode_position(cursor), LARGEST_NUMBER))
    found = list(rows[: limit + 1])
    following = encode_cursor(found[limit - 1].number) if len(found) > limit else None
    return Page(found[:limit], next=following)


def labels_of(prompt: Prompt) -> dict[int, list[str]]:
    """Return the labels of each version that has some; the newest has ``latest`` besides."""
    held: dict[int, list[str]] = {}
    for row in prompt.labels.all():
        held.setdefault(row.number, []).append(row.name)
    held.setdefault(prompt.last_number, []).append(LATEST)
    return held


def move_page(prompt: Prompt, *, cursor: str | None, limit: int) -> Page[LabelMove]:
    """Return the moves of all labels, the latest first."""
    rows = prompt.moves.order_by("-pk")
    if cursor:
        rows = rows.filter(pk__lt=decode_position(cursor))
    found = list(rows[: limit + 1])
    following = encode_cursor(found[limit - 1].pk) if len(found) > limit else None
    return Page(found[:limit], next=following)


def open_requests(prompt: Prompt) -> list[LabelRequest]:
    return list(prompt.requests.filter(state=RequestState.OPEN).order_by("pk"))


def waiting_requests(project: Project, limit: int) -> list[LabelRequest]:
    """Return what waits for a second person anywhere in the project, the oldest first."""
    rows = project.label_requests.filter(state=RequestState.OPEN).select_related("prompt")
    return list(rows.order_by("pk")[:limit])


def settings_of(project: Project) -> PromptSettings:
    """Return the project's settings; those of one that never changed them are not stored."""
    found: PromptSettings | None = getattr(project, "prompt_settings", None)
    return found or PromptSettings(project=project)


def users_of(prompt: Prompt, limit: int = 200) -> Sequence[PromptInclude]:
    """Return which versions of other prompts include this one, the newest versions first."""
    rows = prompt.included_in.select_related("prompt")
    return list(rows.order_by("prompt__name", "-number", "target_number", "target_label")[:limit])


def live_users_of(prompt: Prompt) -> list[PromptInclude]:
    """Return those among them that are somebody's newest version or stand under a label."""
    held = prompt.project.prompt_labels
    labelled = held.filter(prompt=OuterRef("prompt"), number=OuterRef("number"))
    rows = prompt.included_in.select_related("prompt").filter(prompt__archived_at=None)
    is_live = Q(Exists(labelled)) | Q(number=F("prompt__last_number"))
    return list(rows.filter(is_live).exclude(prompt=prompt).order_by("prompt__name", "-number"))
