"""Keys of providers: they go in and never out."""

from __future__ import annotations

import logging

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, connection

from apps.audit.actors import SYSTEM, Actor
from apps.audit.models import AuditEntry
from apps.core.errors import ConflictError, InvalidError
from apps.providers import remote, services
from apps.providers.calling import call
from apps.providers.models import Credential
from apps.providers.protocol import CredentialError
from apps.providers.queries import credential_named, credentials_of
from apps.tenants.permissions import Role
from tests.factories import make_membership, make_project
from tests.providers.factories import KEY, ask, make_credential
from tests.providers.server import Reply, refusal, running

PAGE = "/o/acme/p/support-bot/settings/models-prices/"
API = "/api/v1/providers"
FORM = {
    "kind": "openai-compatible",
    "name": "local",
    "key": KEY,
    "concurrency": "8",
    "owner": "project",
}
MODELS = Reply({"object": "list", "data": [{"id": "b"}, {"id": "a"}, {"id": None}]})
WRONG = [
    ({"kind": "openia"}, "kind"),
    ({"kind": "openai", "dialect": "messages"}, "dialect"),
    ({"base_url": ""}, "base_url"),
    ({"base_url": "https://169.254.169.254/"}, "base_url"),
    ({"key": "sk with spaces"}, "key"),
    ({"key": "schlüssel-schlüssel"}, "key"),
    ({"kind": "openai", "key": " "}, "key"),
    ({"name": "x" * 81}, "name"),
    ({"name": " "}, "name"),
    ({"lacks": ("mind",)}, "lacks"),
    ({"concurrency": 0}, "concurrency"),
    ({"requests_per_minute": 0}, "requests_per_minute"),
]


def person(user) -> Actor:
    return Actor("user", str(user.pk), user.email)


def test_a_key_is_kept_where_nobody_reads_it(project):
    credential = make_credential(project, "https://8.8.8.8/v1")

    with connection.cursor() as cursor:
        cursor.execute("SELECT t::text FROM providers_credential t")
        [row] = cursor.fetchone()
    assert KEY not in row
    assert KEY.encode().hex() not in row
    assert (credential.last_four, services.remote(credential).key) == (KEY[-4:], KEY)


def test_a_key_opens_in_its_own_row_alone(project, other_project):
    credential = make_credential(project, "https://8.8.8.8/v1")
    other = make_credential(other_project, "https://8.8.8.8/v1")
    other.sealed_key = credential.sealed_key

    with pytest.raises(CredentialError, match="Replace it"):
        services.remote(other)


@pytest.mark.parametrize(("fields", "path"), WRONG)
def test_what_is_wrong_is_named(project, fields, path):
    told = {"base_url": "https://8.8.8.8/v1"} | fields

    with pytest.raises(InvalidError) as refused:
        make_credential(project, **told)

    assert refused.value.errors[0]["path"] == path
    assert KEY not in str(refused.value)


def test_the_usual_providers_need_no_address(project):
    openai = make_credential(project, kind="openai", name="one")
    anthropic = make_credential(project, kind="anthropic", name="two")

    assert (openai.base_url, openai.dialect) == ("https://api.openai.com/v1", "chat")
    assert (anthropic.base_url, anthropic.dialect) == ("https://api.anthropic.com", "messages")


def test_a_key_of_the_organization_is_for_all_of_its_projects_and_no_other(project, other_project):
    shared = make_credential(project, "https://8.8.8.8/v1", is_shared=True)
    sibling = make_project(project.organization)
    own = make_credential(sibling, "https://1.1.1.1/v1")

    assert list(credentials_of(project)) == [shared]
    assert set(credentials_of(sibling)) == {shared, own}
    assert credential_named(sibling, "local") == own
    assert credential_named(sibling, str(shared.pk)) == shared
    assert list(credentials_of(other_project)) == []
    with pytest.raises(InvalidError, match="no provider"):
        credential_named(other_project, str(shared.pk))


def test_a_project_that_is_of_another_organization_is_refused_by_the_database(
    project, other_project
):
    credential = make_credential(project, "https://8.8.8.8/v1")
    with pytest.raises(IntegrityError), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE providers_credential SET project_id = %s WHERE id = %s",
            [other_project.pk, credential.pk],
        )


def test_an_admin_of_one_project_cannot_change_what_is_the_organizations(project):
    shared = make_credential(project, "https://8.8.8.8/v1", is_shared=True)
    admin = make_membership(project.organization, role=Role.ADMIN, project=project).user

    with pytest.raises(PermissionDenied, match="the organization's"):
        services.rotate_credential(project, shared, key=KEY, actor=person(admin))
    with pytest.raises(PermissionDenied, match="the organization's"):
        services.remove_credential(project, shared, actor=person(admin))
    with pytest.raises(PermissionDenied, match="the organization's"):
        services.run_test(project, shared, actor=person(admin))


def test_a_rotated_key_takes_the_old_ones_place_and_must_be_tested_again(project):
    credential = make_credential(project, "https://8.8.8.8/v1")
    Credential.unscoped.update(test_error="")

    rotated = services.rotate_credential(
        project, credential, key="another-key-of-some-length", actor=SYSTEM
    )

    assert services.remote(rotated).key == "another-key-of-some-length"
    assert (rotated.last_four, rotated.test_error) == ("ngth", None)


def test_a_removed_provider_is_gone_with_its_key_and_its_name_is_free(project):
    credential = make_credential(project, "https://8.8.8.8/v1")
    services.remove_credential(project, credential, actor=SYSTEM)
    credential.refresh_from_db()

    with pytest.raises(CredentialError, match="removed"):
        services.remote(credential)
    assert bytes(credential.sealed_key) == b""
    with pytest.raises(ConflictError, match="removed"):
        services.rotate_credential(project, credential, key=KEY, actor=SYSTEM)
    assert make_credential(project, "https://8.8.8.8/v1").pk != credential.pk


def test_the_trail_says_who_did_what_and_not_with_which_key(project, owner):
    credential = make_credential(project, "https://8.8.8.8/v1")
    services.rotate_credential(project, credential, key=KEY, actor=person(owner))
    services.remove_credential(project, credential, actor=person(owner))

    trail = AuditEntry.unscoped.filter(act__startswith="provider.").order_by("pk")
    assert [row.act for row in trail] == ["provider.add", "provider.rotate", "provider.remove"]
    assert trail[2].actor_label == owner.email
    assert KEY not in repr([row.detail for row in trail])


def test_a_provider_is_added_on_the_page_and_its_key_is_never_shown(owner_client, project, caplog):
    caplog.set_level(logging.DEBUG)
    answer = owner_client.post(
        f"{PAGE}add/", {**FORM, "base_url": "https://8.8.8.8/v1"}, follow=True
    )

    page = answer.content.decode()
    assert "local was added" in page
    assert f"…{KEY[-4:]}" in page
    assert KEY not in page
    assert KEY not in caplog.text


def test_a_form_with_a_mistake_comes_back_without_the_key(owner_client, project):
    answer = owner_client.post(f"{PAGE}add/", {**FORM, "base_url": "http://10.0.0.1/v1"})

    page = answer.content.decode()
    assert answer.status_code == 422
    assert "PLAYHEAD_OUTBOUND_ALLOW" in page
    assert KEY not in page


def test_the_test_button_makes_one_true_call_and_says_what_came_of_it(
    owner_client, project, settings
):
    with running(lambda _: MODELS) as (place, sent):
        settings.PLAYHEAD_OUTBOUND_ALLOW = [place]
        credential = make_credential(project, f"http://{place}/v1")
        answer = owner_client.post(f"{PAGE}{credential.pk}/test/", follow=True)

    assert "local works: its key may use 2 models." in answer.content.decode()
    assert [(one.path, one.headers["authorization"]) for one in sent] == [
        ("/v1/models", f"Bearer {KEY}")
    ]
    credential.refresh_from_db()
    assert (credential.models_found, credential.test_error) == (["a", "b"], "")


def test_a_test_that_fails_says_why(owner_client, project, settings):
    with running(lambda _: refusal(401, f"Wrong key {KEY}.")) as (place, _):
        settings.PLAYHEAD_OUTBOUND_ALLOW = [place]
        credential = make_credential(project, f"http://{place}/v1")
        page = owner_client.post(f"{PAGE}{credential.pk}/test/", follow=True).content.decode()

    assert "local did not answer: Wrong key [key]." in page
    assert KEY not in page


def test_a_server_without_the_clients_says_what_to_install(owner_client, project, monkeypatch):
    monkeypatch.setattr(remote, "CLIENTS", ("no_client_of_this_name",))
    credential = make_credential(project, "https://8.8.8.8/v1")

    page = owner_client.post(f"{PAGE}{credential.pk}/test/", follow=True).content.decode()
    outcome = call(project, credential, ask())

    assert page.count("pip install") >= 2
    assert outcome.error.kind == "auth"
    assert "pip install" in str(outcome.error)


def test_keys_are_replaced_and_removed_on_the_page(owner_client, project):
    credential = make_credential(project, "https://8.8.8.8/v1")
    rotated = owner_client.post(
        f"{PAGE}{credential.pk}/rotate/", {"key": "another-key-of-some-length"}, follow=True
    )
    wrong = owner_client.post(f"{PAGE}{credential.pk}/rotate/", {"key": "a b"}, follow=True)
    removed = owner_client.post(f"{PAGE}{credential.pk}/remove/", follow=True)

    assert "has a new key" in rotated.content.decode()
    assert "A key is plain letters" in wrong.content.decode()
    assert "its key destroyed" in removed.content.decode()
    assert "No providers yet" in removed.content.decode()


def test_the_page_takes_as_many_queries_for_twenty_providers_as_for_one(
    owner_client, project, django_assert_max_num_queries
):
    for number in range(20):
        make_credential(project, "https://8.8.8.8/v1", name=f"p{number:02}")

    with django_assert_max_num_queries(15):
        page = owner_client.get(PAGE).content.decode()

    assert page.count("8.8.8.8") == 20


def test_programs_learn_which_providers_there_are_and_nothing_of_keys(key_client, project):
    make_credential(project, "https://8.8.8.8/v1")

    answer = key_client(project, "replays:run").get(API)

    [row] = answer.json()["results"]
    assert (row["name"], row["kind"], row["works"]) == ("local", "openai-compatible", None)
    assert "8.8.8.8" in row["base_url"]
    assert KEY[-4:] not in answer.content.decode()
    assert key_client(project, "replays:run").get(f"{API}?kind=x").status_code == 400
