from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.audit.models import AuditEntry
from apps.sessions.compare import Row
from apps.sessions.compare_entries import entries_of, page_of
from apps.sessions.listing import short_id
from tests.browser.words import HOSTILE
from tests.sessions.factories import at, make_call, make_event, make_session

COMPARE = "/o/acme/p/support-bot/compare/"


def chat(session: str, *answers: str, **more):
    """Return calls of a model, each with the history before it."""
    history, events = [], []
    for number, answer in enumerate(answers):
        history = [*history, {"role": "user", "content": f"question {number}"}]
        said = {"role": "assistant", "content": answer}
        times = {"started_at": at(number), "ended_at": at(number + 0.5)}
        call = {"id": f"{number}", "session": session, "input": history, "output": said}
        events.append(make_call(**call, **times, **more))
        history = [*history, said]
    return events


def shown(client, **query) -> str:
    answer = client.get(COMPARE, query)
    assert answer.status_code == 200, answer.content
    return answer.content.decode()


@pytest.fixture
def pair(project):
    words = ("fine", "Always apologise twice.", "bye")
    a = make_session(project, *chat("run-a", *words))
    b = make_session(project, *chat("run-b", *words[:1], "Always apologise once.", *words[2:]))
    return a, b


def test_the_page_shows_words_deltas_and_where_the_sessions_part(pair, member_client):
    page = shown(member_client, a=pair[0].pk, b=pair[1].pk)

    assert "<del>twice</del><ins>once</ins>" in page
    assert page.count('class="cmp-flag"') == 1
    assert "carried along" in page
    read = AuditEntry.unscoped.get(act="session.read")
    assert sorted(read.object_ids) == sorted(str(one.pk) for one in pair)


def test_the_last_answers_stand_beside_each_other(project, member_client):
    a, b = (make_session(project, *chat(name, f"ends with {name}")) for name in ("x1", "x2"))

    page = shown(member_client, a=a.pk, b=b.pk, mode="output")

    assert "ends with <del>x1</del><ins>x2</ins>" in page


def test_recorded_text_is_shown_as_text(project, member_client):
    a = make_session(project, *chat("a", "harmless", name=HOSTILE[0]))
    b = make_session(project, *chat("b", " ".join(HOSTILE), name=HOSTILE[0]))
    c = make_session(project, make_event(session="c", kind="tool", input={HOSTILE[1]: HOSTILE[2]}))
    d = make_session(project, make_event(session="d", kind="tool", input={HOSTILE[1]: HOSTILE[3]}))

    for left, right in ((a, b), (c, d)):
        for mode in ("steps", "output"):
            page = shown(member_client, a=left.pk, b=right.pk, mode=mode)
            assert not any(text in page for text in HOSTILE if "<" in text)


def test_a_session_may_be_named_in_any_way(pair, member_client):
    a, b = pair
    address = f"https://here.example/o/acme/p/support-bot/sessions/{b.pk}/?step=1"

    for word in ("run-b", short_id(b), short_id(b).lower(), address, str(b.pk).upper()):
        answer = member_client.get(COMPARE, {"a": a.pk, "b": f" {word} ", "mode": "output"})
        assert answer.status_code == 302
        assert answer.headers["Location"] == f"{COMPARE}?a={a.pk}&b={b.pk}&mode=output"


def test_with_one_session_the_page_asks_for_the_other(pair, member_client):
    page = shown(member_client, a=pair[0].pk)

    assert f'value="{pair[0].pk}"' in page
    assert "question 0" in page
    assert "Session B" in shown(member_client)


@pytest.mark.parametrize(
    ("query", "status", "says"),
    [
        ("b=nobody", 404, "nobody"),
        ("b={a}", 400, "the same session"),
        ("b={b}&d={b}", 400, "d needs"),
        ("b={b}&mode=colours", 400, "mode"),
        ("b={b}&at=99", 400, "1 to 3"),
        ("b={b}&at=x", 400, "1 to 3"),
        ("b={b}&colour=red", 400, "colour"),
        ("b=%00", 404, "no session"),
    ],
)
def test_addresses_that_make_no_sense_are_refused(pair, member_client, query, status, says):
    given = query.format(a=pair[0].pk, b=pair[1].pk)

    answer = member_client.get(f"{COMPARE}?a={pair[0].pk}&{given}")

    assert answer.status_code == status
    assert says in answer.content.decode()


def test_sessions_of_another_project_are_not_found(pair, other_project, member_client):
    theirs = make_session(other_project, *chat("theirs", "x"))

    for word in (theirs.pk, "theirs", short_id(theirs)):
        assert member_client.get(COMPARE, {"a": pair[0].pk, "b": word}).status_code == 404


def test_up_to_four_sessions_stand_in_the_table(project, pair, member_client):
    others = [make_session(project, *chat(name, "fine", name, model=name)) for name in ("m1", "m2")]
    query = dict(zip("abcd", [*pair, *others], strict=True))

    page = shown(member_client, **{letter: one.pk for letter, one in query.items()})

    assert page.count('<span class="cmp-letter">') == 4
    assert f"a={pair[0].pk}&amp;b={others[0].pk}&amp;c={pair[1].pk}" in page
    assert f"b={pair[1].pk}&amp;c={others[0].pk}&amp;d={others[1].pk}&amp;at=2#r2" in page


def test_the_queries_are_as_many_for_long_sessions(project, member_client):
    short = [make_session(project, *chat(name, name)) for name in ("s1", "s2")]
    long = [make_session(project, *chat(name, *[name] * 60)) for name in ("l1", "l2")]

    counts = [queries_of(member_client, *pair) for pair in (short, long)]

    # The content of a short session comes with the index of it.
    assert counts[1] <= counts[0] + 2
    assert counts[1] <= 40


def queries_of(client, a, b) -> int:
    shown(client, a=b.pk, b=a.pk)
    with CaptureQueriesContext(connection) as queries:
        shown(client, a=a.pk, b=b.pk)
    return len(queries)


def test_a_session_that_became_part_of_another_is_found_there(project, pair, member_client):
    old = make_session(project, *chat("old", "x"))
    project.sessions.filter(pk=old.pk).update(merged_into=pair[1])

    answer = member_client.get(COMPARE, {"a": pair[0].pk, "b": old.pk})

    assert answer.headers["Location"] == f"{COMPARE}?a={pair[0].pk}&b={pair[1].pk}"


def test_the_player_leads_to_the_comparison(pair, member_client):
    page = member_client.get(f"/o/acme/p/support-bot/sessions/{pair[0].pk}/").content.decode()

    assert f"{COMPARE}?a={pair[0].pk}" in page


def test_equal_stretches_are_folded_and_pages_hold_every_row():
    statuses = ["changed", *["identical"] * 9, *["only_a"] * 90, *["identical"] * 3]
    rows = [Row(status, at, at) for at, status in enumerate(statuses)]

    entries = entries_of(rows)
    place, told = 0, []
    while place is not None:
        page = page_of(rows, place)
        told += page.entries
        place = page.next

    assert told == entries
    assert [row for one in entries for row in range(one.start, one.end)] == list(range(103))
    assert [(one.start, one.end) for one in entries if one.is_fold] == [(2, 9)]
