"""Going on with a run: trials are started as others end, and the last one ends the run.

Any number of workers may come at once: one of them holds the run's row and starts trials, each in
a transaction with its replay, so that a worker that is killed leaves no trial half started; the
others go away. Trials whose replays have ended are measured side by side, each by one worker.
"""

from __future__ import annotations

from enum import Enum
from functools import cached_property

from django.conf import settings as django_settings
from django.db import transaction
from django.db.models import Count, Q

from apps.core import jobs
from apps.core.errors import UnavailableError
from apps.replays import suite_queries
from apps.replays.runs import cases, ending, measuring, watching
from apps.replays.runs.measuring import Measured
from apps.replays.runs.models import JUDGE, UNFINISHED, RegressionRun, RunState, Trial, TrialState
from apps.replays.runs.sides import Kept, kept_of
from apps.replays.runs.trying import HoldError, Trying
from apps.replays.server.models import State

# Replays that have not ended.
WAITING = Q(replay__server_run__state__in=(State.RUNNING, State.PAUSED))
CANCELLED = "Its replay was cancelled."
PAUSED = "A replay of this run was paused. Resume the run."
WITH_REPLAY = ("replay__server_run", "replay__session", "replay__original")


class Turn(Enum):
    """What came of trying to start one more trial."""

    STARTED = "started"
    NOTHING = "nothing to start"
    BUSY = "another worker does"


def advance(run: RegressionRun) -> None:
    """Go on with a run until as many trials are under way as may be, or it has ended."""
    if run.state not in (RunState.RUNNING, RunState.PAUSED):
        return
    worker = _Advancing(run)
    while worker.gather():
        pass
    worker.hold_if_held()
    while (turn := worker.turn()) is Turn.STARTED or (turn is Turn.NOTHING and worker.has_room()):
        pass
    if turn is Turn.NOTHING:
        watching.look(run, lambda: worker.kept)
    if worker.is_over():
        jobs.after_commit(JUDGE, run.project_id, str(run.pk))


def judge(run: RegressionRun) -> None:
    """Judge a run of which every trial has ended; one that goes on stays as it is."""
    if not _Advancing(run).is_over():
        return
    try:
        ending.end_run(run, kept_of(run))
    except UnavailableError as error:
        # What is missing can be installed; nothing that was paid for is lost meanwhile.
        ending.hold_run(run, f"{error} Then resume the run.")


class _Advancing:
    """One worker on one run: what all of its trials share is read once, and when it is needed."""

    def __init__(self, run: RegressionRun) -> None:
        self.run, self.project = run, run.project
        self.window: int = django_settings.REPLAY_TRIALS
        self._is_filling = False

    @cached_property
    def kept(self) -> Kept:
        return kept_of(self.run)

    @cached_property
    def trying(self) -> Trying:
        return Trying(self.run, self.kept)

    def gather(self) -> bool:
        """Measure one trial whose replay has ended, that no other worker measures."""
        with transaction.atomic():
            rows = self.run.trials.select_for_update(of=("self",), skip_locked=True)
            ended = rows.filter(state=TrialState.STARTED).exclude(WAITING)
            trial = ended.select_related(*WITH_REPLAY).order_by("pk").first()
            if trial is not None:
                self._end(trial)
        return trial is not None

    def _end(self, trial: Trial) -> None:
        replay = trial.replay
        if replay is None:
            measuring.end_trial(trial, Measured(TrialState.SKIPPED, reason=cases.ERASED))
        elif replay.server_run.state == State.CANCELLED:
            measuring.end_trial(trial, Measured(TrialState.SKIPPED, reason=CANCELLED))
        else:
            replay.project = replay.server_run.project = self.project
            replay.server_run.replay = replay
            row = suite_queries.find_case(self.run.suite, trial.case_id, self.run.suite_version)
            settings = self.kept.settings
            measuring.end_trial(trial, measuring.of_replay(replay.server_run, row, settings))

    def hold_if_held(self) -> None:
        """Hold the run where one of its replays is held: others would fare likewise."""
        rows = self.project.server_replays.filter(
            replay__trial__run=self.run, replay__trial__state=TrialState.STARTED
        )
        held = rows.filter(state=State.PAUSED).values_list("reason", flat=True).first()
        if held is not None:
            ending.hold_run(self.run, held or PAUSED)

    def turn(self) -> Turn:
        """Start one more trial, if there is room."""
        try:
            with transaction.atomic():
                return self._turn()
        except HoldError as error:
            ending.hold_run(self.run, str(error))
            return Turn.BUSY

    def _turn(self) -> Turn:
        rows = self.project.regression_runs.select_for_update(of=("self",), skip_locked=True)
        if not rows.filter(pk=self.run.pk, state=RunState.RUNNING).exists():
            return Turn.BUSY
        if not self.has_room():
            return Turn.NOTHING
        trial = self.run.trials.filter(state=TrialState.QUEUED).order_by("pk").first()
        if trial is None:
            return Turn.NOTHING
        self.trying.begin(trial)
        self._is_filling = True
        return Turn.STARTED

    def has_room(self) -> bool:
        """Whether trials wait and may be started: some at a time, since they share much."""
        counts = self._counts()
        room = self.window - counts.get(TrialState.STARTED, 0)
        least = 1 if self._is_filling else max(1, self.window // 4)
        return bool(counts.get(TrialState.QUEUED)) and room >= least

    def is_over(self) -> bool:
        rows = self.project.regression_runs.filter(pk=self.run.pk, state=RunState.RUNNING)
        return not self._counts() and rows.exists()

    def _counts(self) -> dict[str, int]:
        rows = self.run.trials.filter(state__in=UNFINISHED).order_by()
        return dict(rows.values_list("state").annotate(Count("pk")))
