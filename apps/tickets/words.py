"""What people wrote in tickets, sealed under the key of the session that it is about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import orjson

from apps.core.errors import ConflictError
from apps.sessions import reader
from apps.sessions.keys import SessionCipher
from apps.sessions.models import Session
from apps.tickets.models import Ticket, TicketChange

ERASED = "The session of this ticket was erased, and with it what the ticket said."


@dataclass(frozen=True)
class Words:
    """What a ticket says."""

    title: str
    description: str


def seal_words(
    cipher: SessionCipher, number: int, *, title: str, description: str
) -> dict[str, bytes]:
    """Return the two columns of a ticket; no other ticket's open in their place."""
    return {
        "sealed_title": cipher.seal(title.encode(), _place(number, "title")),
        "sealed_description": cipher.seal(description.encode(), _place(number, "description")),
    }


def cipher_of(session: Session) -> SessionCipher:
    """Return what seals the words of the session's tickets; none is left of an erased one."""
    cipher = reader.ciphers([session]).get(session.pk)
    if cipher is None:
        raise ConflictError(ERASED)
    return cipher


def ciphers_of(tickets: Sequence[Ticket]) -> Mapping[UUID, SessionCipher]:
    """Return what opens tickets, by session, from one query."""
    sessions = {
        ticket.session_id: Session(pk=ticket.session_id, project_id=ticket.project_id)
        for ticket in tickets
    }
    return reader.ciphers(list(sessions.values()))


def words_of(tickets: Sequence[Ticket]) -> dict[int, Words]:
    """Return what tickets say, by their ids; nothing of those whose session was erased."""
    ciphers = ciphers_of(tickets)
    return {
        ticket.pk: open_words(ciphers[ticket.session_id], ticket)
        for ticket in tickets
        if ticket.session_id in ciphers and ticket.sealed_title is not None
    }


def open_words(cipher: SessionCipher, ticket: Ticket) -> Words:
    def opened(sealed: bytes | memoryview | None, field: str) -> str:
        place = _place(ticket.number, field)
        return cipher.open(bytes(sealed), place).decode() if sealed is not None else ""

    title = opened(ticket.sealed_title, "title")
    return Words(title, opened(ticket.sealed_description, "description"))


def seal_changes(
    cipher: SessionCipher, number: int, changes: Mapping[str, Sequence[str]]
) -> bytes | None:
    """Return ``{field: [before, after]}`` of title and description, sealed."""
    if not changes:
        return None
    return cipher.seal(orjson.dumps(changes), _place(number, "change"))


def open_changes(
    cipher: SessionCipher | None, number: int, change: TicketChange
) -> dict[str, list[str]]:
    if cipher is None or change.sealed_words is None:
        return {}
    opened: dict[str, list[str]] = orjson.loads(
        cipher.open(bytes(change.sealed_words), _place(number, "change"))
    )
    return opened


def move_words(tickets: Iterable[Ticket], old: SessionCipher, new: SessionCipher) -> list[Ticket]:
    """Seal what tickets say under the key of the session that they move to."""
    moved = []
    for ticket in tickets:
        words = open_words(old, ticket)
        sealed = seal_words(new, ticket.number, title=words.title, description=words.description)
        ticket.sealed_title, ticket.sealed_description = sealed.values()
        moved.append(ticket)
    return moved


def _place(number: int, field: str) -> bytes:
    return f"ticket:{number}:{field}".encode()
