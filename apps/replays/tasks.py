"""Work on replays. What is due is found in the tables, so nothing is lost."""

from __future__ import annotations

from celery import shared_task

from apps.core import jobs
from apps.replays import following
from apps.replays.server import sweeping, working
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
        working.work(run)


@shared_task(name="replays.sweep_work")  # type: ignore[untyped-decorator]
def sweep_work() -> int:
    """Send workers to replays that nobody works on."""
    found = sweeping.waiting_runs()
    for project_id, run_id in found:
        jobs.send(WORK, project_id, str(run_id))
    return len(found)
