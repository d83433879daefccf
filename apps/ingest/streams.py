"""Redaction of a recorded stream: an address may come in two pieces, neither of which tells."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

from apps.governance.policies import Treatment
from apps.governance.redaction import Redactor

Json = Any


def redacted_stream(stream: Json, redactor: Redactor, how: Treatment) -> Json:
    """Return the pieces of a stream without findings, each at its time.

    Findings are looked for in all pieces together, and replaced in the piece in which they
    begin. Pieces that are no text are treated each by itself.
    """
    if not _is_of_text(stream):
        return redactor.value(stream, how)
    texts = [piece[1] for piece in stream]
    whole = "".join(texts)
    findings = how.search.findings(whole)
    if not findings:
        return stream
    starts = [0, *accumulate(len(text) for text in texts)][:-1]
    made = [[] for _ in texts]  # type: list[list[str]]
    end = 0
    for finding in findings:
        _spread(whole, (end, finding.start), starts, made)
        at = bisect_right(starts, finding.start) - 1
        made[at].append(redactor.mark(finding.kind, whole[finding.start : finding.end], how))
        end = finding.end
    _spread(whole, (end, len(whole)), starts, made)
    return [[piece[0], "".join(parts)] for piece, parts in zip(stream, made, strict=True)]


def _is_of_text(stream: Json) -> bool:
    return isinstance(stream, list) and all(
        isinstance(piece, list) and len(piece) == 2 and isinstance(piece[1], str)
        for piece in stream
    )


def _spread(
    whole: str, span: tuple[int, int], starts: Sequence[int], made: list[list[str]]
) -> None:
    """Give each piece its part of what stays."""
    begin, end = span
    while begin < end:
        at = bisect_right(starts, begin) - 1
        until = min(end, starts[at + 1]) if at + 1 < len(starts) else end
        made[at].append(whole[begin:until])
        begin = until
