"""Periodic work on the record. What is due is found in the tables, so nothing is lost."""

from __future__ import annotations

from celery import shared_task

from apps.sessions import saved_views, store


@shared_task(name="sessions.sweep_idle")  # type: ignore[untyped-decorator]
def sweep_idle() -> int:
    """Close sessions to which nothing came for a while."""
    return store.close_idle()


@shared_task(name="sessions.sweep_compaction")  # type: ignore[untyped-decorator]
def sweep_compaction() -> int:
    """Merge the chunks of closed sessions, and of open ones that gathered many."""
    return store.compact_due()


@shared_task(name="sessions.sweep_views")  # type: ignore[untyped-decorator]
def sweep_views() -> int:
    """Forget saved views that were deleted, and those of people who have left."""
    return saved_views.sweep_views()
