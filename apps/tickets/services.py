"""Every change to tickets.

Locks are taken in one order by everybody: the project where a number is given, the session,
the ticket. Recording locks sessions first, too, so that nobody waits in a ring.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from apps.accounts.models import User
from apps.audit import services as audit
from apps.audit.actors import Actor
from apps.core.errors import ConflictError, InvalidError
from apps.sessions import store
from apps.sessions.models import Facet, Session
from apps.tenants.access import people_who_may_see
from apps.tenants.inbox import tell_person
from apps.tenants.inbox_models import InboxKind
from apps.tenants.models import Project
from apps.tickets import fields
from apps.tickets.fields import FIELDS, PLAIN, WORDS, Draft, Values
from apps.tickets.models import Status, Ticket
from apps.tickets.words import Words, cipher_of, seal_changes, seal_words, words_of

CLAIMED_FOR = timedelta(minutes=20)
# What lists of sessions look for: sessions with a ticket that is not done.
HAS_OPEN = "open"
CHANGED = (
    "Somebody else changed this ticket in the meantime. Nothing of yours was saved: "
    "look at both, and choose."
)
NO_STEP = "This session has no such step."
NOT_FREE = "It is done, or given to somebody."


class StaleError(ConflictError):
    """The ticket is no longer what the caller saw; nothing was changed."""

    title = "Changed in the meantime"

    def __init__(self, ticket: Ticket, now: Values) -> None:
        super().__init__(CHANGED)
        self.ticket, self.now = ticket, now


@transaction.atomic
def open_ticket(
    session: Session, *, draft: Draft, event_id: UUID | None = None, actor: Actor
) -> Ticket:
    """Open a ticket about a session or one of its steps, and tell whom it is given to."""
    project = session.project
    wanted = fields.clean_changes(project, vars(draft))
    _hold(project)
    session = _held(session)
    if (
        event_id is not None
        and not session.events.filter(project_id=project.pk, id=event_id).exists()
    ):
        raise InvalidError(NO_STEP, "event")
    number = (project.tickets.aggregate(last=Max("number"))["last"] or 0) + 1
    ticket = project.tickets.create(
        number=number,
        session=session,
        event_id=event_id,
        author=_person(actor),
        opened_by=actor.label or actor.kind,
        **seal_words(cipher_of(session), number, **{name: wanted[name] for name in WORDS}),
        **{name: wanted[name] for name in PLAIN},
    )
    _show(session, actor)
    _record(actor, "ticket.open", ticket, {"severity": ticket.severity, "status": ticket.status})
    _tell_assignee(ticket, actor)
    return ticket


@transaction.atomic
def change_ticket(
    ticket: Ticket, *, changes: Mapping[str, Any], seen_version: int, actor: Actor
) -> Ticket:
    """Change fields of a ticket that is still what the caller saw, else raise StaleError.

    Asking for what is so already changes nothing, whoever was faster.
    """
    project = ticket.project
    session = _held(ticket.session)
    ticket = _locked(ticket)
    before = values(ticket)
    after = before.changed(fields.clean_changes(project, changes))
    names = [name for name in changes if before.differs(after, name)]
    if not names:
        return ticket
    if seen_version != ticket.version:
        raise StaleError(ticket, before)
    _write(ticket, session, before, after, names, actor)
    _tell(ticket, before, names, actor)
    return ticket


def assign_ticket(
    ticket: Ticket, *, assignee: User | None, seen_version: int, actor: Actor
) -> Ticket:
    """Give a ticket to somebody, or to nobody."""
    changes = {"assignee": assignee}
    return change_ticket(ticket, changes=changes, seen_version=seen_version, actor=actor)


def move_ticket(ticket: Ticket, *, status: Status, seen_version: int, actor: Actor) -> Ticket:
    """Put a ticket into another column of the board."""
    changes = {"status": status}
    return change_ticket(ticket, changes=changes, seen_version=seen_version, actor=actor)


@transaction.atomic
def claim_next_ticket(project: Project, *, actor: Actor) -> Ticket | None:
    """Hold the most urgent ticket that nobody works on, for twenty minutes; None if there is none.

    Those that somebody is claiming at this moment are passed over, so that many people get
    many tickets without waiting for each other.
    """
    free = project.tickets.select_for_update(of=("self",), skip_locked=True).unclaimed()
    ticket = free.most_urgent_first().first()
    if ticket is not None:
        _claim(ticket, actor)
    return ticket


@transaction.atomic
def claim_ticket(ticket: Ticket, *, actor: Actor) -> Ticket:
    """Hold this ticket for twenty minutes from now, unless somebody else does."""
    ticket = _locked(ticket)
    if ticket.is_held and ticket.holder != holder_name(actor):
        until = f"{ticket.claimed_until:%H:%M}"
        raise ConflictError(f"{ticket.held_by} holds this ticket until {until} UTC.")
    if ticket.is_done or ticket.assignee_id is not None:
        raise ConflictError(f"This ticket cannot be claimed. {NOT_FREE}")
    _claim(ticket, actor)
    return ticket


@transaction.atomic
def release_ticket(ticket: Ticket, *, actor: Actor) -> Ticket:
    """Let go of a ticket that one holds, so that others get it at once."""
    ticket = _locked(ticket)
    if ticket.is_held and ticket.holder == holder_name(actor):
        _let_go(ticket)
        ticket.save(update_fields=["holder", "held_by", "claimed_until"])
        _record(actor, "ticket.release", ticket)
    return ticket


def values(ticket: Ticket) -> Values:
    """Return all that can be changed of a ticket, with its words opened."""
    words = words_of([ticket]).get(ticket.pk, Words("", ""))
    return fields.values_of(ticket, words)


def holder_name(actor: Actor) -> str:
    """Return under which name claims are kept."""
    return f"{actor.kind}:{actor.id}"


def _hold(project: Project) -> None:
    # Without the key: recording events of the project goes on meanwhile.
    Project.everything.select_for_update(no_key=True).get(pk=project.pk)


def _held(session: Session) -> Session:
    """Lock the session, or the one that it became part of."""
    session = session.locked()
    while session.merged_into_id is not None:
        session = session.project.sessions.get(pk=session.merged_into_id).locked()
    return session


def _locked(ticket: Ticket) -> Ticket:
    rows = ticket.project.tickets.select_for_update(of=("self",))
    return rows.select_related("assignee", "author", "project__organization").get(pk=ticket.pk)


def _write(
    ticket: Ticket, session: Session, before: Values, after: Values, names: list[str], actor: Actor
) -> None:
    for name in set(names) & set(PLAIN):
        setattr(ticket, name, getattr(after, name))
    if {"status", "assignee"} & set(names):
        _let_go(ticket)
    changed = {name: [before.told(name), after.told(name)] for name in FIELDS if name in names}
    sealed = _write_words(ticket, session, after, changed)
    ticket.version, ticket.changed_at = ticket.version + 1, timezone.now()
    ticket.save()
    plain = {name: changed[name] for name in PLAIN if name in changed}
    ticket.project.ticket_changes.create(
        ticket=ticket,
        version=ticket.version,
        changed_by=actor.label or actor.kind,
        changed_at=ticket.changed_at,
        fields=plain,
        sealed_words=sealed,
    )
    if "status" in names:
        _show(session, actor)
    _record(actor, "ticket.change", ticket, {"fields": sorted(names), "changes": plain})


def _write_words(
    ticket: Ticket, session: Session, after: Values, changed: Mapping[str, Sequence[str]]
) -> bytes | None:
    """Seal new words into a ticket, and return what the history keeps of the change."""
    words = {name: changed[name] for name in WORDS if name in changed}
    if not words:
        return None
    cipher = cipher_of(session)
    sealed = seal_words(cipher, ticket.number, title=after.title, description=after.description)
    for column, value in sealed.items():
        setattr(ticket, column, value)
    return seal_changes(cipher, ticket.number, words)


def _claim(ticket: Ticket, actor: Actor) -> None:
    ticket.holder = holder_name(actor)
    ticket.held_by = actor.label or actor.kind
    ticket.claimed_until = timezone.now() + CLAIMED_FOR
    ticket.save(update_fields=["holder", "held_by", "claimed_until"])
    _record(actor, "ticket.claim", ticket)


def _let_go(ticket: Ticket) -> None:
    ticket.holder, ticket.held_by, ticket.claimed_until = "", "", None


def _show(session: Session, actor: Actor) -> None:
    """Let lists of sessions say whether there is an unfinished ticket about this one."""
    if session.erased_at is not None:
        return
    tickets = session.project.tickets.filter(session_id=session.pk)
    is_open = tickets.unfinished().exists()
    facet = {"facet": Facet.TICKET, "value": HAS_OPEN}
    if is_open == session.facets.filter(project_id=session.project_id, **facet).exists():
        return
    change: dict[str, list[str]] = {"values": [], "remove": []}
    change["values" if is_open else "remove"].append(HAS_OPEN)
    store.mark(session, Facet.TICKET, **change, actor=actor)


def _tell(ticket: Ticket, before: Values, names: list[str], actor: Actor) -> None:
    """Tell the new assignee, and everybody else whose ticket it is."""
    is_given = "assignee" in names
    if is_given:
        _tell_assignee(ticket, actor)
    told_already = ticket.assignee_id if is_given else None
    people = [ticket.author, ticket.assignee, before.assignee]
    watchers = {person.pk for person in people if person and person.pk != told_already}
    # Not those who have left the project since.
    for person in people_who_may_see(ticket.project).filter(pk__in=watchers):
        _tell_person(ticket, person, InboxKind.TICKET, actor)


def _tell_assignee(ticket: Ticket, actor: Actor) -> None:
    if ticket.assignee is not None:
        _tell_person(ticket, ticket.assignee, InboxKind.ASSIGNMENT, actor)


def _tell_person(ticket: Ticket, person: User, kind: InboxKind, actor: Actor) -> None:
    tell_person(
        person,
        ticket.project,
        kind=kind,
        actor=actor,
        session_id=ticket.session_id,
        event_id=ticket.event_id,
        subject_id=ticket.number,
    )


def _person(actor: Actor) -> User | None:
    return User.objects.filter(pk=actor.id).first() if actor.kind == "user" else None


def _record(
    actor: Actor, act: str, ticket: Ticket, detail: Mapping[str, Any] | None = None
) -> None:
    audit.record(
        actor,
        act,
        organization_id=ticket.project.organization_id,
        project_id=ticket.project_id,
        objects=[f"ticket:{ticket.number}", str(ticket.session_id)],
        detail=detail,
    )
