from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from apps.core import valkey
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

            def sleep(seconds: float) -> None:
                # Whoever sleeps wakes up when the pause is over.
                slept.append(seconds)
                pause = f"playhead:calls:pause:{credential.pk}"
                valkey.run("return redis.call('DEL', KEYS[1])", [pause], [])

            patience = Patience(seconds=10, waits=30, sleep=sleep)
            caller = Caller(project, credential, cache=cache, budget=budget, patience=patience)
            caller.slept = slept
            return caller, sent

        yield caller_of
