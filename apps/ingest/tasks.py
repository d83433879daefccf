"""Work on what came in that nobody waits for."""

from __future__ import annotations

import uuid

from celery import shared_task
from django.utils import timezone

from apps.ingest import history
from apps.ingest.imports import running, sweeping
from apps.tenants.models import Project


@shared_task(name="ingest.sweep_history")  # type: ignore[untyped-decorator]
def sweep_history() -> int:
    """Delete the account of what came in long ago."""
    now = timezone.now()
    return history.forget_history(now) + sweeping.forget_refusals(now)


@shared_task(name="ingest.run_import")  # type: ignore[untyped-decorator]
def run_import(project_id: int, import_id: str) -> str:
    """Work on one import for a turn."""
    project = Project.objects.select_related("organization").filter(pk=project_id).first()
    return running.run_import(project, uuid.UUID(import_id)) if project else ""


@shared_task(name="ingest.sweep_imports")  # type: ignore[untyped-decorator]
def sweep_imports() -> int:
    """Find imports that nobody works on, and files that nobody needs."""
    return sweeping.sweep_imports(timezone.now())
