"""Appends the workload to the project of a bench, past the web server.

``python -m tests.bench.filler EVENTS NUMBER``, with PLAYHEAD_DATA of the Playhead that is
measured; prints how many events it wrote. It reads requests as the web server does.
"""

from __future__ import annotations

import itertools
import os
import sys
from datetime import UTC, datetime

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from apps.ingest.batch import Batch  # noqa: E402
from apps.ingest.otlp.protobuf import read_spans  # noqa: E402
from apps.ingest.traces import read_spans as read_events  # noqa: E402
from apps.sessions import store  # noqa: E402
from apps.tenants.models import Project  # noqa: E402
from tests.bench.ingest_cpu import EVENTS_A_SESSION  # noqa: E402
from tests.bench.workload import batches, many_words, sessions  # noqa: E402

SESSIONS_AN_APPEND = 4
FIRST_SEED = 2000


def append(project: Project, events: int, seed: int) -> int:
    """Append about ``events`` events; return how many it was."""
    size, has_rare, count = events // EVENTS_A_SESSION, seed == FIRST_SEED, 0
    made = sessions(size, seed, many_words(), has_rare=has_rare)
    while several := list(itertools.islice(made, SESSIONS_AN_APPEND)):
        spans = list(itertools.chain.from_iterable(several))
        batch = Batch("otlp")
        for body in batches(spans, len(spans)):
            read_events(read_spans(body, batch), batch, datetime.now(UTC))
        count += store.append(project, batch.events).accepted
    return count


if __name__ == "__main__":
    bench = Project.objects.get(slug="test")
    wrote = append(bench, int(sys.argv[1]), FIRST_SEED + int(sys.argv[2]))
    sys.stdout.write(f"{wrote}\n")
