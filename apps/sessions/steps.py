"""A session's steps in replay order: what every page of a session starts from."""

from __future__ import annotations

import uuid
from datetime import datetime
from decimal import Decimal

import msgspec

from apps.sessions.counting import REPORTED


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One event in its place. Narrow: content is read for the steps that are shown."""

    # 1, 2, ... in replay order, at the time of reading. Links take ``id``.
    seq: int
    id: str
    client_id: str
    client_parent: str | None
    trace: str | None
    # None also where the parent has not arrived.
    parent: str | None
    depth: int
    # As sent, else derived from the tree for display.
    lane: str
    # How many steps name this one as their parent.
    children: int
    kind: str
    name: str | None
    started_at: datetime | None
    ended_at: datetime | None
    duration_ms: float | None
    status: str | None
    error_type: str | None
    provider: str | None
    model: str | None
    model_returned: str | None
    agent: str | None
    prompt_name: str | None
    prompt_version: str | None
    input_tokens: int | None
    output_tokens: int | None
    cache_read: int | None
    cache_write: int | None
    reasoning: int | None
    cost: Decimal | None
    ttft_ms: float | None
    effects: str | None
    confidence: float | None
    request_id: str | None
    # False: its usage is another step's (a transport child, an agent's total).
    is_counted: bool
    # The session that the event named, where its trace belongs to another.
    claimed_session: str | None

    @property
    def is_repeat(self) -> bool:
        """Whether it reports a call that another step reports already."""
        return self.kind in REPORTED and not self.is_counted


class Outline(msgspec.Struct, frozen=True):
    """All steps of a session in replay order."""

    session_id: uuid.UUID
    steps: list[Step]

    def find(self, event_id: str) -> Step | None:
        """Return the step with this id."""
        return next((step for step in self.steps if step.id == event_id), None)
