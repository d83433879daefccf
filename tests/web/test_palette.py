"""Jumping anywhere by typing."""

from __future__ import annotations

import pytest

from apps.audit.actors import SYSTEM
from apps.sessions.saved_views import save_view
from apps.tenants.permissions import Role
from tests.factories import make_membership, make_project
from tests.sessions.factories import at, make_call, make_event, make_session

pytestmark = pytest.mark.django_db


@pytest.fixture
def session(project):
    return make_session(
        project,
        make_call(session="order-4411", input="Refund the purple elephant", started_at=at(0)),
    )


def ask(client, project, text="") -> dict[str, list[dict[str, str]]]:
    answer = client.get(f"/o/acme/p/{project.slug}/palette/", {"q": text})
    assert answer.status_code == 200
    return {group["name"]: group["entries"] for group in answer.json()["groups"]}


@pytest.mark.parametrize("text", ["order-4411", "ORDER-44", "purple", "refund eleph"])
def test_a_session_is_found_by_its_id_and_by_words_of_its_title(
    session, project, member_client, text
):
    [entry] = ask(member_client, project, text)["Sessions"]

    assert entry["title"] == "Refund the purple elephant"
    assert entry["url"] == f"/o/acme/p/{project.slug}/sessions/{session.pk}/"


def test_a_session_is_found_by_the_id_that_pages_show(session, project, member_client):
    end = session.pk.hex[-6:].upper()

    for text in (f"S-{end}", end.lower(), str(session.pk)):
        assert len(ask(member_client, project, text)["Sessions"]) == 1


def test_whoever_may_not_read_content_finds_no_title(session, project, sign_in):
    auditor = sign_in(make_membership(project.organization, role=Role.AUDITOR).user)

    by_word, by_id = ask(auditor, project, "purple"), ask(auditor, project, "order-4411")

    assert not {"Sessions", "Tickets", "Examples", "Search"} & set(by_word)
    assert by_id["Sessions"][0]["title"] == "order-4411"
    assert "purple" not in str(ask(auditor, project))


def test_the_browser_is_told_to_keep_no_recorded_text(session, project, member_client):
    [entry] = ask(member_client, project, "purple")["Sessions"]

    assert entry["kept"] == f"S-{session.pk.hex[-6:].upper()}"


def test_an_old_session_is_found_by_whole_words_of_its_title(session, project, member_client):
    later = [make_event(session=f"later {n}", started_at=at(60 + n)) for n in range(120)]
    make_session(project, *later)

    assert "Sessions" not in ask(member_client, project, "eleph")
    assert ask(member_client, project, "purple elephant")["Sessions"]


def test_pages_projects_and_views_are_offered_by_right(session, project, member, sign_in):
    other = make_project(project.organization, slug="second", name="Second bot")
    save_view(project, name="Slow ones", query="min_duration_ms=9", owner=None, actor=SYSTEM)
    client = sign_in(member)

    assert [row["title"] for row in ask(client, project, "second")["Projects"]] == [other.name]
    assert [row["title"] for row in ask(client, project, "slow")["Saved views"]] == ["Slow ones"]
    assert [row["title"] for row in ask(client, project, "imports")["Pages"]] == ["Imports"]
    assert "Pages" not in ask(client, project, "redaction")


def test_nothing_of_other_projects_is_found(session, project, other_project, stranger_client):
    found = stranger_client.get("/o/globex/p/search/palette/", {"q": "purple"}).json()

    assert str(session.pk) not in str(found)
    assert stranger_client.get(f"/o/acme/p/{project.slug}/palette/").status_code == 404


def test_where_no_project_is_open_ones_own_is_offered(project, member_client):
    found = member_client.get("/palette/", {"q": project.name}).json()["groups"]

    assert [group["name"] for group in found] == ["Projects"]


def test_what_is_typed_is_bounded(project, member_client):
    place = f"/o/acme/p/{project.slug}/palette/"

    for query in ({"q": "x" * 101}, {"unknown": "x"}):
        assert member_client.get(place, query).status_code == 400
    for text in ('"', "\x00", "%", "_", "\\", "#99999999999999999999", "-" * 100):
        assert member_client.get(place, {"q": text}).status_code == 200


def test_the_number_of_queries_does_not_grow_with_what_is_found(
    project, member_client, django_assert_max_num_queries
):
    make_session(project, *(make_call(session=f"s{n}", input="purple") for n in range(30)))

    with django_assert_max_num_queries(24):
        found = ask(member_client, project, "purple")
    assert len(found["Sessions"]) == 8
