"""What a call costs a project: its own prices first, then the table of ``pricing``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction

from apps.audit import services as audit
from apps.audit.actors import Actor
from apps.core.errors import ConflictError, InvalidError
from apps.providers.models import PriceOverride
from apps.providers.pricing import TEN_PLACES, TokenCounts, price
from apps.tenants.models import Project

MILLION = Decimal(1_000_000)
MOST_PRICE = Decimal(1_000_000)
MOST_OVERRIDES = 500
TAKEN = "There is a price of this model from that moment on. Remove it first."


@dataclass(frozen=True, slots=True)
class NewPrice:
    """A price as somebody sets it, in US dollars per million tokens."""

    model: str
    input: Decimal
    output: Decimal
    starts_at: datetime
    provider: str = ""
    cache_read: Decimal | None = None
    cache_write: Decimal | None = None


@dataclass(frozen=True, slots=True)
class PriceList:
    """The prices that hold for one project, read once for a piece of work."""

    overrides: tuple[PriceOverride, ...] = ()

    def price(
        self, provider: str | None, model: str, usage: TokenCounts, at: datetime | None
    ) -> Decimal | None:
        """Return the US dollars of one call; None when they cannot be known."""
        own = self._own(provider, model, at)
        if own is None:
            return price(provider, model, usage, at)
        return _priced(own, usage)

    def _own(self, provider: str | None, model: str, at: datetime | None) -> PriceOverride | None:
        """Return the newest price in force; one for the very provider goes before one for any."""
        fits = [
            row
            for row in self.overrides
            if row.model == model
            and row.provider in ("", provider or "")
            and (at is None or row.starts_at <= at)
        ]
        return max(fits, key=lambda row: (row.provider != "", row.starts_at), default=None)


def price_list(project: Project) -> PriceList:
    """Return the prices of a project; one query."""
    return PriceList(tuple(project.price_overrides.all()))


def _priced(row: PriceOverride, usage: TokenCounts) -> Decimal | None:
    cached, kept = usage.cache_read or 0, usage.cache_write or 0
    if usage.input is None or usage.output is None or cached + kept > usage.input:
        return None
    read_at = row.input if row.cache_read is None else row.cache_read
    kept_at = row.input if row.cache_write is None else row.cache_write
    fresh = (usage.input - cached - kept) * row.input
    total = fresh + cached * read_at + kept * kept_at + usage.output * row.output
    return (total / MILLION).quantize(TEN_PLACES)


@transaction.atomic
def add_price(project: Project, new: NewPrice, *, actor: Actor) -> PriceOverride:
    """Let a model cost this project so much from a moment on."""
    Project.objects.select_for_update().get(pk=project.pk)
    model = new.model.strip()
    if not model or len(model) > 200 or "\x00" in model:
        raise InvalidError("Name a model, in 200 characters at most.", "model")
    for field in ("input", "output", "cache_read", "cache_write"):
        _check(field, getattr(new, field))
    if project.price_overrides.count() >= MOST_OVERRIDES:
        raise InvalidError(f"A project has {MOST_OVERRIDES} prices of its own at most.", "model")
    try:
        with transaction.atomic():
            row = project.price_overrides.create(
                provider=new.provider.strip()[:60],
                model=model,
                input=new.input,
                output=new.output,
                cache_read=new.cache_read,
                cache_write=new.cache_write,
                starts_at=new.starts_at,
            )
    except IntegrityError:
        raise ConflictError(TAKEN) from None
    _record(actor, "price.add", row)
    return row


@transaction.atomic
def remove_price(row: PriceOverride, *, actor: Actor) -> None:
    """Let the price before it, or the table's, hold again. What was paid stays as it was."""
    _record(actor, "price.remove", row)
    row.delete()


def _check(field: str, value: Decimal | None) -> None:
    if value is not None and not (value.is_finite() and 0 <= value <= MOST_PRICE):
        raise InvalidError(f"Must be a price from 0 to {MOST_PRICE:,} US dollars.", field)


def _record(actor: Actor, act: str, row: PriceOverride) -> None:
    detail: Mapping[str, Any] = {
        "provider": row.provider,
        "model": row.model,
        "input": str(row.input),
        "output": str(row.output),
        "starts_at": row.starts_at.isoformat(),
    }
    audit.record(
        actor,
        act,
        organization_id=row.project.organization_id,
        project_id=row.project_id,
        objects=[f"price:{row.pk}"],
        detail=detail,
    )
