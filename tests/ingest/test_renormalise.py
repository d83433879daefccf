"""Reading again what was sent: as if it had come when the conventions knew all they know now."""

from __future__ import annotations

from functools import partial

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.ingest.conventions import generic
from apps.sessions.keys import project_keys
from tests.ingest.recording import (
    CLIENTS,
    assert_same,
    record_spans,
    renormalise,
    seen_and_undone,
    spans_of,
)

pytestmark = pytest.mark.django_db
OLD = (generic,)


def recorded_late(project, batches, conventions=OLD) -> None:
    for batch in batches:
        record_spans(project, batch, conventions)
    renormalise(project)


@pytest.mark.parametrize("client", CLIENTS)
def test_reading_again_gives_what_reading_well_from_the_start_gives(project, client):
    project_keys(project.pk)
    spans = spans_of(client)

    at_once = seen_and_undone(project, partial(record_spans, project, spans))
    late = seen_and_undone(project, partial(recorded_late, project, [spans]))

    assert_same(late, at_once, to_the_letter=False)
