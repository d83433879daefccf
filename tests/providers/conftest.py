from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from apps.providers.calling import Caller, Patience
from tests.providers.factories import make_credential
from tests.providers.server import Reply, in_turn, running


@pytest.fixture
def asked(project, settings) -> Iterator[Callable[..., tuple[Caller, list]]]:
    """Makes a caller of a provider that gives these replies, and the list of what it was sent.

    Nobody really waits: what would be slept is in ``caller.slept``.
    """
    with ExitStack() as stack:

        def caller_of(*replies: Reply, cache=None, budget=None, **fields):
            place, sent = stack.enter_context(running(in_turn(*replies)))
            settings.PLAYHEAD_OUTBOUND_ALLOW = [*settings.PLAYHEAD_OUTBOUND_ALLOW, place]
            credential = make_credential(project, f"http://{place}/v1", **fields)
            slept: list[float] = []
            patience = Patience(seconds=10, waits=30, sleep=slept.append)
            caller = Caller(project, credential, cache=cache, budget=budget, patience=patience)
            caller.slept = slept
            return caller, sent

        yield caller_of
