"""Answers from history: what the record says was answered to this very request."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from apps.providers.protocol import Answer, NotRecordedError, Request

FROM_RECORD = "Served from the record."


@dataclass(frozen=True, slots=True)
class Recorded:
    """Asks whoever knows the record; ``find`` returns None for what is not in it.

    The record belongs to apps above this one, so they hand in the look-up.
    """

    find: Callable[[Request, int], Answer | None]
    name: str = "recorded"

    def ask(self, request: Request, *, sample: int, seconds: float) -> Answer:
        """Return the recorded answer, or raise NotRecordedError."""
        answer = self.find(request, sample)
        if answer is None:
            raise NotRecordedError("The record has no answer to this request.")
        return replace(answer.noting([FROM_RECORD]), latency_ms=answer.latency_ms)
