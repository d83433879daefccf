from __future__ import annotations

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from apps.accounts.models import User
from apps.audit.models import AuditEntry
from apps.tenants import access, authentication
from apps.tenants.models import Organization
from apps.tenants.permissions import Role
from tests.factories import make_user


def run(command: str, **options) -> str:
    out = StringIO()
    call_command(command, stdout=out, **options)
    return out.getvalue()


def test_create_project_makes_the_organization_too(db):
    run("create_project", organization="acme", project="bot")
    run("create_project", organization="acme", project="search")

    slugs = Organization.objects.get(slug="acme").projects.values_list("slug", flat=True)
    assert set(slugs) == {"bot", "search"}


def test_create_project_says_that_it_exists(project):
    with pytest.raises(CommandError, match="already has a project support-bot"):
        run("create_project", organization="acme", project="support-bot")


@pytest.mark.parametrize("slug", ["Acme", "a b", "a-", "a" * 63, "", "a/b"])
def test_create_project_refuses_a_slug_that_cannot_stand_in_a_url(db, slug):
    with pytest.raises(CommandError, match="lower-case letters"):
        run("create_project", organization=slug, project="bot")

    assert not Organization.objects.exists()


def test_create_api_key_prints_the_key_and_nothing_else(project):
    out = run(
        "create_api_key",
        organization="acme",
        project="support-bot",
        scopes="ingest,read:content",
        environment="staging",
    )

    key = authentication.find_key(out.strip())
    assert out == out.strip() + "\n"
    assert (key.scopes, key.environment) == (["ingest", "read:content"], "staging")
    assert key.expires_at - timezone.now() > timedelta(days=179)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"project": "nothing"}, "no project acme/nothing"),
        ({"scopes": "everything"}, "Unknown scope everything"),
        ({"scopes": ""}, "at least one scope"),
        ({"scopes": "admin"}, "must be made by a person"),
        ({"days": -1}, "from 0 to 3650"),
        ({"days": 3651}, "from 0 to 3650"),
        ({"environment": "x" * 65}, "at most 64"),
        ({"user": "nobody@example.com"}, "no active account"),
    ],
)
def test_create_api_key_says_what_is_wrong(project, options, message):
    with pytest.raises(CommandError, match=message):
        run("create_api_key", **{"organization": "acme", "project": "support-bot"} | options)

    assert not project.keys.exists()


def test_a_key_that_administers_is_made_in_the_name_of_a_person(project, owner):
    options = {"organization": "acme", "project": "support-bot", "scopes": "admin"}

    key = authentication.find_key(run("create_api_key", user=owner.email, **options).strip())

    assert key.created_by == owner


def test_create_user_prints_a_password_that_works(db):
    out = run("create_user", email="Ada@example.com", organization="acme", role="admin")

    password = out.split("Password: ")[1].strip()
    answer = Client().post("/login/", {"login": "ada@example.com", "password": password})
    assert answer.headers["Location"] == "/"
    user = User.objects.get(email="ada@example.com")
    assert access.role_in_organization(user, Organization.objects.get()) == Role.ADMIN


def test_create_user_keeps_a_given_password_to_itself(db):
    out = run("create_user", email="ada@example.com", password="a long and quiet river")

    assert "river" not in out
    assert User.objects.get().check_password("a long and quiet river")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"email": "ada"}, "not an e-mail address"),
        ({"password": "password"}, "too common"),
        ({"role": "owner"}, "name it too"),
        ({"email": "known@example.com"}, "already has an account"),
    ],
)
def test_create_user_says_what_is_wrong(db, options, message):
    make_user("known@example.com")

    with pytest.raises(CommandError, match=message):
        run("create_user", **{"email": "ada@example.com"} | options)

    assert not User.objects.filter(email="ada@example.com").exists()


def test_commands_are_in_the_trail_as_the_system(db):
    run("create_project", organization="acme", project="bot")

    acts = AuditEntry.unscoped.filter(actor_kind="system").values_list("act", flat=True)
    assert set(acts) == {"organization.create", "project.create"}
