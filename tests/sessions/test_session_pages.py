from __future__ import annotations

import gzip
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.audit.models import AuditEntry
from apps.sessions import store
from apps.sessions.models import Session
from tests.browser import seed

SESSIONS = "/o/acme/p/support-bot/sessions/"


@pytest.fixture
def hero(project) -> Session:
    return seed.add(project, seed.refund_story())


def test_the_list_says_how_to_begin_and_how_to_go_on(project, member_client):
    nothing = member_client.get(SESSIONS).content.decode()
    seed.add(project, seed.small(1))
    no_match = member_client.get(f"{SESSIONS}?model=none").content.decode()

    assert "Send the first session" in nothing
    assert "Clear the filters" in no_match


def test_an_unknown_filter_is_named(project, member_client):
    answer = member_client.get(f"{SESSIONS}?colour=red")

    assert answer.status_code == 400
    assert "colour" in answer.content.decode()


def test_the_list_asks_as_much_for_sixty_sessions_as_for_one(project, member_client):
    for index in range(60):
        seed.add(project, seed.small(index))

    # 12 for a server, which keeps a project's key once it is committed.
    assert queries_of(member_client, SESSIONS) <= 13


def test_the_player_asks_as_much_for_500_steps_as_for_five(project, member_client):
    short = seed.add(project, seed.long_story(5, "short"))
    long = seed.add(project, seed.long_story(500, "long"))

    counts = [queries_of(member_client, f"{SESSIONS}{one.pk}/") for one in (short, long)]

    assert counts[0] == counts[1]
    assert counts[0] <= 15


def queries_of(client, url) -> int:
    client.get(url)
    with CaptureQueriesContext(connection) as queries:
        assert client.get(url).status_code == 200
    return len(queries)


@pytest.mark.parametrize("query", ["?view=film", "?at=0", "?at=99", "?at=x", "?who=me"])
def test_addresses_that_make_no_sense_are_refused(hero, member_client, query):
    assert member_client.get(f"{SESSIONS}{hero.pk}/{query}").status_code == 400


def test_a_step_that_is_not_there_is_not_found(hero, member_client):
    assert member_client.get(f"{SESSIONS}{hero.pk}/?step={'0' * 32}").status_code == 404
    assert member_client.get(f"{SESSIONS}{hero.pk}/steps/{'0' * 32}/").status_code == 404


def test_reading_a_session_is_written_down_once_in_a_while(hero, member_client):
    for path in ("", "panel/?at=3", "?view=transcript"):
        member_client.get(f"{SESSIONS}{hero.pk}/{path}")

    read = AuditEntry.unscoped.filter(act="session.read", object_ids=[str(hero.pk)])
    assert read.count() == 1


def test_a_session_that_was_merged_leads_to_where_it_went(project, hero, member_client):
    other = seed.add(project, seed.small(1))
    project.sessions.filter(pk=other.pk).update(merged_into=hero, is_listed=False)

    answer = member_client.get(f"{SESSIONS}{other.pk}/")

    assert answer.status_code == 301
    assert answer["Location"] == f"{SESSIONS}{hero.pk}/"


def test_columns_hold_every_step_and_no_content(hero, member_client):
    columns = member_client.get(f"{SESSIONS}{hero.pk}/spans.json").json()

    assert len(columns["n"]) == len(columns["d"]) == len(columns["p"]) == 13
    assert columns["e"] == [8]
    assert "59.90" not in str(columns)


def test_a_step_that_arrives_later_is_shown_at_once(project, hero, member_client):
    url = f"{SESSIONS}{hero.pk}/spans.json"
    before = len(member_client.get(url).json()["n"])
    late = seed.Story("chat-4711", seed.BEGIN + timedelta(seconds=20), trace="trace-chat-4711")
    late.step("tool", "afterwards", 0, 1)
    late.events[-1].id = "late"
    store.append(project, late.events)

    assert len(member_client.get(url).json()["n"]) == before + 1


def test_a_step_names_the_steps_it_was_fed_by(project, member_client):
    told = seed.Story("fed")
    told.step("tool", "look up", 0, 1, output=1)
    told.step("decision", "pay", 1, 1, decision={"chosen": "pay"}, inputs=["0001", "never"])
    session = seed.add(project, told.events)

    panel = member_client.get(f"{SESSIONS}{session.pk}/panel/?at=2").content.decode()

    assert 'data-to="1"' in panel
    assert "look up" in panel
    assert "1 more, not arrived" in panel


def test_the_model_is_named_once_in_the_head(hero, member_client):
    page = member_client.get(f"{SESSIONS}{hero.pk}/").content.decode()

    assert '<bdi title="gpt-4o-2024-11-20">gpt-4o</bdi>' in page


def test_columns_that_the_browser_has_are_not_sent_again(hero, member_client):
    url = f"{SESSIONS}{hero.pk}/spans.json"
    etag = member_client.get(url)["ETag"]
    again = member_client.get(url, headers={"if-none-match": etag})

    assert (again.status_code, again.content) == (304, b"")


def test_columns_come_plain_to_who_takes_nothing_packed(hero, member_client):
    url = f"{SESSIONS}{hero.pk}/spans.json"

    packed = member_client.get(url, headers={"accept-encoding": "gzip"})
    plain = member_client.get(url).content

    assert packed["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.content) == plain
