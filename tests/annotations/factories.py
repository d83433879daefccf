"""Makers of sessions that something is said about."""

from __future__ import annotations

from apps.accounts.models import User
from apps.audit.actors import Actor
from apps.sessions.models import Session
from apps.tenants.models import ApiKey, Project
from tests.sessions.factories import at, make_call, make_event, make_session

QUESTION = "Where is my order 4711? I paid twice."


def make_talk(project: Project, **fields: object) -> Session:
    """Record a session of a call and a tool."""
    call = make_call(
        id="call",
        input={"messages": [{"role": "system", "content": "Be kind."},
                            {"role": "user", "content": QUESTION}]},
        output="It left\r\nyesterday 🚚 and is near you.",
        started_at=at(0),
        **fields,
    )  # fmt: skip
    tool = make_event(id="tool", kind="tool", output={"carrier": "slow boat"}, started_at=at(1))
    return make_session(project, call, tool)


def event_of(session: Session, client_id: str = "call") -> str:
    rows = session.project.events.filter(session_id=session.pk, client_id=client_id)
    return rows.get().id.hex


def actor(person: User) -> Actor:
    return Actor(kind="user", id=str(person.pk), label=person.email)


def key_actor(key: ApiKey) -> Actor:
    return Actor(kind="key", id=str(key.pk), label=key.name)
