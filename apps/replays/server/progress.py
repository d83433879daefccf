"""How far a replay of the server has come, for its page, the API, and whoever watches."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Count, Q, Sum
from django.utils import timezone

from apps.replays.server.models import UNFINISHED, ServerReplay, State, StepState

Json = Any

# What is yet to come goes on at the pace of so long ago until now.
RECENTLY = timedelta(minutes=2)
# Fewer steps than this tell no pace.
FEWEST = 2


@dataclass(frozen=True, slots=True)
class Progress:
    """Steps by how far they have come, US dollars, and seconds; None is not known."""

    run: ServerReplay
    steps: dict[str, int]
    paid: Decimal | None
    # Until the last step ends, at the pace of the last two minutes.
    eta_seconds: float | None = None

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
    def share(self) -> int:
        """Whole per cent of the steps that have ended."""
        return 100 * self.ended // self.count if self.count else 100

    @property
    def eta_ms(self) -> float | None:
        return None if self.eta_seconds is None else self.eta_seconds * 1000

    @property
    def says(self) -> str:
        """What is said aloud: it changes with each quarter and with the first failure alone."""
        quarter = self.share // 25 * 25
        words = [f"{quarter} % of the calls are asked."] if quarter else []
        return " ".join([*words, "A call failed."] if self.steps[StepState.FAILED] else words)

    @property
    def perhaps_paid(self) -> Decimal | None:
        """What calls may have cost of which no answer came, over all samples of one budget."""
        budget = self.run.budget
        return budget.uncertain if budget is not None and budget.uncertain else None

    @property
    def is_open(self) -> bool:
        return self.run.state in (State.RUNNING, State.PAUSED)


def progress_of(run: ServerReplay) -> Progress:
    """Return how far a replay has come: one query over its steps."""
    now = timezone.now()
    since = max(run.running_since, now - RECENTLY)
    recent = Count("pk", filter=Q(ended_at__gte=since))
    rows = run.steps.values_list("state")
    found = list(rows.annotate(count=Count("pk"), amount=Sum("paid"), recent=recent))
    counts = dict.fromkeys(StepState.values, 0) | {state: count for state, count, _, _ in found}
    paid = [amount for _, _, amount, _ in found if amount is not None]
    left = sum(counts[state] for state in UNFINISHED)
    is_going = run.state == State.RUNNING
    ended = sum(count for *_, count in found)
    eta = eta_seconds(left, ended=ended, seconds=(now - since).total_seconds())
    return Progress(run, counts, sum(paid, Decimal(0)) if paid else None, eta if is_going else None)


def eta_seconds(left: int, *, ended: int, seconds: float) -> float | None:
    """Return how long ``left`` steps take where ``ended`` took ``seconds``; None: nobody knows."""
    if not left:
        return 0.0
    return None if ended < FEWEST or seconds <= 0 else left * seconds / ended


def progress_json(run: ServerReplay) -> Json:
    """Return the same for the API."""
    return as_json(progress_of(run))


def as_json(progress: Progress) -> Json:
    """Return progress as the API tells it: money as text, times in seconds."""
    run, eta = progress.run, progress.eta_seconds
    return {
        "state": run.state,
        "reason": run.reason,
        "steps": progress.steps,
        "eta_seconds": None if eta is None else round(eta, 1),
        "paid": _money(progress.paid),
        "perhaps_paid": _money(progress.perhaps_paid),
        "budget": None if run.budget is None else _money(run.budget.limit),
    }


def _money(amount: Decimal | None) -> str | None:
    return None if amount is None else format(amount, "f")
