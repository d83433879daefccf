"""What is found in a text, and that the places told are those of the text as it was given."""

from __future__ import annotations

import json

import pytest

from apps.governance.detection import KINDS, PERSONAL, SECRETS, find
from apps.tenants import keys

ALL = frozenset(KINDS)


def found(text: str, kinds: frozenset[str] = ALL) -> list[tuple[str, str]]:
    return [(hit.kind, text[hit.start : hit.end]) for hit in find(text, kinds)]


def test_findings_are_told_in_the_order_of_the_text() -> None:
    text = "card 4111 1111 1111 1111, mail jane@example.com, from 203.0.113.9"

    assert found(text) == [
        ("card", "4111 1111 1111 1111"),
        ("email", "jane@example.com"),
        ("ip", "203.0.113.9"),
    ]


def test_only_the_kinds_that_are_asked_for_are_found() -> None:
    text = "jane@example.com paid with 4111111111111111"

    assert found(text, frozenset({"card"})) == [("card", "4111111111111111")]
    assert found(text, frozenset()) == []


def test_every_kind_has_a_label_and_is_either_personal_or_a_secret() -> None:
    assert SECRETS | PERSONAL.keys() == ALL
    assert not SECRETS & PERSONAL.keys()
    assert all(KINDS.values())


@pytest.mark.parametrize(
    "text",
    [
        "card 4111 1111 1111 1112",
        "IBAN DE89370400440532013001",
        "order 5500123456",
        "550e8400-e29b-41d4-a716-446655440000",
        "version 1.2.3.4 and v10.0.0.1 and Chrome/120.0.6099.129",
        "2026-05-01T12:34:56.789012Z",
        "0.4111111111111111",
        "git@github.com:example/repo.git",
        "password: string",
        'api_key=os.getenv("OPENAI_API_KEY")',
        "a::b::c(d)",
        "02 03 04 05 06 07 08 09",
    ],
)
def test_lookalikes_are_left_alone(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize(
    ("text", "hit"),
    [
        ("ﾒｰﾙ：taro＠example．jp です", "taro＠example．jp"),
        ("４１１１ １１１１ １１１１ １１１１", "４１１１ １１１１ １１１１ １１１１"),
        ("4111\u200b1111\u200b1111\u200b1111!", "4111\u200b1111\u200b1111\u200b1111"),
        ("4111\u00a01111\u20031111\u30001111", "4111\u00a01111\u20031111\u30001111"),
        ("4111‑1111–1111−1111", "4111‑1111–1111−1111"),
        ("هاتف: ٠٥٠١٢٣٤٥٦٧", "٠٥٠١٢٣٤٥٦٧"),
        ("jane\u200d@example\u2060.com", "jane\u200d@example\u2060.com"),
        ("😀❤️ jürgen@müller.example ❤️", "jürgen@müller.example"),
        ("電話：０３ー１２３４ー５６７８まで", "０３ー１２３４ー５６７８"),
        ("\ud800 jane@example.com \udfff", "jane@example.com"),
        ("ﬃ½ jane@example.com", "jane@example.com"),
    ],
)
def test_disguised_text_is_found_where_it_stands(text: str, hit: str) -> None:
    assert [piece for _, piece in found(text)] == [hit]


def test_json_inside_of_json_is_read_through_its_escapes() -> None:
    inner = json.dumps(
        {"note": "card:\n4111111111111111\nmail\tjane@example.com", "password": "abc d"}
    )
    text = json.dumps({"arguments": inner})

    assert found(text) == [
        ("card", "4111111111111111"),
        ("email", "jane@example.com"),
        ("password", "abc d"),
    ]


def test_a_secret_of_a_known_shape_is_called_by_its_issuer() -> None:
    key = "sk-proj-" + "a1B2c3D4" * 6

    assert found(f"OPENAI_API_KEY={key}") == [("provider_key", key)]
    assert found(f"Authorization: Bearer {key}") == [("provider_key", key)]


def test_our_own_keys_are_found() -> None:
    key = keys.make(is_live=True)

    assert found(f"PLAYHEAD_API_KEY={key};") == [("playhead_key", key)]


def test_the_host_of_a_url_with_a_password_stays_in_sight() -> None:
    assert found("postgres://app:s3cr3t@db.example.com/x") == [("url_credentials", "app:s3cr3t@")]


def test_a_private_key_that_was_cut_is_found_to_its_end() -> None:
    text = "key: -----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA3Tz2mr7SZiAMfQyu"

    assert found(text) == [("private_key", text[5:])]


def test_overlapping_findings_leave_no_part_in_sight() -> None:
    text = "token=eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl~and-more99"

    (hit,) = find(text, ALL)

    assert text[hit.start :].startswith("eyJ")
    assert hit.end == len(text)


def test_marks_of_an_earlier_masking_are_no_findings_and_name_none() -> None:
    text = (
        "[PHONE] 1234567 [PHONE:00112233aabbccdd] <EMAIL_1> pass=[PASSWORD] [BIRTH_DATE] 1.2.1990"
    )

    assert found(text) == []


@pytest.mark.parametrize("text", ["", "a", "\n", "é", "\u200b", "\x00", "[" * 50, "?"])
def test_next_to_nothing_holds_nothing(text: str) -> None:
    assert found(text) == []


def test_after_the_most_findings_of_a_text_all_that_is_left_counts_as_found():
    text = " ".join(f"a{number}@example.com" for number in range(20_010)) + " and the rest"

    found = find(text, frozenset({"email"}))

    assert len(found) == 20_001
    assert text[found[-1].start : found[-1].end].endswith("and the rest")
