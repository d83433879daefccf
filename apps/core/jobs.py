"""Telling a worker, once the change is committed.

Services name tasks instead of importing them, so that tasks may call services. The
message carries ids only; the work itself is found in PostgreSQL.
"""

from __future__ import annotations

from functools import partial

import structlog
from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError as BrokerError

log = structlog.get_logger(__name__)


def after_commit(task: str, *ids: int | str) -> None:
    """Queue ``task`` with ``ids`` when the current transaction commits."""
    transaction.on_commit(partial(send, task, *ids))


def send(task: str, *ids: int | str) -> None:
    """Queue ``task`` now. A broker that is away is no error: a sweep finds what was not told."""
    try:
        current_app.send_task(task, args=ids, retry=False)
    except BrokerError as error:
        log.warning("broker is away; the sweep will find this", task=task, error=str(error))
