"""What the report of a run is made of: ids, names and numbers, and nothing of what was said.

Shapes alone, so that pages, JSON, JUnit and Markdown say the same. Rates are shares from 0 to 1,
times milliseconds, money US dollars; None is unknown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from apps.replays.runs import report_words

Json = Any

# Changed cases that the JSON holds; the API of cases lists all.
MOST_CHANGED = 200
BETTER, WORSE, SAME, UNKNOWN = "better", "worse", "same", "unknown"


@dataclass(frozen=True, slots=True)
class SideReport:
    """What one side was, and what its trials measured over all cases."""

    side: int
    name: str
    provider: str = ""
    prompt: str | None = None
    model: str | None = None
    # The names of parameters that are another than recorded.
    params: Sequence[str] = ()
    has_system: bool = False
    # The record itself, which nobody was asked for.
    is_record: bool = False
    # Of the prompt, in the repository that the gate file lies in.
    file: str | None = None
    # How many trials are in which state.
    trials: Mapping[str, int] = field(default_factory=dict)
    success: float | None = None
    fidelity: float | None = None
    decisions: float | None = None
    similarity: float | None = None
    latency_p50: float | None = None
    latency_p95: float | None = None
    # Of all trials whose cost is known, and how many those are.
    cost: Decimal | None = None
    costed: int = 0
    tokens: int | None = None
    # Trials of which a step could not be asked.
    errors: int = 0

    def as_json(self) -> dict[str, Json]:
        told = asdict(self) | {"trials": dict(self.trials), "params": list(self.params)}
        told["latency_p50_ms"] = told.pop("latency_p50")
        told["latency_p95_ms"] = told.pop("latency_p95")
        return told | {"cost": _money(self.cost), "shown": report_words.side_cells(self)}


@dataclass(frozen=True, slots=True)
class CaseSide:
    """One case on one side: the means of its samples."""

    trials: int = 0
    done: int = 0
    failed: int = 0
    skipped: int = 0
    # Samples that passed, of those of which it is known.
    passes: float = 0.0
    known: int = 0
    fidelity: float | None = None
    coverage: float | None = None
    consumption: float | None = None
    latency_ms: float | None = None
    # Why the first trial that failed or was skipped did.
    reason: str = ""
    # The session that tells most: of the first sample that did not pass, else of the first.
    replay: UUID | None = None

    @property
    def success(self) -> float | None:
        return self.passes / self.known if self.known else None


@dataclass(frozen=True, slots=True)
class CaseReport:
    """One case, tried on all sides; the baseline is ``sides[0]``."""

    case: UUID
    session: UUID
    # The sender's own name of the session, or its short id.
    name: str
    sides: Sequence[CaseSide]
    # The id of the step, of a case that is one.
    event: UUID | None = None
    is_pinned: bool = False
    is_flaky: bool = False

    def change(self, side: int) -> str:
        """Tell what became of the case on a side against the baseline."""
        before, now = self.sides[0].success, self.sides[side].success
        if before is None or now is None:
            return UNKNOWN
        if now == before:
            return SAME
        return BETTER if now > before else WORSE

    def gain(self, side: int) -> float:
        return (self.sides[side].success or 0.0) - (self.sides[0].success or 0.0)


@dataclass(frozen=True, slots=True)
class Noted:
    """What is to be told of one case of one candidate."""

    case: str
    session: str | None
    name: str
    says: str


@dataclass(frozen=True, slots=True)
class GateReport:
    """One gate: what was asked (margin, scale), and ``verdict_shapes.GateVerdict`` as JSON."""

    metric: str
    scale: str
    margin: float | None
    lower_is_better: bool
    verdict: Mapping[str, Json]

    @property
    def result(self) -> str:
        return str(self.verdict["result"])

    @property
    def is_informational(self) -> bool:
        return bool(self.verdict.get("is_informational"))

    def as_json(self) -> dict[str, Json]:
        return {
            **self.verdict,
            "scale": self.scale,
            "margin": self.margin,
            "lower_is_better": self.lower_is_better,
            "shown": report_words.shown(self),
        }


@dataclass(frozen=True, slots=True)
class CandidateReport:
    """One candidate: its verdict, and what became of the cases."""

    measured: SideReport
    # Empty: not judged yet.
    result: str
    says: str
    gates: Sequence[GateReport]
    broken: Sequence[Noted]
    unknown: Sequence[Noted]
    flaky: Sequence[Noted]
    is_on_front: bool
    better: int
    worse: int
    same: int
    # Cases of which one side or the other has no result.
    skipped: int

    @property
    def name(self) -> str:
        return self.measured.name

    def as_json(self) -> dict[str, Json]:
        told = self.measured.as_json()
        return told | {
            "result": self.result or None,
            "says": self.says,
            "gates": [gate.as_json() for gate in self.gates],
            **{
                name: [asdict(one) for one in getattr(self, name)]
                for name in ("broken", "unknown", "flaky")
            },
            "is_on_front": self.is_on_front,
            **{name: getattr(self, name) for name in ("better", "worse", "same", "skipped")},
        }


@dataclass(frozen=True, slots=True)
class Changed:
    """One case that a candidate does better or worse than the baseline."""

    case: CaseReport
    candidate: CandidateReport
    change: str
    is_broken: bool = False

    @property
    def side(self) -> CaseSide:
        return self.case.sides[self.candidate.measured.side]

    @property
    def baseline(self) -> CaseSide:
        return self.case.sides[0]


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the run and its sessions are shown."""

    run: str
    # Of the page that compares two sessions, without its query.
    compare: str
    # Of the list of sessions, to which an id is added.
    sessions: str

    def of_session(self, session: UUID | str) -> str:
        return f"{self.sessions}{session}/"

    def of_case(self, case: CaseReport, side: int) -> str:
        """Return where the replay stands beside the record, or the record where there is none."""
        replay = case.sides[side].replay
        if replay is None:
            return self.of_session(case.session)
        return f"{self.compare}?{urlencode({'a': case.session, 'b': replay})}"


@dataclass(frozen=True, slots=True)
class RunReport:
    """A run, whole: what ``.as_json()`` answers, and each case for those who list all.

    The JSON: ``run name suite{id name} version provider mode state reason result says``,
    ``baseline`` and ``candidates`` (what each was and measured, its gates, broken, unknown and
    flaky cases, how many got better and worse), ``counts`` of cases and trials, ``changed`` (the
    first 200, broken ones first), ``cost`` (paid, limit), ``latency`` and ``tokens`` by side,
    ``environment``, ``started_at ended_at url``.
    """

    run: UUID
    name: str
    suite_id: UUID
    suite: str
    version: int
    provider: str
    mode: str
    repeats: int
    state: str
    # Why it is paused or failed.
    reason: str
    # Empty: not judged.
    result: str
    says: str
    baseline: SideReport
    candidates: Sequence[CandidateReport]
    cases: Sequence[CaseReport]
    changed: Sequence[Changed]
    paid: Decimal | None
    limit: Decimal | None
    environment: Mapping[str, Json]
    started_at: datetime
    ended_at: datetime | None
    addresses: Addresses

    @property
    def sides(self) -> list[SideReport]:
        return [self.baseline, *(one.measured for one in self.candidates)]

    @property
    def trials(self) -> dict[str, int]:
        counted: dict[str, int] = {}
        for side in self.sides:
            for state, count in side.trials.items():
                counted[state] = counted.get(state, 0) + count
        return counted

    def as_json(self) -> dict[str, Json]:
        plain = ("name", "version", "provider", "mode", "repeats", "state", "reason", "says")
        return {
            "run": str(self.run),
            **{name: getattr(self, name) for name in plain},
            "result": self.result or None,
            "suite": {"id": str(self.suite_id), "name": self.suite},
            "baseline": self.baseline.as_json(),
            "candidates": [one.as_json() for one in self.candidates],
            "counts": {
                "cases": len(self.cases),
                "changed": len(self.changed),
                "trials": self.trials,
            },
            "changed": [self._changed_json(one) for one in self.changed[:MOST_CHANGED]],
            "cost": {"paid": _money(self.paid), "limit": _money(self.limit), "currency": "USD"},
            "latency": [
                {"name": one.name, "p50_ms": one.latency_p50, "p95_ms": one.latency_p95}
                for one in self.sides
            ],
            "tokens": [{"name": one.name, "total": one.tokens} for one in self.sides],
            "environment": dict(self.environment),
            "started_at": self.started_at,
            "ended_at": self.ended_at,
            "url": self.addresses.run,
        }

    def _changed_json(self, one: Changed) -> dict[str, Json]:
        side = one.candidate.measured.side
        return {
            "case": str(one.case.case),
            "session": str(one.case.session),
            "name": one.case.name,
            "step": one.case.event.hex if one.case.event else None,
            "candidate": one.candidate.name,
            "change": one.change,
            "baseline": one.baseline.success,
            "success": one.side.success,
            "samples": [one.baseline.known, one.side.known],
            "is_pinned": one.case.is_pinned,
            "is_broken": one.is_broken,
            "is_flaky": one.case.is_flaky,
            "url": self.addresses.of_case(one.case, side),
        }


def _money(amount: Decimal | None) -> str | None:
    return None if amount is None else f"{amount:f}"
