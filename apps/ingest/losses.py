"""Counting what was refused or not understood, so that it can be seen in the product.

Clients throw away the reasons that a partial success carries; without this account data
would be missing and nobody would know why.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from django.db import connection
from django.utils import timezone

from apps.sessions.events import Loss
from apps.sessions.keys import project_keys
from apps.tenants.models import Project

SLOTS = 8
SAMPLE = b"ingest-loss"

ADD_LOSSES = """
INSERT INTO ingest_ingestloss (project_id, minute, reason, source, slot, count, sample)
SELECT %s, date_trunc('minute', %s::timestamptz), reason, source, %s, count, sample
FROM unnest(%s::text[], %s::text[], %s::bigint[], %s::bytea[]) AS t (reason, source, count, sample)
ORDER BY reason, source
ON CONFLICT (project_id, minute, reason, source, slot)
DO UPDATE SET count = ingest_ingestloss.count + excluded.count
"""


def record(project: Project, losses: Sequence[Loss]) -> None:
    """Add ``losses`` to the account, in the caller's transaction. Samples are encrypted."""
    rows = _added_up(losses)
    if not rows:
        return
    columns: list[list[Any]] = [
        [loss.reason for loss in rows],
        [loss.source for loss in rows],
        [loss.count for loss in rows],
        [loss.sample and _sealed(project, loss.sample) for loss in rows],
    ]
    slot = random.randrange(SLOTS)  # noqa: S311 - it spreads writers, nothing more
    with connection.cursor() as cursor:
        cursor.execute(ADD_LOSSES, [project.pk, timezone.now(), slot, *columns])


def _added_up(losses: Sequence[Loss]) -> list[Loss]:
    """Return one loss for each reason and source: a row may be touched once in a statement."""
    sums: dict[tuple[str, str], Loss] = {}
    for loss in losses:
        key = (loss.reason[:64], loss.source[:64])
        known = sums.setdefault(
            key, Loss(reason=key[0], source=key[1], count=0, sample=loss.sample)
        )
        known.count += loss.count
    return list(sums.values())


def _sealed(project: Project, sample: bytes) -> bytes:
    return project_keys(project.pk).seal_apart(sample, SAMPLE)
