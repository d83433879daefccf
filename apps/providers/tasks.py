"""Work on providers that nobody waits for."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from apps.providers import budgets, caching
from apps.tenants.models import Project


@shared_task(name="providers.sweep")  # type: ignore[untyped-decorator]
def sweep() -> int:
    """Count as spent what killed calls had reserved, and delete answers that are too old."""
    now = timezone.now()
    for project_id, budget_id in budgets.lost_budgets(now):
        project = Project.everything.get(pk=project_id)
        budgets.give_up_lost(project, budget_id, now=now)
    return caching.forget_old()
