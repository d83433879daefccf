"""Counting what was refused or not understood, so that it can be seen in the product.

Clients throw away the reasons that a partial success carries; without this account data
would be missing and nobody would know why.
"""

from __future__ import annotations

from collections.abc import Sequence

from apps.sessions.events import Loss
from apps.sessions.keys import project_keys
from apps.tenants.models import Project

SAMPLE = b"ingest-loss"
# Senders say themselves how much they cut off; what they claim must not fill the sum.
MOST_AT_ONCE = 10**9

# Reason, source, count and the encrypted sample.
LossRow = tuple[str, str, int, bytes | None]


def loss_rows(project: Project, losses: Sequence[Loss], source: str) -> list[LossRow]:
    """Return one row for each reason: a row may be touched once in a statement.

    All that a request lost is counted under the request's ``source``, also what only the
    record noticed. Samples are encrypted: they are what somebody said.
    """
    sums: dict[str, Loss] = {}
    for loss in losses:
        reason = loss.reason[:64]
        known = sums.setdefault(reason, Loss(reason=reason, source=source, count=0))
        known.count += loss.count
        known.sample = known.sample or loss.sample
    return [
        (reason, source[:64], min(loss.count, MOST_AT_ONCE), _sealed(project, loss.sample))
        for reason, loss in sorted(sums.items())
    ]


def opened(project: Project, sample: bytes) -> str:
    """Return a sample as text: first what was wrong, then the start of what was sent."""
    return project_keys(project.pk).open_apart(sample, SAMPLE).decode(errors="replace")


def _sealed(project: Project, sample: bytes | None) -> bytes | None:
    if not sample:
        return None
    return project_keys(project.pk).seal_apart(sample, SAMPLE)
