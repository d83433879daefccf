"""How far a replay of the server has come, for its page and the API."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import Count, Sum

from apps.replays.server.models import UNFINISHED, ServerReplay, State, StepState

Json = Any


@dataclass(frozen=True, slots=True)
class Progress:
    """Steps by how far they have come, and US dollars; None is not known."""

    run: ServerReplay
    steps: dict[str, int]
    paid: Decimal | None

    @property
    def count(self) -> int:
        return sum(self.steps.values())

    @property
    def left(self) -> int:
        return sum(self.steps[state] for state in UNFINISHED)

    @property
    def ended(self) -> int:
        return self.count - self.left

    @property
    def is_open(self) -> bool:
        return self.run.state in (State.RUNNING, State.PAUSED)


def progress_of(run: ServerReplay) -> Progress:
    """Return how far a replay has come: one query over its steps."""
    found = run.steps.values_list("state").annotate(Count("pk"), Sum("paid"))
    counts = dict.fromkeys(StepState.values, 0) | {state: count for state, count, _ in found}
    paid = [amount for _, _, amount in found if amount is not None]
    return Progress(run, counts, sum(paid, Decimal(0)) if paid else None)


def progress_json(run: ServerReplay) -> Json:
    """Return the same for the API."""
    progress = progress_of(run)
    return {
        "state": run.state,
        "reason": run.reason,
        "steps": progress.steps,
        "paid": None if progress.paid is None else format(progress.paid, "f"),
        "budget": None if run.budget is None else format(run.budget.limit, "f"),
    }
