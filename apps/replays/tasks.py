"""Periodic work on replays. What is due is found in the tables, so nothing is lost."""

from __future__ import annotations

from celery import shared_task

from apps.replays import following


@shared_task(name="replays.sweep_links")  # type: ignore[untyped-decorator]
def sweep_links() -> int:
    """Link replays to originals that came after them."""
    return following.link_arrived()
