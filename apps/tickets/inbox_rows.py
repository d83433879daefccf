"""What a person's inbox shows, across all projects that are open to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q
from django.urls import NoReverseMatch, reverse

from apps.accounts.models import User
from apps.audit.actors import SYSTEM
from apps.core.errors import InvalidError
from apps.core.paging import Page, decode_cursor, encode_cursor
from apps.sessions.listing import short_id
from apps.sessions.models import Session
from apps.tenants.access import role_in_project
from apps.tenants.grants import grants_to
from apps.tenants.inbox_models import InboxEntry, InboxKind
from apps.tenants.models import Project
from apps.tenants.permissions import Permission
from apps.tenants.queries import projects_of, roles_of
from apps.tickets.words import words_of

# Projects of one page whose tickets are called by their titles.
MOST_PROJECTS = 5
OF_TICKETS = {InboxKind.ASSIGNMENT, InboxKind.TICKET}
OF_COMMENTS = {InboxKind.MENTION, InboxKind.REPLY}
ICONS: dict[str, str] = {
    InboxKind.MENTION: "at-sign",
    InboxKind.REPLY: "message-square",
    InboxKind.ASSIGNMENT: "ticket",
    InboxKind.TICKET: "ticket",
    InboxKind.APPROVAL: "shield-check",
    InboxKind.DECISION: "circle-check",
    InboxKind.RUN: "play",
    InboxKind.SCHEDULE: "clock",
}


@dataclass(frozen=True)
class InboxRow:
    """One entry, and where it leads; nowhere if that is closed to the person now."""

    entry: InboxEntry
    project: Project | None
    url: str
    # Of a ticket, where the person may read content.
    title: str = ""

    @property
    def words(self) -> str:
        return InboxKind(self.entry.kind).label

    @property
    def told_by(self) -> str:
        return "Playhead" if self.entry.told_by == SYSTEM.label else self.entry.told_by

    @property
    def icon(self) -> str:
        return ICONS.get(self.entry.kind, "inbox")

    @property
    def about(self) -> str:
        """The short name of what it leads to; of other things than sessions, only if it may."""
        if self.entry.session_id is None:
            return self.entry.about if self.project else ""
        if self.entry.kind in OF_TICKETS:
            return f"Ticket {self.entry.subject_id}"
        return short_id(Session(pk=self.entry.session_id))

    @property
    def ticket(self) -> int | None:
        return self.entry.subject_id if self.entry.kind in OF_TICKETS else None

    @property
    def comment(self) -> int | None:
        return self.entry.subject_id if self.entry.kind in OF_COMMENTS else None


def inbox_page(person: User, *, unread: bool, cursor: str | None, limit: int) -> Page[InboxRow]:
    """Return what the person was told, the latest first."""
    entries = person.inbox_entries.order_by("-told_at", "-pk")
    if unread:
        entries = entries.filter(read_at=None)
    if cursor:
        told_at, pk = _place(cursor)
        entries = entries.filter(Q(told_at__lt=told_at) | Q(told_at=told_at, pk__lt=pk))
    found = list(entries[: limit + 1])
    last = found[limit - 1] if len(found) > limit else None
    following = encode_cursor(last.told_at.isoformat(), last.pk) if last else None
    return Page(_rows(person, found[:limit]), next=following)


def find_row(person: User, entry_id: int) -> InboxRow | None:
    """Return one entry of the person's own."""
    rows = _rows(person, list(person.inbox_entries.filter(pk=entry_id)))
    return rows[0] if rows else None


def _rows(person: User, entries: Sequence[InboxEntry]) -> list[InboxRow]:
    wanted = {entry.project_id for entry in entries}
    projects = {project.pk: project for project in projects_of(person).filter(pk__in=wanted)}
    others = {entry.session_id for entry in entries if entry.project_id not in projects}
    granted = {row.content_object_id: row.project for row in grants_to(person)} if others else {}
    titles = _titles(person, list(projects.values()), entries)
    hidden = _hidden(person, projects, entries)
    return [
        InboxRow(entry, project, _url(entry, project, is_member=True), titles.get(entry.pk, ""))
        if (project := projects.get(entry.project_id)) and entry.pk not in hidden
        else _guests_row(entry, granted.get(entry.session_id) if entry.session_id else None)
        for entry in entries
    ]


def _hidden(
    person: User, projects: Mapping[int, Project], entries: Sequence[InboxEntry]
) -> set[int]:
    """Return the entries about other things than sessions that are closed to the person now."""
    others = [entry for entry in entries if entry.session_id is None]
    wanted = [projects[pk] for pk in {entry.project_id for entry in others} if pk in projects]
    roles = roles_of(person, wanted) if wanted else {}
    return {
        entry.pk
        for entry in others
        if (role := roles.get(entry.project_id)) is None or not role.allows(Permission(entry.needs))
    }


def _titles(
    person: User, projects: Sequence[Project], entries: Sequence[InboxEntry]
) -> dict[int, str]:
    """Return what the tickets of entries are called, by entry, where the person may know."""
    titles: dict[int, str] = {}
    for project in projects[:MOST_PROJECTS]:
        about = {
            entry.pk: entry.subject_id
            for entry in entries
            if entry.project_id == project.pk and entry.kind in OF_TICKETS
        }
        role = role_in_project(person, project) if about else None
        if role is not None and role.allows(Permission.READ_CONTENT):
            tickets = list(project.tickets.filter(number__in=set(about.values())))
            words = words_of(tickets)
            named = {row.number: words[row.pk].title for row in tickets if row.pk in words}
            titles |= {pk: named.get(number or 0, "") for pk, number in about.items()}
    return titles


def _guests_row(entry: InboxEntry, project: Project | None) -> InboxRow:
    url = "" if project is None else _url(entry, project, is_member=False)
    return InboxRow(entry, project, url)


def _url(entry: InboxEntry, project: Project, *, is_member: bool) -> str:
    slugs = (project.organization.slug, project.slug)
    if entry.session_id is None:
        return _page(entry, slugs)
    if entry.kind in OF_TICKETS:
        # Tickets are the project's: a guest of one session cannot open them.
        return reverse("tickets:ticket", args=(*slugs, entry.subject_id)) if is_member else ""
    step = [f"step={entry.event_id.hex}"] if entry.event_id else []
    tab = ["tab=comments"] if entry.kind in OF_COMMENTS else []
    page = reverse("sessions:detail", args=(*slugs, entry.session_id))
    query = "&".join([*step, *tab])
    return f"{page}?{query}" if query else page


def _page(entry: InboxEntry, slugs: tuple[str, str]) -> str:
    try:
        page = reverse(entry.link, args=(*slugs, *entry.link_ids))
    except NoReverseMatch:
        # Written by a release whose pages were called otherwise.
        return ""
    return f"{page}#{entry.anchor}" if entry.anchor else page


def _place(cursor: str) -> tuple[datetime, int]:
    told_at, pk = decode_cursor(cursor, 2)
    try:
        moment = datetime.fromisoformat(told_at)
    except (TypeError, ValueError):
        moment = None
    if moment is None or moment.tzinfo is None or type(pk) is not int or not 0 < pk < 2**63:
        raise InvalidError("This cursor is not one that Playhead gave out.", "cursor")
    return moment, pk
