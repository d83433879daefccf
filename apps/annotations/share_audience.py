"""Everybody who can see one session, and by what right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Q
from django.utils import timezone

from apps.accounts.models import User
from apps.annotations.share_links import links_of
from apps.core.errors import InvalidError
from apps.sessions.layout_cache import layout_of
from apps.sessions.models import Session
from apps.tenants.grants import guests_of
from apps.tenants.models import Membership, Project
from apps.tenants.permissions import Permission, Role, Scope

MOST_SHOWN = 200
NOBODY = "Nobody in this organization has this address."


@dataclass(frozen=True, slots=True)
class Holder:
    """A person with a role in the project."""

    person: User
    role: Role

    @property
    def reads_content(self) -> bool:
        return self.role.allows(Permission.READ_CONTENT)


def audience(session: Session, *, may_share: bool) -> dict[str, Any]:
    """Return what the page on who can see a session shows; links to those who may make some."""
    project = session.project
    holders = holders_of(project)
    guests = guests_of(project, session)
    context = {
        "session": session,
        "project": project,
        "organization": project.organization,
        "holders": holders[:MOST_SHOWN],
        "holder_count": len(holders),
        "guests": guests,
        "keys": reading_keys(project),
    }
    if not may_share:
        return context
    known = {holder.person.pk for holder in holders if holder.reads_content}
    known |= {guest.person.pk for guest in guests}
    return context | {
        "links": [(link, note, _place(session, link.event_id)) for link, note in links_of(session)],
        "offered": people_to_offer(project, known),
    }


def holders_of(project: Project) -> list[Holder]:
    """Return who has a role in the project; its own counts before the organization's."""
    rows = Membership.objects.filter(organization_id=project.organization_id, user__is_active=True)
    rows = rows.filter(Q(project=None) | Q(project=project)).select_related("user")
    found: dict[int, Holder] = {}
    for row in rows.order_by("user__email"):
        if row.project_id is not None or row.user_id not in found:
            found[row.user_id] = Holder(row.user, Role(row.role))
    return list(found.values())


def reading_keys(project: Project) -> int:
    """Return how many API keys can read content."""
    keys = project.keys.filter(revoked_at=None, scopes__contains=[Scope.READ_CONTENT.value])
    return keys.filter(Q(expires_at=None) | Q(expires_at__gt=timezone.now())).count()


def people_to_offer(project: Project, known: set[int]) -> list[str]:
    """Return the addresses of people of the organization who cannot read the session yet."""
    people = User.objects.filter(
        memberships__organization_id=project.organization_id, is_active=True
    )
    rows = people.exclude(pk__in=known).order_by("email").distinct()
    return list(rows.values_list("email", flat=True)[:MOST_SHOWN])


def person_called(project: Project, email: str) -> User:
    """Return the person of the organization with this address."""
    people = User.objects.filter(memberships__organization_id=project.organization_id)
    person = people.filter(email=email.lower(), is_active=True).first()
    if person is None:
        raise InvalidError(NOBODY, "email")
    return person


def _place(session: Session, event_id: Any) -> int | None:
    at = layout_of(session).find(event_id.hex) if event_id else None
    return None if at is None else at + 1
