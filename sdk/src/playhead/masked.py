"""Records in which personal data and secrets stand masked: what they still tell of a request.

The server masks on the way in. The hashes of a request were made before, so that it is found
again as it was; a request that holds masked answers of the same record is found by all that is
not masked.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping
from typing import Any

Json = Any

# As the server writes them: [EMAIL], [EMAIL:0123456789abcdef], <PERSON_1>, [DROPPED].
MARK = re.compile(r"\[[A-Z][A-Z0-9_]*(?::[0-9a-f]{16})?\]|<[A-Z][A-Z0-9_]*>")
DEEPEST = 100


def is_masked(event: Mapping[str, Json], *fields: str) -> bool:
    """Tell whether something in these fields of an event has been masked, as its notes say."""
    return any(
        flag.get("by") == "redaction" and flag.get("field") in fields
        for flag in event.get("flags") or ()
    )


def is_all_but_masked(recorded: Json, asked: Json, depth: int = DEEPEST) -> bool:
    """Tell whether a value is the recorded one, whatever stood where that is masked."""
    if depth == 0:
        return bool(recorded == asked)
    if isinstance(recorded, str):
        return _is_text(recorded, asked)
    if isinstance(recorded, Mapping):
        is_alike = isinstance(asked, Mapping) and recorded.keys() == asked.keys()
        return is_alike and all(
            is_all_but_masked(inner, asked[name], depth - 1) for name, inner in recorded.items()
        )
    if isinstance(recorded, list):
        is_alike = isinstance(asked, list) and len(recorded) == len(asked)
        return is_alike and all(
            is_all_but_masked(one, other, depth - 1)
            for one, other in zip(recorded, asked, strict=True)
        )
    return type(recorded) is type(asked) and bool(recorded == asked)


def _is_text(recorded: str, asked: Json) -> bool:
    if recorded == asked:
        return True
    if MARK.fullmatch(recorded):
        # A number, or a value of its own, may have been masked whole.
        return not isinstance(asked, Mapping | list)
    if not isinstance(asked, str):
        return False
    opened = [_opened(text) for text in (recorded, asked)]
    if None not in opened:
        return is_all_but_masked(opened[0], opened[1])
    return MARK.search(recorded) is not None and _stands_in(recorded, asked)


def _stands_in(recorded: str, asked: str) -> bool:
    """Tell whether what is not masked follows in order, with something between.

    Piece by piece, not by one expression: hostile text must not make it search for long.
    """
    pieces = _pieces(recorded)
    if not (asked.startswith(pieces[0]) and asked.endswith(pieces[-1])):
        return False
    at, end = len(pieces[0]), len(asked) - len(pieces[-1])
    for piece in pieces[1:-1]:
        found = asked.find(piece, at + 1, end)
        if found < 0:
            return False
        at = found + len(piece)
    return at < end


@functools.lru_cache(256)
def _pieces(recorded: str) -> list[str]:
    return MARK.split(recorded)


def _opened(text: str) -> Json:
    if text[:1] not in ("{", "["):
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
