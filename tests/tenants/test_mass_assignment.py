"""Fields that nobody asked for change nothing, wherever they are sent."""

from __future__ import annotations

import pytest

from apps.accounts.models import User
from apps.tenants.models import ApiKey, Membership, Organization, Project
from apps.tenants.permissions import Role
from tests.factories import make_membership, make_user

PROJECT = "/o/acme/p/support-bot/"


def test_a_key_is_made_in_the_project_of_the_url_only(member_client, project, other_project):
    fields = {"name": "x", "scopes": ["ingest"], "days": "30"}
    smuggled = {
        "project": other_project.pk,
        "project_id": other_project.pk,
        "organization_slug": "globex",
        "digest": "00",
        "created_by": "",
        "expires_at": "2099-01-01",
        "last_used_at": "2020-01-01",
        "id": 1,
    }

    member_client.post(f"{PROJECT}settings/keys/create/", fields | smuggled)

    key = ApiKey.unscoped.get()
    assert key.project == project
    assert key.expires_at.year < 2099
    assert key.last_used_at is None


def test_a_project_keeps_its_slug_and_organization(owner_client, project, other_project):
    fields = {
        "name": "New",
        "slug": "other",
        "organization": other_project.organization_id,
        "id": 1,
    }

    owner_client.post(f"{PROJECT}settings/", fields)

    found = Project.objects.get(pk=project.pk)
    assert (found.name, found.slug) == ("New", "support-bot")
    assert found.organization_id == project.organization_id


def test_an_organization_keeps_its_slug(owner_client, project):
    owner_client.post("/o/acme/settings/", {"name": "New", "slug": "taken", "id": 7})

    found = Organization.objects.get(pk=project.organization_id)
    assert (found.name, found.slug) == ("New", "acme")


def test_a_changed_role_changes_the_role_only(owner_client, project, other_project):
    membership = make_membership(project.organization)
    fields = {
        "role": "reviewer",
        "organization": other_project.organization_id,
        "project": other_project.pk,
        "user": make_user().pk,
    }

    owner_client.post(f"/o/acme/members/{membership.pk}/role/", fields)

    found = Membership.objects.get(pk=membership.pk)
    assert found.role == Role.REVIEWER
    assert (found.organization, found.project) == (project.organization, None)
    assert found.user == membership.user


@pytest.mark.parametrize("role", ["root", "", "Owner", "owner "])
def test_a_role_that_does_not_exist_is_refused(owner_client, project, role):
    membership = make_membership(project.organization)

    owner_client.post(f"/o/acme/members/{membership.pk}/role/", {"role": role})

    membership.refresh_from_db()
    assert membership.role == Role.VIEWER


def test_the_account_page_gives_nobody_rights(member_client, member):
    fields = {
        "name": "x",
        "theme": "light",
        "is_superuser": "on",
        "is_active": "",
        "email": "root@example.com",
        "password": "x",
        "groups": [1],
        "id": 1,
    }
    member_client.post("/account/", fields)

    found = User.objects.get(pk=member.pk)
    assert (found.is_superuser, found.is_active) == (False, True)
    assert (found.email, found.password) == (member.email, member.password)


def test_sign_up_gives_nobody_rights(client, db):
    fields = {
        "email": "ada@example.com",
        "password1": "a long and quiet river",
        "is_superuser": "on",
        "role": "owner",
    }
    client.post("/signup/", fields)

    user = User.objects.get()
    assert not user.is_superuser
    assert not user.memberships.exists()


def test_a_member_row_cannot_name_a_project_of_another_organization(project, other_project):
    from django.db import IntegrityError, transaction

    membership = make_membership(project.organization)

    with pytest.raises(IntegrityError, match="membership_same"), transaction.atomic():
        Membership.objects.filter(pk=membership.pk).update(project=other_project)
