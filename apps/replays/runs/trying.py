"""Beginning one trial: its replay is planned and started, or it is said why it cannot be."""

from __future__ import annotations

from uuid import UUID

import msgspec
from django.db import transaction

from apps.audit.actors import SYSTEM
from apps.core.errors import DomainError, InvalidError
from apps.providers.models import Credential
from apps.replays import suite_queries
from apps.replays.runs import cases, measuring
from apps.replays.runs.models import RegressionRun, Trial, TrialState
from apps.replays.runs.settings import RunSettings, replay_settings
from apps.replays.runs.sides import Kept, Side, credential_of
from apps.replays.server.plans import Plan, plan_replay
from apps.replays.server.settings import Overrides
from apps.replays.server.starting import start_sample
from apps.replays.suite_models import CaseRevision
from apps.tenants.models import Project

NO_CREDENTIAL = "The credential {} was removed. Add it again and resume, or cancel."
NOTHING_TO_ASK = "No call of a model in it can be asked again: {}"
NO_CALL = "it records none."
ONE_STEP = "A case that is one step cannot be run freely."


class HoldError(Exception):
    """No further trial can be begun until somebody does something; the message says what."""


class NotTriedError(Exception):
    """This trial cannot be tried; the message says why."""


class Trying:
    """Begins trials of one run: what they share is read once."""

    def __init__(self, run: RegressionRun, kept: Kept) -> None:
        self.run, self.project, self.kept = run, run.project, kept
        self._row: CaseRevision | None = None
        # Of the case at hand, by side: samples of one side have the same plan.
        self._plans: dict[int, Plan] = {}

    def begin(self, trial: Trial) -> None:
        """Begin a trial in the caller's transaction, with its replay or not at all."""
        row, side = self._case(trial.case_id), self.kept.sides[trial.side]
        if side.is_record:
            measuring.end_trial(trial, measuring.of_record(row, self.kept.settings))
            return
        credential = self._credential(side)
        try:
            with transaction.atomic():
                plan = self._plan(row, trial.side)
                made = start_sample(
                    self.project, plan, trial.sample, credential, self.run.budget, actor=SYSTEM
                )
        except (DomainError, NotTriedError) as error:
            measuring.end_trial(trial, measuring.Measured(TrialState.SKIPPED, reason=str(error)))
            return
        self.project.sessions.filter(pk=made.replay.session_id).update(is_trial=True)
        trial.state, trial.replay = TrialState.STARTED, made.replay
        trial.save(update_fields=["state", "replay"])

    def _case(self, case_id: UUID) -> CaseRevision:
        if self._row is None or self._row.case_id != case_id:
            self._row = suite_queries.find_case(self.run.suite, case_id, self.run.suite_version)
            self._row.case.session.project = self.project
            self._plans = {}
        return self._row

    def _credential(self, side: Side) -> Credential | None:
        try:
            return credential_of(self.project, side.provider)
        except InvalidError:
            raise HoldError(NO_CREDENTIAL.format(side.provider)) from None

    def _plan(self, row: CaseRevision, at: int) -> Plan:
        if at not in self._plans:
            plan = plan_case(self.project, row, self.kept.sides[at], self.kept.settings)
            if reason := why_not(self.project, plan):
                raise NotTriedError(reason)
            self._plans[at] = plan
        return self._plans[at]


def plan_case(project: Project, row: CaseRevision, side: Side, settings: RunSettings) -> Plan:
    """Return what a replay of a case would do on one side. Raises what no replay could do."""
    only = cases.only_of(row)
    wanted = replay_settings(
        settings,
        provider=side.provider,
        overrides=side.overrides,
        session=str(row.case.session_id),
    )
    if wanted.is_free and only:
        raise NotTriedError(ONE_STEP)
    row.case.session.project = project
    return plan_replay(project, row.case.session, msgspec.structs.replace(wanted, only=only))


def why_not(project: Project, plan: Plan) -> str:
    """Say why a side cannot try a session: it asks nothing, or not all that others can ask."""
    if not plan.asked:
        why = plan.skipped[0].reason if plan.skipped else NO_CALL
        return NOTHING_TO_ASK.format(why)
    if not plan.skipped:
        return ""
    plain = msgspec.structs.replace(plan.settings, overrides=Overrides())
    anyhow = {one.event_id for one in plan_replay(project, plan.session, plain).skipped}
    own = (one for one in plan.skipped if one.event_id not in anyhow)
    return next((f"Step {one.seq}: {one.reason}" for one in own), "")
