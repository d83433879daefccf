"""Work on what came in that nobody waits for."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from apps.ingest import history


@shared_task(name="ingest.sweep_history")  # type: ignore[untyped-decorator]
def sweep_history() -> int:
    """Delete the account of what came in long ago."""
    return history.forget_history(timezone.now())
