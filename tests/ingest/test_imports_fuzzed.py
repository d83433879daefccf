"""Files that are almost right: a reader refuses what is wrong and never fails."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from typing import Any

import pytest

from tests.ingest.import_samples import (
    CHAT,
    INSPECT,
    LANGFUSE,
    LANGFUSE_LINE,
    OTLP_SPAN,
    PHOENIX,
    PHOENIX_NESTED,
    SHAREGPT,
    TRAJECTORY,
    make_otlp,
    read,
)

VALUES = {
    "inspect": (INSPECT,),
    "langfuse-json": (LANGFUSE, LANGFUSE_LINE),
    "phoenix": (PHOENIX, PHOENIX_NESTED),
    "swe-agent": (TRAJECTORY,),
    "chat": (SHAREGPT, {"messages": CHAT}),
    "openai-chat": ({"messages": CHAT},),
    "otlp-jsonl": (make_otlp(OTLP_SPAN),),
}
ODD = [
    None, True, 0, -1, 7, 1.5, 2**70, "", "x", "\x00a", "\ud800", [], {}, [1], [None], [[]],
    {"a": 1}, {"role": "user"}, "9" * 5000, "2026-13-01", "[", '{"a":', [{"type": "tool_use"}],
    {"id": 7}, "attachment://none", float("inf"), float("nan"), "1e999", [0, 1], [[0, 10**9]],
    [[-5, 3]],
]  # fmt: skip
TRIES = 300


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    inner: Any = value.items() if isinstance(value, dict) else ()
    inner = enumerate(value) if isinstance(value, list) else inner
    for name, one in inner:
        yield (*path, name)
        yield from places(one, (*path, name))


def spoil(value: Any, rng: random.Random) -> bytes:
    """Return the file with another value in some places, and at times cut."""
    spoilt = copy.deepcopy(value)
    for _ in range(rng.choice([1, 1, 2, 4])):
        *path, last = rng.choice(list(places(spoilt)) or [("x",)])
        here = spoilt
        for name in path:
            here = here[name]
        here[last] = copy.deepcopy(rng.choice(ODD))
    body = json.dumps(spoilt).encode()
    return body[: rng.randrange(len(body))] if rng.random() < 0.1 else body


@pytest.mark.parametrize("form", VALUES)
def test_a_reader_refuses_what_is_wrong_and_never_fails(form):
    rng = random.Random(form)
    refused = taken = 0
    for number in range(TRIES):
        file = spoil(VALUES[form][number % len(VALUES[form])], rng)
        for name in (form, "auto"):
            found = read(name, file)
            refused += bool(found.refusals)
            taken += bool(found.events)

    assert refused > 0
    assert taken > 0
