"""The inbox: telling people, and what they have read.

Telling joins the caller's transaction, so that nobody is told of what did not happen.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone

from apps.accounts.models import User
from apps.audit.actors import Actor
from apps.tenants.access import role_in_project
from apps.tenants.inbox_models import InboxEntry, InboxKind
from apps.tenants.models import Membership, Project
from apps.tenants.permissions import Permission

LONGEST_ABOUT = 300


@dataclass(frozen=True, slots=True)
class Matter:
    """What an entry is about that is no session: a page of the project, and its name in words.

    ``text`` is the server's own words and names of the project's things, never recorded text.
    ``link`` names a page (``prompts:labels``) whose address takes organization, project and then
    ``ids``; ``anchor`` is where on it. ``needs`` is what a person must be allowed to be told of
    it, and to be shown it later.
    """

    text: str
    link: str
    ids: tuple[str, ...] = ()
    needs: Permission = Permission.READ_META
    anchor: str = ""


def tell_person(  # noqa: PLR0913
    person: User,
    project: Project,
    *,
    kind: InboxKind | str,
    actor: Actor,
    session_id: UUID,
    event_id: UUID | None = None,
    subject_id: int | None = None,
) -> InboxEntry | None:
    """Tell a person of something; nobody is told of what they did themselves.

    What happens again before they read the first is the same entry, newer. Whether the person
    may see the session is for the caller to ask: here nobody knows sessions.
    """
    place = {
        "kind": InboxKind(kind),
        "session_id": session_id,
        "event_id": event_id,
        "subject_id": subject_id,
    }
    return _tell(person, project, actor, place)


def tell_of(
    person: User, project: Project, *, kind: InboxKind | str, actor: Actor, matter: Matter
) -> InboxEntry | None:
    """Tell a person of something that is no session, if their role lets them see it.

    Told again of the same page before they read the first, they have one entry with the newer
    words. Guests of a session have no role and are told nothing.
    """
    role = role_in_project(person, project)
    if role is None or not role.allows(matter.needs):
        return None
    place: dict[str, Any] = {"kind": InboxKind(kind), "session_id": None, "link": matter.link}
    place |= {"link_ids": list(matter.ids), "anchor": matter.anchor, "needs": matter.needs}
    return _tell(person, project, actor, place, about=matter.text[:LONGEST_ABOUT])


def settle(project: Project, *, kind: InboxKind | str, matter: Matter) -> int:
    """Mark what everybody was told of a matter as read: nothing is left to be done about it."""
    place = {"link": matter.link, "link_ids": list(matter.ids), "anchor": matter.anchor}
    rows = project.inbox_entries.filter(session_id=None, kind=kind, read_at=None, **place)
    return rows.update(read_at=timezone.now())


def _tell(
    person: User, project: Project, actor: Actor, place: dict[str, Any], about: str = ""
) -> InboxEntry | None:
    if not person.is_active or (actor.kind == "user" and actor.id == str(person.pk)):
        return None
    told_by = actor.label or actor.kind
    unread = project.inbox_entries.filter(person=person, read_at=None, **place)
    entry = unread.select_for_update().order_by("-pk").first()
    if entry is None:
        return project.inbox_entries.create(person=person, told_by=told_by, about=about, **place)
    entry.told_by, entry.told_at, entry.times = told_by, timezone.now(), entry.times + 1
    entry.about = about
    entry.save(update_fields=["told_by", "told_at", "times", "about"])
    return entry


def mark_read(person: User, entry_ids: Collection[int], *, is_read: bool = True) -> int:
    """Mark entries of the person as read, or as unread; others' ids change nothing."""
    rows = person.inbox_entries.filter(pk__in=list(entry_ids), read_at__isnull=is_read)
    return rows.update(read_at=timezone.now() if is_read else None)


def mark_all_read(person: User, *, until: int) -> int:
    """Mark all up to an entry as read, so that what came in the meantime stays unread."""
    rows = person.inbox_entries.filter(pk__lte=until, read_at=None)
    return rows.update(read_at=timezone.now())


def mark_subject_read(
    person: User, project: Project, kinds: Collection[InboxKind], subject_id: int
) -> int:
    """Mark what is told of one comment or ticket as read: the person is looking at it."""
    rows = person.inbox_entries.filter(
        project=project, kind__in=list(kinds), subject_id=subject_id, read_at=None
    )
    return rows.update(read_at=timezone.now())


def unread_count(person: User) -> int:
    """Return how much the person has not read."""
    return person.inbox_entries.filter(read_at=None).count()


def with_unread(memberships: QuerySet[Membership]) -> QuerySet[Membership]:
    """Give memberships their person's count as ``unread``.

    Every page reads memberships anyway, so the number in its bar costs no query of its own.
    """
    unread = InboxEntry.unscoped.filter(person=OuterRef("user"), read_at=None).order_by()
    counted = unread.values("person").annotate(number=Count("pk")).values("number")
    return memberships.annotate(unread=Coalesce(Subquery(counted), 0))


def forget_session(project_id: int, session_id: UUID) -> None:
    """Delete what people were told about a session that is being erased."""
    InboxEntry.unscoped.filter(project_id=project_id, session_id=session_id).delete()


def move_session(project_id: int, old: UUID, new: UUID) -> None:
    """Let what people were told about a session lead to the one that it became part of."""
    rows = InboxEntry.unscoped.filter(project_id=project_id, session_id=old)
    rows.update(session_id=new)
