"""Every hostile value in every field that Langfuse's endpoints read."""

from __future__ import annotations

import pytest

from apps.ingest.langfuse.ingestion import Envelope
from apps.ingest.langfuse.observations import Observation, Trace
from apps.ingest.langfuse.scores import Score
from tests.hostile.requests import with_values
from tests.hostile.values import VALUES
from tests.ingest.captures.replay import events_of

TRACE, AT = "4bf92f3577b34da6a3ce929d0e0e4736", "2026-03-04T05:06:07Z"
SCORE = {"traceId": TRACE, "sessionId": "s", "name": "helpful", "value": 1, "timestamp": AT}
MADE = {"traceId": TRACE, "name": "a step", "startTime": AT}


def fields_of(shape):
    return shape.__struct_encode_fields__


def each(fields, shape, name):
    """Return the thing once for each of its fields, with the value there."""
    for field in fields_of(shape):
        yield with_values({"id": f"{field}-{shape.__name__}"} | fields, {field: VALUES[name]})


def wrapped(kind, body):
    return with_values({"type": kind, "timestamp": AT}, {"body": body})


def scores(name):
    return "/api/public/scores", list(each(SCORE, Score, name)), "[{}]"


def ingestion(name):
    things = [wrapped("generation-create", one) for one in each(MADE, Observation, name)]
    things += [wrapped("tool-update", one) for one in each(MADE, Observation, name)]
    things += [wrapped("trace-create", one) for one in each({"name": "turn"}, Trace, name)]
    things += [wrapped("score-create", one) for one in each(SCORE, Score, name)]
    envelope = {"type": "span-create", "body": MADE, "timestamp": AT}
    things += list(each(envelope, Envelope, name))
    return "/api/public/ingestion", things, '{{"batch": [{}]}}'


def taken(answer):
    """Return how many things the answer accounts for."""
    told = answer.json()
    if "successes" in told:
        return len(told["successes"]) + len(told["errors"])
    return told.get("accepted", 0) + told.get("rejected", 0) or None


@pytest.mark.parametrize("way", [scores, ingestion], ids=lambda way: way.__name__)
@pytest.mark.parametrize("name", VALUES)
def test_a_hostile_value_is_taken_or_refused_with_a_reason(project, key_client, way, name):
    path, things, whole = way(name)
    sender, reader = key_client(project, "ingest"), key_client(project, "read:content")

    body = whole.format(", ".join(things)).encode()
    answer = sender.post(path, body, content_type="application/json")

    assert answer.status_code in {200, 207, 400, 413}, answer.content
    if answer.status_code >= 400:
        assert answer.json()["detail"]
        return
    assert taken(answer) in (len(things), None)
    assert not project.ingest_losses.filter(reason="unaccounted").exists()
    for session in project.sessions.all():
        assert isinstance(events_of(reader, session), list)
