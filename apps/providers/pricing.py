"""What a call cost, from the price table of the ``genai-prices`` package.

The table ships with the package and is never fetched. Prices carry the dates from which
they hold, so that a call of last year is priced as of last year.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Protocol

from genai_prices import Usage, calc_price
from genai_prices.types import PriceCalculation

TEN_PLACES = Decimal("1e-10")


class TokenCounts(Protocol):
    """Tokens of one call; ``input`` includes the cached ones."""

    @property
    def input(self) -> int | None: ...

    @property
    def output(self) -> int | None: ...

    @property
    def cache_read(self) -> int | None: ...

    @property
    def cache_write(self) -> int | None: ...


def price(
    provider: str | None, model: str, usage: TokenCounts, at: datetime | None
) -> Decimal | None:
    """Return the US dollars of one call, to ten places; None when it cannot be known.

    A model that the table does not know, a call without token counts and counts that
    contradict each other have no price.
    """
    if usage.input is None or (usage.cache_read or 0) + (usage.cache_write or 0) > usage.input:
        return None
    listed = _listed_provider(provider, model)
    if listed is None:
        return None
    counts = Usage(
        input_tokens=usage.input,
        output_tokens=usage.output,
        cache_read_tokens=usage.cache_read,
        cache_write_tokens=usage.cache_write,
    )
    calculation = calc_price(counts, model, provider_id=listed or None, genai_request_timestamp=at)
    return calculation.total_price.quantize(TEN_PLACES)


@lru_cache(maxsize=4096)
def _listed_provider(provider: str | None, model: str) -> str | None:
    """Return the provider under which the model is listed, "" for any, None if it is not.

    Looking up a model that is not listed is slow and common (local and fine-tuned models),
    so the answer is kept.
    """
    for candidate in dict.fromkeys((provider or "", "")):
        if _look_up(candidate, model) is not None:
            return candidate
    return None


def _look_up(provider: str, model: str) -> PriceCalculation | None:
    try:
        return calc_price(Usage(input_tokens=1), model, provider_id=provider or None)
    except LookupError:
        return None
