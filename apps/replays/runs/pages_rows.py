"""The cases of a run as its page shows them: each candidate beside the baseline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from apps.core.units import UNKNOWN
from apps.replays.pages_words import Word, share
from apps.replays.runs.models import UNFINISHED, Trial, TrialState
from apps.replays.runs.pages_words import CHANGES, TRIALS, percent_more
from apps.replays.runs.queries import CaseRow
from apps.replays.runs.sides import Side
from apps.replays.suite_models import Case
from apps.sessions import reader
from apps.sessions.listing import short_id
from apps.sessions.models import Session

# Replays of one side that a row links.
MOST_SAMPLES = 20


@dataclass(frozen=True, slots=True)
class Sample:
    """One trial, and where its replay is."""

    number: int
    word: Word
    replay: UUID | None


@dataclass(frozen=True, slots=True)
class Beside:
    """One candidate beside the baseline, for one case."""

    side: int
    name: str
    word: Word
    # How many samples passed, before and now.
    before: str
    now: str
    similarity: str
    time: str
    cost: str
    reason: str
    # Sessions of the replays that tell most.
    baseline: UUID | None
    candidate: UUID | None
    samples: Sequence[Sample]

    @property
    def is_measured(self) -> bool:
        """Whether it is known of any side how it did."""
        return UNKNOWN not in (self.before, self.now) or self.before != self.now


@dataclass(frozen=True, slots=True)
class CaseLine:
    """One case of a run."""

    row: CaseRow
    title: str
    besides: Sequence[Beside]
    before: Sequence[Sample]

    @property
    def case(self) -> Case:
        return self.row.case

    @property
    def session(self) -> Session:
        return self.row.session

    @property
    def has_asked_baseline(self) -> bool:
        """Whether the baseline was replayed, too: the record itself is none."""
        return any(one.replay is not None for one in self.before)

    @property
    def is_erased(self) -> bool:
        return self.session.erased_at is not None

    @property
    def short_id(self) -> str:
        return short_id(self.session)

    @property
    def name(self) -> str:
        return self.title or self.session.external_id or self.short_id


def case_lines(rows: Sequence[CaseRow], sides: Sequence[Side], *, content: bool) -> list[CaseLine]:
    """Return cases with what they are called, in as many queries for fifty as for one."""
    sessions = [row.session for row in rows if row.session.erased_at is None]
    titles = reader.titles(sessions) if content and sessions else {}
    return [
        CaseLine(
            row,
            titles.get(row.session.pk, ""),
            _besides(row, sides),
            samples_of(row.sides.get(0, ())),
        )
        for row in rows
    ]


def _besides(row: CaseRow, sides: Sequence[Side]) -> list[Beside]:
    return [
        beside(at, side.name, row.sides.get(0, ()), row.sides.get(at, ()))
        for at, side in enumerate(sides)
        if at
    ]


def beside(at: int, name: str, before: Sequence[Trial], now: Sequence[Trial]) -> Beside:
    """Return what became of one case with one candidate."""
    return Beside(
        side=at,
        name=name,
        word=word_of(before, now),
        before=passed(before),
        now=passed(now),
        similarity=share(mean(now, "similarity")),
        time=percent_more(mean(before, "latency_ms"), mean(now, "latency_ms")),
        cost=percent_more(mean(before, "cost"), mean(now, "cost")),
        reason=next((one.reason for one in (*now, *before) if one.reason), ""),
        baseline=telling(before),
        candidate=telling(now),
        samples=samples_of(now),
    )


def word_of(before: Sequence[Trial], now: Sequence[Trial]) -> Word:
    """Return how a case went: how far it is while it is not done, else against the baseline."""
    for side in (now, before):
        if any(one.state in UNFINISHED for one in side):
            is_begun = any(one.state != TrialState.QUEUED for one in (*now, *before))
            return TRIALS[TrialState.STARTED if is_begun else TrialState.QUEUED]
    if any(one.state == TrialState.SKIPPED for one in before) or not now:
        return TRIALS[TrialState.SKIPPED]
    states = {one.state for one in now}
    if TrialState.DONE not in states:
        return TRIALS[TrialState.FAILED if TrialState.FAILED in states else TrialState.SKIPPED]
    was, became = mean(before, "success"), mean(now, "success")
    if was is None or became is None:
        return CHANGES["unknown"]
    return CHANGES["same" if was == became else "better" if became > was else "worse"]


def mean(trials: Sequence[Trial], metric: str) -> float | None:
    """Return the mean of what is known."""
    known = [one.measures.get(metric) for one in trials if one.measures]
    values = [float(value) for value in known if value is not None]
    return sum(values) / len(values) if values else None


def passed(trials: Sequence[Trial]) -> str:
    """Say how many samples passed, of those of which it is known."""
    known = [one.measures.get("success") for one in trials if one.measures]
    told = [value for value in known if value is not None]
    if not told:
        return UNKNOWN
    if len(told) == 1:
        return "passes" if told[0] >= 1 else "fails"
    return f"{sum(value >= 1 for value in told)} of {len(told)}"


def telling(trials: Sequence[Trial]) -> UUID | None:
    """Return the session of the first sample that did not pass, else of the first."""
    there = [one for one in trials if one.replay is not None]
    failed = [one for one in there if (one.measures or {}).get("success") == 0]
    for one in (*failed, *there):
        if one.replay is not None:
            return one.replay.session_id
    return None


def samples_of(trials: Sequence[Trial]) -> list[Sample]:
    shown = trials[:MOST_SAMPLES]
    return [Sample(one.sample + 1, _sample_word(one), one.replay_id) for one in shown]


def _sample_word(trial: Trial) -> Word:
    success = (trial.measures or {}).get("success")
    if trial.state != TrialState.DONE or success is None:
        return TRIALS[TrialState(trial.state)]
    return PASSES if success >= 1 else FAILS


PASSES = Word("passes", "ok", "circle-check", "all that is expected holds")
FAILS = Word("fails", "error", "octagon-x", "something that is expected does not hold")
