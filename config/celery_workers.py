"""Both workers of a small server, out of one process: ``python -m config.celery_workers``.

Replays have a worker of their own, so that nothing else waits for a model; it gives way where
the processor is wanted. What both have loaded is most of what an idle server takes, so it is
loaded once, and the worker of replays forked off before anything else is begun. Whichever of
the two ends, the other ends with it, and whoever watches starts both again.
"""

from __future__ import annotations

import argparse
import gc
import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress

from celery.worker import state

from config.celery import app

WORKER = ("-q", "worker", "-l", "warning", "--without-gossip", "--without-mingle")
QUEUES = "ingest,analysis,notify"
REPLAY_QUEUE = "replay"
# Projects whose replays are worked on side by side: mostly, their threads wait.
REPLAY_TASKS = 4
REPLAY_NICENESS = 10
LOOK_SECONDS = 0.2
LAST_SECONDS = 2.5


def main(arguments: Sequence[str]) -> None:
    """Fork off the worker of replays, and be the other one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--beat", metavar="FILE", help="run periodic work, with its times here")
    given = parser.parse_args(arguments)
    app.loader.import_default_modules()
    # What is collected later would be written to, and no longer be shared.
    gc.collect()
    gc.freeze()
    replays = os.fork()
    if not replays:
        _work_on_replays()
        return
    threading.Thread(target=_end_together, args=(replays,), daemon=True).start()
    beat = ["-B", "-s", given.beat] if given.beat else []
    try:
        app.worker_main([*WORKER, "-Q", QUEUES, "-c", "1", *beat])
    finally:
        _wait_for(replays)


def _work_on_replays() -> None:
    os.nice(REPLAY_NICENESS)
    named = ("-n", "replays@%h", "-Q", REPLAY_QUEUE)
    app.worker_main([*WORKER, *named, "-P", "threads", "-c", str(REPLAY_TASKS)])


def _end_together(replays: int) -> None:
    """End this worker once that of replays has, and that one once this one is told to."""
    while not _has_ended(replays):
        if state.should_stop is not None and state.should_stop is not False:
            with suppress(ProcessLookupError):
                os.kill(replays, signal.SIGTERM)
            return
        time.sleep(LOOK_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)


def _wait_for(replays: int) -> None:
    """Let calls that are under way end before the rest of this process's group is killed."""
    end = time.monotonic() + LAST_SECONDS
    while time.monotonic() < end and not _has_ended(replays):
        time.sleep(LOOK_SECONDS)


def _has_ended(child: int) -> bool:
    try:
        ended, _ = os.waitpid(child, os.WNOHANG)
    except ChildProcessError:
        return True
    return ended == child


if __name__ == "__main__":
    main(sys.argv[1:])
