"""What a call costs a project: its own prices, from their days on."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from apps.audit.actors import SYSTEM
from apps.core.errors import ConflictError
from apps.providers.prices import NewPrice, add_price, price_list
from apps.providers.protocol import Usage

PAGE = "/o/acme/p/support-bot/settings/models-prices/"
USAGE = Usage(input=1000, output=100, cache_read=200)
NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)
SUMMER = datetime(2026, 7, 1, tzinfo=UTC)


def set_price(project, dollars, starts_at=NEW_YEAR, **fields):
    told = {"model": "m", "input": Decimal(dollars), "output": Decimal(dollars)}
    return add_price(project, NewPrice(**told | fields, starts_at=starts_at), actor=SYSTEM)


def priced(project, at, model="m", provider="openai"):
    return price_list(project).price(provider, model, USAGE, at)


def test_a_price_holds_from_its_day_until_the_next(project):
    set_price(project, 10)
    set_price(project, 20, SUMMER)

    assert priced(project, datetime(2025, 12, 31, tzinfo=UTC)) is None
    assert priced(project, datetime(2026, 3, 1, tzinfo=UTC)) == Decimal("0.011")
    assert priced(project, SUMMER) == Decimal("0.022")


def test_a_price_for_the_very_provider_goes_before_one_for_any(project):
    set_price(project, 10, SUMMER)
    set_price(project, 1, provider="openai")

    assert priced(project, SUMMER) == Decimal("0.0011")
    assert priced(project, SUMMER, provider="anthropic") == Decimal("0.011")


def test_cached_input_has_a_price_of_its_own(project):
    set_price(project, 10, cache_read=Decimal(1))

    assert priced(project, SUMMER) == Decimal("0.0092")


def test_nothing_is_a_price_and_unknown_is_not(project):
    set_price(project, 0, model="ours")

    assert priced(project, SUMMER, model="ours") == 0
    assert priced(project, SUMMER, model="theirs") is None
    assert price_list(project).price(None, "ours", Usage(input=5), SUMMER) is None


def test_a_model_of_the_table_keeps_its_price_where_the_project_has_none(project, other_project):
    set_price(other_project, 0, model="gpt-4o")

    assert priced(project, SUMMER, model="gpt-4o") > 0


def test_the_same_price_twice_is_a_conflict(project):
    set_price(project, 10)

    with pytest.raises(ConflictError, match="from that moment"):
        set_price(project, 11)


def test_prices_are_set_and_removed_on_the_page(owner_client, project):
    told = {"model": "ours", "input": "2.5", "output": "10", "starts_on": "2026-07-01"}
    page = owner_client.post(f"{PAGE}prices/add/", told, follow=True).content.decode()
    [row] = project.price_overrides.all()

    assert "The price of ours was added." in page
    assert "$2.5" in page
    assert (row.starts_at, row.input) == (SUMMER, Decimal("2.5"))
    gone = owner_client.post(f"{PAGE}prices/{row.pk}/remove/", follow=True)
    assert "The price of ours was removed." in gone.content.decode()


@pytest.mark.parametrize(
    "wrong", [{"input": "-1"}, {"input": "NaN"}, {"model": ""}, {"output": ""}]
)
def test_a_price_that_is_none_is_refused(owner_client, project, wrong):
    told = {"model": "ours", "input": "1", "output": "1"} | wrong

    assert owner_client.post(f"{PAGE}prices/add/", told).status_code == 422
    assert project.price_overrides.count() == 0
