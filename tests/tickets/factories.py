"""Makers of tickets."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from apps.accounts.models import User
from apps.audit.actors import SYSTEM, Actor
from apps.sessions.models import Session
from apps.tenants.models import Project
from apps.tickets.fields import Draft
from apps.tickets.models import Ticket
from apps.tickets.services import open_ticket
from tests.sessions.factories import make_session


def make_ticket(
    project: Project,
    session: Session | None = None,
    *,
    event_id: UUID | None = None,
    actor: Actor = SYSTEM,
    **fields: Any,
) -> Ticket:
    draft = Draft(**{"title": "The agent refunded twice"} | fields)
    session = session or project.sessions.first() or make_session(project)
    return open_ticket(session, draft=draft, event_id=event_id, actor=actor)


def acting(person: User) -> Actor:
    return Actor(kind="user", id=str(person.pk), label=person.email)
