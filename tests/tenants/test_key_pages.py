from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.test import Client
from django.utils import timezone

from apps.audit.actors import SYSTEM, Actor
from apps.audit.models import AuditEntry
from apps.core.errors import ConflictError, InvalidError
from apps.tenants import access, authentication, key_services, services
from apps.tenants.models import ApiKey
from apps.tenants.permissions import Permission, Role, Scope
from tests.factories import make_key, make_membership

KEYS = "/o/acme/p/support-bot/settings/keys/"


def secret_in(page: str) -> str:
    return re.search(r"phk_(?:live|test)_\w{36}", page).group()


def acting(user) -> Actor:
    return Actor(kind="user", id=str(user.pk), label=user.email)


def test_a_new_key_is_shown_once(member_client, project):
    fields = {"name": "ci", "scopes": ["ingest"], "days": "180"}
    answer = member_client.post(KEYS + "create/", fields)

    secret = secret_in(answer.content.decode())
    assert authentication.find_key(secret).project == project
    assert "no-store" in answer.headers["Cache-Control"]
    later = member_client.get(KEYS).content.decode()
    assert secret not in later
    assert secret[:12] in later


def test_a_key_gets_what_was_chosen(member_client, member, project):
    fields = {
        "name": " ci ",
        "scopes": ["read:content", "ingest"],
        "environment": "staging",
        "days": "30",
    }
    member_client.post(KEYS + "create/", fields)

    key = project.keys.get()
    assert (key.name, key.scopes, key.environment) == ("ci", ["ingest", "read:content"], "staging")
    assert key.created_by == member
    assert timedelta(days=29) < key.expires_at - timezone.now() <= timedelta(days=30)
    assert key.prefix.startswith("phk_test_")


def test_a_key_can_be_made_that_never_expires(member_client, project):
    member_client.post(KEYS + "create/", {"name": "ci", "scopes": ["ingest"], "days": ""})

    assert project.keys.get().expires_at is None


@pytest.mark.parametrize(
    "fields", [{"name": "x"}, {"name": "x", "scopes": ["everything"]}, {"scopes": ["ingest"]}]
)
def test_a_bad_key_is_told_at_its_field(member_client, project, fields):
    answer = member_client.post(KEYS + "create/", fields)

    assert answer.status_code == 422
    assert "errorlist" in answer.content.decode()
    assert not project.keys.exists()


def test_an_engineer_may_not_make_a_key_that_administers(member_client, member, project):
    answer = member_client.post(KEYS + "create/", {"name": "x", "scopes": ["admin"]})

    assert answer.status_code == 422
    with pytest.raises(PermissionDenied):
        key_services.create_api_key(project, name="x", scopes=["admin"], actor=acting(member))


def test_a_viewer_neither_sees_nor_makes_keys(viewer_client, project):
    assert viewer_client.get(KEYS).status_code == 403
    assert viewer_client.post(KEYS + "create/", {}).status_code == 403


def test_a_stranger_finds_no_keys(stranger_client, project):
    assert stranger_client.get(KEYS).status_code == 404


def test_a_rotated_key_works_until_the_overlap_is_over(member_client, project):
    old, old_secret = make_key(project, ["ingest", "read:meta"])

    page = member_client.post(f"{KEYS}{old.pk}/rotate/", {"hours": "1"}).content.decode()

    new = authentication.find_key(secret_in(page))
    assert (new.scopes, new.rotated_from_id) == (old.scopes, old.pk)
    old = authentication.find_key(old_secret)
    assert timedelta(0) < old.expires_at - timezone.now() <= timedelta(hours=1)


def test_rotation_never_prolongs_the_old_key(project):
    soon = timezone.now() + timedelta(minutes=5)
    old, _ = make_key(project, expires_at=soon)

    key_services.rotate_api_key(old, overlap=timedelta(days=1), actor=SYSTEM)

    old.refresh_from_db()
    assert old.expires_at == soon


def test_rotation_without_overlap_stops_the_old_key_at_once(member_client, project):
    old, old_secret = make_key(project)

    member_client.post(f"{KEYS}{old.pk}/rotate/", {"hours": "0"})

    assert authentication.find_key(old_secret) is None


def test_a_revoked_key_can_be_neither_rotated_nor_revoked_again(project):
    key, _ = make_key(project)
    key_services.revoke_api_key(key, actor=SYSTEM)

    with pytest.raises(ConflictError):
        key_services.rotate_api_key(key, actor=SYSTEM)
    with pytest.raises(ConflictError):
        key_services.revoke_api_key(key, actor=SYSTEM)


def test_revoking_on_the_page_stops_the_key(member_client, project):
    key, secret = make_key(project)

    member_client.post(f"{KEYS}{key.pk}/revoke/")

    assert authentication.find_key(secret) is None
    assert "Revoked" in member_client.get(KEYS).content.decode()


def test_a_foreign_key_can_be_neither_rotated_nor_revoked(member_client, other_project):
    key, secret = make_key(other_project)

    for act in ("rotate", "revoke"):
        answer = member_client.post(f"{KEYS}{key.pk}/{act}/", {"hours": "0"})
        assert answer.status_code == 404
    assert authentication.find_key(secret) == key


def test_a_key_that_administers_acts_as_its_maker_does_now(project):
    membership = make_membership(project.organization, role=Role.ADMIN)
    key, _ = key_services.create_api_key(
        project, name="x", scopes=[Scope.ADMIN], actor=acting(membership.user)
    )
    assert Permission.READ_AUDIT in access.permissions_of_key(key)

    services.change_role(membership, role=Role.VIEWER, actor=SYSTEM)

    assert access.permissions_of_key(key) == {Permission.READ_MEMBERS}


def test_a_key_that_administers_is_powerless_once_its_maker_is_switched_off(project):
    user = make_membership(project.organization, role=Role.ADMIN).user
    key, _ = key_services.create_api_key(project, name="x", scopes=["admin"], actor=acting(user))

    user.is_active = False
    user.save()

    assert access.permissions_of_key(key) == frozenset()


def test_nobody_but_a_person_makes_a_key_that_administers(project):
    with pytest.raises(InvalidError):
        key_services.create_api_key(project, name="x", scopes=["admin"], actor=SYSTEM)


def test_the_trail_tells_of_keys_but_never_their_secret(member_client, project):
    page = member_client.post(KEYS + "create/", {"name": "ci", "scopes": ["ingest"]})
    key = project.keys.get()
    member_client.post(f"{KEYS}{key.pk}/revoke/")

    entries = AuditEntry.unscoped.filter(object_ids=[f"key:{key.pk}"]).order_by("pk")
    assert [entry.act for entry in entries] == ["key.create", "key.revoke"]
    assert secret_in(page.content.decode()) not in repr(list(entries.values()))
    assert entries[0].ip == "127.0.0.1"


def test_keys_are_paged(member_client, project, django_assert_max_num_queries):
    for _ in range(3):
        make_key(project)

    with django_assert_max_num_queries(12):
        page = member_client.get(KEYS + "?limit=2").content.decode()
    following = re.search(r'rel="next" href="([^"]+)"', page).group(1).replace("&amp;", "&")

    assert page.count(">Revoke</button>") == 2
    assert member_client.get(KEYS + following).content.decode().count(">Revoke</button>") == 1


def test_hostile_names_of_keys_are_shown_as_text(member_client, project):
    make_key(project, name="<script>alert(1)</script>")

    assert "<script>alert(1)" not in member_client.get(KEYS).content.decode()


def test_me_tells_a_key_what_it_is(key_client, project):
    answer = key_client(project, "ingest", "read:meta", environment="staging").get("/api/v1/me")

    told = answer.json()
    assert told["kind"] == "key"
    assert told["project"] == {
        "organization": "acme",
        "slug": "support-bot",
        "name": "Support-Bot",
    }
    assert told["scopes"] == ["ingest", "read:meta"]
    assert told["environment"] == "staging"
    assert told["permissions"] == ["ingest", "read_meta", "report_replays"]
    assert "digest" not in told


def test_me_tells_a_person_their_role_in_the_project_they_name(member_client, project):
    told = member_client.get("/api/v1/me?project=acme/support-bot").json()

    assert (told["kind"], told["role"]) == ("user", "engineer")
    assert member_client.get("/api/v1/me").json()["role"] is None


def test_me_knows_no_project_of_strangers(member_client, other_project):
    assert member_client.get("/api/v1/me?project=globex/search").status_code == 404


def test_me_refuses_an_unknown_parameter_by_its_name(key_client, project):
    answer = key_client(project).get("/api/v1/me?verbose=1")

    assert answer.status_code == 400
    assert "verbose" in answer.json()["detail"]


def test_without_a_credential_me_is_a_401(db):
    answer = Client().get("/api/v1/me")

    assert answer.status_code == 401
    assert answer.json()["status"] == 401


def test_a_key_row_cannot_name_a_predecessor_of_another_project(project, other_project):
    from django.db import IntegrityError, transaction

    key, _ = make_key(project)
    theirs, _ = make_key(other_project)

    with pytest.raises(IntegrityError, match="key_same_project"), transaction.atomic():
        ApiKey.unscoped.filter(pk=key.pk).update(rotated_from=theirs)
