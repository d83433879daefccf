"""The hostile set: every value in every place, through every way in, onto every page."""

from __future__ import annotations

import json

import pytest
from django.test import Client

from tests.hostile import requests
from tests.hostile.values import VALUES
from tests.ingest.factories import make_event
from tests.tenants.routes import API_SESSION

REASONED = {200, 207, 400, 413}
PAGES = ("?view=tree", "?view=transcript", "spans.json")


@pytest.fixture
def read_everything(project, key_client, member_client):
    """Opens each session of the project in the API and on its pages; nothing may break."""
    reader = key_client(project, "read:content")

    def read() -> None:
        root = f"/o/{project.organization.slug}/p/{project.slug}/sessions/"
        ids = [str(key) for key in project.sessions.values_list("pk", flat=True)]
        for session in ids:
            for path in ("/events?limit=500", "/state"):
                answer = reader.get(API_SESSION.replace("<uuid:session_id>", session) + path)
                assert answer.status_code == 200, (path, answer.content)
            _open(member_client, *(f"{root}{session}/{page}" for page in PAGES))
        _open(member_client, root)

    return read


def _open(client: Client, *addresses: str) -> None:
    for address in addresses:
        assert client.get(address).status_code == 200, address


def _accounted(answer, sent):
    told = answer.json()
    if "accepted" in told:
        return told["accepted"] + told["duplicates"] + len(told["rejected"]) == sent
    partial = told.get("partialSuccess", {"rejectedSpans": 0, "errorMessage": "-"})
    return 0 <= int(partial["rejectedSpans"]) <= sent and partial["errorMessage"]


@pytest.mark.parametrize("way", [requests.native, requests.spans], ids=lambda way: way.__name__)
@pytest.mark.parametrize("name", VALUES)
def test_a_hostile_value_is_taken_or_refused_with_a_reason(
    project, key_client, read_everything, way, name
):
    hostile = way(name)

    answer = key_client(project, "ingest").post(
        hostile.path, hostile.body, content_type=requests.JSON
    )

    assert answer.status_code in REASONED, answer.content
    if answer.status_code >= 400:
        assert answer.json()["detail"]
        return
    assert _accounted(answer, hostile.sent)
    read_everything()


NAMED = {
    "deeper than 200": (
        {"input": "[" * 201 + "]" * 201},
        "",
        "nested deeper than the limit of 200",
    ),
    "beyond 64 bits": ({"input": '{"a": [' + "9" * 5_000 + "]}"}, "input.a[0]", "64 bits"),
    "NaN": ({"usage": '{"input": NaN}'}, "usage.input", "NaN is not a JSON number"),
    "10,001 keys": ({"metadata": VALUES["10,001 keys"]}, "", "more than 10000 keys"),
    "long key": ({"metadata": VALUES["long key"]}, "metadata", "longer than 256 characters"),
    "wrong type": ({"model": "[]"}, "model", "Expected 'str | null', got 'array'"),
    "long word": ({"name": '"' + "x" * 513 + '"'}, "name", "Longer than 512 characters"),
    "many tags": ({"tags": str(["a"] * 101).replace("'", '"')}, "tags", "More than 100"),
    "word as a time": ({"started_at": '"infinity"'}, "started_at", "Invalid RFC3339"),
    "10^13 tokens": ({"usage": '{"input": 10000000000000}'}, "usage.input", "from 0 to 10000000"),
    "cost without end": ({"cost": '"1e40"'}, "cost", "from 0 to 1000000000"),
    "minus one token": ({"usage": '{"output": -1}'}, "usage.output", "from 0"),
    "6 MiB": ({"input": '"' + "x" * (6 << 20) + '"'}, "", "limit of 6 MiB"),
}
SET_RIGHT = {
    "NUL": ({"input": VALUES["NUL"]}, "", "U+FFFD"),
    "half of a pair": ({"input": VALUES["first half of a pair"]}, "", "U+FFFD"),
    "key twice": ({"input": VALUES["key twice"]}, "a", "more than once"),
    "ancient": ({"started_at": VALUES["ancient time"]}, "started_at", "before 1990"),
    "future": ({"started_at": VALUES["last time"]}, "started_at", "24 hours ahead"),
    "end before start": ({"ended_at": '"2020-01-01T00:00:00Z"'}, "ended_at", "before started_at"),
}


def _send(sender, told):
    event = requests.with_values(make_event(session="named"), told)
    return sender.post("/api/v1/events", f'{{"events": [{event}]}}', content_type=requests.JSON)


@pytest.mark.parametrize(("told", "path", "message"), NAMED.values(), ids=NAMED)
def test_what_is_over_a_limit_is_refused_with_its_field_and_the_limit(
    project, key_client, told, path, message
):
    answer = _send(key_client(project, "ingest"), told).json()

    (refused,) = answer.get("rejected") or [{"path": "", "message": answer["detail"]}]
    assert refused["path"] == path
    assert message in refused["message"]


@pytest.mark.parametrize(("told", "field", "reason"), SET_RIGHT.values(), ids=SET_RIGHT)
def test_what_can_be_set_right_is_kept_and_flagged(project, key_client, told, field, reason):
    assert _send(key_client(project, "ingest"), told).json()["accepted"] == 1

    session = project.sessions.get(external_id="named")
    address = f"/api/v1/sessions/{session.pk}/events"
    (event,) = key_client(project, "read:content").get(address).json()["results"]
    (flag,) = event["flags"]
    assert flag["field"] == field
    assert reason in flag["reason"]


def test_keys_that_break_other_systems_are_plain_text_here(project, key_client):
    told = {"__proto__": {"polluted": True}, "a.b": 1, "a": {"b": 2}, "constructor": {"x": 3}}
    _send(key_client(project, "ingest"), {"metadata": json.dumps(told), "input": json.dumps(told)})

    session = project.sessions.get(external_id="named")
    address = f"/api/v1/sessions/{session.pk}/events"
    (event,) = key_client(project, "read:content").get(address).json()["results"]
    assert (event["metadata"], event["input"]) == (told, told)
