"""Judges: models that say which of two answers is better, and whether one may be believed.

The call of the model is a callable that is passed in. What is decided here is what to do with
its answers: two are asked for, with the sides changed, and a judge that follows the side and not
the answer abstains. How far a judge agrees with people is Cohen's kappa (1960) over sessions
that both have judged; one judge is one rubric, one wording and one model, and what is known of
one says nothing of the next version.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from apps.core.canonical import canonical_json
from apps.replays.comparators import Comparison

Json = Any

# Labels of people without which a judge decides nothing.
LEAST_LABELS = 30
TWO_SIDED = 1.959963984540054


class Choice(StrEnum):
    """What a judge may say of two answers."""

    FIRST = "first"
    SECOND = "second"
    TIE = "tie"
    ABSTAIN = "abstain"


TURNED = {Choice.FIRST: Choice.SECOND, Choice.SECOND: Choice.FIRST}
# Of the candidate, which is asked about as the second answer.
SCORES = {Choice.FIRST: 0.0, Choice.TIE: 0.5, Choice.SECOND: 1.0}


@dataclass(frozen=True, slots=True)
class Rubric:
    """By what is judged, and by which model: all that makes a judge the same judge."""

    name: str
    text: str
    model: str
    # The prompt around the rubric, with its version.
    prompt: str
    params: Mapping[str, Json] = field(default_factory=dict)

    @property
    def version(self) -> str:
        """A digest of all of it: another one is another judge."""
        return "sha256:" + hashlib.sha256(canonical_json(asdict(self))).hexdigest()


@dataclass(frozen=True, slots=True)
class Ruling:
    """One answer of a judge, with its reason."""

    choice: Choice
    says: str = ""


class Judge(Protocol):
    """Asks a model. It raises what the provider raises; to abstain is an answer, not an error."""

    def __call__(self, rubric: Rubric, task: Json, first: Json, second: Json) -> Ruling: ...


def judged(judge: Judge, rubric: Rubric, task: Json, baseline: Json, candidate: Json) -> Comparison:
    """Ask which of two answers is better, in both orders.

    The score is the candidate's: 1 where it is better both times, 0 where the baseline is, 0.5
    for two ties. Anything else is None: who prefers the first answer whichever it is has not
    judged.
    """
    one = judge(rubric, task, baseline, candidate)
    other = judge(rubric, task, candidate, baseline)
    turned = TURNED.get(other.choice, other.choice)
    if Choice.ABSTAIN in (one.choice, turned):
        return Comparison(None, f"The judge abstains. {one.says or other.says}".strip())
    if one.choice != turned:
        return Comparison(None, "The judge said otherwise with the two answers changed over.")
    return Comparison(SCORES[one.choice], one.says or f"The judge says: {one.choice}.")


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far a judge agrees with people, over sessions that both have judged."""

    labels: int
    # Share of the same answers; None without any.
    observed: float | None
    # What of that is more than chance, 1 at most; None where chance alone explains all.
    kappa: float | None
    # 95 %, by the large-sample standard error (Fleiss, Cohen and Everitt 1969, simplified).
    interval: tuple[float, float] | None
    says: str

    @property
    def may_gate(self) -> bool:
        """Whether its word may fail a run: people have judged enough of what it judged."""
        return self.labels >= LEAST_LABELS and self.kappa is not None


def agreement(labels: Sequence[tuple[str, str]]) -> Agreement:
    """Return how the judge's words agree with people's, from pairs of (person, judge).

    Where either abstained there is no pair.
    """
    pairs = [pair for pair in labels if Choice.ABSTAIN not in pair]
    count = len(pairs)
    if not count:
        return Agreement(
            0, None, None, None, f"Nobody has judged the same; {LEAST_LABELS} are needed."
        )
    observed = sum(a == b for a, b in pairs) / count
    expected = _by_chance(pairs)
    if math.isclose(expected, 1.0):
        return Agreement(
            count, observed, None, None, "All are of one kind: agreement says nothing."
        )
    kappa = (observed - expected) / (1 - expected)
    error = math.sqrt(observed * (1 - observed) / count) / (1 - expected)
    interval = (max(-1.0, kappa - TWO_SIDED * error), min(1.0, kappa + TWO_SIDED * error))
    return Agreement(count, observed, kappa, interval, _said(count, kappa))


def _by_chance(pairs: Sequence[tuple[str, str]]) -> float:
    people, judges = Counter(a for a, _ in pairs), Counter(b for _, b in pairs)
    return sum(people[word] * judges[word] for word in people) / len(pairs) ** 2


def _said(count: int, kappa: float) -> str:
    missing = LEAST_LABELS - count
    more = f" {missing} more labels of people, and it may gate." if missing > 0 else ""
    return f"kappa {kappa:.2f} over {count} labels.{more}"
