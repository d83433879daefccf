"""Tickets worth looking at: one about a failed step, one that says what would run if trusted."""

from __future__ import annotations

from collections.abc import Mapping

from apps.accounts.models import User
from apps.audit.actors import SYSTEM
from apps.sessions.models import Session
from apps.tickets.fields import Draft
from apps.tickets.models import Severity
from apps.tickets.services import open_ticket
from tests.browser.words import HOSTILE


def open_tickets(sessions: Mapping[str, Session], person: User) -> None:
    hero, hostile = sessions["hero"], sessions["hostile"]
    failed = hero.events.filter(project_id=hero.project_id, status="error").first()
    event_id = failed.id if failed else None
    draft = Draft("Refunded twice", severity=Severity.CRITICAL, assignee=person)
    open_ticket(hero, draft=draft, event_id=event_id, actor=SYSTEM)
    draft = Draft(" ".join(HOSTILE)[:200], description="\n".join(HOSTILE))
    open_ticket(hostile, draft=draft, actor=SYSTEM)
