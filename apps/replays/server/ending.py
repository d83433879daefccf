"""What a server's replay came to: a session of its own, and a report like an application's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from django.db import transaction
from django.utils import timezone
from playhead.reported import Report

from apps.audit.actors import SYSTEM, Actor
from apps.core.jobs import after_commit
from apps.providers import caching
from apps.replays import sealing
from apps.replays.reports import read_report
from apps.replays.runs.models import ADVANCE
from apps.replays.server.copies import Copy, as_incoming
from apps.replays.server.free import FreeAsking
from apps.replays.server.models import Mode, ServerReplay, ServerStep, State, StepState
from apps.replays.server.plans import events_of
from apps.replays.server.questions import Questions
from apps.replays.server.scoring import determinism_of, report_on
from apps.replays.server.scoring_free import report_freely, tools_of
from apps.replays.server.sealed import open_answer, open_settings
from apps.replays.server.settings import Settings
from apps.replays.server.stories import story_of
from apps.replays.services import report_replay
from apps.sessions import reader, store
from apps.sessions.keys import SessionCipher
from apps.sessions.models import Origin, Session

Json = Any

AT_ONCE = 500
CANCELLED = {"type": "Cancelled", "message": "Somebody cancelled the replay."}


@dataclass(frozen=True, slots=True)
class Ended:
    """What a replay came to: the steps of its session, and its report."""

    copies: Sequence[Copy]
    report: Report
    # Of a free replay: why it did not go on, and its calls of tools by what answered them.
    more: Mapping[str, Json] = field(default_factory=dict)
    # How often each call is asked, in replays of their own.
    samples: int = 1


def end_replay(run: ServerReplay) -> None:
    """Write the session and the report of a replay of which every step has ended.

    Whoever comes second, or is killed on the way and starts again, changes nothing: events are
    known by their ids, and the state is looked at under a lock.
    """
    ended = _ended(run)
    _write(run, ended.copies)
    with transaction.atomic():
        held = run.project.server_replays.select_for_update().get(pk=run.pk)
        if held.state == State.RUNNING:
            _report(run, ended, State.DONE, SYSTEM)
    _go_on(run)


def _go_on(run: ServerReplay) -> None:
    """Have the run of a suite that this was for, if it was, take it in and start others."""
    trials = run.project.trials.filter(replay=run.replay_id)
    if (of_suite := trials.values_list("run_id", flat=True).first()) is not None:
        after_commit(ADVANCE, run.project_id, str(of_suite))


def end_cancelled(run: ServerReplay, *, actor: Actor) -> None:
    """Do so for one that was cancelled, in the caller's transaction."""
    ended = _ended(run)
    _write(run, ended.copies)
    _report(run, ended, State.CANCELLED, actor)


def _ended(run: ServerReplay) -> Ended:
    original = run.replay.original
    name = str(run.replay.original_id)
    if original is None:
        return Ended([], report_on(name, []))
    original.project = run.project
    if run.mode == Mode.TEACHER_FORCED:
        cipher = sealing.cipher_of(run.replay.session)
        settings = open_settings(cipher, bytes(run.sealed_settings))
        copies = _copies(run, original, cipher, settings)
        return Ended(copies, report_on(name, copies), samples=settings.samples)
    asking = FreeAsking(run)
    copies, samples = story_of(asking), asking.settings.samples
    return Ended(copies, report_freely(name, asking, copies), _about(run, asking), samples)


def _copies(
    run: ServerReplay, original: Session, cipher: SessionCipher, settings: Settings
) -> list[Copy]:
    """Return every step of the original, with what came of those that were asked again."""
    questions = Questions(run.project, settings)
    asked = {step.event_id.hex: step for step in run.steps.all()}
    steps = reader.outline(original).steps
    return [
        _copy(event, asked.get(step.id), cipher, questions)
        for step, event in events_of(original, steps)
    ]


def _copy(
    event: dict[str, Json], step: ServerStep | None, cipher: Any, questions: Questions
) -> Copy:
    if step is None or step.state == StepState.SKIPPED:
        return Copy(event, step)
    told = {**event, **questions.told_of(event)}
    return Copy(told, step, open_answer(cipher, step), beside=event)


def _about(run: ServerReplay, asking: FreeAsking) -> dict[str, Json]:
    last = run.steps.order_by("-seq").first()
    stop: dict[str, Json] = {"stop": run.stop, "says": ""}
    if last is not None and last.state == StepState.DONE:
        told = (open_answer(asking.cipher, last) or {})["free"]["stop"]
        stop = {"stop": told[0], "says": told[1]} if told else stop
    elif last is not None:
        stop["says"] = last.reason
    return {"stop": stop if stop["stop"] else None, "tools": dict(tools_of(asking))}


def _write(run: ServerReplay, copies: Sequence[Copy]) -> None:
    session, origin = run.replay.session, Origin(run.replay.origin)
    name = session.external_id or ""
    for some in _batches([as_incoming(copy, name) for copy in copies]):
        store.append(run.project, some, origin=origin, is_trial=session.is_trial)


def _batches(events: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(events), AT_ONCE):
        yield events[start : start + AT_ONCE]


def _report(run: ServerReplay, ended: Ended, state: State, actor: Actor) -> None:
    now = timezone.now()
    body = sealing.opened(run.replay)
    found = ended.report
    if state == State.CANCELLED:
        found = replace(found, stopped=True)
    more = {"determinism": determinism_of(ended.copies), "samples": ended.samples, **ended.more}
    sent = {
        "id": run.replay.client_id,
        "status": "ended",
        "session": str(run.replay.original_id),
        "origin": run.replay.origin,
        "started_at": run.created_at.isoformat(),
        "ended_at": now.isoformat(),
        "plan": dict(body.plan) if body else {},
        "forked_at": dict(body.forked_at) if body and body.forked_at else None,
        "report": found.as_json() | more,
        "error": CANCELLED if state == State.CANCELLED else None,
    }
    report_replay(run.project, read_report(sent, now), sent, actor=actor, is_audited=False)
    rows = run.project.server_replays.filter(pk=run.pk)
    rows.update(state=state, ended_at=now, reason="")
    # What was paid for is in the record now.
    caching.forget_run(run.project, run.pk)
