"""Starting a server's replay, and holding, resuming or ending it by hand."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

import msgspec
from django.db import transaction
from django.utils import timezone

from apps.audit import services as audit
from apps.audit.actors import Actor
from apps.core.errors import ConflictError, InvalidError
from apps.core.jobs import after_commit
from apps.providers.budgets import change_limit, make_budget
from apps.providers.models import Budget, Credential
from apps.providers.scripted import read_script
from apps.replays import sealing
from apps.replays.models import Replay, Where
from apps.replays.reports import read_report
from apps.replays.server.ending import end_cancelled
from apps.replays.server.free import queue_next
from apps.replays.server.loops import first_at
from apps.replays.server.models import (
    UNFINISHED,
    ServerReplay,
    ServerStep,
    State,
    StepState,
)
from apps.replays.server.plans import Plan, credential_of, plan_replay
from apps.replays.server.sealed import seal_settings
from apps.replays.server.settings import AT_HOME, WORK, Settings
from apps.replays.services import report_replay
from apps.sessions.models import Session
from apps.tenants.models import Project

Json = Any

NOTHING_TO_ASK = "No call of a model in this session can be asked again: {}"


@dataclass(frozen=True, slots=True)
class Started:
    """What was planned, and the replays that do it: one for each sample."""

    plan: Plan
    runs: list[ServerReplay]


def start_replays(
    project: Project, session: Session, settings: Settings, *, actor: Actor
) -> Started:
    """Plan the replay of a session and start it, once for each sample.

    Raises ConflictError where the plan is not the one that was shown, InvalidError naming the
    field where nothing could come of it.
    """
    plan = plan_replay(project, session, settings)
    _check(plan)
    credential = credential_of(project, settings)
    with transaction.atomic():
        budget = _budget(project, plan)
        runs = [
            start_sample(project, plan, sample, credential, budget, actor=actor)
            for sample in range(settings.samples)
        ]
        _record(actor, "replay.start", project, runs, plan)
    return Started(plan, runs)


def _check(plan: Plan) -> None:
    settings = plan.settings
    if settings.plan_hash is not None and settings.plan_hash != plan.hash:
        raise ConflictError(
            "The plan is another now: the session or the settings changed. Look at it again."
        )
    if not plan.asked:
        why = plan.skipped[0].reason if plan.skipped else "it records no call of a model."
        raise InvalidError(NOTHING_TO_ASK.format(why), "session")
    _check_script(settings)
    expected = plan.expected.cost
    if settings.most is not None and expected is not None:
        whole = expected * settings.samples
        if whole > settings.most:
            message = (
                f"About {whole:.4f} US dollars will be needed, as the calls cost when they were "
                "recorded. Give more, or ask fewer samples."
            )
            raise InvalidError(message, "budget")


def _check_script(settings: Settings) -> None:
    if settings.script is None:
        return
    try:
        read_script(settings.script)
    except InvalidError as error:
        for one in error.errors:
            one["path"] = one["path"].replace("rules", "script", 1)
        raise


def _budget(project: Project, plan: Plan) -> Budget | None:
    most = plan.settings.most
    if most is None or plan.settings.provider in AT_HOME:
        return None
    return make_budget(project, limit=most, purpose=f"Replay of {plan.session.pk}")


@transaction.atomic
def start_sample(
    project: Project,
    plan: Plan,
    sample: int,
    credential: Credential | None,
    budget: Budget | None,
    *,
    actor: Actor,
) -> ServerReplay:
    """Start one replay of a planned session, paid from ``budget`` with others.

    Who starts many records once in the audit log what they are for; nothing is recorded here.
    """
    replay = _report(project, plan, actor)
    cipher = sealing.cipher_of(replay.session)
    run = project.server_replays.create(
        replay=replay,
        mode=plan.settings.mode,
        provider=plan.settings.provider,
        credential=credential,
        budget=budget,
        sample=sample,
        plan_hash=plan.hash,
        sealed_settings=seal_settings(cipher, plan.settings),
    )
    _queue(run, plan)
    after_commit(WORK, project.pk, str(run.pk))
    return run


def _report(project: Project, plan: Plan, actor: Actor) -> Replay:
    """Let the new session be there from the start, so that one can watch it."""
    settings = plan.settings
    overrides = msgspec.to_builtins(settings.overrides)
    fork_at = _fork_at(plan)
    sent = {
        "id": secrets.token_hex(16),
        "status": "running",
        "session": str(plan.session.pk),
        "origin": "replay" if fork_at is None else "fork",
        "started_at": timezone.now().isoformat(),
        "plan": {
            "mode": settings.mode,
            "provider": settings.provider,
            "overrides": {
                name: value for name, value in overrides.items() if value not in (None, {})
            },
            "recorded_calls": len(plan.asked) + len(plan.skipped),
            "fork_at": fork_at,
            "stubs": list(settings.simulators),
        },
        "forked_at": None if fork_at is None else {"step": fork_at},
    }
    report = read_report(sent, timezone.now())
    replay = report_replay(project, report, sent, actor=actor, is_audited=False).replay
    replay.where = Where.SERVER
    replay.save(update_fields=["where"])
    return replay


def _fork_at(plan: Plan) -> int | None:
    """Return the step at which a replay leaves its original; None: it stands beside all of it."""
    loop = plan.free.loop if plan.free else None
    if loop is None or plan.settings.from_step is None:
        return None
    return loop.steps[first_at(loop, plan.settings.from_step)].seq


def _queue(run: ServerReplay, plan: Plan) -> None:
    if plan.settings.is_free:
        queue_next(run, 1)
        return
    asked = [ServerStep(event_id=one.event_id, seq=one.seq) for one in plan.asked]
    skipped = [
        ServerStep(
            event_id=one.event_id, seq=one.seq, state=StepState.SKIPPED, reason=one.reason[:500]
        )
        for one in plan.skipped
    ]
    for step in (*asked, *skipped):
        step.project_id, step.run = run.project_id, run
    run.project.server_steps.bulk_create([*asked, *skipped], batch_size=1_000)


@transaction.atomic
def pause_replay(run: ServerReplay, *, actor: Actor, reason: str = "") -> ServerReplay:
    """Have no further step begun; those at work end."""
    run = _held(run, (State.RUNNING,), "paused")
    run.state, run.reason = State.PAUSED, reason
    run.save(update_fields=["state", "reason"])
    _record(actor, "replay.pause", run.project, [run])
    return run


@transaction.atomic
def resume_replay(run: ServerReplay, *, actor: Actor, budget: Any = None) -> ServerReplay:
    """Go on with what is left, with more money where ``budget`` says so."""
    run = _held(run, (State.PAUSED,), "resumed")
    if budget is not None and run.budget is not None:
        change_limit(run.budget, limit=budget)
    run.state, run.reason, run.running_since = State.RUNNING, "", timezone.now()
    run.save(update_fields=["state", "reason", "running_since"])
    _record(actor, "replay.resume", run.project, [run])
    after_commit(WORK, run.project_id, str(run.pk))
    return run


@transaction.atomic
def cancel_replay(run: ServerReplay, *, actor: Actor) -> ServerReplay:
    """End the replay with what it has; nothing further is asked."""
    run = _held(run, (State.RUNNING, State.PAUSED), "cancelled")
    run.steps.filter(state__in=UNFINISHED).update(
        state=StepState.SKIPPED, reason="The replay was cancelled.", lease=None
    )
    _record(actor, "replay.cancel", run.project, [run])
    end_cancelled(run, actor=actor)
    run.refresh_from_db(fields=["state", "reason", "ended_at"])
    return run


def _held(run: ServerReplay, states: tuple[State, ...], act: str) -> ServerReplay:
    rows = run.project.server_replays.select_for_update(of=("self",))
    held = rows.select_related("replay__session", "budget").get(pk=run.pk)
    if held.state not in states:
        raise ConflictError(f"A replay that is {held.get_state_display().lower()} is not {act}.")
    held.project = run.project
    return held


def _record(
    actor: Actor, act: str, project: Project, runs: list[ServerReplay], plan: Plan | None = None
) -> None:
    told: dict[str, Json] = {}
    if plan is not None:
        told = {"provider": plan.settings.provider, "asked": len(plan.asked)}
        told |= {"budget": plan.settings.budget, "plan": plan.hash}
    audit.record(
        actor,
        act,
        organization_id=project.organization_id,
        project_id=project.pk,
        objects=[str(run.replay_id) for run in runs],
        detail=told,
    )
