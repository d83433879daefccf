"""The head of the list: the box, its chips and errors, the range of time, the strip, the count."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.sessions import store, volume
from apps.tenants.permissions import Role
from tests.browser import seed
from tests.factories import make_membership
from tests.sessions.factories import at, make_call, make_event, make_session

SESSIONS = "/o/acme/p/support-bot/sessions/"
SUGGEST = f"{SESSIONS}suggest/"


def text_of(client, query=""):
    return client.get(f"{SESSIONS}{query}").content.decode()


def box_of(html):
    return re.search(r'name="filter" data-filter value="([^"]*)"', html)[1]


@pytest.mark.parametrize(
    ("form", "address"),
    [
        ({"filter": "status:error refund"}, "?status=error&q=refund"),
        ({"filter": "model:b", "model": "a", "q": "x", "cursor": "c"}, "?model=b"),
        (
            {"filter": "tag:x", "sort": "-cost", "density": "compact"},
            "?sort=-cost&density=compact&tag=x",
        ),
        ({"filter": " ", "limit": "7", "tool": "a"}, "?limit=7"),
        ({"filter": "", "tool": "a"}, "?view=all"),
        ({"status": "", "tool": "a", "model": ""}, "?tool=a"),
        (
            {"from": "2026-11-20T10:00", "to": "", "started_before": "-1h", "tag": "x"},
            "?tag=x&started_after=2026-11-20T10:00Z",
        ),
    ],
    ids=str,
)
def test_what_forms_send_becomes_an_address_of_filters(project, member_client, form, address):
    answer = member_client.get(SESSIONS, form)

    assert answer.status_code == 302
    assert answer["Location"] == address


def test_the_box_says_what_the_address_says(project, member_client):
    make_session(project, model="a b", started_at=at(0))

    html = text_of(
        member_client, "?model=a+b&min_cost=0.1&q=late+order&started_after=2026-11-20T00:00Z"
    )

    assert box_of(html) == "model:&quot;a b&quot; cost&gt;0.1 started&gt;2026-11-20 late order"


def test_each_filter_that_is_on_can_be_taken_off(project, member_client):
    html = text_of(member_client, "?status=error&tool=refund&sort=-cost&cursor=&limit=10")

    chips = re.findall(r'class="filter-chip" href="([^"]*)"[^>]*><bdi[^>]*>([^<]*)<', html)
    assert chips == [
        ("?tool=refund&amp;sort=-cost&amp;limit=10", "status:error"),
        ("?status=error&amp;sort=-cost&amp;limit=10", "tool:refund"),
    ]


@pytest.mark.parametrize(
    ("query", "typed", "said"),
    [
        ("?filter=colour:red+refund", "colour:red refund", "there is no filter colour"),
        ("?filter=cost%3Emuch", "cost&gt;much", "must be a number"),
        ("?min_cost=much", "cost&gt;much", "must be a number"),
        ("?filter=prompt_version:7", "prompt_version:7", "needs the filter prompt"),
        ("?prompt_version=7", "prompt_version:7", "needs the filter prompt"),
        ("?from=yesterday&filter=", "started&gt;yesterdayZ", "must be a time"),
        ("?q=!!", "!!", "must hold a word"),
        ("?started_after=0001-01-01T00:00%2B14:00", "", "must be a time"),
        (f"?filter={'word+' * 200}", "", "at most 512 characters"),
    ],
)
def test_text_that_cannot_be_read_stays_in_the_box(project, member_client, query, typed, said):
    make_session(project, started_at=at(0))

    answer = member_client.get(f"{SESSIONS}{query}", follow=True)

    html = answer.content.decode()
    assert answer.status_code == 400
    assert box_of(html) == typed or not typed
    assert said in html
    assert 'aria-invalid="true"' in html
    assert "data-list" not in html


@pytest.mark.parametrize("name", ["started_after", "started_before"])
@pytest.mark.parametrize("far", ["0001-01-01T00:00Z", "9999-12-31T23:59:59Z", "-99999w"])
def test_the_ends_of_time_can_be_asked_for(project, member_client, name, far):
    make_session(project, started_at=at(0))

    assert member_client.get(SESSIONS, {name: far}).status_code == 200


def test_a_role_without_content_sees_no_titles_and_is_told_so(project, sign_in):
    make_session(project, make_call(input="a secret", started_at=at(0)))
    auditor = sign_in(make_membership(project.organization, role=Role.AUDITOR).user)

    html = text_of(auditor)
    searching = auditor.get(f"{SESSIONS}?filter=secret", follow=True)

    assert "a secret" not in html
    assert "titles and the search for words are left out" in html
    assert searching.status_code == 403
    assert "may not read what was said" in searching.content.decode()


def test_bars_are_links_to_their_time_with_the_other_filters(project, member_client):
    now = datetime.now(UTC)
    store.append(
        project,
        [
            make_call(session="a", started_at=now - timedelta(hours=2)),
            make_call(session="b", started_at=now - timedelta(hours=2), status="error"),
            make_call(session="c", started_at=now - timedelta(days=9), model="other"),
        ],
    )

    html = text_of(member_client, "?model=gpt-4o&sort=-cost")

    (bar,) = re.findall(r'<a href="(\?[^"]*)" aria-label="([^"]*)" data-begins', html)
    assert bar[1].endswith(": 2 sessions, 1 with errors")
    narrowed = text_of(member_client, bar[0].replace("&amp;", "&"))
    assert len(re.findall("data-row-link", narrowed)) == 2
    assert "model=gpt-4o&amp;sort=-cost" in bar[0]


def test_the_list_says_how_many_match_and_where_it_stopped_counting(
    project, member_client, monkeypatch
):
    store.append(project, [make_event(session=f"s{n}", started_at=at(n)) for n in range(7)])

    whole, page = text_of(member_client), text_of(member_client, "?limit=3&kind=event")
    monkeypatch.setattr(volume, "MOST_COUNTED", 5)
    capped = text_of(member_client, "?limit=3")

    assert "<strong>7 sessions</strong>" in whole
    assert re.search(r"<strong>7 sessions</strong>\s*<span class=\"muted\">match", page)
    assert "<strong>5+ sessions</strong>" in capped


def test_the_whole_list_takes_twelve_queries_at_most(
    project, member_client, django_capture_on_commit_callbacks
):
    for index in range(60):
        seed.add(project, seed.small(index))
    # The project's keys are kept by the process once they are committed.
    with django_capture_on_commit_callbacks(execute=True):
        text_of(member_client)

    for query in ("?view=all", "?model=gpt-4o&tag=vip&min_cost=0", "?status=error&sort=-cost"):
        with CaptureQueriesContext(connection) as queries:
            text_of(member_client, query)
        assert len(queries) <= 12, [row["sql"][:120] for row in queries]


def offered(client, **query):
    answer = client.get(SUGGEST, query)
    assert answer.status_code == 200, answer.content
    return [one["text"] for one in answer.json()["offered"]]


def test_values_of_the_project_are_offered_while_one_types(project, other_project, member_client):
    tags = ["vip", "billing", "late order", "Very late"]
    make_session(project, make_call(tags=tags, model="gpt-4o", provider="openai", status="error"))
    make_session(other_project, make_call(tags=["theirs"], session="x"))

    assert offered(member_client, key="tag") == [
        'tag:"Very late"',
        "tag:billing",
        'tag:"late order"',
        "tag:vip",
    ]
    begin, hold = ['tag:"late order"'], ['tag:"Very late"', "tag:billing"]
    assert offered(member_client, key="TAG", prefix="l") == [*begin, *hold]
    assert offered(member_client, key="model", prefix="4O") == ["model:gpt-4o"]
    assert offered(member_client, key="error") == []
    assert offered(member_client, key="tag", prefix="theirs") == []


def test_names_and_choices_are_offered(project, member_client):
    assert offered(member_client, prefix="pro") == ["provider:", "prompt:", "prompt_version:"]
    assert offered(member_client, prefix="co") == ["cost>0.10", "cost<1"]
    assert "status:" in offered(member_client)
    assert offered(member_client, key="status", prefix="e") == ["status:error"]
    assert offered(member_client, key="colour") == []


def test_ids_of_people_are_never_offered(project, member_client):
    make_session(project, make_call(user="customer-17", session="chat-9"))

    assert offered(member_client, key="user") == []
    assert offered(member_client, key="external_id", prefix="chat") == []


@pytest.mark.parametrize("query", [{"prefix": "x" * 513}, {"prefix": "a\x00"}, {"colour": "red"}])
def test_a_question_for_values_that_cannot_be_read_is_refused(project, member_client, query):
    assert member_client.get(SUGGEST, query).status_code == 400


def test_at_most_twelve_values_are_offered_each_once(project, member_client):
    for number in range(15):
        make_session(project, make_call(session=f"s{number}", tags=[f"t{number:02}", "common"]))

    found = offered(member_client, key="tag", prefix="t")

    assert found == [f"tag:t{number:02}" for number in range(12)]
