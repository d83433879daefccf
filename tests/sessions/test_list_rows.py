"""The rows of the list: columns, density, the strip of steps, and following what comes in."""

from __future__ import annotations

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.sessions import store, strips
from apps.sessions.columns import NAMES
from apps.sessions.queries import BEFORE, cursor_of
from tests.browser import seed
from tests.sessions.factories import at, make_event, make_session

SESSIONS = "/o/acme/p/support-bot/sessions/"


def headings(client, query=""):
    page = client.get(f"{SESSIONS}{query}").content.decode()
    return re.findall(r'<th scope="col" class="c-(\w+)', page)[1:]


def test_the_address_says_which_columns_are_shown(project, member_client):
    make_session(project)

    assert headings(member_client, "?columns=cost,status") == ["status", "session", "cost"]
    assert headings(member_client, f"?columns={','.join(NAMES)}") == list(NAMES)


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("?columns=status,colour", "colour"),
        ("?density=huge", "density"),
        ("?live=off", "live"),
        ("?columns=" + "x" * 3000, "There is no column"),
    ],
)
def test_a_look_that_there_is_not_is_named(project, member_client, query, named):
    answer = member_client.get(f"{SESSIONS}{query}")

    assert answer.status_code == 400
    assert named in answer.content.decode()


def test_a_chosen_look_is_kept_for_the_next_time(project, member_client):
    make_session(project)
    form = "?tag=vip&columns=session&columns=cost&columns=status&density=compact&remember=on"

    answer = member_client.get(f"{SESSIONS}{form}")

    assert answer["Location"] == "?tag=vip&columns=status,session,cost&density=compact"
    assert headings(member_client) == ["status", "session", "cost"]
    assert "density-compact" in member_client.get(SESSIONS).content.decode()
    assert headings(member_client, "?columns=agent") == ["session", "agent"]


def test_a_cookie_of_another_version_does_no_harm(project, member_client):
    make_session(project)
    member_client.cookies["playhead_list"] = "gone.status./no-density" + "x" * 5000

    assert headings(member_client) == ["status", "session"]


def test_every_column_shows_what_is_known_and_a_dash_for_the_rest(project, member_client):
    seed.add(project, seed.refund_story())
    seed.add(project, seed.silent_story())

    page = member_client.get(f"{SESSIONS}?columns={','.join(NAMES)}").content.decode()

    for told in ("triage@7", "production", "1.4.2", "success", "billing", "+1", "gpt-4o"):
        assert told in page
    silent = page[page.index("chat-silent") :]
    assert re.search(r'c-tokens number"[^>]*>-<', silent)
    assert "None" not in page


def strip_of(project, *events):
    session = make_session(project, *events)
    return strips.strips_of(project, [session])[session.pk]


def steps(count, **fields):
    return [
        make_event(started_at=at(n), **({"kind": "llm"} | fields), position=n) for n in range(count)
    ]


def test_a_strip_shows_the_kinds_in_order_and_says_them(project):
    events = [*steps(2), make_event(kind="tool", started_at=at(5), status="error")]

    strip = strip_of(project, make_event(kind="agent", started_at=at(-1)), *events)

    assert strip.label == "4 steps: 2 llm, 1 agent, 1 tool, 1 error"
    assert [group for group, _ in strip.paths] == ["agent", "llm", "error"]
    assert dict(strip.paths)["llm"] == "M8 0h7v10h-7zM16 0h7v10h-7z"


def test_a_long_strip_has_forty_marks_and_keeps_the_error(project):
    events = steps(100)
    events[50].status = "error"

    strip = strip_of(project, *events)

    paths = dict(strip.paths)
    assert paths["llm"].count("M") == strips.MARKS - 1
    assert paths["error"].count("M") == 3
    assert "100 steps" in strip.label


def test_a_very_long_session_is_drawn_from_an_even_sample(project):
    half = strips.SAMPLE * 2
    events = [
        *steps(half),
        *(make_event(kind="tool", started_at=at(half + n)) for n in range(half)),
    ]

    strip = strip_of(project, *events)

    marks = {group: path.count("M") for group, path in strip.paths}
    assert strip.label == "480 steps: 240 llm, 240 tool (drawn from about 120 of them)"
    assert abs(marks["llm"] - marks["tool"]) <= 12


def test_an_unknown_kind_of_picture_is_a_thin_mark():
    assert strips.drawn(["other"]) == [("other", "M0 4h7v2h-7z")]
    assert strips.drawn([]) == []


def newer(client, session, **query):
    after = cursor_of(session, "-started", BEFORE) if session else ""
    return client.get(f"{SESSIONS}newer/", {"after": after, **query})


def test_newer_sessions_are_counted_by_the_same_filters(project, member_client):
    first = make_session(project, session="old", started_at=at(0))
    for n in range(3):
        tags = ["vip"] if n else []
        make_session(project, session=f"new-{n}", started_at=at(60 + n), tags=tags)

    assert 'data-newer="3"' in newer(member_client, first).content.decode()
    assert 'data-newer="2"' in newer(member_client, first, tag="vip").content.decode()
    assert 'data-newer="4"' in newer(member_client, None).content.decode()


def test_more_than_fifty_newer_sessions_are_no_longer_counted(project, member_client):
    first = make_session(project, session="old", started_at=at(0))
    store.append(
        project,
        [make_event(session=f"new-{n}", started_at=at(60 + n)) for n in range(51)],
    )

    assert 'data-newer="50" data-more' in newer(member_client, first).content.decode()


def test_open_rows_in_sight_are_drawn_again(project, other_project, member_client):
    session = make_session(project, started_at=at(0))
    theirs = make_session(other_project, session="theirs")
    store.append(project, [make_event(started_at=at(9))])

    page = newer(member_client, session, open=f"{session.pk},{theirs.pk}").content.decode()

    assert f'data-session="{session.pk}" data-open' in page
    assert re.search(r'c-steps number">2<', page)
    assert str(theirs.pk) not in page


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ({"sort": "-cost"}, "newest first"),
        ({"q": "refund"}, "searched"),
        ({"open": "x"}, "open takes ids"),
        ({"after": "x"}, "cursor"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_what_cannot_be_followed_is_refused_and_said_on_the_page(
    project, member_client, query, named
):
    session = make_session(project, session="here")

    answer = newer(member_client, session, **query)

    assert answer.status_code == 400
    assert named in answer.content.decode()


def test_the_list_says_why_it_cannot_be_followed(project, member_client):
    seed.add(project, seed.small(1))

    assert (
        "Live needs the newest first"
        in member_client.get(f"{SESSIONS}?sort=-cost").content.decode()
    )
    assert "while words are searched" in member_client.get(f"{SESSIONS}?q=vat").content.decode()


def queries_of(client, url) -> int:
    client.get(url)
    with CaptureQueriesContext(connection) as queries:
        assert client.get(url).status_code == 200
    return len(queries)


def test_asking_for_newer_ones_takes_few_queries_whatever_is_open(project, member_client):
    made = [seed.add(project, seed.small(n)) for n in range(12)]
    url = f"{SESSIONS}newer/?after={cursor_of(made[0], '-started', BEFORE)}"

    none = queries_of(member_client, url)
    one, all_open = (
        queries_of(member_client, f"{url}&open={','.join(str(s.pk) for s in some)}")
        for some in (made[:1], made)
    )

    assert none <= 6
    assert one == all_open <= 10


def test_selected_sessions_go_to_the_comparison(project, viewer_client):
    made = [make_session(project, session=f"chat-{n}") for n in range(5)]
    ids = [str(session.pk) for session in made]

    answer = viewer_client.post(f"{SESSIONS}compare/", {"session": ids[:3]})

    there = f"/o/acme/p/support-bot/compare/?a={ids[0]}&b={ids[1]}&c={ids[2]}"
    assert answer["Location"] == there
    for wrong in (ids[:1], ids, ["x", "y"]):
        assert viewer_client.post(f"{SESSIONS}compare/", {"session": wrong}).status_code == 400
