from __future__ import annotations

import re

import pytest

from apps.audit import services
from apps.audit.actors import Actor
from apps.tenants.permissions import Role
from tests.factories import make_key, make_membership

AUDIT = "/o/acme/audit/"
ADA = Actor(kind="user", id="7", label="ada@example.com")
API = "/api/v1/audit?project=acme/support-bot"


@pytest.fixture
def trail(project) -> None:
    for number in range(5):
        services.record(
            ADA if number % 2 else Actor(kind="system", label="system"),
            f"test.act-{number}",
            organization_id=project.organization_id,
            project_id=project.pk,
            detail={"note": "<b>bold</b>", "list": ["a", "b"], "none": None},
        )


def test_the_owner_reads_the_trail_newest_first(owner_client, trail):
    page = owner_client.get(AUDIT).content.decode()

    acts = re.findall(r"test\.act-\d", page.split("<tbody>")[1])
    assert acts == [f"test.act-{number}" for number in (4, 3, 2, 1, 0)]
    assert "<b>bold" not in page


def test_the_trail_is_narrowed_by_act_and_actor(owner_client, trail):
    by_act = owner_client.get(AUDIT + "?act=test.act-2").content.decode()
    by_actor = owner_client.get(AUDIT + "?actor=ada@example.com").content.decode()

    assert by_act.split("<tbody>")[1].count("test.act-") == 1
    assert by_actor.split("<tbody>")[1].count("test.act-") == 2


def test_a_filter_without_a_match_says_so(owner_client):
    assert "Nothing matches" in owner_client.get(AUDIT + "?act=x%00").content.decode()


def test_pages_follow_each_other_without_gap_or_repeat(owner_client, trail):
    seen, query = [], "?limit=2"
    while query:
        page = owner_client.get(AUDIT + query).content.decode()
        seen += re.findall(r"test\.act-\d", page.split("<tbody>")[1])
        found = re.search(r'rel="next" href="([^"]+)"', page)
        query = found.group(1).replace("&amp;", "&") if found else ""

    assert seen == [f"test.act-{number}" for number in (4, 3, 2, 1, 0)]


@pytest.mark.parametrize(
    "query", ["?colour=red", "?limit=0", "?limit=501", "?limit=x", "?cursor=x", "?cursor=WyJhIl0"]
)
def test_bad_parameters_are_a_400(owner_client, query):
    assert owner_client.get(AUDIT + query).status_code == 400
    assert owner_client.get(API + query.replace("?", "&")).status_code == 400


def test_the_page_takes_few_queries(owner_client, trail, django_assert_max_num_queries):
    with django_assert_max_num_queries(10):
        owner_client.get(AUDIT)


def test_an_engineer_may_not_read_the_trail(member_client, project):
    assert member_client.get(AUDIT).status_code == 403
    assert member_client.get(API).status_code == 403


def test_a_stranger_finds_no_trail(stranger_client, project):
    assert stranger_client.get(AUDIT).status_code == 404
    assert stranger_client.get(API).status_code == 404


def test_an_auditor_reads_the_trail_and_no_keys(sign_in, project):
    client = sign_in(make_membership(project.organization, role=Role.AUDITOR).user)

    assert client.get(AUDIT).status_code == 200
    assert client.get("/o/acme/p/support-bot/settings/keys/").status_code == 403


def test_the_api_gives_the_trail_of_one_project(owner_client, project, trail, other_project):
    make_key(other_project)

    answer = owner_client.get(API + "&limit=2").json()
    rest = owner_client.get(f"{API}&cursor={answer['next']}").json()

    assert [row["act"] for row in answer["results"]] == ["test.act-4", "test.act-3"]
    assert [row["act"] for row in rest["results"]][:3] == [
        "test.act-2",
        "test.act-1",
        "test.act-0",
    ]
    assert "key.create" not in {row["act"] for row in answer["results"] + rest["results"]}
    assert rest["next"] is None


def test_a_key_without_the_right_scope_may_not_read_the_trail(key_client, project):
    answer = key_client(project, "read:content").get("/api/v1/audit")

    assert answer.status_code == 403
    assert "`admin`" in answer.json()["detail"]
