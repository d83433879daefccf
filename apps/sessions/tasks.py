"""Periodic work on the record. What is due is found in the tables, so nothing is lost."""

from __future__ import annotations

from celery import shared_task

from apps.sessions import saved_views, store
from apps.sessions.agents import sweeping


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


@shared_task(name="sessions.sweep_agents")  # type: ignore[untyped-decorator]
def sweep_agents() -> int:
    """Find the versions of agents that sessions closed lately were of."""
    return sweeping.sweep()


@shared_task(name="sessions.sweep_all_agents")  # type: ignore[untyped-decorator]
def sweep_all_agents() -> int:
    """Find them in whatever was left out: sessions older than the release, or a dead worker's."""
    return sweeping.sweep(is_whole=True, seconds=60.0)
