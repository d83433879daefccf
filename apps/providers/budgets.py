"""Money for calls: reserved before, settled after, never more than there is.

A reservation is the most that its call can cost, and is taken by one UPDATE that looks and
takes in the same moment; PostgreSQL has workers at the same time wait for each other on the
row. What a killed worker had reserved stays counted: its call may have been billed.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from apps.core.errors import InvalidError
from apps.providers.models import Budget, Reservation
from apps.providers.pricing import TEN_PLACES
from apps.providers.protocol import ProviderError
from apps.tenants.models import Project

MOST = Decimal(100_000)
MILLION = Decimal(1_000_000)

# Every call reserves and settles, so each is one statement.
RESERVE = """
WITH taken AS (
    UPDATE providers_budget SET reserved = reserved + %s
    WHERE id = %s AND project_id = %s AND "limit" >= reserved + spent + uncertain + %s
    RETURNING id, project_id
)
INSERT INTO providers_reservation (id, project_id, budget_id, amount, expires_at, is_abandoned)
SELECT %s, project_id, id, %s, %s, false FROM taken
"""
GONE = """
WITH gone AS (
    DELETE FROM providers_reservation WHERE id = %s AND project_id = %s
    RETURNING project_id, budget_id, amount, is_abandoned
)
"""
SETTLE = (
    GONE
    + """
UPDATE providers_budget AS budget
SET reserved = reserved - CASE WHEN gone.is_abandoned THEN 0 ELSE gone.amount END,
    uncertain = uncertain - CASE WHEN gone.is_abandoned THEN gone.amount ELSE 0 END,
    spent = spent + %s
FROM gone WHERE budget.id = gone.budget_id AND budget.project_id = gone.project_id
"""
)
SETTLE_UNKNOWN = (
    GONE
    + """
UPDATE providers_budget AS budget
SET reserved = reserved - gone.amount, uncertain = uncertain + gone.amount
FROM gone WHERE NOT gone.is_abandoned
    AND budget.id = gone.budget_id AND budget.project_id = gone.project_id
"""
)


class BudgetSpentError(ProviderError):
    """What is left of the budget may not be enough for this call."""

    kind = "budget"

    def __init__(self, message: str, *, is_tied_up: bool) -> None:
        super().__init__(message)
        # Whether it would be enough once the calls under way have given back what they need not.
        self.is_tied_up = is_tied_up


class PriceUnknownError(ProviderError):
    """Nobody can keep to a budget with a model whose price is not known."""

    kind = "price"


def make_budget(project: Project, *, limit: Decimal, purpose: str) -> Budget:
    """Set money aside for one piece of work, in US dollars."""
    if not limit.is_finite() or not 0 <= limit <= MOST:
        raise InvalidError(f"A budget is from 0 to {MOST:,} US dollars.", "budget")
    return project.budgets.create(limit=limit.quantize(TEN_PLACES), purpose=purpose[:200])


@transaction.atomic
def change_limit(budget: Budget, *, limit: Decimal) -> Budget:
    """Let a piece of work cost more, or less, from now on."""
    if not limit.is_finite() or not 0 <= limit <= MOST:
        raise InvalidError(f"A budget is from 0 to {MOST:,} US dollars.", "budget")
    budget = budget.locked()
    budget.limit = limit.quantize(TEN_PLACES)
    budget.save(update_fields=["limit"])
    return budget


def reserve(budget: Budget, amount: Decimal, *, seconds: float) -> Reservation:
    """Take ``amount`` out of the budget for one call of at most ``seconds``."""
    made = Reservation(
        project_id=budget.project_id,
        budget_id=budget.pk,
        amount=amount,
        expires_at=timezone.now() + timedelta(seconds=seconds),
    )
    values = (amount, budget.pk, budget.project_id, amount, made.pk, amount, made.expires_at)
    if not _ran(RESERVE, values):
        budget.refresh_from_db()
        is_tied_up = budget.limit - budget.spent - budget.uncertain >= amount
        raise BudgetSpentError(_too_little(budget, amount), is_tied_up=is_tied_up)
    made._state.adding = False
    return made


def settle(reservation: Reservation, paid: Decimal | None) -> None:
    """Give back what a call did not cost; None is not known, and then all of it stays counted.

    A reservation that was settled before changes nothing. What was given up for lost is counted
    as uncertain by then, and comes back from there.
    """
    found = (reservation.pk, reservation.project_id)
    if paid is None:
        _ran(SETTLE_UNKNOWN, found)
    else:
        _ran(SETTLE, (*found, paid))


def _ran(statement: str, values: Sequence[Any]) -> int:
    """Run a statement and return how many rows it wrote."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return int(cursor.rowcount)


@transaction.atomic
def give_up_lost(project: Project, budget_id: UUID, *, now: datetime) -> Decimal:
    """Count as perhaps paid what calls had reserved that never ended; returns how much."""
    lost = list(
        Reservation.unscoped.select_for_update().filter(
            project_id=project.pk, budget_id=budget_id, is_abandoned=False, expires_at__lte=now
        )
    )
    amount = sum((row.amount for row in lost), Decimal(0))
    if lost:
        Reservation.unscoped.filter(pk__in=[row.pk for row in lost]).update(is_abandoned=True)
        _of(lost[0]).update(reserved=F("reserved") - amount, uncertain=F("uncertain") + amount)
    return amount


def lost_budgets(now: datetime) -> list[tuple[int, UUID]]:
    """Return project and budget of reservations whose calls must have ended, of all projects."""
    rows = Reservation.unscoped.filter(is_abandoned=False, expires_at__lte=now)
    return list(rows.order_by().values_list("project_id", "budget_id").distinct())


def _of(reservation: Reservation) -> QuerySet[Budget]:
    return Budget.unscoped.filter(pk=reservation.budget_id, project_id=reservation.project_id)


def _too_little(budget: Budget, amount: Decimal) -> str:
    return (
        f"The budget has ${_shown(budget.left)} left, and this call can cost ${_shown(amount)}. "
        "Raise the budget, or let answers be shorter (max_tokens)."
    )


def _shown(amount: Decimal) -> str:
    return f"{amount.quantize(Decimal('0.000001')).normalize():f}"
