"""Work of the frame that nobody waits for."""

from __future__ import annotations

from celery import shared_task

from apps.tenants.models import Project
from apps.web.demo import removal


@shared_task(name="web.erase_demo")  # type: ignore[untyped-decorator]
def erase_demo(project_id: int) -> int:
    """Erase what a removed demo project held; again does nothing."""
    gone = Project.everything.filter(pk=project_id, is_demo=True, removed_at__isnull=False)
    project = gone.select_related("organization").first()
    return removal.erase_demo(project) if project else 0


@shared_task(name="web.sweep_demos")  # type: ignore[untyped-decorator]
def sweep_demos() -> int:
    """Go on where a worker was killed, or where a last event came in while it worked."""
    return sum(removal.erase_demo(project) for project in removal.removed_demos())
