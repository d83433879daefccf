"""What becomes of tickets when their session becomes part of another one, or is erased."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.db.models import QuerySet

from apps.sessions import reader
from apps.sessions.models import Session
from apps.tenants import inbox
from apps.tickets.models import Ticket, TicketChange, TicketQuerySet
from apps.tickets.words import move_words, open_changes, seal_changes


def move_tickets(project_id: int, old: UUID, new: UUID) -> None:
    """Let tickets follow their session, under its key; lists find the session by them already."""
    inbox.move_session(project_id, old, new)
    tickets = list(_of(project_id, old).select_for_update(of=("self",)))
    if not tickets:
        return
    ciphers = reader.ciphers([Session(pk=pk, project_id=project_id) for pk in (old, new)])
    changes = list(_changes_of(project_id, tickets).select_related("ticket"))
    for change in changes:
        number = change.ticket.number
        words = open_changes(ciphers[old], number, change)
        change.sealed_words = seal_changes(ciphers[new], number, words)
    for ticket in move_words(tickets, ciphers[old], ciphers[new]):
        ticket.session_id = new
    columns = ["session_id", "sealed_title", "sealed_description"]
    Ticket.unscoped.bulk_update(tickets, columns)
    TicketChange.unscoped.bulk_update(changes, ["sealed_words"])


def forget_words(project_id: int, session_id: UUID) -> None:
    """Destroy what tickets of an erased session say.

    That there was one, and what became of it, stays: numbers have no gaps, and a board that
    silently lost a ticket would mislead.
    """
    inbox.forget_session(project_id, session_id)
    tickets = _of(project_id, session_id)
    _changes_of(project_id, list(tickets)).update(sealed_words=None)
    tickets.update(sealed_title=None, sealed_description=None)


def _of(project_id: int, session_id: UUID) -> TicketQuerySet:
    return Ticket.unscoped.filter(project_id=project_id, session_id=session_id)


def _changes_of(project_id: int, tickets: Sequence[Ticket]) -> QuerySet[TicketChange]:
    return TicketChange.unscoped.filter(project_id=project_id, ticket__in=tickets)
