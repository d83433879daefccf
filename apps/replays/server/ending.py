"""What a server's replay came to: a session of its own, and a report like an application's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from django.db import transaction
from django.utils import timezone

from apps.audit.actors import SYSTEM, Actor
from apps.providers import caching
from apps.replays import sealing
from apps.replays.reports import read_report
from apps.replays.server.copies import Copy, as_incoming
from apps.replays.server.models import ServerReplay, ServerStep, State
from apps.replays.server.plans import events_of
from apps.replays.server.scoring import report_on
from apps.replays.server.sealed import open_answer
from apps.replays.services import report_replay
from apps.sessions import reader, store
from apps.sessions.models import Origin

Json = Any

AT_ONCE = 500
CANCELLED = {"type": "Cancelled", "message": "Somebody cancelled the replay."}


def end_replay(run: ServerReplay) -> None:
    """Write the session and the report of a replay of which every step has ended.

    Whoever comes second, or is killed on the way and starts again, changes nothing: events are
    known by their ids, and the state is looked at under a lock.
    """
    copies = _copies(run)
    _write(run, copies)
    with transaction.atomic():
        held = run.project.server_replays.select_for_update().get(pk=run.pk)
        if held.state == State.RUNNING:
            _report(run, copies, State.DONE, SYSTEM)


def end_cancelled(run: ServerReplay, *, actor: Actor) -> None:
    """Do so for one that was cancelled, in the caller's transaction."""
    copies = _copies(run)
    _write(run, copies)
    _report(run, copies, State.CANCELLED, actor)


def _copies(run: ServerReplay) -> list[Copy]:
    """Return every step of the original, with what came of those that were asked again."""
    cipher = sealing.cipher_of(run.replay.session)
    original = run.replay.original
    if original is None:
        return []
    original.project = run.project
    asked = {step.event_id.hex: step for step in run.steps.all()}
    steps = reader.outline(original).steps
    return [_copy(event, asked.get(step.id), cipher) for step, event in events_of(original, steps)]


def _copy(event: dict[str, Json], step: ServerStep | None, cipher: Any) -> Copy:
    return Copy(event, step, None if step is None else open_answer(cipher, step))


def _write(run: ServerReplay, copies: Sequence[Copy]) -> None:
    name = run.replay.session.external_id or ""
    for some in _batches([as_incoming(copy, name) for copy in copies]):
        store.append(run.project, some, origin=Origin.REPLAY)


def _batches(events: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(events), AT_ONCE):
        yield events[start : start + AT_ONCE]


def _report(run: ServerReplay, copies: Sequence[Copy], state: State, actor: Actor) -> None:
    now = timezone.now()
    body = sealing.opened(run.replay)
    found = report_on(str(run.replay.original_id), copies)
    if state == State.CANCELLED:
        found = replace(found, stopped=True)
    sent = {
        "id": run.replay.client_id,
        "status": "ended",
        "session": str(run.replay.original_id),
        "origin": run.replay.origin,
        "started_at": run.created_at.isoformat(),
        "ended_at": now.isoformat(),
        "plan": dict(body.plan) if body else {},
        "report": found.as_json(),
        "error": CANCELLED if state == State.CANCELLED else None,
    }
    report_replay(run.project, read_report(sent, now), sent, actor=actor)
    rows = run.project.server_replays.filter(pk=run.pk)
    rows.update(state=state, ended_at=now, reason="")
    # What was paid for is in the record now.
    caching.forget_run(run.project, run.pk)
