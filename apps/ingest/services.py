"""Recording what one request brought: the events, the losses and who sent it, or nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import structlog
from django.db import DataError, transaction
from django.utils import timezone

from apps.core.errors import UnavailableError
from apps.ingest import accounts, quotas
from apps.ingest.accounts import Request, Sums
from apps.ingest.batch import Batch, Rejection
from apps.ingest.checks import Refusal
from apps.ingest.clients import Client
from apps.ingest.losses import loss_rows
from apps.ingest.redacting import Redaction
from apps.sessions import store
from apps.sessions.events import AppendResult, IncomingEvent, Loss
from apps.tenants.models import Project

log = structlog.get_logger(__name__)

AWAY = "The database cannot take this now. Send it again later."


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a request. Everything sent is counted in exactly one of the three."""

    accepted: int
    duplicates: int
    rejected: list[Rejection]


def ingest(
    project: Project, batch: Batch, *, client: Client, environment: str = "", origin: str = "live"
) -> Receipt:
    """Record a request in one transaction: once this returns, all of it is committed.

    It is charged to the project's quota, and never refused for it here: who calls asks
    ``quotas.admit`` before anything is read.
    """
    try:
        receipt = _ingest(project, batch, client, environment, origin)
    except DataError:
        _refuse_poison(project, batch)
        return ingest(project, batch, client=client, environment=environment, origin=origin)
    sent = receipt.accepted + receipt.duplicates + len(receipt.rejected)
    quotas.charge(project, sent=sent, stored=receipt.accepted)
    return receipt


@transaction.atomic
def count_refused_request(project: Project, source: str, reason: str, client: Client) -> None:
    """Count a request of which nothing could be read, so that its sender's silence is seen."""
    losses = loss_rows(project, [Loss(reason=reason, source=source)], source)
    request = Request(source, client, Sums(refused_requests=1), losses)
    accounts.enter(project, request, timezone.now())


@transaction.atomic
def _ingest(
    project: Project, batch: Batch, client: Client, environment: str, origin: str
) -> Receipt:
    result = AppendResult(accepted=0, duplicates=0, completed=0, sessions=[])
    redaction = Redaction(project, batch)
    if batch.events:
        result = store.append(project, redaction.events, origin=origin, environment=environment)
        redaction.keep()
    missing = _missing(batch, result)
    sums = Sums(result.accepted, result.duplicates, len(batch.rejected) + missing)
    found = batch.losses() + result.losses + _unaccounted(missing)
    losses = loss_rows(project, redaction.losses(found), batch.source)
    request = Request(batch.source, client, sums, losses, batch.events, batch.libraries)
    accounts.enter(project, request, timezone.now())
    return Receipt(result.accepted, result.duplicates, redaction.rejections(batch.rejected))


def _missing(batch: Batch, result: AppendResult) -> int:
    """Return how much was sent of which nobody knows what became of it; there should be none."""
    known = result.accepted + result.duplicates + len(batch.rejected)
    return max(batch.sent - known, 0)


def _unaccounted(missing: int) -> list[Loss]:
    if not missing:
        return []
    log.error("events are missing from the account", count=missing)
    return [Loss(reason="unaccounted", source="", count=missing)]


def _refuse_poison(project: Project, batch: Batch) -> None:
    """Refuse the events that the database itself does not take; the others will be sent on."""
    with transaction.atomic():
        made = Redaction(project, batch).events
    poisoned = {id(event) for event in _poison(project, made)}
    poison = {
        id(event) for event, kept in zip(batch.events, made, strict=True) if id(kept) in poisoned
    }
    if not poison:
        raise UnavailableError(AWAY)
    refusal = Refusal("The database cannot hold a value of this event.", reason="unstorable")
    for event in batch.events:
        for index in batch.indexes_of(event) if id(event) in poison else ():
            batch.refuse(Rejection.of(index, refusal))
    batch.events = [event for event in batch.events if id(event) not in poison]


def _poison(project: Project, events: Sequence[IncomingEvent]) -> list[IncomingEvent]:
    """Return the events that cannot be stored, found by halving."""
    try:
        with transaction.atomic():
            store.append(project, events)
            transaction.set_rollback(True)
    except DataError:
        if len(events) == 1:
            return list(events)
        middle = len(events) // 2
        return _poison(project, events[:middle]) + _poison(project, events[middle:])
    return []
