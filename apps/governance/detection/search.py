"""One pass over a text: what stands in it of the kinds that are asked for."""

from __future__ import annotations

import re
from collections.abc import Sequence

from apps.governance.detection.kinds import Finding
from apps.governance.detection.rules import CompiledRule

_EMAIL = re.compile(r"[\w.%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}", re.ASCII)
_KEY = re.compile(r"phk_(?:live|test)_[0-9A-Za-z]{36}")


def find(text: str, kinds: frozenset[str], rules: Sequence[CompiledRule] = ()) -> list[Finding]:
    """Return what was found, in the order of the text and without overlaps."""
    found = [hit for rule in rules for hit in rule.find(text)]
    for kind, pattern in (("email", _EMAIL), ("playhead_key", _KEY)):
        if kind in kinds:
            found += [Finding(kind, *match.span()) for match in pattern.finditer(text)]
    return _without_overlaps(found)


def _without_overlaps(found: list[Finding]) -> list[Finding]:
    kept: list[Finding] = []
    for finding in sorted(found, key=lambda hit: (hit.start, -hit.end)):
        if not kept or finding.start >= kept[-1].end:
            kept.append(finding)
    return kept
