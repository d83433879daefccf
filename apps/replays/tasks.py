"""Work on replays. What is due is found in the tables, so nothing is lost."""

from __future__ import annotations

from uuid import UUID

from celery import shared_task

from apps.core import jobs
from apps.replays import following
from apps.replays.runs import advancing
from apps.replays.runs import sweeping as runs_waiting
from apps.replays.runs.models import ADVANCE, JUDGE
from apps.replays.schedules import firing as schedules
from apps.replays.schedules import sweeping as due
from apps.replays.server import slices, sweeping
from apps.replays.server.settings import WORK


@shared_task(name="replays.sweep_links")  # type: ignore[untyped-decorator]
def sweep_links() -> int:
    """Link replays to originals that came after them."""
    return following.link_arrived()


@shared_task(name=WORK)  # type: ignore[untyped-decorator]
def work(project_id: int, run_id: str) -> None:
    """Work on one replay of the server for a while."""
    run = sweeping.find_run(project_id, run_id)
    if run is not None:
        slices.work(run)
    for stopped in runs_waiting.stopped_runs(project_id):
        jobs.after_commit(ADVANCE, project_id, str(stopped))


@shared_task(name="replays.sweep_work")  # type: ignore[untyped-decorator]
def sweep_work() -> int:
    """Send workers to replays that nobody works on."""
    found = sweeping.waiting_runs()
    for project_id, run_id in found:
        jobs.send(WORK, project_id, str(run_id))
    return len(found)


@shared_task(name=ADVANCE)  # type: ignore[untyped-decorator]
def advance_run(project_id: int, run_id: str) -> None:
    """Go on with one run of a suite: start trials as others end."""
    run = runs_waiting.find_run(project_id, run_id)
    if run is not None:
        advancing.advance(run)


@shared_task(name=JUDGE)  # type: ignore[untyped-decorator]
def judge_run(project_id: int, run_id: str) -> None:
    """End one run of a suite, with its verdicts."""
    run = runs_waiting.find_run(project_id, run_id)
    if run is not None:
        advancing.judge(run)


@shared_task(name="replays.sweep_runs")  # type: ignore[untyped-decorator]
def sweep_runs() -> int:
    """Go on with runs whose workers were killed, and measure what these left."""
    found = runs_waiting.waiting_runs()
    for project_id, run_id in found:
        jobs.send(ADVANCE, project_id, str(run_id))
    return len(found)


@shared_task(name="replays.fire_schedules")  # type: ignore[untyped-decorator]
def fire_schedules() -> int:
    """Send workers to schedules that are due, and to runs of theirs that nobody started."""
    found, unstarted = due.due_schedules(), due.unstarted()
    for project_id, schedule_id in found:
        jobs.send(schedules.TAKE, project_id, str(schedule_id))
    for project_id, firing_id in unstarted:
        jobs.send(schedules.START, project_id, firing_id)
    return len(found) + len(unstarted)


@shared_task(name=schedules.TAKE)  # type: ignore[untyped-decorator]
def take_due(project_id: int, schedule_id: str) -> None:
    """Write down that a schedule is due, once."""
    schedules.take_due(project_id, UUID(schedule_id))


@shared_task(name=schedules.START)  # type: ignore[untyped-decorator]
def start_scheduled(project_id: int, firing_id: int) -> None:
    """Start the run of a due time, once."""
    schedules.start_scheduled(project_id, firing_id)
