from __future__ import annotations

import asyncio
import hashlib
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import orjson
import pytest

from apps.audit.models import AuditEntry
from apps.core.canonical import canonical_json
from apps.core.streaming import PIECE, PiecewiseResponse
from apps.sessions.events import ErrorInfo, Outcome, PromptStamp, Usage
from apps.sessions.models import Event
from tests.ingest.import_files import imported
from tests.sessions.factories import at, make_call, make_event, make_session

ABOUT = "$playhead"


def said(answer):
    assert answer.status_code == 200, answer.content
    return b"".join(answer.streaming_content)


def export(client, session, form):
    return said(client.get(f"/api/v1/sessions/{session.pk}/export", {"format": form}))


def parsed(content):
    return [orjson.loads(line) for line in content.splitlines()]


def events_in(content):
    lines = (line for line in parsed(content) if set(line) != {ABOUT})
    return [{name: line[name] for name in line if name != ABOUT} for line in lines]


def full_session(project, name="chat-1"):
    """Return a session that has something in nearly every field."""
    shared = {"session": name, "trace": f"trace-{name}", "environment": "production"}
    history = [{"role": "user", "content": "Where is <b>4411</b>? " * 30}]
    return make_session(
        project,
        make_event(id="root", kind="agent", name="support", started_at=at(0), **shared),
        make_call(
            id="plan", parent="root", started_at=at(1), ended_at=at(2.5), input=history,
            output={"role": "assistant", "content": "I look."}, params={"temperature": 0.2},
            usage=Usage(input=840, output=7, cache_read=128),
            prompt=PromptStamp(name="triage", version="007"),
            time_to_first_token_ms=210.5, stamps={"config": "sha256:1"}, user="customer-17",
            tags=["billing"], metadata={"turn": 1, "ratio": 1e-7}, request_id="req_9", lane="0.1",
            replay={"ordinal": 3, "request_hash": "sha256:ab"},
            extra={"vendor.x": [None, True]}, **shared,
        ),
        make_event(
            id="refund", kind="tool", name="refund", parent="root",
            started_at=at(3), ended_at=at(3.2),
            error=ErrorInfo(type="Conflict", message="twice", code="409"), effects="write",
            input={"order": 4411}, decision={"chosen": "refund"}, inputs=["plan"],
            cost=Decimal("0.004"),
            state_patch=[{"op": "add", "path": "/paid", "value": False}], **shared,
        ),
        make_event(
            id="end", kind="event", outcome=Outcome(status="failure", reason="gave up"),
            ends_session=True, schema=2, memory={"op": "write", "key": "tone"}, **shared,
        ),
    )  # fmt: skip


@pytest.fixture
def reads(project, key_client):
    return key_client(project, "read:content", "ingest")


def test_what_was_exported_is_in_the_same_project_already(project, reads):
    session = full_session(project)
    before = list(project.events.order_by("id").values_list("id", "digest", "extra_digest"))

    row = imported(reads, project, export(reads, session, "playhead-jsonl"))

    assert (row.accepted, row.duplicates, row.refused) == (0, 4, 0)
    assert list(project.events.order_by("id").values_list("id", "digest", "extra_digest")) == before


def test_another_project_gets_the_same_events_and_gives_them_back_the_same(
    project, other_project, reads, key_client
):
    theirs = key_client(other_project, "read:content", "ingest")
    content = export(reads, full_session(project), "playhead-jsonl")

    row = imported(theirs, other_project, content, "auto")
    again = export(theirs, other_project.sessions.get(), "playhead-jsonl")

    assert (row.format, row.accepted, row.refused) == ("playhead-jsonl", 4, 0)
    assert events_in(again) == events_in(content)
    told = [parsed(one)[-1][ABOUT]["sessions"][0]["events_sha256"] for one in (content, again)]
    assert told[0] == told[1]
    ids = Event.unscoped.values_list("id", flat=True)
    assert len(ids) == 8
    assert len(set(ids)) == 4


def test_the_manifest_says_how_much_there_is_and_of_what_bytes(project, reads):
    content = export(reads, full_session(project), "playhead-jsonl")

    *rest, manifest = parsed(content)
    told = manifest[ABOUT]

    lines = b"".join(canonical_json(event) + b"\n" for event in events_in(content))
    assert told["events"] == len(events_in(content)) == 4
    assert told["sessions"][0]["events_sha256"] == hashlib.sha256(lines).hexdigest()
    assert told["sha256"] == hashlib.sha256(content[: content.rindex(b"\n{") + 1]).hexdigest()
    assert rest[1][ABOUT]["session"]["external_id"] == "chat-1"


@pytest.mark.parametrize("fault", ["cut off", "changed"])
def test_an_import_tells_that_an_export_is_not_whole(project, other_project, key_client, fault):
    client = key_client(project, "read:content")
    lines = export(client, full_session(project), "playhead-jsonl").splitlines(keepends=True)
    broken = lines[:-1] if fault == "cut off" else [*lines[:3], *lines[4:]]

    row = imported(key_client(other_project, "ingest"), other_project, b"".join(broken))

    assert row.refused == 1
    assert row.accepted == (4 if fault == "cut off" else 3)


def test_the_price_that_playhead_estimates_is_not_exported_as_the_senders(project, reads):
    usage = Usage(input=1000, output=100)
    session = make_session(project, make_call(usage=usage, started_at=at(0)))

    [line] = (one for one in parsed(export(reads, session, "playhead-jsonl")) if "id" in one)

    assert "cost" not in line
    assert line[ABOUT]["cost"] == format(session.cost, "f")


def test_the_document_holds_every_step_with_what_no_field_holds(project, reads):
    told = orjson.loads(export(reads, full_session(project), "json"))

    assert told["manifest"]["events"] == len(told["events"]) == 4
    raw = {event["client_id"]: event["raw"] for event in told["events"]}
    assert raw["plan"] == {"vendor.x": [None, True]}
    assert told["session"]["outcome"]["reason"] == "gave up"


def test_the_page_shows_every_step_and_repeats_no_history(project, reads):
    long = "It says so on the page. " * 40
    history = [{"role": "user", "content": long}]
    later = [*history, {"role": "assistant", "content": "yes"}, {"role": "user", "content": "Why?"}]
    first = make_call(
        id="1", input=history, output={"role": "assistant", "content": "yes"}, started_at=at(0)
    )
    second = make_call(
        id="2", input=later, output={"role": "assistant", "content": long}, started_at=at(1)
    )

    page = export(reads, make_session(project, first, second), "html").decode()

    assert page.count('<details class="step') == 2
    assert page.count(long) == 1
    assert "2 messages that were sent before" in page
    assert 'href="#s1">step 1</a>' in page
    assert "<script" not in page
    assert page.rstrip().endswith("</html>")


def test_recorded_text_stays_text_in_the_page(project, reads):
    hostile = '</pre></style><script>window.pwned=1</script><img src=x onerror="pwned()">'
    fields = {"name": hostile, "agent": hostile, "input": hostile, "output": {hostile: hostile}}
    session = make_session(
        project, make_event(kind="tool", session=hostile, status="error", **fields)
    )

    page = export(reads, session, "html").decode()

    assert "<script" not in page
    assert "<img" not in page
    assert "&lt;script&gt;" in page
    assert "default-src &#x27;none&#x27;" in page or "default-src 'none'" in page


@pytest.mark.parametrize("form", ["", "csv", "HTML"])
def test_a_form_that_there_is_not_is_refused_by_name(project, reads, form):
    session = make_session(project)

    answer = reads.get(f"/api/v1/sessions/{session.pk}/export", {"format": form})

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["path"] == "format"


def test_who_may_not_read_content_takes_nothing_away(project, key_client):
    session = make_session(project)

    answer = key_client(project, "read:meta").get(
        f"/api/v1/sessions/{session.pk}/export?format=json"
    )

    assert answer.status_code == 403


def test_an_export_stands_in_the_trail(project, member_client):
    session = make_session(project)

    answer = member_client.get(f"/o/acme/p/support-bot/sessions/{session.pk}/export.jsonl")

    assert answer["Content-Disposition"].startswith('attachment; filename="playhead-S-')
    assert len(events_in(said(answer))) == 1
    entry = AuditEntry.unscoped.get(act="session.export")
    assert entry.object_ids == [str(session.pk)]
    assert entry.detail == {"format": "playhead-jsonl", "sessions": 1, "events": 1}


def test_selected_sessions_are_one_file(project, member_client):
    sessions = [make_session(project, make_event(session=name)) for name in ("a", "b")]
    ids = [str(session.pk) for session in sessions]

    answer = member_client.post("/o/acme/p/support-bot/sessions/export/", {"session": ids})

    content = said(answer)
    assert [event["session"] for event in events_in(content)] == ["a", "b"]
    assert [one["id"] for one in parsed(content)[-1][ABOUT]["sessions"]] == ids


def test_more_sessions_than_one_file_holds_are_refused_with_the_number(project, member_client):
    ids = [f"00000000-0000-7000-8000-{number:012}" for number in range(201)]

    answer = member_client.post("/o/acme/p/support-bot/sessions/export/", {"session": ids})

    assert answer.status_code == 400
    assert b"1 to 200 sessions" in answer.content


def test_an_answer_under_asgi_is_made_as_it_is_read():
    made = []

    def content():
        for number in range(100):
            made.append(number)
            yield b"x" * PIECE

    async def first_pieces():
        response = PiecewiseResponse(content(), content_type="text/plain", filename="x")
        pieces = aiter(response)
        return await anext(pieces), await anext(pieces)

    with ThreadPoolExecutor(1) as thread:
        assert [*map(len, thread.submit(asyncio.run, first_pieces()).result())] == [PIECE, PIECE]
    assert len(made) == 2
