"""How often the baseline of each case passed, over all runs: which cases are flaky."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from django.db import transaction
from django.db.models import F

from apps.replays.suite_models import Case, Suite


@transaction.atomic
def record_baselines(suite: Suite, told: Mapping[UUID, tuple[int, int]]) -> None:
    """Add passes and samples of baselines to the history of cases, by their ids.

    Whoever runs a suite calls this once, in the transaction that ends the run: counted twice they
    would make one run look like two. Nothing is audited, because nobody chose anything.
    """
    alike: dict[tuple[int, int], list[UUID]] = {}
    for case, (passes, samples) in told.items():
        if not 0 <= passes <= samples:
            raise ValueError("passes lie between 0 and samples")
        alike.setdefault((passes, samples), []).append(case)
    # Many cases came to the same, so that one change is enough for all of these.
    for (passes, samples), cases in alike.items():
        rows = suite.project.cases.filter(suite=suite, pk__in=cases)
        rows.update(passes=F("passes") + passes, samples=F("samples") + samples)


def known_baselines(suite: Suite) -> dict[UUID, tuple[int, int]]:
    """Return (passes, samples) of each case that was tried: ``Paired.known`` of a verdict."""
    rows: list[Case] = list(suite.cases.filter(samples__gt=0))
    return {row.pk: (row.passes, row.samples) for row in rows}
