"""Tickets as lists and pages show them: with what they say, and the step that they are about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from apps.sessions.listing import short_id
from apps.sessions.models import Session
from apps.tenants.models import Project
from apps.tickets.models import Severity, Status, Ticket
from apps.tickets.queries import StepName, step_names
from apps.tickets.words import Words, words_of


@dataclass(frozen=True)
class TicketRow:
    """One ticket of a list."""

    ticket: Ticket
    # None: its session was erased, or the reader may not see content.
    words: Words | None
    step: StepName | None
    is_erased: bool

    @property
    def title(self) -> str:
        return self.words.title if self.words else f"Ticket {self.ticket.number}"

    @property
    def session_name(self) -> str:
        return short_id(Session(pk=self.ticket.session_id))

    @property
    def step_id(self) -> str:
        return self.ticket.event_id.hex if self.ticket.event_id else ""

    @property
    def severity(self) -> str:
        return Severity(self.ticket.severity).word

    @property
    def other_statuses(self) -> list[Status]:
        """The columns that it could be moved to."""
        return [status for status in Status if status != self.ticket.status]


def rows_of(project: Project, tickets: Sequence[Ticket], *, content: bool) -> list[TicketRow]:
    """Return tickets with what belongs to them, in as many queries for fifty as for one."""
    words = words_of(tickets) if content else {}
    steps = step_names(project, tickets)
    return [
        TicketRow(
            ticket,
            words.get(ticket.pk),
            steps.get((ticket.session_id, ticket.event_id)) if ticket.event_id else None,
            is_erased=ticket.sealed_title is None,
        )
        for ticket in tickets
    ]
