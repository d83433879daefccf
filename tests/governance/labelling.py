"""Reads the labelled texts, and counts what the detectors find, miss and make up."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from apps.governance.detection import KINDS, Finding, find

FOLDER = Path(__file__).parent / "labelled"
ALL = frozenset(KINDS)
_MARK = re.compile(r"⟦([a-z_,]+)\|(.*?)⟧", re.DOTALL)


@dataclass(frozen=True)
class Label:
    kinds: frozenset[str]
    start: int
    end: int


@dataclass
class Score:
    """Counts by kind. A label is found if a finding of its kind covers all of it."""

    found: Counter[str] = field(default_factory=Counter)
    missed: Counter[str] = field(default_factory=Counter)
    made_up: Counter[str] = field(default_factory=Counter)
    mistakes: list[str] = field(default_factory=list)

    def recall(self, *kinds: str) -> float:
        found = sum(self.found[kind] for kind in kinds or ALL)
        return found / (found + sum(self.missed[kind] for kind in kinds or ALL))

    def precision(self, *kinds: str) -> float:
        found = sum(self.found[kind] for kind in kinds or ALL)
        return found / ((found + sum(self.made_up[kind] for kind in kinds or ALL)) or 1)

    def table(self) -> str:
        lines = [f"{'kind':16} labels  recall  precision"]
        for kind in (kind for kind in KINDS if self.found[kind] + self.missed[kind]):
            count = self.found[kind] + self.missed[kind]
            lines.append(
                f"{kind:16} {count:6} {self.recall(kind):7.3f} {self.precision(kind):10.3f}"
            )
        count = sum((self.found + self.missed).values())
        lines.append(f"{'all':16} {count:6} {self.recall():7.3f} {self.precision():10.3f}")
        return "\n".join(lines)


def read_labelled(name: str) -> list[tuple[str, list[Label]]]:
    """Return the texts of a file without their marks, and where the marks were."""
    lines = (FOLDER / name).read_text(encoding="utf-8").splitlines()
    return [_read(line.replace("␤", "\n")) for line in lines if line]


def _read(line: str) -> tuple[str, list[Label]]:
    text, labels, behind = "", [], 0
    for mark in _MARK.finditer(line):
        text += line[behind : mark.start()]
        labels.append(Label(frozenset(mark[1].split(",")), len(text), len(text) + len(mark[2])))
        text += mark[2]
        behind = mark.end()
    return text + line[behind:], labels


def score(name: str) -> Score:
    """Return how the detectors do on a labelled file."""
    result = Score()
    for text, labels in read_labelled(name):
        _count(result, text, labels, find(text, ALL))
    return result


def _count(result: Score, text: str, labels: list[Label], findings: list[Finding]) -> None:
    for label in labels:
        hits = [finding for finding in findings if _covers(finding, label)]
        kind = hits[0].kind if hits else min(label.kinds)
        (result.found if hits else result.missed)[kind] += 1
        if not hits:
            result.mistakes.append(f"missed {kind} {text[label.start : label.end]!r} in {text!r}")
    for finding in findings:
        if not any(_meets(finding, label) for label in labels):
            result.made_up[finding.kind] += 1
            result.mistakes.append(
                f"made up {finding.kind} {text[finding.start : finding.end]!r} in {text!r}"
            )


def _covers(finding: Finding, label: Label) -> bool:
    right = finding.kind in label.kinds
    return right and finding.start <= label.start and finding.end >= label.end


def _meets(finding: Finding, label: Label) -> bool:
    right = finding.kind in label.kinds
    return right and finding.start < label.end and finding.end > label.start
