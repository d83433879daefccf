"""What a family of findings is: a pattern of candidates, and a reading of each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import re2

from apps.governance.detection.canonical import BLANK, Plain
from apps.governance.detection.kinds import Finding

# Megabytes of nothing but findings would hold a worker for seconds.
MOST_FINDINGS = 20_000
Reading = Callable[[Plain, int, int], Iterator[Finding]]
# How far before a candidate its name may stand: "phone number (mobile): ".
CONTEXT_LENGTH = 40
_WORD = frozenset(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_")
_DIGITS = frozenset(b"0123456789")


@dataclass(frozen=True, slots=True)
class Family:
    """Kinds that are found by one pattern. RE2 runs it, so its time is linear in the text."""

    kinds: frozenset[str]
    pattern: str
    read: Reading
    expression: Any = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "expression", re2.compile(self.pattern.encode(), options()))

    def find(self, plain: Plain) -> Iterator[Finding]:
        """Return what stands in the text; after the most, all that is left counts as found."""
        matches = self.expression.finditer(plain.image)
        hits = (hit for match in matches for hit in self.read(plain, *match.span()))
        for count, hit in enumerate(hits, start=1):
            yield hit
            if count == MOST_FINDINGS:
                yield Finding(hit.kind, hit.end, len(plain.text))
                return


def options() -> Any:
    """Return RE2's options for patterns over bytes of one character each."""
    chosen = re2.Options()
    chosen.encoding = re2.Options.Encoding.LATIN1
    chosen.never_capture = True
    chosen.never_nl = False
    return chosen


def stands_alone(image: bytes, start: int, end: int) -> bool:
    """Return whether no letter or digit touches the piece."""
    if start and image[start - 1] in _WORD:
        return False
    return end >= len(image) or image[end] not in _WORD


def before(plain: Plain, start: int, length: int = CONTEXT_LENGTH) -> str:
    """Return the text before a place, back to what was taken out, to look for a name in."""
    text = plain.text[max(0, start - length) : start]
    return text.rpartition(BLANK)[2] if BLANK in text else text


def touches_number(image: bytes, start: int, end: int) -> bool:
    """Return whether a number goes on with a dot or a sign: 1.2.3.4.5, 12-34."""
    ahead = image[end : end + 2]
    if len(ahead) == 2 and ahead[0] in b".-:" and ahead[1] in _DIGITS:
        return True
    behind = image[max(0, start - 2) : start]
    return len(behind) == 2 and behind[1] in b".-:" and behind[0] in _DIGITS
