"""Texts: which words two of them share, and which runs of letters.

The score is the mean of two. ``token_set`` of rapidfuzz compares the sets of words, so it
forgives another order and what is added, even a "not". The F-score of character n-grams (chrF,
Popović 2015: n from 1 to 6, here with equal weight for both sides, so that it is symmetric) does
not, knows no words and so needs none: it holds for every script. It works without a network.
"""

from __future__ import annotations

from collections import Counter

from rapidfuzz import fuzz

from apps.replays.comparators import SAME, Comparison
from apps.replays.comparators_normal import Spelling, plain_text

LONGEST_GRAM = 6
# Of a longer text its beginning and its end are compared, half of this each.
LONGEST = 20_000
# Blanks and case do not matter between texts; how a number is written is said by its letters.
LOOSE = Spelling(reads_numbers=False, reads_dates=False)


def text(expected: str, got: str) -> Comparison:
    """Compare two texts; blanks and case do not matter."""
    a, b = plain_text(expected, LOOSE), plain_text(got, LOOSE)
    if a == b:
        return Comparison(1.0, SAME)
    a, b = shortened(a), shortened(b)
    if not a or not b:
        return Comparison(0.0, "One of them says nothing.")
    words, letters = fuzz.token_set_ratio(a, b) / 100, chrf(a, b)
    # What is not the same is never called the same, however long the part that is.
    score = min((words + letters) / 2, 0.9999)
    return Comparison(score, f"Words alike by {words:.2f}, letters by {letters:.2f}.")


def shortened(value: str) -> str:
    half = LONGEST // 2
    return value if len(value) <= LONGEST else value[:half] + value[-half:]


def chrf(a: str, b: str) -> float:
    """Return the mean F1 over character n-grams, n from 1 to 6; blanks are left out."""
    a, b = a.replace(" ", ""), b.replace(" ", "")
    scores = [_f1(a, b, n) for n in range(1, min(LONGEST_GRAM, max(len(a), len(b))) + 1)]
    return sum(scores) / len(scores) if scores else 0.0


def _f1(a: str, b: str, n: int) -> float:
    left, right = _grams(a, n), _grams(b, n)
    return 2 * (left & right).total() / (left.total() + right.total())


def _grams(value: str, n: int) -> Counter[str]:
    return Counter(value[at : at + n] for at in range(len(value) - n + 1))
