"""What the name of a field tells about its value."""

from __future__ import annotations

import pytest

from apps.governance.detection import KINDS, find_by_key


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("password", "password"),
        ("DB_PASSWORD", "password"),
        ("userPassword", "password"),
        ("ssn", "ssn"),
        ("api_key", "secret"),
        ("X-Api-Key", "secret"),
        ("STRIPE_SECRET_KEY", "secret"),
        ("GITHUB_TOKEN", "secret"),
        ("accessToken", "secret"),
        ("token", "secret"),
        ("Authorization", "bearer_token"),
        ("proxy-authorization", "bearer_token"),
        ("private_key", "private_key"),
        ("date_of_birth", "birth_date"),
        ("phoneNumber", "phone"),
        ("card-number", "card"),
        ("aws_secret_access_key", "cloud_key"),
    ],
)
def test_a_name_tells_what_stands_under_it(name: str, kind: str) -> None:
    assert find_by_key(name) == kind
    assert kind in KINDS


@pytest.mark.parametrize(
    "name",
    ["", "name", "tokens", "max_tokens", "total_tokens", "next_page_token", "eos_token",
     "content", "id", "swift", "secretary", "key", "passwordless" * 20],
)  # fmt: skip
def test_an_ordinary_name_tells_nothing(name: str) -> None:
    assert find_by_key(name) is None
