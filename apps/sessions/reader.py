"""Reading a session: its steps, and what was said in them."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from apps.sessions.models import Session
from apps.sessions.steps import Outline, Step


def outline(session: Session) -> Outline:
    """Return the steps in replay order, from one query over narrow columns."""
    raise NotImplementedError


def read_steps(session: Session, steps: Sequence[Step], *, content: bool) -> list[dict[str, Any]]:
    """Return the steps in the shape of the native event, in a constant number of queries."""
    raise NotImplementedError


def read_step(session: Session, event_id: str, *, raw: bool = False) -> dict[str, Any] | None:
    """Return one event whole; ``raw`` adds what no field holds (``extra``)."""
    raise NotImplementedError


def titles(sessions: Sequence[Session]) -> dict[uuid.UUID, str]:
    """Return the opened titles of sessions, by id, from one query for their keys."""
    raise NotImplementedError


def outcome_reason(session: Session) -> str | None:
    """Return why the session ended as it did, opened."""
    raise NotImplementedError
