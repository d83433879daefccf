"""Recording what one request brought: the events, the losses and who sent it, or nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import DataError, transaction
from django.utils import timezone

from apps.core.errors import UnavailableError
from apps.ingest import clients, losses
from apps.ingest.batch import Batch, Rejection
from apps.ingest.checks import Refusal
from apps.ingest.clients import Client, Sighting
from apps.sessions import store
from apps.sessions.events import IncomingEvent, Loss
from apps.tenants.models import Project

AWAY = "The database cannot take this now. Send it again later."


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a request. Every event sent is counted in exactly one of the three."""

    accepted: int
    duplicates: int
    rejected: list[Rejection]


def ingest(
    project: Project, batch: Batch, *, client: Client, environment: str = "", origin: str = "live"
) -> Receipt:
    """Record a request in one transaction: once this returns, all of it is committed."""
    try:
        return _ingest(project, batch, client, environment, origin)
    except DataError:
        _refuse_poison(project, batch)
    return ingest(project, batch, client=client, environment=environment, origin=origin)


def count_refused_request(project: Project, source: str, reason: str, client: Client) -> None:
    """Count a request of which nothing could be read, so that its sender's silence is seen."""
    refused = Sighting(source=source, accepted=0, duplicates=0, rejected=1)
    with transaction.atomic():
        losses.record(project, [Loss(reason=reason, source=source)])
        clients.record(project, client, refused, [], timezone.now())


@transaction.atomic
def _ingest(
    project: Project, batch: Batch, client: Client, environment: str, origin: str
) -> Receipt:
    duplicates, found = 0, batch.losses()
    if batch.events:
        result = store.append(project, batch.events, origin=origin, environment=environment)
        duplicates = result.duplicates
        found += result.losses
    accepted = len(batch.events) - duplicates
    losses.record(project, found)
    sighting = Sighting(batch.source, accepted, duplicates, len(batch.rejected))
    clients.record(project, client, sighting, batch.events, timezone.now())
    return Receipt(accepted, duplicates, batch.rejected)


def _refuse_poison(project: Project, batch: Batch) -> None:
    """Refuse the events that the database itself does not take; the others will be sent on."""
    poison = {id(event) for event in _poison(project, batch.events)}
    if not poison:
        raise UnavailableError(AWAY)
    refusal = Refusal("The database cannot hold a value of this event.", reason="unstorable")
    for event in batch.events:
        if id(event) in poison:
            batch.refuse(Rejection.of(batch.index_of(event), refusal))
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
