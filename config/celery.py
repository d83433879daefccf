"""The Celery application: queues, limits and the timetable of periodic work."""

from __future__ import annotations

import gc
import os
from typing import Any

from celery import Celery, bootsteps
from celery.utils.log import get_logger
from celery.worker import state

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

log = get_logger(__name__)

BEAT_SECONDS = 5


class WatchBeat(bootsteps.StartStopStep):  # type: ignore[misc]
    """Ends a worker whose beat has died, so that whoever watches it starts both again.

    A worker with a beat of its own does not look after it: without this, periodic work, and
    with it all that sweeps pick up again, would stop for good.
    """

    requires = ("celery.worker.components:Timer", "celery.worker.components:Beat")

    def start(self, worker: Any) -> None:
        if getattr(worker, "beat", None) is not None:
            worker.timer.call_repeatedly(BEAT_SECONDS, self.look, (worker,))

    def look(self, worker: Any) -> None:
        if not worker.beat.is_alive():
            log.error("The beat of this worker has died; both start again.")
            state.should_stop = os.EX_SOFTWARE


class ShareMemory(bootsteps.StartStopStep):  # type: ignore[misc]
    """Lets the worker's children share what is loaded, 40 MiB of an idle server.

    The collector of garbage writes to every object that it looks at, and what is written to
    after a fork is copied. Steps are made before any of them starts, and so before all forks.
    """

    def __init__(self, parent: Any, **kwargs: Any) -> None:
        super().__init__(parent, **kwargs)
        gc.collect()
        gc.freeze()


app = Celery("playhead")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.steps["worker"].add(WatchBeat)
app.steps["worker"].add(ShareMemory)
