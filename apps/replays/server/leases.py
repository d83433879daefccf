"""Leases of steps: short, and kept alive by whoever works, so that a killed worker is missed soon.

A call may take minutes, so a lease as long as a call would leave the steps of a killed worker
lying for as long. Instead a thread of the worker prolongs them all a few times a minute. Where
it cannot (the process is stopped, the database is away) for as long as a lease lasts, others
begin the steps anew; the late worker's answer is then not kept on its step, but is in the cache
of calls, where it is found.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.db import Error, connection
from django.db.models import Q
from django.utils import timezone

from apps.replays.server.models import StepState
from apps.tenants.models import Project

log = structlog.get_logger(__name__)

LEASE = timedelta(seconds=60)
# Three beats may be missed.
BEAT_SECONDS = 15.0


def free(now: datetime) -> Q:
    """Return the steps that nobody works on."""
    return Q(state=StepState.QUEUED) | Q(state=StepState.LEASED, lease_until__lt=now)


@contextmanager
def kept_alive(project: Project, lease: UUID) -> Iterator[None]:
    """Prolong all that is leased under ``lease`` until the block is left."""
    ended = threading.Event()
    beating = threading.Thread(target=_beat, args=(project, lease, ended), daemon=True)
    beating.start()
    try:
        yield
    finally:
        ended.set()
        beating.join()


def _beat(project: Project, lease: UUID, ended: threading.Event) -> None:
    while not ended.wait(BEAT_SECONDS):
        try:
            prolong(project, lease)
        except Error as error:
            log.warning("leases of steps were not prolonged", error=str(error))
        finally:
            connection.close()


def prolong(project: Project, lease: UUID) -> int:
    """Let what is leased stay so for the time of a lease from now on; returns how many."""
    held = project.server_steps.filter(lease=lease, state=StepState.LEASED)
    return held.update(lease_until=timezone.now() + LEASE)
