from __future__ import annotations

from datetime import timedelta

import pytest

from apps.sessions.models import Session
from tests.browser import seed

SESSIONS = "/o/acme/p/support-bot/sessions/"
NOWHERE = "0" * 32


@pytest.fixture
def hero(project) -> Session:
    return seed.add(project, seed.refund_story())


def stories(project, count):
    """Return sessions that began a minute after each other, the latest first."""
    begun = [seed.BEGIN + timedelta(minutes=number) for number in range(count)]
    made = [seed.add(project, seed.silent_story(f"s-{at:%M}", at)) for at in begun]
    return [str(session.pk) for session in reversed(made)]


@pytest.mark.parametrize(
    ("query", "status", "says"),
    [
        (f"step={NOWHERE}", 404, f"step: none of its 13 steps has the id {NOWHERE}."),
        ("step=%3Cb%3E", 404, "has the id &lt;b&gt;."),
        (f"step={'a' * 5000}", 404, f"has the id {'a' * 64}…."),
        ("at=14", 400, "at must be a step&#x27;s number from 1 to 13."),
        ("at=9e9", 400, "at must be"),
        ("t=-1", 400, "t must be milliseconds since the start, from 0 to"),
        ("t=99999999", 400, "t must be milliseconds"),
        ("step=&t=nan", 400, "t must be milliseconds"),
        ("at=3&t=soon", 400, "t must be milliseconds"),
        ("view=film", 400, "view must be one of"),
        ("tab=film", 400, "tab must be one of"),
        ("cursor=x", 400, "Unknown query parameter: cursor."),
    ],
)
def test_an_address_that_points_nowhere_says_why_and_leads_back(
    hero, member_client, query, status, says
):
    answer = member_client.get(f"{SESSIONS}{hero.pk}/?{query}")

    page = answer.content.decode()
    assert answer.status_code == status
    assert says in page
    assert f'href="{SESSIONS}{hero.pk}/"' in page


def test_the_page_of_a_step_that_is_not_there_leads_back(hero, member_client):
    answer = member_client.get(f"{SESSIONS}{hero.pk}/steps/{NOWHERE}/")

    assert answer.status_code == 404
    assert f'href="{SESSIONS}{hero.pk}/"' in answer.content.decode()


def test_the_panel_of_a_step_that_is_not_there_is_refused(hero, member_client):
    assert member_client.get(f"{SESSIONS}{hero.pk}/panel/?step={NOWHERE}").status_code == 404
    assert member_client.get(f"{SESSIONS}{hero.pk}/panel/?at=0").status_code == 400


@pytest.mark.parametrize(("time", "seq"), [("0", 1), ("1355", 4), ("2000.5", 5), ("12400", 13)])
def test_a_time_leads_to_the_last_step_that_had_begun(hero, member_client, time, seq):
    page = member_client.get(f"{SESSIONS}{hero.pk}/?t={time}").content.decode()

    assert f'data-at="{seq}"' in page


def test_a_step_goes_before_the_time_beside_it(hero, member_client):
    page = member_client.get(f"{SESSIONS}{hero.pk}/?at=3&t=9000").content.decode()

    assert 'data-at="3"' in page


def test_errors_can_be_gone_to_and_back_without_scripts(hero, project, member_client):
    failed = project.events.get(session=hero, status="error").id.hex

    before = member_client.get(f"{SESSIONS}{hero.pk}/?at=2").content.decode()
    after = member_client.get(f"{SESSIONS}{hero.pk}/?at=12").content.decode()

    assert f"step={failed}" in before.split('data-act="next-sought"')[1].split(">")[0]
    assert f"step={failed}" in after.split('data-act="previous-sought"')[1].split(">")[0]


def test_steps_are_found_again_by_their_ids(hero, project, member_client):
    failed = project.events.get(session=hero, status="error").id.hex

    answer = member_client.get(f"{SESSIONS}{hero.pk}/places.json?steps={failed},{NOWHERE},x")

    assert answer.json() == {"places": {failed: 8, NOWHERE: None, "x": None}}


@pytest.mark.parametrize("steps", ["", ",".join(["x"] * 201)])
def test_places_of_too_few_or_too_many_steps_are_refused(hero, member_client, steps):
    assert member_client.get(f"{SESSIONS}{hero.pk}/places.json?steps={steps}").status_code == 400


def test_one_goes_from_session_to_session_as_the_list_has_them(project, member_client):
    newest, middle, oldest = stories(project, 3)

    def beside(session, query):
        return member_client.get(f"{SESSIONS}{session}/beside/?{query}").json()["url"]

    assert beside(middle, "to=next") == f"{SESSIONS}{oldest}/"
    assert beside(middle, "to=previous") == f"{SESSIONS}{newest}/"
    assert beside(oldest, "to=next") is None
    assert beside(oldest, "to=next&sort=started") == f"{SESSIONS}{middle}/"
    assert beside(middle, "to=next&status=error") is None


def test_the_next_session_of_a_search_is_one_that_was_found(project, member_client):
    newer = seed.add(project, seed.refund_story("chat-2", seed.BEGIN + timedelta(hours=1)))
    stories(project, 2)
    older = seed.add(project, seed.refund_story("chat-1"))

    answer = member_client.get(f"{SESSIONS}{newer.pk}/beside/?to=next&q=refund")

    assert answer.json() == {"url": f"{SESSIONS}{older.pk}/"}


@pytest.mark.parametrize("query", ["", "to=up", "to=next&colour=red"])
def test_a_list_that_does_not_exist_has_no_next_session(hero, member_client, query):
    assert member_client.get(f"{SESSIONS}{hero.pk}/beside/?{query}").status_code == 400


def test_columns_mark_what_says_something_about_the_state(hero, member_client):
    columns = member_client.get(f"{SESSIONS}{hero.pk}/spans.json").json()

    assert columns["m"][:2] == [1, 2]
    assert columns["f"]["i"][0] == 2
    assert columns["f"]["t"][0] == 210


def test_whoever_follows_a_session_hears_that_it_ended(project, hero, member_client):
    url = f"{SESSIONS}{hero.pk}/spans.json"
    project.sessions.filter(pk=hero.pk).update(status="open")
    during = member_client.get(url)
    project.sessions.filter(pk=hero.pk).update(status="closed")
    after = member_client.get(url, headers={"if-none-match": during["ETag"]})

    assert (during["Playhead-Open"], after["Playhead-Open"]) == ("yes", "no")
    assert after.status_code == 200
