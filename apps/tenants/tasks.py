"""Periodic work on projects."""

from __future__ import annotations

from celery import shared_task

from apps.tenants import idempotency


@shared_task(name="tenants.sweep_answers")  # type: ignore[untyped-decorator]
def sweep_answers() -> int:
    """Forget answers that no repeated request gets any more."""
    return idempotency.sweep_answers()
