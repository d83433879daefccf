"""Which prompt of the library made a call: known by its words, wherever they went in between."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Json = Any

# Prompts that were filled last, in this process.
KEPT = 256
# Shorter texts stand in others by chance: only a text that is all of one is known by it.
TELLING = 24


@dataclass(frozen=True, slots=True)
class Use:
    """A prompt that was filled: its telling text, and what a call made with it says."""

    text: str
    stamp: Mapping[str, Json]


_uses: deque[Use] = deque(maxlen=KEPT)


def note_use(texts: list[str], stamp: Mapping[str, Json]) -> None:
    """Remember a filled prompt by the longest of its texts."""
    text = max(texts, key=len, default="")
    if text.strip():
        _uses.append(Use(text, stamp))


def stamp_of(asked: Json) -> Mapping[str, Json] | None:
    """Return the stamp of the prompt whose words a request holds; of several the longest's."""
    if not _uses:
        return None
    said = list(_texts(asked))
    found = [use for use in list(_uses) if any(_holds(text, use.text) for text in said)]
    # The latest of equal ones.
    return max(reversed(found), key=lambda use: len(use.text)).stamp if found else None


def _holds(text: str, words: str) -> bool:
    return words in text if len(words) >= TELLING else words == text


def _texts(value: Json) -> Iterator[str]:
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, Mapping):
            waiting.extend(one.values())
        elif isinstance(one, list | tuple):
            waiting.extend(one)
