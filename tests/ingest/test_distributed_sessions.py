"""One session over services and traces: sent apart, in any order, it is one picture."""

from __future__ import annotations

from itertools import permutations

import pytest

from tests.ingest.factories import NANOSECONDS, make_pairs, make_span, make_spans

pytestmark = pytest.mark.django_db

SERVER, CLIENT = 2, 3


def span(number, name, begins, lasts, *, trace, parent=None, kind=1, session=None):
    start = NANOSECONDS + begins * 1_000_000_000
    told = make_pairs({"session.id": session} if session else {})
    return make_span(
        traceId=f"{trace:032x}",
        spanId=f"{number:016x}",
        parentSpanId=f"{parent:016x}" if parent else "",
        name=name,
        kind=kind,
        startTimeUnixNano=str(start),
        endTimeUnixNano=str(start + lasts * 1_000_000_000),
        attributes=told,
    )


def requests_of(number):
    """What two services send of two traces of a session; the second service knows no session."""
    first, second, session = 2 * number + 1, 2 * number + 2, f"chat-{number}"
    shop, stock = {"service.name": "shop"}, {"service.name": "stock"}
    asked = span(1, "ask", 0, 9, trace=first, session=session)
    call = span(2, "reserve", 1, 5, trace=first, parent=1, kind=CLIENT, session=session)
    served = span(3, "serve reserve", 2, 3, trace=first, parent=2, kind=SERVER)
    inner = span(4, "look up", 3, 1, trace=first, parent=3)
    later = span(1, "ask again", 20, 1, trace=second, session=session)
    return [
        make_spans(asked, call, resource=shop),
        make_spans(inner, served, resource=stock),
        make_spans(later, resource=shop),
    ]


def test_services_and_traces_are_one_picture_in_whatever_order_they_send(project, key_client):
    sender, reads = key_client(project, "ingest"), key_client(project, "read:meta")

    seen = set()
    for number, order in enumerate(permutations(range(3))):
        bodies = requests_of(number)
        for at in order:
            assert sender.post("/v1/traces", bodies[at], "application/json").status_code == 200
        session = project.sessions.get(external_id=f"chat-{number}", is_listed=True)
        seen.add(picture(reads.get(f"/api/v1/sessions/{session.pk}/graph").json()))

    flow = """
    ask > reserve: inside, parent
    reserve > serve reserve: remote_call, parent
    serve reserve > look up: inside, parent
    look up > ask again: sequence, trace
    """
    lanes = "ask shop, reserve shop, serve reserve stock, look up stock, ask again shop"
    assert seen == {(tuple(line.strip() for line in flow.strip().split("\n")), lanes)}


def picture(graph):
    names = {node["id"]: node["name"] for node in graph["nodes"]}
    lanes = {lane["id"]: lane["name"] for lane in graph["lanes"]}
    flow = (
        f"{names[edge['source']]} > {names[edge['target']]}: {edge['kind']}, {edge['why']}"
        for edge in graph["edges"]
    )
    return tuple(flow), ", ".join(f"{one['name']} {lanes[one['lane']]}" for one in graph["nodes"])
