"""Many replays of the server at once, which one piece of work began: held, resumed, cancelled.

Whoever does this records in the audit log once what was done to that work.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from apps.audit.actors import Actor
from apps.core.jobs import after_commit
from apps.replays.server.ending import end_cancelled
from apps.replays.server.models import LONGEST_REASON, UNFINISHED, State, StepState
from apps.replays.server.settings import WORK
from apps.tenants.models import Project

OPEN = (State.RUNNING, State.PAUSED)
CANCELLED = "The replay was cancelled."


def hold_replays(project: Project, replays: Sequence[UUID], reason: str) -> None:
    """Have no further step of these begun; those at work end."""
    rows = project.server_replays.filter(replay__in=replays, state=State.RUNNING)
    rows.update(state=State.PAUSED, reason=reason[:LONGEST_REASON])


def resume_replays(project: Project, replays: Sequence[UUID]) -> None:
    """Go on with these."""
    rows = project.server_replays.filter(replay__in=replays, state=State.PAUSED)
    found = list(rows.values_list("pk", flat=True))
    rows.update(state=State.RUNNING, reason="")
    for key in found:
        after_commit(WORK, project.pk, str(key))


def cancel_replays(project: Project, replays: Sequence[UUID], *, actor: Actor) -> None:
    """End these with what they have."""
    rows = project.server_replays.select_for_update(of=("self",)).filter(replay__in=replays)
    found = rows.filter(state__in=OPEN).select_related("replay__session", "replay__original")
    # In one order, so that two who cancel at once do not wait for each other in a circle.
    for run in found.order_by("replay__original_id", "pk"):
        run.project = project
        run.steps.filter(state__in=UNFINISHED).update(
            state=StepState.SKIPPED, reason=CANCELLED, lease=None
        )
        end_cancelled(run, actor=actor)
