"""Tabs of saved views above the list, and the forms behind them."""

from __future__ import annotations

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.audit.actors import SYSTEM
from apps.sessions import saved_views
from apps.sessions.models import SavedView
from apps.sessions.saved_view_queries import query_of, seal_query
from apps.tenants.permissions import Role
from tests.factories import make_membership
from tests.sessions.factories import make_call, make_session
from tests.sessions.test_saved_views import acting, make_view

pytestmark = pytest.mark.django_db
SESSIONS = "/o/acme/p/support-bot/sessions/"


@pytest.fixture(autouse=True)
def recorded(project):
    make_session(project, make_call(session="one", input="a walrus"))
    make_session(project, make_call(session="two", status="error"))


def shown(client, query="view=all"):
    answer = client.get(f"{SESSIONS}?{query}")
    assert answer.status_code == 200, answer.content.decode()[:2000]
    return answer.content.decode()


def current(page):
    (tabs,) = re.findall(r'<nav class="view-tabs.*?</nav>', page, re.S)
    return re.findall(r'aria-current="page">.*?(?:<bdi[^>]*>)?(\w[\w ]*)<', tabs)


def post(client, view, act, **fields):
    fields = {"version": view.version, "query": "status=error"} | fields
    return client.post(f"{SESSIONS}views/{view.pk}/{act}/", fields, follow=True)


def test_saving_makes_a_tab_and_stays_where_one_was(project, member_client):
    fields = {"name": "Errors today", "query": "status=error&started_after=-24h&cursor=x"}
    answer = member_client.post(f"{SESSIONS}views/save/", fields)

    view = project.saved_views.get()
    assert not view.is_shared
    address = f"{SESSIONS}?started_after=-24h&status=error&view={view.pk}"
    assert answer.headers["Location"] == address
    page = member_client.get(address).content.decode()
    assert current(page) == ["Errors today"]
    assert "Saved as “Errors today”." in page
    assert "modified" not in page


def test_a_view_is_marked_whatever_the_order_of_its_parameters(project, member, member_client):
    view = make_view(project, member, name="Mine", query="status=error&model=gpt-4o")

    for query in ("model=gpt-4o&status=error", "status=error&sort=-started&model=gpt-4o"):
        assert current(shown(member_client, query)) == ["Mine"]
        assert current(shown(member_client, f"{query}&view={view.pk}")) == ["Mine"]
    assert current(shown(member_client, "status=error")) == []
    assert current(shown(member_client, "view=all")) == ["All"]


def test_a_changed_view_says_so_and_can_be_updated(project, member, member_client):
    view = make_view(project, member, name="Mine")

    page = shown(member_client, f"status=error&model=x&view={view.pk}")
    assert (current(page), "modified" in page, "Update view" in page) == (["Mine"], True, True)

    page = post(member_client, view, "change", query="status=error&model=x").content.decode()
    assert "The view was updated." in page
    assert "Update view" not in page
    assert query_of(project.saved_views.get()) == "model=x&status=error"


def test_the_list_opens_with_the_default_ones_own_before_the_projects(
    project, member, member_client, viewer_client
):
    mine = make_view(project, member, name="Mine", query="model=gpt-4o")
    ours = make_view(project, name="Ours")
    for view in (mine, ours):
        saved_views.make_default_view(view, actor=acting(member))

    assert (
        member_client.get(SESSIONS).headers["Location"] == f"{SESSIONS}?model=gpt-4o&view={mine.pk}"
    )
    assert (
        viewer_client.get(SESSIONS).headers["Location"] == f"{SESSIONS}?status=error&view={ours.pk}"
    )
    assert current(shown(viewer_client)) == ["All"]


def test_a_view_that_is_gone_or_somebody_elses_is_not_found(
    project, other_project, viewer, member, member_client
):
    gone = make_view(project, name="Gone")
    saved_views.delete_view(gone, seen_version=1, actor=SYSTEM)
    others = (make_view(project, viewer), make_view(other_project), gone)
    numbers = [view.pk for view in others] + [987654, 10**17]

    for number in numbers:
        answer = member_client.get(f"{SESSIONS}?status=error&view={number}")
        assert answer.status_code == 404
        assert 'href="?status=error&amp;view=all"' in answer.content.decode()
    for bad in ("x", "-1", "1" * 19, "١"):
        assert member_client.get(f"{SESSIONS}?view={bad}").status_code == 400


@pytest.mark.parametrize("act", ["rename", "change", "share", "default", "delete", "restore"])
def test_no_form_reaches_a_view_of_somebody_else(
    project, other_project, viewer, member_client, act
):
    for view in (make_view(project, viewer), make_view(other_project)):
        answer = post(member_client, view, act, name="x", is_shared="1", is_default="1")
        assert answer.status_code == 404
    assert set(SavedView.unscoped.values_list("name", "version", "is_default")) == {
        ("Errors", 1, False)
    }


def test_a_name_that_is_taken_is_told_at_the_form(project, member, member_client):
    view, other = make_view(project, member), make_view(project, member, name="Other")
    fields = {"name": "Errors", "query": "status=error&model=x"}

    saved = member_client.post(f"{SESSIONS}views/save/", fields)
    renamed = post(member_client, other, "rename", name="Errors")

    for answer in (saved, renamed):
        assert answer.status_code == 422
        assert "You have a view of this name." in answer.content.decode()
        assert 'value="Errors"' in answer.content.decode()
    assert 'name="query" value="status=error&amp;model=x"' in saved.content.decode()
    assert post(member_client, view, "rename", name="x" * 61).status_code == 422


def test_renaming_sharing_and_the_default_are_done_from_the_menu(project, member, member_client):
    view = make_view(project, member)

    assert "“Slow” now" in post(member_client, view, "rename", name="Slow").content.decode()
    view.refresh_from_db()
    post(member_client, view, "share", is_shared="1")
    post(member_client, view, "default", is_default="1")
    view.refresh_from_db()
    assert (view.name, view.is_shared, view.is_default) == ("Slow", True, True)
    post(member_client, view, "default", is_default="0")
    post(member_client, view, "share", is_shared="0")
    view.refresh_from_db()
    assert (view.owner, view.is_default) == (member, False)


def test_a_deleted_view_is_offered_back_once(project, member, member_client):
    view = make_view(project, member, name="Mine")

    page = post(member_client, view, "delete").content.decode()
    assert "“<bdi>Mine</bdi>” was deleted." in page
    assert "was deleted" not in shown(member_client)

    assert "“Mine” is back." in post(member_client, view, "restore").content.decode()
    assert current(shown(member_client, "status=error")) == ["Mine"]


def test_the_second_of_two_is_told_and_keeps_what_they_had(
    project, member_client, owner_client, member
):
    view = make_view(project, name="Ours")
    post(owner_client, view, "change", query="model=x")

    page = post(member_client, view, "change", query="model=y").content.decode()
    assert "Somebody else changed this view" in page
    assert "modified" in page
    assert query_of(project.saved_views.get()) == "model=x"
    post(owner_client, project.saved_views.get(), "delete")
    page = post(member_client, view, "change", query="model=y").content.decode()
    assert "There is no such view" in page


def test_a_viewer_has_the_projects_views_and_no_menu_for_them(project, viewer_client, viewer):
    view = make_view(project, name="Ours")

    page = shown(viewer_client, f"status=error&model=x&view={view.pk}")
    assert current(page) == ["Ours"]
    assert "Update view" not in page
    assert "view-menu" not in page
    assert 'name="is_shared"' not in page
    assert post(viewer_client, view, "change").status_code == 403
    fields = {"name": "x", "query": "model=x", "is_shared": "on"}
    assert viewer_client.post(f"{SESSIONS}views/save/", fields).status_code == 403


def test_who_may_not_search_has_no_views_that_search(project, sign_in):
    view = make_view(project, name="Ours", query="q=walrus")
    saved_views.make_default_view(view, actor=SYSTEM)
    auditor = sign_in(make_membership(project.organization, role=Role.AUDITOR).user)

    page = auditor.get(SESSIONS)
    assert page.status_code == 200
    assert "walrus" not in page.content.decode()
    assert auditor.get(f"{SESSIONS}?view={view.pk}").status_code == 404


def test_a_view_that_the_list_no_longer_understands_can_still_be_mended(
    project, member, member_client
):
    view = make_view(project, member, name="Old")
    saved_views.make_default_view(view, actor=acting(member))
    project.saved_views.update(sealed=seal_query(project, "colour=red"))

    assert member_client.get(SESSIONS).status_code == 200
    page = shown(member_client, f"view={view.pk}")
    assert "does not know any more" in page
    assert f'href="?view={view.pk}"' in page
    post(member_client, view, "change", query="status=ok")
    assert query_of(project.saved_views.get()) == "status=ok"


@pytest.mark.parametrize("version", ["", "x", "-1", "9" * 30, "1.5"])
def test_a_form_without_its_version_is_refused(project, member, member_client, version):
    view = make_view(project, member)

    assert post(member_client, view, "delete", version=version).status_code == 400


def test_names_are_shown_as_text(project, member, member_client):
    make_view(project, member, name='<b onclick="x">&amp;')

    assert "&lt;b onclick=&quot;x&quot;&gt;&amp;amp;" in shown(member_client)


def test_the_list_asks_once_for_all_views(
    project, member, member_client, django_assert_num_queries
):
    make_view(project, member, name="one")
    member_client.get(f"{SESSIONS}?view=all")
    with CaptureQueriesContext(connection) as few:
        shown(member_client)
    for number in range(20):
        make_view(project, member, name=f"view {number}", query=f"tag=x{number}")

    with django_assert_num_queries(len(few)):
        shown(member_client)
