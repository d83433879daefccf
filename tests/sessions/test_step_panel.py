"""The panel of a step and the transcript, as pages."""

from __future__ import annotations

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.audit.models import AuditEntry
from apps.sessions import store
from apps.sessions.events import ErrorInfo
from tests.browser import seed
from tests.sessions.factories import at, make_call, make_event, make_session

SESSIONS = "/o/acme/p/support-bot/sessions/"


@pytest.fixture
def hero(project):
    return seed.add(project, seed.refund_story())


@pytest.fixture
def read(member_client):
    def page(session, path: str, status: int = 200) -> str:
        answer = member_client.get(f"{SESSIONS}{session.pk}/{path}")
        assert answer.status_code == status, answer.status_code
        return " ".join(re.sub(r"<[^>]*>", " ", answer.content.decode()).split())

    return page


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("tab=colour", "tab"),
        ("tab=changes&diff=both", "diff"),
        ("tab=state&against=99", "against"),
        ("find=%22%22", "find"),
        ("find=" + "x" * 501, "find"),
        ("view=transcript&text=html", "text"),
    ],
)
def test_what_the_address_cannot_say_is_named(hero, read, query, name):
    assert name in read(hero, f"?{query}", 400)


def test_every_tab_opens_at_every_step(hero, read):
    for tab in ("io", "state", "changes", "comments", "raw"):
        assert "refund_order" in read(hero, f"panel/?at=9&tab={tab}")


def test_the_player_asks_as_much_where_a_history_lies_in_many_chunks(project, member_client):
    for event in seed.refund_story():
        store.append(project, [event])
    url = f"{SESSIONS}{project.sessions.get().pk}/"
    counts = {}
    for query in ("?at=5", "?at=8", "?at=9", "?at=13", "?at=13&tab=state", "?at=13&tab=changes"):
        member_client.get(url + query)
        with CaptureQueriesContext(connection) as queries:
            member_client.get(url + query)
        counts[query] = len(queries)

    assert max(counts.values()) <= 15, counts


def test_a_call_says_what_is_new_since_the_call_before(hero, read):
    said = read(hero, "panel/?at=8")

    assert "3 messages sent again" in said
    assert "2 new since the call at step 3" in said


def test_an_error_says_what_it_was_recovered_by(hero, read):
    assert "recovered by step 10 , the same call again." in read(hero, "panel/?at=9")
    assert "Tried again after step 9 failed." in read(hero, "panel/?at=10")
    assert "tries step 9 again" in read(hero, "?view=transcript&at=9")


def test_an_error_that_nothing_came_after_is_not_recovered(project, read):
    failed = {"kind": "tool", "name": "pay", "status": "error", "error": ErrorInfo(type="E")}
    session = make_session(
        project,
        make_event(started_at=at(0), **failed),
        make_event(started_at=at(1), **failed | {"input": "other"}),
        make_event(started_at=at(2), **failed | {"name": "ship"}),
    )

    assert "not recovered Tried again at step 2" in read(session, "panel/?at=1")
    assert "not recovered This call was not made again" in read(session, "panel/?at=3")


def test_a_call_of_a_model_is_only_recovered_by_the_same_call(project, read):
    session = make_session(
        project,
        make_call(started_at=at(0), input="a", status="error"),
        make_call(started_at=at(1), input="b", output="c"),
    )

    assert "not made again" in read(session, "panel/?at=1")


def test_what_is_missing_says_why(project, read, viewer, sign_in):
    flags = [{"field": "input", "reason": "1 email", "by": "redaction", "policy": "4"}]
    dropped = make_session(project, make_call(output="x", flags=flags))
    silent = seed.add(project, seed.silent_story())

    assert "redaction policy (version 4)" in read(dropped, "panel/?at=1")
    assert "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=SPAN_ONLY" in read(silent, "panel/")
    assert "Its client sent" not in read(silent, "panel/")


def test_a_large_body_is_shown_by_its_beginning_and_opened_in_pieces(project, read):
    text = "".join(f"line {n}\n" for n in range(40_000))
    session = make_session(project, make_event(kind="tool", output=text))
    step = project.events.get(session=session).id.hex

    assert len(read(session, "panel/")) < 10_000
    assert "piece 7 of 7" in read(session, f"steps/{step}/body/output/?piece=7")
    assert "1 place" in read(session, f"steps/{step}/body/output/?q=line+39999")
    assert read(session, f"steps/{step}/body/output/file/").endswith("line 39999")
    assert "piece" in read(session, f"steps/{step}/body/output/?piece=8", 400)
    read(session, f"steps/{step}/body/colour/", 404)


def test_the_rest_of_a_value_is_drawn_when_it_is_asked_for(project, read):
    session = make_session(project, make_event(kind="tool", output={"rows": list(range(500))}))
    step = project.events.get(session=session).id.hex

    assert "302 more" not in read(session, f"steps/{step}/body/output/?as=tree&path=/rows&from=499")
    assert "100 more" in read(session, f"steps/{step}/body/output/?as=tree&path=/rows&from=200")
    assert "path" in read(session, f"steps/{step}/body/output/?as=tree&path=/no", 400)


def test_words_are_marked_in_panel_and_transcript(hero, member_client):
    for path in ("panel/?at=13&find=refunded", "?view=transcript&at=13&find=refunded"):
        page = member_client.get(f"{SESSIONS}{hero.pk}/{path}").content.decode()
        assert "<mark>refunded</mark>" in page


def test_finding_is_a_reading_of_content(hero, member_client, read):
    assert "Both payments" in read(hero, "find/?find=payments")
    assert "Nothing found" in read(hero, "find/?find=nowhere")

    assert AuditEntry.unscoped.filter(act="session.read", object_ids=[str(hero.pk)]).exists()


def test_answers_are_formatted_and_nothing_in_them_acts(project, member_client):
    text = "**Done** [x](javascript:alert(1)) ![p](https://pwned/p.png) <script>1</script>"
    session = make_session(project, make_call(output=text))
    page = member_client.get(f"{SESSIONS}{session.pk}/?view=transcript").content.decode()
    raw = member_client.get(f"{SESSIONS}{session.pk}/?view=transcript&text=raw").content.decode()

    assert "<strong>Done</strong>" in page
    assert 'href="javascript' not in page
    assert "<img" not in page
    assert "**Done**" in raw


def test_sub_agents_are_indented(project, member_client):
    session = make_session(
        project,
        make_event(id="a", kind="agent", started_at=at(0)),
        make_event(id="b", kind="agent", started_at=at(1), parent="a"),
        make_event(id="c", kind="human", started_at=at(2), parent="b", input="May I?"),
    )
    page = member_client.get(f"{SESSIONS}{session.pk}/?view=transcript").content.decode()

    assert re.findall(r'<section class="turn( in-\d)?', page) == ["", "", " in-1"]
    assert "Asked" in page
