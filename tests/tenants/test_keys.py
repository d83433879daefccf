from __future__ import annotations

import base64
from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from apps.audit.actors import SYSTEM
from apps.tenants import authentication, key_services, keys
from apps.tenants.models import ApiKey
from tests.factories import make_key


@pytest.mark.parametrize("is_live", [True, False])
def test_a_key_is_recognised_by_its_shape_and_checksum(is_live):
    key = keys.make(is_live=is_live)

    assert key.startswith("phk_live_" if is_live else "phk_test_")
    assert keys.PATTERN.fullmatch(key)
    assert keys.is_well_formed(key)


@pytest.mark.parametrize("position", [10, 25, 40, -1])
def test_a_key_with_a_changed_character_fails_its_checksum(position):
    key = keys.make(is_live=True)
    letters = list(key)
    letters[position] = "a" if letters[position] != "a" else "b"

    assert not keys.is_well_formed("".join(letters))


@pytest.mark.parametrize(
    "text", ["", "phk_live_", "sk-abc", "phk_live_" + "é" * 36, "phk_live_\x00"]
)
def test_other_text_is_no_key(text):
    assert not keys.is_well_formed(text)


def test_a_wrong_checksum_is_refused_without_asking_the_database(django_assert_num_queries, db):
    with django_assert_num_queries(0):
        assert authentication.find_key("phk_live_" + "a" * 36) is None


def test_a_key_is_found_in_one_query_with_its_project(project, django_assert_num_queries):
    _, secret = make_key(project)

    with django_assert_num_queries(1):
        key = authentication.find_key(secret)
        assert key.project.organization.slug == "acme"


def test_only_a_digest_of_the_secret_is_stored(project):
    key, secret = make_key(project)

    row = ApiKey.unscoped.filter(pk=key.pk).values().get()
    assert secret not in repr(row)
    assert bytes(row["digest"]) == keys.digest(secret)
    assert secret.startswith(row["prefix"])
    assert secret.endswith(row["last_four"])


def test_a_revoked_key_is_refused_by_the_next_request(project):
    key, secret = make_key(project)
    client = Client(headers={"Authorization": f"Bearer {secret}"})
    assert client.get("/api/v1/me").status_code == 200

    key_services.revoke_api_key(key, actor=SYSTEM)

    assert client.get("/api/v1/me").status_code == 401


def test_an_expired_key_is_refused(project):
    _, secret = make_key(project, expires_at=timezone.now() + timedelta(days=1))

    with time_machine.travel(timezone.now() + timedelta(days=2)):
        assert authentication.find_key(secret) is None


def basic(public: object, secret: str) -> dict[str, str]:
    pair = base64.b64encode(f"{public}:{secret}".encode()).decode()
    return {"Authorization": f"Basic {pair}"}


def test_http_basic_takes_the_key_id_and_the_key(project):
    key, secret = make_key(project)

    assert Client(headers=basic(key.pk, secret)).get("/api/v1/me").status_code == 200
    assert Client(headers=basic(key.pk + 1, secret)).get("/api/v1/me").status_code == 401


@pytest.mark.parametrize(
    "header",
    [
        "Bearer",
        "Bearer phk_live_wrong",
        "Basic",
        "Basic ???",
        "Basic cGhr",
        "Basic /////w==",
        "Digest username=x",
        "phk_live_x",
        "Bearer \xff\xfe",
    ],
)
def test_a_bad_credential_is_a_401_that_says_what_to_send(db, header):
    answer = Client(headers={"Authorization": header}).get("/api/v1/me")

    assert answer.status_code == 401
    assert answer["Content-Type"] == "application/problem+json"
    assert answer["WWW-Authenticate"].startswith("Bearer")


def test_the_last_use_is_written_at_most_once_a_minute(project, django_assert_num_queries):
    _, secret = make_key(project)
    key = authentication.find_key(secret)
    with django_assert_num_queries(1):
        authentication.note_use(key)
    first = ApiKey.unscoped.get(pk=key.pk).last_used_at

    with time_machine.travel(first + timedelta(seconds=30)), django_assert_num_queries(0):
        authentication.note_use(key)
    with time_machine.travel(first + timedelta(seconds=61)):
        authentication.note_use(key)

    assert ApiKey.unscoped.get(pk=key.pk).last_used_at > first


def test_a_request_with_a_key_costs_one_query_to_know_who_asks(
    key_client, project, django_assert_num_queries
):
    client = key_client(project)
    client.get("/api/v1/me")

    with django_assert_num_queries(1):
        client.get("/api/v1/me")
