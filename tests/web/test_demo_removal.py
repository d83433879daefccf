from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from apps.audit.actors import SYSTEM
from apps.audit.models import AuditEntry
from apps.ingest.native import read_events
from apps.sessions import store
from apps.sessions.models import Event, Session
from apps.tenants import services
from apps.tenants.models import Project
from apps.tenants.permissions import Role
from apps.web.demo import demo_sessions
from apps.web.demo.removal import removed_demos
from apps.web.tasks import erase_demo, sweep_demos
from tests.factories import make_key, make_membership, make_project

NOW = datetime.now(UTC)


@pytest.fixture
def demo(owner, project) -> Project:
    """A demo project beside one of somebody's own, with three sessions."""
    demo = make_project(project.organization, "demo", is_demo=True)
    fill(demo)
    return demo


def fill(project: Project, count: int = 3) -> None:
    for _, (_, events) in zip(range(count), demo_sessions(NOW), strict=False):
        batch = read_events(json_of(events), NOW)
        store.append(project, batch.events, origin="demo")


def json_of(events: list[dict[str, object]]) -> bytes:
    return json.dumps({"events": events}).encode()


def address(project: Project, page: str) -> str:
    return f"/o/{project.organization.slug}/p/{project.slug}/{page}"


def test_one_click_takes_the_demo_out_of_sight_and_says_so(demo, owner, sign_in):
    browser = sign_in(owner)

    answer = browser.post(address(demo, "demo/remove/"), follow=True)

    assert "Its sessions are being erased." in answer.text
    assert answer.request["PATH_INFO"] == address(Project.objects.get(), "sessions/")
    assert browser.get(address(demo, "sessions/")).status_code == 404
    assert AuditEntry.unscoped.filter(act="project.remove_demo", project_id=demo.pk).exists()


def test_removing_it_twice_at_once_is_removing_it_once(demo):
    services.remove_demo_project(demo, actor=SYSTEM)
    services.remove_demo_project(demo, actor=SYSTEM)

    assert AuditEntry.unscoped.filter(act="project.remove_demo").count() == 1


def test_the_trail_still_names_it(demo, owner, sign_in):
    browser = sign_in(owner)
    browser.post(address(demo, "demo/remove/"))

    page = browser.get(f"/o/{demo.organization.slug}/audit/?act=project.remove_demo")

    assert f"<td><bdi>{demo.name}</bdi></td>" in page.text


def test_what_it_held_is_erased_and_only_that(demo, project, owner, sign_in):
    fill(project)
    sign_in(owner).post(address(demo, "demo/remove/"))

    assert erase_demo(demo.pk) == 3

    assert not Event.unscoped.filter(project_id=demo.pk).exists()
    assert not Session.unscoped.filter(project_id=demo.pk, erased_at=None).exists()
    assert project.sessions.filter(erased_at=None).count() == 3


def test_the_sweep_goes_on_where_a_worker_was_killed_and_ends(demo, owner, sign_in):
    sign_in(owner).post(address(demo, "demo/remove/"))

    assert sweep_demos() == 3
    assert sweep_demos() == 0
    assert removed_demos() == []


def test_a_demo_that_was_not_removed_is_never_erased(demo, project):
    assert erase_demo(demo.pk) == 0
    assert erase_demo(project.pk) == 0
    assert sweep_demos() == 0


def test_a_project_of_somebodys_own_is_refused(project, owner, sign_in):
    fill(project, 1)
    answer = sign_in(owner).post(address(project, "demo/remove/"), follow=True)

    assert "no demo data" in answer.text
    assert Project.objects.filter(pk=project.pk).exists()
    assert project.sessions.filter(erased_at=None).count() == 1


def test_keys_of_a_removed_demo_stop_and_its_name_is_free_again(demo, owner, sign_in, client):
    _, secret = make_key(demo)
    sign_in(owner).post(address(demo, "demo/remove/"))

    body = json_of(next(demo_sessions(NOW))[1])
    kind = {"content_type": "application/json", "headers": {"Authorization": f"Bearer {secret}"}}
    assert client.post("/api/v1/events", body, **kind).status_code == 401
    assert make_project(demo.organization, "demo").pk != demo.pk


def test_the_list_marks_the_demo_and_offers_to_remove_it(demo, project, owner, sign_in):
    page = sign_in(owner).get(address(demo, "sessions/")).text
    other = sign_in(owner).get(address(project, "setup/")).text

    assert '<span class="tag">demo data</span>' in page
    assert "Remove the demo" in page
    # Only in the menu of projects.
    assert other.count("demo data") == 1
    assert "Remove the demo" not in other


def test_an_engineer_is_not_offered_what_they_may_not_do(demo, sign_in):
    engineer = make_membership(demo.organization, role=Role.ENGINEER).user
    browser = sign_in(engineer)

    assert "Remove the demo" not in browser.get(address(demo, "sessions/")).text
    assert browser.post(address(demo, "demo/remove/")).status_code == 403


def test_what_is_sent_to_a_demo_is_marked_as_demo(demo, client):
    _, secret = make_key(demo)
    event = {"id": "1", "session": "sent", "kind": "llm", "started_at": NOW.isoformat()}

    client.post(
        "/api/v1/events",
        json_of([event]),
        content_type="application/json",
        headers={"Authorization": f"Bearer {secret}"},
    )

    assert demo.sessions.get(external_id="sent").origin == "demo"
