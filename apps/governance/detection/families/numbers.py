"""Numbers in groups: payment cards, social security and national numbers, phone numbers.

A run of digits and separators is cut into groups. The lengths of groups that stand together are
their shape, such as ``3-2-4``; a shape tells which checks are worth making.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from apps.governance.detection.canonical import Plain
from apps.governance.detection.families import shapes, telephone
from apps.governance.detection.families.family import Family, before, stands_alone
from apps.governance.detection.kinds import Finding

# Seven digits or more, with at most two separators between two of them.
_RUN = r"[+(]{0,2}\b[0-9](?:[ .()/-]{0,2}[0-9]){6,}\b"
_GROUP = re.compile(r"[0-9]+")
# The last group of a UUID can be all digits.
_UUID_BEFORE = re.compile(rb"[0-9a-fA-F]{4}-\Z")
_DATES = ("2/2/4", "2.2.4", "2-2-4", "4-2-2", "4/2/2", "4.2.2", "1/1/4", "1/2/4", "2/1/4", "1.1.4")
_LONGEST_SHAPE = 8
# What is longer is not remembered, so that hostile text fills no memory.
_SHORT_RUN = 40
# How long a number without separators is that tells itself by its check digits.
_LENGTHS = frozenset(int(shape) for shape in shapes.SHAPES if shape.isdigit())
_WORDS = "".join(chr(code) for code in range(32, 127) if not chr(code).isdigit())


class Group(NamedTuple):
    """Digits without a separator, what stands before them, and what they add to a shape."""

    digits: str
    start: int
    end: int
    gap: str
    step: str


def read_run(plain: Plain, start: int, end: int) -> Iterator[Finding]:
    """Tell what a run of digits holds, by its shape and by what it is called."""
    image = plain.image
    if not stands_alone(image, _first_digit(image, start), end) or _UUID_BEFORE.search(
        image, max(0, start - 5), start
    ):
        return
    run = image[start:end]
    whole, point, rest = run.partition(b".")
    if point and whole.isdigit() and rest.isdigit():
        return
    names = shapes.named(_own_words(plain, start))
    if not names and run.isdigit() and len(run) not in _LENGTHS:
        return
    read = _read_again if len(run) <= _SHORT_RUN else _read
    for kind, first, last in read(run.decode("ascii"), names):
        yield Finding(kind, start + first, start + last)


def _own_words(plain: Plain, start: int) -> str:
    """Return what stands before a number, from the number before it on."""
    text = before(plain, start)
    rest = text.rstrip(_WORDS)
    return text if rest and not rest[-1].isascii() else text[len(rest) :]


def _first_digit(image: bytes, start: int) -> int:
    while image[start] in b"+(":
        start += 1
    return start


def _read(run: str, names: tuple[str, ...]) -> tuple[tuple[str, int, int], ...]:
    groups = _split(run)
    for name in names:
        hit = _read_named(groups, name)
        if hit:
            first = _place(run, groups, 0, *hit)
            return (first, *_read_groups(run, groups, hit[1]))
    if len(groups) == 1 and not run.startswith("+"):
        return _read_single(groups[0])
    return tuple(_read_groups(run, groups, 0))


_read_again = lru_cache(maxsize=1 << 12)(_read)


def _split(run: str) -> list[Group]:
    groups: list[Group] = []
    behind = 0
    for match in _GROUP.finditer(run):
        start, end = match.span()
        gap = run[behind:start]
        groups.append(Group(match.group(), start, end, gap, f"{gap}{end - start}"))
        behind = end
    return groups


def _read_single(group: Group) -> tuple[tuple[str, int, int], ...]:
    kind = shapes.kind_of(str(len(group.digits)), group.digits)
    return ((kind, group.start, group.end),) if kind else ()


def _read_named(groups: list[Group], name: str) -> tuple[str, int] | None:
    """Return the number that its name announces, which may end before the run does."""
    if _shape(groups[:3]) in _DATES:
        return None
    digits = "".join(group.digits for group in groups[:_LONGEST_SHAPE])
    for count in range(min(len(groups), _LONGEST_SHAPE), 0, -1):
        kind = shapes.kind_of_named(name, digits) if _ends(groups, count) else None
        if kind:
            return kind, count
        digits = digits[: len(digits) - len(groups[count - 1].digits)]
    return None


def _read_groups(run: str, groups: list[Group], index: int) -> Iterator[tuple[str, int, int]]:
    while index < len(groups):
        hit = _read_from(groups, index)
        if hit is None:
            index += 1
            continue
        yield _place(run, groups, index, *hit)
        index += hit[1]


def _place(
    run: str, groups: list[Group], index: int, kind: str, count: int
) -> tuple[str, int, int]:
    start = _with_opening(run, groups[index], kind)
    return kind, start, groups[index + count - 1].end


def _read_from(groups: list[Group], index: int) -> tuple[str, int] | None:
    """Return what begins at a group, and how many groups it takes."""
    if not _is_loose(groups[index].gap) and index:
        return None
    hit = _read_shape(groups, index) or telephone.read(groups, index)
    if hit and hit[0] == "phone" and _is_series(groups, index, hit[1]):
        return None
    return hit


def _is_series(groups: list[Group], index: int, count: int) -> bool:
    """Return whether numbers of one length go on before or after: 02 03 04 05 06 07."""
    length = len(groups[index].digits)
    piece = groups[index : index + count]
    if "+" in piece[0].gap or any(len(group.digits) != length for group in piece):
        return False
    around = groups[max(0, index - 1) : index] + groups[index + count : index + count + 1]
    return any(len(group.digits) == length for group in around)


def _read_shape(groups: list[Group], index: int) -> tuple[str, int] | None:
    """Return what the longest run of groups is that has a known shape and a right check."""
    best = None
    shape = _opening(groups[index].gap) + str(len(groups[index].digits))
    end = index + 1
    while shape in shapes.BEGINNINGS:
        if shape in shapes.SHAPES and _ends(groups, end):
            digits = "".join([group.digits for group in groups[index:end]])
            kind = shapes.kind_of(shape, digits)
            best = (kind, end - index) if kind else best
        if end == len(groups):
            break
        shape += groups[end].step
        end += 1
    return best


def _ends(groups: list[Group], index: int) -> bool:
    return index >= len(groups) or _is_loose(groups[index].gap)


def _is_loose(gap: str) -> bool:
    """Return whether a gap parts two numbers. ``1.2`` and ``1-2`` are one."""
    return " " in gap or "(" in gap


def _opening(gap: str) -> str:
    return "(" if gap.endswith("(") else ""


def _with_opening(run: str, group: Group, kind: str) -> int:
    if kind != "phone":
        return group.start
    start = group.start
    while start and run[start - 1] in "+(":
        start -= 1
    return start


def _shape(groups: list[Group]) -> str:
    first = str(len(groups[0].digits))
    return first + "".join([group.step for group in groups[1:]])


FAMILIES = (
    Family(frozenset({"card", "ssn", "national_id", "phone", "bank_account"}), _RUN, read_run),
)
