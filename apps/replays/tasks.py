"""Work on replays. What is due is found in the tables, so nothing is lost."""

from __future__ import annotations

from celery import shared_task

from apps.core import jobs
from apps.replays import following
from apps.replays.runs import advancing
from apps.replays.runs.models import ADVANCE
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
    for stopped in advancing.stopped_runs(project_id):
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
    """Go on with one run of a suite: start trials as others end, and end it."""
    run = advancing.find_run(project_id, run_id)
    if run is not None:
        advancing.advance(run)


@shared_task(name="replays.sweep_runs")  # type: ignore[untyped-decorator]
def sweep_runs() -> int:
    """Go on with runs whose workers were killed, and measure what these left."""
    found = advancing.waiting_runs()
    for project_id, run_id in found:
        jobs.send(ADVANCE, project_id, str(run_id))
    return len(found)
