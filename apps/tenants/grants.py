"""Grants: one session shown to one person of the organization, whatever their role.

django-guardian keeps them (``SessionGrant``), ``access`` asks for them. A grant lets a person
read the one session, content included, and comment on it where that was given, too; it shows
nothing else of the project. It ends with the session, with the person's last role in the
organization, and when it is taken back.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.contrib.auth.models import Permission as Right
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Model, QuerySet

from apps.accounts.models import User
from apps.audit import services as audit
from apps.audit.actors import Actor
from apps.core import prepared
from apps.core.errors import ConflictError, InvalidError
from apps.tenants.access import NOTHING, permissions_in_project, role_in_project
from apps.tenants.grant_models import SessionGrant
from apps.tenants.inbox import tell_person
from apps.tenants.inbox_models import InboxKind
from apps.tenants.models import Membership, Organization, Project
from apps.tenants.permissions import GRANTS, Permission

VIEW, ANNOTATE = GRANTS
MOST_GRANTS = 100
NOT_OURS = "Only people of this organization can be given a session. Add them first."

# To the session that another one became part of; the old address still leads there.
FOLLOW = """
INSERT INTO tenants_sessiongrant
    (project_id, session_id, user_id, permission_id, given_by, given_at)
SELECT project_id, $3, user_id, permission_id, given_by, given_at
FROM tenants_sessiongrant WHERE project_id = $1 AND session_id = $2
ON CONFLICT DO NOTHING
"""


@dataclass(frozen=True, slots=True)
class Guest:
    """A person to whom a session was given, and by whom."""

    person: User
    may_annotate: bool
    given_by: str
    given_at: datetime


@transaction.atomic
def grant_session(
    project: Project, session: Model, *, person: User, annotate: bool = False, actor: Actor
) -> Guest:
    """Let a person of the organization see one session; giving it again changes the rights."""
    wanted = {VIEW, ANNOTATE} if annotate else {VIEW}
    _check_giver(actor, project, annotate=annotate)
    _check_receiver(project, person, wanted)
    _hold(project, session)
    held = _rights(project, session, person)
    for codename in sorted(wanted - held):
        project.session_grants.create(
            content_object_id=session.pk,
            user=person,
            permission=_right(codename),
            given_by=actor.label or actor.kind,
        )
    _of(project, session, person).exclude(permission__codename__in=wanted).delete()
    if wanted != held:
        _record(actor, "session.grant", project, session, person, {"annotate": annotate})
    if not held:
        tell_person(person, project, kind=InboxKind.GRANT, actor=actor, session_id=session.pk)
    return next(guest for guest in guests_of(project, session) if guest.person == person)


@transaction.atomic
def take_grant(project: Project, session: Model, *, person: User, actor: Actor) -> None:
    """Take a session back; the person's next request for it is refused."""
    is_own = actor.kind == "user" and actor.id == str(person.pk)
    if not is_own:
        _check_giver(actor, project, annotate=False)
    deleted, _ = _of(project, session, person).delete()
    if not deleted:
        raise ConflictError("This grant has been taken back in the meantime.")
    _record(actor, "session.ungrant", project, session, person, {})


def guests_of(project: Project, session: Model) -> list[Guest]:
    """Return to whom the session was given, by their addresses."""
    rows = project.session_grants.filter(content_object=session.pk, user__is_active=True)
    found: dict[User, list[SessionGrant]] = {}
    for row in rows.select_related("user", "permission").order_by("user__email", "given_at"):
        found.setdefault(row.user, []).append(row)
    return [
        Guest(
            person,
            may_annotate=any(row.permission.codename == ANNOTATE for row in held),
            given_by=held[0].given_by,
            given_at=held[0].given_at,
        )
        for person, held in found.items()
    ]


def grants_to(person: User) -> list[SessionGrant]:
    """Return the sessions that were given to the person and can be opened, newest first."""
    rows = SessionGrant.unscoped.filter(
        user=person,
        permission__codename=VIEW,
        project__removed_at=None,
        content_object__is_listed=True,
    )
    rows = rows.select_related("project__organization", "content_object")
    return list(rows.order_by("-given_at", "-pk")[:MOST_GRANTS])


def forget_member(organization: Organization, person: User, project: Project | None) -> None:
    """End a person's grants where their role ended: in one project, or in all."""
    rows = SessionGrant.unscoped.filter(project__organization=organization, user=person)
    if Membership.objects.filter(organization=organization, user=person).exists():
        rows = rows.filter(project=project)
    rows.delete()


def forget_session(project_id: int, session_id: UUID) -> None:
    """End all grants on a session that is being erased."""
    SessionGrant.unscoped.filter(project_id=project_id, content_object=session_id).delete()


def follow_session(project_id: int, old: UUID, new: UUID) -> None:
    """Give whoever was given a session the one that it became part of."""
    prepared.run(FOLLOW, project_id, old, new)


def _check_giver(actor: Actor, project: Project, *, annotate: bool) -> None:
    """Nobody gives more than their own role allows."""
    own = permissions_in_project(actor, project)
    if Permission.SHARE not in own or Permission.READ_CONTENT not in own:
        raise PermissionDenied("Your role may not show sessions to others.")
    if annotate and Permission.ANNOTATE not in own:
        raise PermissionDenied("Your role may not annotate, so it cannot give that right.")


def _check_receiver(project: Project, person: User, wanted: Collection[str]) -> None:
    ours = Membership.objects.filter(organization_id=project.organization_id, user=person)
    if not person.is_active or not ours.exists():
        raise InvalidError(NOT_OURS, "email")
    role = role_in_project(person, project)
    asked = NOTHING.union(*(GRANTS[codename] for codename in wanted))
    if role is not None and asked <= role.permissions:
        raise InvalidError(f"Their role, {role.label}, allows that already.", "email")


def _hold(project: Project, session: Model) -> None:
    """Keep the session from being erased or merged meanwhile."""
    held = project.sessions.select_for_update(of=("self",), no_key=True).filter(pk=session.pk)
    if not held.filter(is_listed=True).exists():
        raise ConflictError("This session was erased or became part of another.")
    if project.session_grants.filter(content_object=session.pk).count() >= 2 * MOST_GRANTS:
        raise InvalidError(f"A session can be given to {MOST_GRANTS} people at most.", "email")


def _of(project: Project, session: Model, person: User) -> QuerySet[SessionGrant]:
    return project.session_grants.filter(content_object=session.pk, user=person)


def _rights(project: Project, session: Model, person: User) -> set[str]:
    return set(_of(project, session, person).values_list("permission__codename", flat=True))


def _right(codename: str) -> Right:
    return Right.objects.get(content_type__app_label="agent_sessions", codename=codename)


def _record(
    actor: Actor, act: str, project: Project, session: Model, person: User, detail: dict[str, bool]
) -> None:
    audit.record(
        actor,
        act,
        organization_id=project.organization_id,
        project_id=project.pk,
        objects=[str(session.pk), f"user:{person.pk}"],
        detail={"email": person.email, **detail},
    )
