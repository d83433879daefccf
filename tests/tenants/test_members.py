from __future__ import annotations

import pytest
from django.core.exceptions import PermissionDenied

from apps.audit.actors import SYSTEM, Actor
from apps.audit.models import AuditEntry
from apps.core.errors import ConflictError
from apps.tenants import access, services
from apps.tenants.models import Membership
from apps.tenants.permissions import Role
from tests.factories import make_membership, make_project, make_user

MEMBERS = "/o/acme/members/"


def acting(membership: Membership) -> Actor:
    return Actor(kind="user", id=str(membership.user_id), label=membership.user.email)


@pytest.fixture
def boss(project) -> Membership:
    return make_membership(project.organization, role=Role.OWNER)


@pytest.fixture
def admin(project) -> Membership:
    return make_membership(project.organization, role=Role.ADMIN)


def test_every_member_sees_the_members(viewer_client, member):
    page = viewer_client.get(MEMBERS).content.decode()

    assert member.email in page
    assert "Add a member" not in page


def test_an_owner_adds_somebody_who_has_an_account(owner_client, project):
    user = make_user("new@example.com")

    answer = owner_client.post(MEMBERS + "add/", {"email": "New@example.com", "role": "engineer"})

    assert answer.headers["Location"] == MEMBERS
    assert access.role_in_project(user, project) == Role.ENGINEER


def test_an_unknown_address_is_told_at_the_form(owner_client):
    answer = owner_client.post(MEMBERS + "add/", {"email": "no@example.com", "role": "viewer"})

    assert answer.status_code == 400
    assert "Nobody with this address has an account" in answer.content.decode()


def test_adding_the_same_person_twice_is_a_conflict(owner_client, member):
    answer = owner_client.post(MEMBERS + "add/", {"email": member.email, "role": "viewer"})

    assert answer.status_code == 409


def test_a_viewer_may_not_add_anybody(viewer_client):
    user = make_user()

    answer = viewer_client.post(MEMBERS + "add/", {"email": user.email, "role": "viewer"})

    assert answer.status_code == 403
    assert not user.memberships.exists()


def test_a_stranger_finds_no_members_page(stranger_client, project):
    assert stranger_client.get(MEMBERS).status_code == 404
    assert stranger_client.post(MEMBERS + "add/", {}).status_code == 404


def test_the_member_of_one_project_is_a_stranger_to_the_rest(project, sign_in):
    other = make_project(project.organization, "second")
    user = make_membership(project.organization, role=Role.ADMIN, project=project).user

    assert access.role_in_project(user, project) == Role.ADMIN
    assert access.role_in_project(user, other) is None
    assert sign_in(user).get(MEMBERS).status_code == 404


def test_a_role_in_one_project_wins_over_the_role_in_all(project):
    user = make_membership(project.organization, role=Role.ADMIN).user
    make_membership(project.organization, user, Role.VIEWER, project)

    assert access.role_in_project(user, project) == Role.VIEWER


def test_a_changed_role_counts_from_the_next_request(sign_in, project, boss):
    membership = make_membership(project.organization, role=Role.ENGINEER)
    client = sign_in(membership.user)
    keys = "/o/acme/p/support-bot/settings/keys/"
    assert client.get(keys).status_code == 200

    services.change_role(membership, role=Role.VIEWER, actor=acting(boss))

    assert client.get(keys).status_code == 403


def test_a_removed_member_is_a_stranger_from_the_next_request(sign_in, owner_client, project):
    membership = make_membership(project.organization, role=Role.ENGINEER)
    client = sign_in(membership.user)
    assert client.get(MEMBERS).status_code == 200

    owner_client.post(f"{MEMBERS}{membership.pk}/remove/")

    assert client.get(MEMBERS).status_code == 404


def test_removal_from_the_organization_ends_the_roles_in_its_projects(project, boss):
    membership = make_membership(project.organization, role=Role.VIEWER)
    make_membership(project.organization, membership.user, Role.ENGINEER, project)

    services.remove_member(membership, actor=acting(boss))

    assert access.role_in_project(membership.user, project) is None


def test_an_admin_may_not_make_an_owner(admin, project):
    user = make_user()

    with pytest.raises(PermissionDenied):
        services.add_member(project.organization, user, role=Role.OWNER, actor=acting(admin))
    with pytest.raises(PermissionDenied):
        services.change_role(admin, role=Role.OWNER, actor=acting(admin))


def test_an_admin_may_neither_demote_nor_remove_an_owner(admin, boss, project):
    make_membership(project.organization, role=Role.OWNER)

    with pytest.raises(PermissionDenied):
        services.change_role(boss, role=Role.VIEWER, actor=acting(admin))
    with pytest.raises(PermissionDenied):
        services.remove_member(boss, actor=acting(admin))


def test_the_last_owner_can_neither_be_demoted_nor_leave(boss):
    with pytest.raises(ConflictError, match="needs an owner"):
        services.change_role(boss, role=Role.ADMIN, actor=acting(boss))
    with pytest.raises(ConflictError, match="needs an owner"):
        services.remove_member(boss, actor=acting(boss))


def test_a_switched_off_owner_does_not_count_as_the_other_one(boss, project):
    asleep = make_membership(project.organization, role=Role.OWNER).user
    asleep.is_active = False
    asleep.save()

    with pytest.raises(ConflictError):
        services.remove_member(boss, actor=acting(boss))


def test_the_last_owner_reads_why_they_cannot_leave(owner_client, project):
    page = owner_client.post("/o/acme/leave/", follow=True).content.decode()

    assert "Make somebody else an owner first" in page
    assert project.organization.memberships.count() == 1


def test_a_viewer_may_leave(viewer_client, viewer, owner):
    assert viewer_client.post("/o/acme/leave/").headers["Location"] == "/"

    assert not viewer.memberships.exists()


def test_a_foreign_membership_cannot_be_changed_through_ones_own_organization(
    owner_client, other_project
):
    theirs = make_membership(other_project.organization, role=Role.VIEWER)

    for act in ("role", "remove"):
        answer = owner_client.post(f"{MEMBERS}{theirs.pk}/{act}/", {"role": "owner"})
        assert answer.status_code == 404
    theirs.refresh_from_db()
    assert theirs.role == Role.VIEWER


def test_a_project_of_another_organization_is_refused(owner_client, other_project):
    user = make_user()
    fields = {"email": user.email, "role": "viewer", "project": other_project.pk}

    answer = owner_client.post(MEMBERS + "add/", fields)

    assert answer.status_code == 422
    assert not user.memberships.exists()


def test_changes_of_members_are_in_the_trail(boss, project):
    membership = make_membership(project.organization, role=Role.VIEWER)
    services.change_role(membership, role=Role.ENGINEER, actor=acting(boss))
    services.remove_member(membership, actor=acting(boss))

    entries = AuditEntry.unscoped.filter(object_ids=[f"user:{membership.user_id}"])
    assert [entry.act for entry in entries.order_by("pk")] == [
        "member.add",
        "member.change",
        "member.remove",
    ]
    assert entries.get(act="member.change").detail["after"] == "engineer"


def test_a_key_may_not_manage_members(project):
    with pytest.raises(PermissionDenied):
        services.add_member(
            project.organization,
            make_user(),
            role=Role.VIEWER,
            actor=Actor(kind="key", id="1", label="a key"),
        )


def test_the_system_may_do_all(project):
    services.add_member(project.organization, make_user(), role=Role.OWNER, actor=SYSTEM)

    assert project.organization.memberships.get().role == Role.OWNER
