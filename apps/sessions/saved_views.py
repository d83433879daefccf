"""Every change to saved views.

Personal views are their owner's alone; those of the project are changed by whoever may
annotate. The project's row orders the changes, so that names, limits and defaults hold.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from apps.accounts.models import User
from apps.audit import services as audit
from apps.audit.actors import Actor
from apps.core.errors import ConflictError, InvalidError
from apps.sessions.saved_view_models import LONGEST_NAME, SavedView
from apps.sessions.saved_view_queries import checked, needs_content, seal_query
from apps.tenants.access import permissions_in_project
from apps.tenants.models import Membership, Project
from apps.tenants.permissions import Permission

MOST_VIEWS = 50
# A deleted view can be taken back for so long.
KEPT_FOR = timedelta(days=1)
CHANGED = (
    "Somebody else changed this view in the meantime. Nothing of yours was saved: look at it, "
    "and save again."
)
GONE = "This view was deleted in the meantime."
NOT_SHARED = "Your role may not change the views of the project. Save one of your own instead."
NOT_YOURS = "This view belongs to somebody else."
NO_CONTENT = "Your role may not search content, so you cannot save a search."


@transaction.atomic
def save_view(
    project: Project, *, name: str, query: str, owner: User | None, actor: Actor
) -> SavedView:
    """Keep a query of the list under a name; without an owner for everybody in the project."""
    _hold(project)
    _check_may_change(project, owner.pk if owner else None, actor)
    query = _checked_for(project, query, actor)
    name = _free_name(project, owner.pk if owner else None, name)
    position = _end(project, owner.pk if owner else None)
    view = project.saved_views.create(
        owner=owner, name=name, position=position, sealed=seal_query(project, query)
    )
    _record(actor, "view.save", view, _told(query))
    return view


@transaction.atomic
def rename_view(view: SavedView, *, name: str, seen_version: int, actor: Actor) -> SavedView:
    """Change the name on the tab."""
    view = _held(view, actor, seen_version)
    before = view.name
    if before != " ".join(name.split()):
        view.name = _free_name(view.project, view.owner_id, name)
        _save(view, "name")
        _record(actor, "view.rename", view, {"before": before})
    return view


@transaction.atomic
def change_view(view: SavedView, *, query: str, seen_version: int, actor: Actor) -> SavedView:
    """Let the view stand for another query from now on."""
    view = _held(view, actor, seen_version)
    query = _checked_for(view.project, query, actor)
    view.sealed = seal_query(view.project, query)
    _save(view, "sealed")
    _record(actor, "view.change", view, _told(query))
    return view


@transaction.atomic
def share_view(
    view: SavedView, *, owner: User | None, seen_version: int, actor: Actor
) -> SavedView:
    """Give a personal view to everybody in the project, or take the project's as one's own."""
    view = _held(view, actor, seen_version)
    owner_id = owner.pk if owner else None
    _check_may_change(view.project, owner_id, actor)
    if owner_id != view.owner_id:
        view.name = _free_name(view.project, owner_id, view.name)
        view.position = _end(view.project, owner_id)
        view.owner, view.is_default = owner, False
        _save(view, "owner", "name", "position", "is_default")
        _record(actor, "view.share" if owner is None else "view.unshare", view)
    return view


@transaction.atomic
def make_default_view(view: SavedView, *, is_default: bool = True, actor: Actor) -> SavedView:
    """Let the list open with this view: for its owner, or for all who have no default."""
    view = _held(view, actor)
    if view.is_default == is_default:
        return view
    same = view.project.saved_views.filter(owner=view.owner_id, deleted_at=None)
    same.filter(is_default=True).update(is_default=False)
    view.is_default = is_default
    view.save(update_fields=["is_default"])
    _record(actor, "view.default" if is_default else "view.undefault", view)
    return view


@transaction.atomic
def delete_view(view: SavedView, *, seen_version: int, actor: Actor) -> SavedView:
    """Take a view away. ``restore_view`` brings the last one of an owner back for a day."""
    view = _held(view, actor, seen_version)
    deleted = view.project.saved_views.filter(owner=view.owner_id, deleted_at__isnull=False)
    deleted.delete()
    view.deleted_at, view.is_default = timezone.now(), False
    _save(view, "deleted_at", "is_default")
    _record(actor, "view.delete", view)
    return view


@transaction.atomic
def restore_view(view: SavedView, *, actor: Actor) -> SavedView:
    """Undo a deletion; being the default does not come back."""
    _hold(view.project)
    found = view.project.saved_views.filter(pk=view.pk).first()
    if found is None:
        raise ConflictError("This view was deleted for good in the meantime.")
    if found.deleted_at is None:
        return found
    _check_may_change(view.project, found.owner_id, actor)
    found.name = _free_name(view.project, found.owner_id, found.name)
    _end(view.project, found.owner_id)
    found.deleted_at = None
    _save(found, "deleted_at")
    _record(actor, "view.restore", found)
    return found


def sweep_views() -> int:
    """Forget deleted views after a day, and views of people who are no longer members."""
    memberships = Membership.objects.filter(
        Q(project=None) | Q(project=OuterRef("project")),
        user=OuterRef("owner"),
        organization=OuterRef("project__organization"),
    )
    left = Q(owner__isnull=False) & ~Exists(memberships)
    expired = Q(deleted_at__lt=timezone.now() - KEPT_FOR)
    count, _ = SavedView.unscoped.filter(left | expired).delete()
    return count


def _hold(project: Project) -> None:
    # Without the key: recording events of the project goes on meanwhile.
    Project.everything.select_for_update(no_key=True).get(pk=project.pk)


def _held(view: SavedView, actor: Actor, seen_version: int | None = None) -> SavedView:
    _hold(view.project)
    current = view.project.saved_views.filter(pk=view.pk, deleted_at=None).first()
    if current is None:
        raise ConflictError(GONE)
    _check_may_change(view.project, current.owner_id, actor)
    if seen_version is not None and seen_version != current.version:
        raise ConflictError(CHANGED)
    return current


def _check_may_change(project: Project, owner_id: int | None, actor: Actor) -> None:
    allowed = permissions_in_project(actor, project)
    if owner_id is None and Permission.ANNOTATE not in allowed:
        raise PermissionDenied(NOT_SHARED)
    is_own = actor.kind == "user" and actor.id == str(owner_id)
    if owner_id is not None and not (is_own and Permission.READ_META in allowed):
        raise PermissionDenied(NOT_YOURS)


def _checked_for(project: Project, query: str, actor: Actor) -> str:
    query = checked(query)
    may_search = Permission.READ_CONTENT in permissions_in_project(actor, project)
    if needs_content(query) and not may_search:
        raise PermissionDenied(NO_CONTENT)
    return query


def _free_name(project: Project, owner_id: int | None, name: str) -> str:
    """Return a name that none of the owner's other views has."""
    name = " ".join(name.replace("\x00", "").split())
    if not 1 <= len(name) <= LONGEST_NAME:
        raise InvalidError(f"Give a name of 1 to {LONGEST_NAME} characters.", "name")
    others = project.saved_views.filter(owner=owner_id, deleted_at=None)
    if others.filter(name=name).exists():
        whose = "The project has" if owner_id is None else "You have"
        raise InvalidError(f"{whose} a view of this name. Choose another.", "name")
    return name


def _end(project: Project, owner_id: int | None) -> int:
    """Return the place behind the owner's other views, if one more may be there."""
    others = project.saved_views.filter(owner=owner_id, deleted_at=None)
    places = list(others.values_list("position", flat=True))
    if len(places) >= MOST_VIEWS:
        whose = "A project" if owner_id is None else "A person"
        raise InvalidError(f"{whose} may have {MOST_VIEWS} views. Delete one first.", "name")
    return max(places, default=0) + 1


def _save(view: SavedView, *fields: str) -> None:
    view.version += 1
    view.save(update_fields=[*fields, "version"])


def _told(query: str) -> dict[str, Any]:
    # The names alone: what is searched for would stay in the trail for good.
    return {"parameters": sorted({pair.partition("=")[0] for pair in query.split("&")})}


def _record(actor: Actor, act: str, view: SavedView, more: Mapping[str, Any] | None = None) -> None:
    audit.record(
        actor,
        act,
        organization_id=view.project.organization_id,
        project_id=view.project_id,
        objects=[f"view:{view.pk}"],
        detail={"name": view.name, "is_shared": view.is_shared} | dict(more or {}),
    )
