from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from apps.providers.pricing import price
from apps.sessions.events import Usage

AT = datetime(2026, 6, 1, tzinfo=UTC)


def test_cached_input_costs_less_than_fresh_input():
    fresh = price("openai", "gpt-4o", Usage(input=1000, output=100), AT)
    cached = price("openai", "gpt-4o", Usage(input=1000, output=100, cache_read=800), AT)

    assert fresh == Decimal("0.0035")
    assert cached == Decimal("0.0025")


def test_a_dated_model_name_and_an_unlisted_provider_still_find_the_price():
    listed = price("openai", "gpt-4o", Usage(input=1000, output=0), AT)

    assert price("our-proxy", "gpt-4o-2024-11-20", Usage(input=1000, output=0), AT) == listed


@pytest.mark.parametrize(
    ("model", "tokens"),
    [
        ("a-model-of-our-own", Usage(input=5, output=5)),
        ("gpt-4o", Usage(output=5)),
        ("gpt-4o", Usage(input=5, output=5, cache_read=6)),
    ],
    ids=["unlisted model", "no input count", "more cached than sent"],
)
def test_what_cannot_be_priced_is_unknown_and_not_zero(model, tokens):
    assert price("openai", model, tokens, AT) is None
