"""Phone numbers, by the numbering plans of phonenumbers; it is asked about candidates only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Protocol

import phonenumbers

_LONGEST = 15
_SHORTEST = 8
_LONGEST_NATIONAL = 12
_SHORTEST_NATIONAL = 9
# Where numbers are written with a leading zero, in the order of how often they are asked about.
_ZERO_REGIONS = ("DE", "GB", "JP", "FR", "NL", "AU")
_DATES = frozenset({(2, 2, 4), (1, 2, 4), (2, 1, 4), (1, 1, 4)})


class Group(Protocol):
    """Digits without a separator, and what stands before them."""

    @property
    def digits(self) -> str: ...
    @property
    def gap(self) -> str: ...


@lru_cache(maxsize=1 << 12)
def is_valid(number: str, region: str | None) -> bool:
    """Return whether the numbering plan has such a number; None: it begins with its country."""
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(number, region))
    except phonenumbers.NumberParseException:
        return False


def read(groups: Sequence[Group], index: int) -> tuple[str, int] | None:
    """Return ("phone", how many groups) if a phone number begins at the group."""
    first = groups[index]
    if "+" in first.gap:
        return _longest(groups, index, _is_international, (_SHORTEST, _LONGEST))
    if first.digits[0] != "0" or len(first.digits) < 2 or index + 1 == len(groups):
        return None
    if tuple(len(group.digits) for group in groups[index : index + 3]) in _DATES:
        return None
    if {group.gap for group in groups[index + 1 : index + 5]} & {". ", " ."}:
        return None
    if first.digits.startswith("00"):
        return _longest(groups, index, _is_international, (_SHORTEST + 2, _LONGEST + 2))
    return _longest(groups, index, _is_national, (_SHORTEST_NATIONAL, _LONGEST_NATIONAL))


def _is_international(digits: str) -> bool:
    return is_valid("+" + digits.removeprefix("00"), None)


def _is_national(digits: str) -> bool:
    return any(is_valid(digits, region) for region in _ZERO_REGIONS)


def _longest(
    groups: Sequence[Group], index: int, check: Callable[[str], bool], lengths: tuple[int, int]
) -> tuple[str, int] | None:
    """Try the groups from the first, and fewer of them until they are a number."""
    digits, ends = "", []
    for place, group in enumerate(groups[index : index + lengths[1]]):
        digits += group.digits
        if len(digits) > lengths[1] or (place > 1 and _is_other_point(groups, index + place)):
            break
        ends.append(len(digits))
    for count in range(len(ends), 0, -1):
        if ends[count - 1] < lengths[0]:
            return None
        if _ends(groups, index + count) and check(digits[: ends[count - 1]]):
            return "phone", count
    return None


def _ends(groups: Sequence[Group], index: int) -> bool:
    return index >= len(groups) or " " in groups[index].gap or "(" in groups[index].gap


def _is_other_point(groups: Sequence[Group], index: int) -> bool:
    """Return whether either gap beside a group is a point: 0123 0.44 is no number to call."""
    return (groups[index].gap == ".") != (groups[index - 1].gap == ".")
