"""One pass over a text: what stands in it of the kinds that are asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import re2

from apps.governance.detection.canonical import (
    MARK_BEGINNING,
    Plain,
    make_plain,
    without,
    without_marks,
)
from apps.governance.detection.families import FAMILIES
from apps.governance.detection.families.family import Family, options
from apps.governance.detection.kinds import SECRETS, Finding
from apps.governance.detection.rules import CompiledRule

# Where two findings of one length meet, the earlier kind of this list is the truer one.
_RANK = {
    kind: rank
    for rank, kind in enumerate(
        (
            "playhead_key private_key jwt provider_key cloud_key service_token url_credentials "
            "bearer_token password secret iban card ssn national_id crypto_address bank_account "
            "email mac ip birth_date phone"
        ).split()
    )
}
# Found by the name before them; a secret of a known shape within them says more.
_GENERAL = frozenset({"secret", "password", "bearer_token"})


def _compile_screen() -> re2.Set:
    screen = re2.Set.SearchSet(options())
    for family in FAMILIES:
        screen.Add(family.pattern.encode())
    screen.Add(MARK_BEGINNING.encode())
    screen.Compile()
    return screen


# Tells in one pass which families have candidates at all. Most text has none.
_SCREEN = _compile_screen()
_MARKS = len(FAMILIES)
# How often what is left is searched again. Almost always nothing is found the second time.
_ROUNDS = 5


def find(text: str, kinds: frozenset[str], rules: Sequence[CompiledRule] = ()) -> list[Finding]:
    """Return what was found, in the order of the text and without overlaps.

    What was found is taken out and the rest is searched again, since it can hide what stands
    beside it. So a text from which all findings were taken holds nothing more of these kinds.
    """
    plain = make_plain(text)
    found: list[Finding] = []
    left = plain
    for _ in range(_ROUNDS):
        more = _find_once(left, kinds, rules)
        if not more:
            break
        found = _without_overlaps(found + more)
        left = without(plain, found)
    return [plain.given(finding) for finding in found]


def _find_once(plain: Plain, kinds: frozenset[str], rules: Sequence[CompiledRule]) -> list[Finding]:
    likely: list[int] = _SCREEN.Match(plain.image) or []
    if _MARKS in likely:
        plain = without_marks(plain)
        likely.remove(_MARKS)
    found = [hit for index in likely for hit in _search(FAMILIES[index], plain, kinds)]
    for rule in rules:
        found += rule.find(plain.text)
    return found


def _search(family: Family, plain: Plain, kinds: frozenset[str]) -> Iterator[Finding]:
    if not family.kinds.isdisjoint(kinds):
        yield from (hit for hit in family.find(plain) if hit.kind in kinds)


def _without_overlaps(found: list[Finding]) -> list[Finding]:
    """Join what overlaps under the kind of its longest, so that no part of any stays in sight."""
    found.sort(key=lambda hit: hit.start)
    joined: list[Finding] = []
    best = found[0]
    start, end = best.start, best.end
    for hit in found[1:]:
        if hit.start >= end:
            joined.append(Finding(best.kind, start, end))
            best, start, end = hit, hit.start, hit.end
        else:
            best, end = _truer(best, hit), max(end, hit.end)
    joined.append(Finding(best.kind, start, end))
    return joined


def _truer(one: Finding, other: Finding) -> Finding:
    """Return the longer finding, unless it is a general one around a secret of a known shape."""
    if one.kind in SECRETS and other.kind in SECRETS and one.kind != other.kind:
        if one.kind in _GENERAL and other.kind not in _GENERAL:
            return other
        if other.kind in _GENERAL and one.kind not in _GENERAL:
            return one
    return min(one, other, key=_order)


def _order(hit: Finding) -> tuple[int, int]:
    return hit.start - hit.end, _RANK.get(hit.kind, -1)
