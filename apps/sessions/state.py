"""The state of an agent at a step: the fold of snapshots and patches up to there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from apps.sessions.models import Session


@dataclass(frozen=True, slots=True)
class StateAt:
    """State after a step by lane, and what that step changed.

    A change is ``{"path", "op", "before", "after"}``; a patch that does not apply is
    ``{"path", "op", "error"}`` and leaves the state as it was.
    """

    seq: int
    state: dict[str, Any]
    changes: list[dict[str, Any]]


def state_at(session: Session, seq: int) -> StateAt:
    """Fold the session's state up to and including the step with this ``seq``."""
    raise NotImplementedError
