"""What a ticket's fields may be, and how their values are told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from apps.accounts.models import User
from apps.core.errors import InvalidError
from apps.tenants.access import people_who_may_see
from apps.tenants.models import Project
from apps.tickets.models import (
    LONGEST_DESCRIPTION,
    LONGEST_TITLE,
    Severity,
    Status,
    Ticket,
)
from apps.tickets.words import Words

# Under the key of the session.
WORDS = ("title", "description")
# Clear.
PLAIN = ("status", "severity", "assignee", "due_on")
FIELDS = (*WORDS, *PLAIN)
LABELS = {
    "title": "Title",
    "description": "Description",
    "status": "Status",
    "severity": "Severity",
    "assignee": "Assignee",
    "due_on": "Due date",
}
NOT_HERE = "may not see this project's sessions, so the ticket cannot be theirs."
# Dates that PostgreSQL and every reader of them understand.
FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2999, 12, 31)


@dataclass(frozen=True)
class Draft:
    """What a ticket is opened with."""

    title: str
    description: str = ""
    severity: Severity = Severity.MEDIUM
    status: Status = Status.OPEN
    assignee: User | None = None
    due_on: date | None = None


@dataclass(frozen=True)
class Values:
    """All that can be changed of a ticket, as it stands or as somebody wants it."""

    title: str
    description: str
    status: Status
    severity: Severity
    assignee: User | None
    due_on: date | None

    def changed(self, changes: Mapping[str, Any]) -> Values:
        """Return the values with some fields changed."""
        return replace(self, **changes)

    def told(self, name: str) -> str:
        """Return one field in words; empty where there is nothing."""
        value = getattr(self, name)
        if isinstance(value, Status | Severity):
            return str(value.label)
        return "" if value is None else str(value)

    def differs(self, other: Values, name: str) -> bool:
        return bool(getattr(self, name) != getattr(other, name))


def values_of(ticket: Ticket, words: Words) -> Values:
    return Values(
        title=words.title,
        description=words.description,
        status=Status(ticket.status),
        severity=Severity(ticket.severity),
        assignee=ticket.assignee,
        due_on=ticket.due_on,
    )


def clean_text(text: str, name: str, longest: int) -> str:
    """Return what a person wrote, without white space around it; refuse what is no text."""
    text = text.strip().replace("\r\n", "\n")
    if len(text) > longest:
        raise InvalidError(f"{name} holds at most {longest:,} characters.", name)
    if "\x00" in text or any("\ud800" <= letter <= "\udfff" for letter in text):
        raise InvalidError(f"{name} holds a character that is none.", name)
    return text


def clean_title(text: str) -> str:
    """Return a title: one line, not empty."""
    title = " ".join(clean_text(text, "title", 2 * LONGEST_TITLE).split())
    if not 1 <= len(title) <= LONGEST_TITLE:
        raise InvalidError(f"Give a title of 1 to {LONGEST_TITLE} characters.", "title")
    return title


def clean_changes(project: Project, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return changes as they may be made, or raise InvalidError naming the field."""
    clean = dict(changes)
    if unknown := sorted(clean.keys() - set(FIELDS)):
        raise InvalidError(f"A ticket has no field {unknown[0][:64]}.", unknown[0][:64])
    if "title" in clean:
        clean["title"] = clean_title(clean["title"])
    if "status" in clean:
        clean["status"] = Status(clean["status"])
    if "description" in clean:
        words = clean["description"]
        clean["description"] = clean_text(words, "description", LONGEST_DESCRIPTION)
    if clean.get("assignee") is not None:
        check_assignee(project, clean["assignee"])
    if clean.get("due_on") is not None and not FIRST_DAY <= clean["due_on"] <= LAST_DAY:
        raise InvalidError(f"due_on must be from {FIRST_DAY} to {LAST_DAY}.", "due_on")
    return clean


def check_assignee(project: Project, person: User) -> None:
    """Refuse somebody who could not even open the ticket.

    A grant on one session is not enough: tickets are the project's.
    """
    if not people_who_may_see(project).filter(pk=person.pk).exists():
        raise InvalidError(f"{person} {NOT_HERE}", "assignee")
