"""Verdicts on two sessions that were compared: which did better, and why.

A verdict is a score on each of the two, which names the other. So it is found from either
side, swapping the sides changes nothing, and what reads scores reads verdicts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from apps.annotations import scoring, sealing
from apps.annotations.models import Score
from apps.annotations.signing import is_own
from apps.audit.actors import Actor
from apps.core.errors import InvalidError
from apps.sessions.models import Session

NAME = "comparison"
BETTER, WORSE, TIE = "better", "worse", "tie"
# What is said of A and of B.
CHOICES: Mapping[str, tuple[str, str]] = {
    "a": (BETTER, WORSE),
    "b": (WORSE, BETTER),
    "tie": (TIE, TIE),
}
OF_A = {of_a: choice for choice, (of_a, _) in CHOICES.items()}
# A session, the one it is held against, and what is said of it.
Side = tuple[Session, Session, str]
# The newest verdicts on two sessions that a page shows.
SHOWN = 50


@dataclass(frozen=True, slots=True)
class Verdict:
    """What somebody thinks of two sessions, told from the side of A."""

    by: str
    choice: str
    note: str
    given_at: datetime
    is_own: bool


def give_verdict(a: Session, b: Session, choice: str, *, note: str, actor: Actor) -> None:
    """Say which of two sessions did better, in place of what the same actor said before."""
    if choice not in CHOICES:
        raise InvalidError(f"choice must be one of {', '.join(CHOICES)}.", "choice")
    of_a, of_b = CHOICES[choice]
    with transaction.atomic():
        for session, other, label in _in_one_order((a, b, of_a), (b, a, of_b)):
            scoring.add_score(
                session,
                name=NAME,
                value=label,
                comment=note,
                against=other.pk,
                replaces=True,
                actor=actor,
            )


def take_back(a: Session, b: Session, *, actor: Actor) -> None:
    """Take back what the actor said of two sessions; nothing where that is nothing."""
    with transaction.atomic():
        for session, other, _ in _in_one_order((a, b, ""), (b, a, "")):
            for score in _scores(session, other):
                if is_own(score, actor):
                    scoring.remove_score(score, actor=actor)


def verdicts_of(a: Session, b: Session, actor: Actor) -> list[Verdict]:
    """Return what people said of two sessions, the newest first."""
    cipher = sealing.cipher_of(a)
    return [
        Verdict(
            score.by,
            OF_A.get(score.label or "", "tie"),
            sealing.open_text(cipher, score.sealed_comment, sealing.WHY)
            if score.sealed_comment is not None
            else "",
            score.created_at,
            is_own(score, actor),
        )
        for score in _scores(a, b).order_by("-created_at", "-pk")[:SHOWN]
    ]


def _scores(session: Session, other: Session) -> QuerySet[Score]:
    return session.project.scores.filter(session=session, name=NAME, against=other.pk)


def _in_one_order(*sides: Side) -> list[Side]:
    """Lock sessions in the order of their ids, whichever of them is called A."""
    return sorted(sides, key=lambda side: side[0].pk)
