"""Every change to prompts and their versions. Labels are moved in ``moving``.

Whatever may change what a template includes holds the project first, so that two changes that are
harmless alone cannot make a circle together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.audit import services as audit
from apps.audit.actors import Actor
from apps.core.errors import ConflictError, InvalidError
from apps.prompts import queries
from apps.prompts.checks import clean_words
from apps.prompts.content import Content, clean_content, clean_note
from apps.prompts.models import LONGEST_DESCRIPTION, Kind, Prompt, PromptSettings, PromptVersion
from apps.prompts.names import clean_label, clean_name, clean_tags
from apps.prompts.resolving import resolve
from apps.tenants.access import people_who_may_see
from apps.tenants.models import Project
from apps.tenants.permissions import Permission

MOST_PROMPTS = 10_000
MOST_VERSIONS = 10_000
MOST_PROTECTED = 50
FIELDS = frozenset({"description", "tags", "owner", "is_archived"})


class SameVersionError(ConflictError):
    """What was sent is the newest version again, word for word; nothing was added."""

    title = "Nothing new"

    def __init__(self, prompt: Prompt) -> None:
        super().__init__(f"This is version {prompt.last_number} as it stands: nothing was added.")


@dataclass(frozen=True)
class About:
    """A new prompt beside its versions."""

    name: str
    kind: str = Kind.TEXT
    description: str = ""
    tags: Sequence[str] = field(default_factory=list)
    owner: User | None = None


@transaction.atomic
def create_prompt(
    project: Project, *, about: About, content: Content, actor: Actor, note: str = ""
) -> PromptVersion:
    """Add a prompt with its first version, and return that."""
    hold_library(project)
    told = dict(vars(about))
    name, kind = clean_name(told.pop("name")), told.pop("kind")
    if kind not in Kind.values:
        raise InvalidError(f"kind must be one of {', '.join(Kind.values)}.", "kind")
    if project.prompts.filter(name=name).exists():
        raise ConflictError(f"There is a prompt {name} already. Add a version to it.")
    if project.prompts.count() >= MOST_PROMPTS:
        raise ConflictError(f"A project has at most {MOST_PROMPTS:,} prompts.")
    values = _clean_fields(project, told)
    prompt = project.prompts.create(
        name=name, kind=kind, created_by=actor.label or actor.kind, **values
    )
    record(actor, "prompt.create", prompt, {"kind": kind})
    return _add(prompt, clean_content(kind, content), note, actor)


@transaction.atomic
def add_version(prompt: Prompt, *, content: Content, actor: Actor, note: str = "") -> PromptVersion:
    """Add a version; raise SameVersionError where it is the newest one again."""
    hold_library(prompt.project)
    prompt = _locked(prompt)
    if prompt.archived_at is not None:
        raise ConflictError("This prompt is archived. Take it back first.")
    if prompt.last_number >= MOST_VERSIONS:
        raise ConflictError(f"A prompt has at most {MOST_VERSIONS:,} versions.")
    content = clean_content(prompt.kind, content)
    newest = prompt.versions.filter(number=prompt.last_number).values_list("digest", flat=True)
    if content.digest in newest:
        raise SameVersionError(prompt)
    return _add(prompt, content, note, actor)


@transaction.atomic
def change_prompt(prompt: Prompt, *, changes: Mapping[str, Any], actor: Actor) -> Prompt:
    """Change what is said of a prompt, or archive it. Its name, kind and versions stay."""
    hold_library(prompt.project)
    prompt = _locked(prompt)
    values = _clean_fields(prompt.project, changes)
    if "is_archived" in values:
        values["archived_at"] = _archived(prompt, is_archived=values.pop("is_archived"))
    changed = sorted(name for name, value in values.items() if getattr(prompt, name) != value)
    if not changed:
        return prompt
    for name in changed:
        setattr(prompt, name, values[name])
    prompt.changed_at = timezone.now()
    prompt.save(update_fields=[*changed, "changed_at"])
    record(actor, "prompt.change", prompt, {"fields": changed})
    return prompt


@transaction.atomic
def protect_labels(
    project: Project, *, labels: Sequence[str], allows_emergency: bool, actor: Actor
) -> PromptSettings:
    """Say which labels take two people to move."""
    hold_library(project)
    clean = sorted({clean_label(label, "protected_labels") for label in labels})
    if len(clean) > MOST_PROTECTED:
        message = f"At most {MOST_PROTECTED} labels are protected."
        raise InvalidError(message, "protected_labels")
    row = queries.settings_of(project)
    changes = {
        "labels": [row.protected_labels, clean],
        "allows_emergency": [row.allows_emergency, allows_emergency],
    }
    row.protected_labels, row.allows_emergency = clean, allows_emergency
    row.save()
    audit.record(
        actor,
        "prompt.protect",
        organization_id=project.organization_id,
        project_id=project.pk,
        detail=changes,
    )
    return row


def hold_library(project: Project) -> None:
    """Let nobody else change what prompts include until the transaction ends."""
    # Without the key: recording events of the project goes on meanwhile.
    Project.everything.select_for_update(no_key=True).get(pk=project.pk)


def record(actor: Actor, act: str, prompt: Prompt, detail: Mapping[str, Any] | None = None) -> None:
    """Write to the trail what was done to a prompt."""
    audit.record(
        actor,
        act,
        organization_id=prompt.project.organization_id,
        project_id=prompt.project_id,
        objects=[f"prompt:{prompt.name}"],
        detail=detail,
    )


def _add(prompt: Prompt, content: Content, note: str, actor: Actor) -> PromptVersion:
    number = prompt.last_number + 1
    # Refused before it is written: what cannot be put in now could never be used.
    resolve(prompt, number, content)
    version = prompt.project.prompt_versions.create(
        prompt=prompt,
        number=number,
        note=clean_note(note),
        digest=content.digest,
        author=actor.label or actor.kind,
        **vars(content),
    )
    _note_includes(version, content)
    prompt.last_number, prompt.changed_at = number, version.created_at
    prompt.save(update_fields=["last_number", "changed_at"])
    record(actor, "prompt.version", prompt, {"version": number, "digest": content.digest})
    return version


def _note_includes(version: PromptVersion, content: Content) -> None:
    project = version.prompt.project
    names = {one.name for one in content.includes}
    targets = {row.name: row for row in project.prompts.filter(name__in=names)}
    for one in content.includes:
        project.prompt_includes.create(
            prompt=version.prompt,
            number=version.number,
            target=targets[one.name],
            target_number=one.number,
            target_label=one.label,
        )


def _locked(prompt: Prompt) -> Prompt:
    rows = prompt.project.prompts.select_for_update(of=("self",))
    return rows.select_related("owner", "project__organization").get(pk=prompt.pk)


def _clean_fields(project: Project, sent: Mapping[str, Any]) -> dict[str, Any]:
    values = dict(sent)
    if unknown := sorted(values.keys() - FIELDS):
        raise InvalidError(f"A prompt has no field {unknown[0][:64]}.", unknown[0][:64])
    if "description" in values:
        text = values["description"]
        values["description"] = clean_words(text, "description", LONGEST_DESCRIPTION)
    if "tags" in values:
        values["tags"] = clean_tags(list(values["tags"]))
    if values.get("owner") is not None:
        _check_owner(project, values["owner"])
    return values


def _check_owner(project: Project, person: User) -> None:
    may = people_who_may_see(project, needs=Permission.READ_PROMPTS)
    if not may.filter(pk=person.pk).exists():
        raise InvalidError("The owner must be somebody who may read the prompts.", "owner")


def _archived(prompt: Prompt, *, is_archived: bool) -> Any:
    if not is_archived:
        return None
    if prompt.archived_at is not None:
        return prompt.archived_at
    users = queries.live_users_of(prompt)
    if users:
        named = ", ".join(f"{row.prompt.name} v{row.number}" for row in users[:3])
        raise ConflictError(f"It is included by {named}. Take it out of them first.")
    return timezone.now()
