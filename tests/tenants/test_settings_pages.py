from __future__ import annotations

import pytest
from django.test import Client

from apps.audit.models import AuditEntry
from apps.tenants import access
from apps.tenants.models import Organization, Project
from apps.tenants.permissions import Role


def test_somebody_new_is_led_to_make_an_organization(sign_in, outsider):
    client = sign_in(outsider)

    answer = client.get("/", follow=True)

    assert answer.redirect_chain == [("/welcome/", 302)]
    assert "Make them" in answer.content.decode()


def test_the_founder_owns_the_organization_and_is_led_to_its_project(sign_in, outsider):
    client = sign_in(outsider)

    answer = client.post("/welcome/", {"organization": "initech", "project": "bot"})

    assert answer.headers["Location"] == "/o/initech/p/bot/"
    project = Project.objects.get(slug="bot")
    assert access.role_in_project(outsider, project) == Role.OWNER
    acts = AuditEntry.unscoped.filter(actor_id=str(outsider.pk)).values_list("act", flat=True)
    assert set(acts) == {"organization.create", "member.add", "project.create"}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"organization": "Bad Slug", "project": "bot"}, "lower-case letters"),
        ({"organization": "initech", "project": "Bad Slug"}, "lower-case letters"),
        ({"organization": "acme", "project": "bot"}, "is taken"),
        ({"organization": "initech"}, "This field is required"),
    ],
)
def test_a_bad_name_is_told_and_nothing_is_made(sign_in, outsider, project, fields, message):
    answer = sign_in(outsider).post("/welcome/", fields)

    assert answer.status_code == 422
    assert message in answer.content.decode()
    assert not Organization.objects.filter(slug="initech").exists()


def test_where_sign_up_is_closed_nobody_founds_an_organization(sign_in, outsider, settings):
    settings.PLAYHEAD_SIGNUP = False

    answer = sign_in(outsider).post("/welcome/", {"organization": "initech", "project": "bot"})

    assert "Ask an owner or an admin" in answer.content.decode()
    assert not Organization.objects.exists()


def test_an_admin_adds_a_project(owner_client, project):
    answer = owner_client.post("/o/acme/projects/new/", {"slug": "second", "name": "Second one"})

    assert answer.headers["Location"] == "/o/acme/p/second/"
    assert project.organization.projects.get(slug="second").name == "Second one"


def test_two_projects_of_one_organization_cannot_share_a_slug(owner_client, project):
    answer = owner_client.post("/o/acme/projects/new/", {"slug": "support-bot"})

    assert answer.status_code == 422
    assert "already has a project" in answer.content.decode()


def test_an_engineer_may_not_add_a_project(member_client, project):
    answer = member_client.post("/o/acme/projects/new/", {"slug": "second"})

    assert answer.status_code == 403


def test_a_project_is_renamed_and_the_trail_knows_both_names(owner_client, project):
    owner_client.post("/o/acme/p/support-bot/settings/", {"name": "  Desk   bot "})

    project.refresh_from_db()
    assert project.name == "Desk bot"
    detail = AuditEntry.unscoped.get(act="project.rename").detail
    assert detail == {"before": "Support-Bot", "after": "Desk bot"}


def test_a_form_from_another_site_is_refused(owner, project):
    client = Client(enforce_csrf_checks=True)
    client.force_login(owner)

    answer = client.post("/o/acme/p/support-bot/settings/", {"name": "Stolen"})

    assert answer.status_code == 403
    project.refresh_from_db()
    assert project.name == "Support-Bot"


@pytest.mark.parametrize("name", ["", "   ", "x" * 121, "\x00"])
def test_a_name_that_cannot_be_shown_is_told_at_its_field(owner_client, name):
    answer = owner_client.post("/o/acme/settings/", {"name": name})

    assert answer.status_code == 422
    assert "errorlist" in answer.content.decode()
