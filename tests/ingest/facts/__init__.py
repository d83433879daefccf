"""What clients are known to do: each a check, under the words that say what it is about."""

from __future__ import annotations

from collections.abc import Callable

from tests.ingest.site import Site

Check = Callable[[Site], None]
FACTS: dict[str, Check] = {}


def fact(words: str) -> Callable[[Check], Check]:
    """Take a check in under what a client does."""

    def add(check: Check) -> Check:
        assert words not in FACTS
        FACTS[words] = check
        return check

    return add
