"""Two people changed one ticket at once: what each wants, side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from apps.tickets.fields import FIELDS, LABELS
from apps.tickets.models import Ticket
from apps.tickets.queries import ToldChange
from apps.tickets.services import StaleError


@dataclass(frozen=True)
class Choice:
    """One field about which two people differ."""

    name: str
    label: str
    now: str
    yours: str
    # As the form sent it, to be sent again.
    sent: str
    # Whether somebody changed this very field since; else only the ticket around it changed.
    is_theirs: bool


@dataclass(frozen=True)
class Conflict:
    """A refused change: what would differ, and who was faster."""

    ticket: Ticket
    choices: list[Choice]
    since: Sequence[ToldChange]


def conflict_of(
    error: StaleError,
    changes: Mapping[str, Any],
    since: Sequence[ToldChange],
    sent: Mapping[str, str],
) -> Conflict:
    """Return what the person is to choose between, with all that they typed."""
    now = error.now
    wanted = now.changed(changes)
    theirs = {name for act in since for name in act.fields}
    choices = [
        Choice(
            name=name,
            label=LABELS[name],
            now=now.told(name),
            yours=wanted.told(name),
            sent=sent.get(name, ""),
            is_theirs=name in theirs,
        )
        for name in FIELDS
        if name in changes and now.differs(wanted, name)
    ]
    return Conflict(error.ticket, choices, since)
