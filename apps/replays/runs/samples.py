"""The trials of a run as samples of cases: what verdicts are made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from apps.replays import suite_queries
from apps.replays.runs import cases
from apps.replays.runs.models import BASELINE, UNFINISHED, RegressionRun, TrialState
from apps.replays.runs.sides import Kept
from apps.replays.verdict_shapes import Paired

Json = Any

# The reason of trials that nobody needs any more.
DECIDED = "Not needed: it was decided already."


@dataclass(frozen=True, slots=True)
class Sample:
    """One trial."""

    state: str
    reason: str
    measures: Mapping[str, float | None]

    @property
    def is_finished(self) -> bool:
        return self.state not in UNFINISHED

    @property
    def is_tried(self) -> bool:
        return self.state in (TrialState.DONE, TrialState.FAILED)


@dataclass(frozen=True, slots=True)
class SampledCase:
    """One case: its samples by side, and what counts together with it."""

    case: UUID
    cluster: str | None
    is_pinned: bool
    sides: Mapping[int, Sequence[Sample]]

    def both(self, side: int) -> list[Sample]:
        return [*self.sides.get(BASELINE, ()), *self.sides.get(side, ())]

    def is_finished(self, side: int) -> bool:
        return all(one.is_finished for one in self.both(side))

    def counts(self, side: int) -> bool:
        """Whether it belongs to the verdict: not where nobody could try it, or needed it."""
        both = self.both(side)
        is_left_out = any(one.reason == DECIDED for one in both)
        return any(one.is_tried for one in both) and not is_left_out

    def is_compared(self, side: int) -> bool:
        """Whether both sides were tried."""
        return all(any(one.is_tried for one in self.sides.get(at, ())) for at in (BASELINE, side))

    def values(self, side: int, metric: str) -> list[float | None]:
        return [one.measures.get(metric) for one in self.sides.get(side, ())]


def sampled(run: RegressionRun, kept: Kept) -> list[SampledCase]:
    """Return the cases of a run in the order that was drawn, with all of their samples."""
    rows = suite_queries.in_version(run.suite, run.suite_version).select_related("case__session")
    revisions = {row.case_id: row for row in rows}
    sides: dict[UUID, dict[int, list[Sample]]] = {}
    columns = ("case_id", "side", "state", "reason", "measures")
    for case, side, *told in run.trials.order_by("pk").values_list(*columns):
        sides.setdefault(case, {}).setdefault(side, []).append(_sample(*told))
    known = [revisions[case] for case in sides if case in revisions]
    clusters = cases.clusters_of(known, kept.clusters)
    return [
        SampledCase(row.case_id, cluster, row.is_pinned, sides[row.case_id])
        for row, cluster in zip(known, clusters, strict=True)
    ]


def _sample(state: str, reason: str, measures: Mapping[str, float | None] | None) -> Sample:
    return Sample(state, reason, measures or {})


def paired(
    found: Sequence[SampledCase],
    side: int,
    metric: str,
    known: Mapping[UUID, tuple[int, int]],
) -> list[Paired]:
    """Return the cases of one candidate and metric as the verdict takes them."""
    return [
        Paired(
            case=str(one.case),
            baseline=one.values(BASELINE, metric),
            candidate=one.values(side, metric),
            cluster=one.cluster,
            is_pinned=one.is_pinned,
            known=known.get(one.case, (0, 0)),
        )
        for one in found
        if one.counts(side)
    ]
