"""What becomes of a report: the replay's row, and its session in the record.

A report comes once or twice, before or after the events of the new session, and may be sent
again: the end is the same. What a replay came to is evidence and is never written over.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction

from apps.audit import services as audit
from apps.audit.actors import Actor
from apps.core.canonical import canonical_json
from apps.core.errors import ConflictError
from apps.replays import linking, places, sealing
from apps.replays.linking import UnprocessableError
from apps.replays.models import SHARES, Replay, Status
from apps.replays.redacting import ReportRedactor
from apps.replays.reports import ReplayReport, columns_of
from apps.sessions import store
from apps.sessions.keys import project_keys
from apps.sessions.models import Origin, Session
from apps.tenants.models import Project

Json = Any

ANOTHER = "This replay was reported as one of another session, origin or name."
STANDS = "The report of this replay is in, and stands: a report is not written over."
TAKEN = "The session of this name was made by another replay. Give this one a name of its own."
CIRCLE = "A session cannot be a replay of itself, nor of one of its own replays."


@dataclass(frozen=True, slots=True)
class Reported:
    """What a report came to."""

    replay: Replay
    was_made: bool


def report_replay(
    project: Project, report: ReplayReport, sent: Json, *, actor: Actor, is_audited: bool = True
) -> Reported:
    """Take an application's report of a replay; ``sent`` is the report as it came.

    The server's own replays are audited where somebody starts them, and not once more here.
    Raises ConflictError where it contradicts what was reported, and UnprocessableError where
    it cannot be true.
    """
    try:
        with transaction.atomic():
            reporting = _Reporting(project, report, sent, actor)
            reported = reporting.run()
            if is_audited and reporting.has_changed:
                reporting.audit(reported.replay)
            return reported
    except IntegrityError:
        # Two first reports of one id, at once and under different names.
        raise ConflictError(ANOTHER) from None


class _Reporting:
    """One report, while its session is locked."""

    def __init__(
        self, project: Project, report: ReplayReport, sent: dict[str, Json], actor: Actor
    ) -> None:
        self.project, self.report, self.actor = project, report, actor
        self.redactor = ReportRedactor(project)
        self.has_changed = False
        self.name = self.redactor.name(report.session_name)
        self.original_name = self.redactor.name(report.session)
        self.body = {name: sent.get(name) for name in ("plan", "report", "error", "forked_at")} | {
            "plan": sent.get("plan") or {}
        }
        self.digest = project_keys(project.pk).digest(canonical_json(sent))

    def run(self) -> Reported:
        original = linking.hold_original(self.project, self.original_name)
        if self.name == self.original_name:
            raise UnprocessableError(CIRCLE)
        session = store.mark_replay(self.project, self.name, self._mark(original))
        if original is not None and linking.makes_circle(self.project, session.pk, original):
            raise UnprocessableError(CIRCLE)
        replay = self._recorded(session)
        if replay is not None and not self._adds_to(replay):
            return Reported(replay, was_made=False)
        made = replay or self._new(session)
        self._fill(made, session, original)
        made.save()
        self.has_changed = True
        linking.link_waiting(self.project, [self.name, str(session.pk)])
        return Reported(made, was_made=replay is None)

    def _mark(self, original: Session | None) -> store.ReplayMark:
        return store.ReplayMark(
            origin=Origin(self.report.origin),
            replay_of=original.pk if original else None,
            forked_at=self._fork_event(original),
            started_at=self.report.started_at,
            ended_at=self.report.ended_at,
        )

    def _fork_event(self, original: Session | None) -> Any:
        told = self.report.forked_at
        if told is None or not self.report.is_fork:
            return None
        return linking.fork_event(original, told.step, told.event, told.trace)

    def _recorded(self, session: Session) -> Replay | None:
        """Return the replay if it was reported before. Raises ConflictError if as another."""
        rows = self.project.replays.select_for_update(of=("self",))
        replay = rows.filter(client_id=self.report.id).select_related("original").first()
        if replay is None:
            if self.project.replays.filter(session=session).exists():
                raise ConflictError(TAKEN)
            return None
        is_same = replay.session_id == session.pk and replay.origin == self.report.origin
        if not is_same or not self._is_of(replay):
            raise ConflictError(ANOTHER)
        return replay

    def _is_of(self, replay: Replay) -> bool:
        names = {replay.original_name, str(replay.original_id)}
        if replay.original is not None:
            names.add(replay.original.external_id or "")
        return self.original_name in names

    def _adds_to(self, replay: Replay) -> bool:
        """Tell whether the report says more than the one that is here."""
        if bytes(replay.sent_digest) == self.digest or not self.report.is_ended:
            return False
        if not replay.is_running:
            raise ConflictError(STANDS)
        return True

    def _new(self, session: Session) -> Replay:
        return Replay(
            project=self.project,
            client_id=self.report.id,
            session=session,
            original_name=self.original_name,
            origin=self.report.origin,
            reported_by=self.actor.label or self.actor.kind,
        )

    def _fill(self, replay: Replay, session: Session, original: Session | None) -> None:
        replay.original = original or replay.original
        replay.status = _status_of(self.report)
        for name, value in columns_of(self.report).items():
            setattr(replay, name, value)
        self._place_first(replay, session)
        replay.sent_digest = self.digest
        sealing.seal_body(replay, sealing.cipher_of(session), self.redactor.body(self.body))

    def _place_first(self, replay: Replay, session: Session) -> None:
        """Say where the first divergence lies, on both sides."""
        replay.first_event = replay.first_made = None
        first = self.report.first
        if first is not None and first.event:
            replay.first_event = self._event(replay.original, self.original_name, first.event)
        if first is not None and first.made:
            replay.first_made = self._event(session, self.name, first.made)

    def _event(self, session: Session | None, name: str, client_id: str) -> Any:
        """Return the event that is named, or the id that it will have once it is here."""
        if session is not None:
            session.project = self.project
            if found := places.event_ids(session, [client_id]).get(client_id):
                return found
        return places.expected_id(session.external_id if session else name, client_id)

    def audit(self, replay: Replay) -> None:
        told = {name: getattr(replay, name) for name in ("status", "origin", "band", *SHARES)}
        objects = [replay.pk, replay.session_id, *filter(None, [replay.original_id])]
        audit.record(
            self.actor,
            "replay.report",
            organization_id=self.project.organization_id,
            project_id=self.project.pk,
            objects=[str(one) for one in objects],
            detail=told,
        )


def _status_of(report: ReplayReport) -> Status:
    if not report.is_ended:
        return Status.RUNNING
    return Status.FAILED if report.error else Status.ENDED
