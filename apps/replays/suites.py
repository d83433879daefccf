"""Suites themselves: made, renamed, given to somebody, archived."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.audit import services as audit
from apps.audit.actors import Actor
from apps.core.errors import ConflictError, InvalidError
from apps.replays.suite_changes import Change, first_version
from apps.replays.suite_models import LONGEST_DESCRIPTION, LONGEST_NAME, Suite
from apps.tenants.access import people_who_may_see
from apps.tenants.models import Project

MOST_SUITES = 500
CHANGEABLE = frozenset({"name", "description", "owner"})


@transaction.atomic
def create_suite(
    project: Project,
    *,
    name: str,
    change: Change,
    description: str = "",
    owner: User | None = None,
    actor: Actor,
) -> Suite:
    """Make a suite with its first version, which may hold no case yet."""
    _hold(project)
    if project.suites.filter(archived_at=None).count() >= MOST_SUITES:
        raise InvalidError(f"A project holds at most {MOST_SUITES} suites. Archive some.", "name")
    suite = project.suites.create(
        name=_free_name(project, name),
        description=read_description(description),
        owner=_known(project, owner),
        created_by=actor.label or actor.kind,
    )
    suite.project = project
    _record(suite, "suite.create", actor, {"name": suite.name})
    first_version(suite, change, actor=actor)
    return suite


@transaction.atomic
def change_suite(suite: Suite, changes: Mapping[str, Any], *, actor: Actor) -> Suite:
    """Change name, description or owner; cases are changed by ``suite_changes``."""
    suite = _held(suite)
    told = {name: value for name, value in changes.items() if name in CHANGEABLE}
    if "name" in told:
        told["name"] = _free_name(suite.project, told["name"], besides=suite)
    if "description" in told:
        told["description"] = read_description(told["description"])
    if "owner" in told:
        told["owner"] = _known(suite.project, told["owner"])
    changed = [name for name, value in told.items() if getattr(suite, name) != value]
    for name in changed:
        setattr(suite, name, told[name])
    if changed:
        suite.save(update_fields=changed)
        _record(suite, "suite.change", actor, {"fields": changed})
    return suite


@transaction.atomic
def archive_suite(suite: Suite, *, actor: Actor) -> Suite:
    """Take a suite out of the lists. Its versions stay, since verdicts name them."""
    suite = _held(suite)
    if suite.archived_at is not None:
        raise ConflictError("This suite is archived already.")
    suite.archived_at = timezone.now()
    suite.save(update_fields=["archived_at"])
    _record(suite, "suite.archive", actor)
    return suite


@transaction.atomic
def restore_suite(suite: Suite, *, actor: Actor) -> Suite:
    """Take a suite out of the archive; its name may have been given to another since."""
    suite = _held(suite)
    if suite.archived_at is None:
        raise ConflictError("This suite is not archived.")
    suite.name = _free_name(suite.project, suite.name, besides=suite)
    suite.archived_at = None
    suite.save(update_fields=["archived_at", "name"])
    _record(suite, "suite.restore", actor)
    return suite


def read_description(text: str) -> str:
    text = text.replace("\r\n", "\n").strip()
    if len(text) > LONGEST_DESCRIPTION or "\x00" in text:
        message = f"A description has at most {LONGEST_DESCRIPTION:,} characters, without NUL."
        raise InvalidError(message, "description")
    return text


def _free_name(project: Project, name: str, besides: Suite | None = None) -> str:
    name = " ".join(name.split())
    if not 1 <= len(name) <= LONGEST_NAME or not name.isprintable():
        message = f"A name has 1 to {LONGEST_NAME} characters that can be seen."
        raise InvalidError(message, "name")
    same = project.suites.filter(name__iexact=name, archived_at=None)
    if besides is not None:
        same = same.exclude(pk=besides.pk)
    if same.exists():
        raise InvalidError("There is a suite of this name.", "name")
    return name


def _known(project: Project, owner: User | None) -> User | None:
    if owner is not None and not people_who_may_see(project).filter(pk=owner.pk).exists():
        raise InvalidError("This person may not see the project.", "owner")
    return owner


def _hold(project: Project) -> None:
    # Without the key: recording events of the project goes on meanwhile.
    Project.everything.select_for_update(no_key=True).get(pk=project.pk)


def _held(suite: Suite) -> Suite:
    project = suite.project
    _hold(project)
    suite = suite.locked()
    suite.project = project
    return suite


def _record(suite: Suite, act: str, actor: Actor, detail: Mapping[str, Any] | None = None) -> None:
    audit.record(
        actor,
        act,
        organization_id=suite.project.organization_id,
        project_id=suite.project_id,
        objects=[str(suite.pk)],
        detail=detail,
    )
