"""Every change to scores: judgements of people, of code and of models."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import transaction

from apps.annotations import sealing
from apps.annotations.models import Score, ScoreSource
from apps.annotations.signing import is_own, signature
from apps.annotations.steps import find_event
from apps.annotations.words import read_label, read_words
from apps.audit import services as audit
from apps.audit.actors import Actor
from apps.core.errors import ConflictError, InvalidError
from apps.sessions import store
from apps.sessions.models import Facet, Session
from apps.tenants.access import permissions_in_project
from apps.tenants.permissions import Permission

LONGEST_WHY = 4_000
MOST_SCORES = 5_000
LARGEST = 1e15

Value = float | bool | str


@transaction.atomic
def add_score(  # noqa: PLR0913
    session: Session,
    *,
    name: str,
    value: Value,
    actor: Actor,
    source: str = "",
    comment: str = "",
    event_id: str = "",
    against: UUID | None = None,
    replaces: bool = False,
) -> Score:
    """Judge a session or one of its steps.

    ``replaces`` takes away what the same actor said before under the same name on the same
    thing: a verdict that somebody changes their mind about.
    """
    kept = _read_value(value)
    source = _read_source(source, actor)
    name = read_label(name, path="name")
    why = read_words(comment, path="comment", longest=LONGEST_WHY, is_needed=False)
    session, cipher = sealing.hold_session(session)
    scores = session.project.scores.filter(session=session)
    if scores.count() >= MOST_SCORES:
        raise InvalidError(f"A session holds at most {MOST_SCORES:,} scores.", "name")
    event = find_event(session, event_id) if event_id else None
    who = signature(actor)
    if replaces:
        same = scores.filter(name=name, event_id=event, against=against)
        same.filter(person_id=who["person_id"], key_id=who["key_id"]).delete()
    score = session.project.scores.create(
        session=session,
        event_id=event,
        name=name,
        source=source,
        against=against,
        sealed_comment=sealing.seal(cipher, why, sealing.WHY) if why else None,
        **kept,
        **who,
    )
    _record(score, session, "score.add", actor)
    _publish(session, actor)
    return score


@transaction.atomic
def remove_score(score: Score, *, actor: Actor) -> None:
    """Take back a score; whoever may manage the project takes back those of others, too."""
    session, _ = sealing.hold_session(score.session)
    allowed = permissions_in_project(actor, session.project)
    if not is_own(score, actor) and Permission.MANAGE_PROJECT not in allowed:
        raise ConflictError("Only who gave a score takes it back.")
    if not session.project.scores.filter(pk=score.pk).exists():
        raise ConflictError("This score was removed in the meantime.")
    _record(score, session, "score.remove", actor)
    score.delete()
    _publish(session, actor)


def _publish(session: Session, actor: Actor) -> None:
    """Let lists find the session by its scores: by name, and where that is a word, by value."""
    rows = session.project.scores.filter(session=session)
    names = rows.values_list("name", "label", "truth").distinct()
    wanted = {value for row in names for value in _published(*row)}
    held = session.project.session_facets.filter(session_id=session.pk, facet=Facet.SCORE)
    before = set(held.values_list("value", flat=True))
    if wanted != before:
        change = {"values": sorted(wanted - before), "remove": sorted(before - wanted)}
        store.mark(session, Facet.SCORE, **change, actor=actor)


def _published(name: str, label: str | None, truth: bool | None) -> set[str]:
    word = label if truth is None else "yes" if truth else "no"
    return {name} if word is None else {name, f"{name}={word}"}


def _read_value(value: Value) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"truth": value}
    if isinstance(value, str):
        return {"label": read_label(value, path="value")}
    if not isinstance(value, int | float):
        raise InvalidError("value must be a number, true or false, or a label.", "value")
    # Neither holds for what is no number at all (NaN).
    if not abs(value) <= LARGEST:
        raise InvalidError(f"A number is finite, and at most {LARGEST:.0e}.", "value")
    return {"number": float(value)}


def _read_source(source: str, actor: Actor) -> str:
    if not source:
        return ScoreSource.HUMAN if actor.kind == "user" else ScoreSource.CODE
    if source not in ScoreSource.values:
        raise InvalidError(f"source must be one of {', '.join(ScoreSource.values)}.", "source")
    return source


def _record(score: Score, session: Session, act: str, actor: Actor) -> None:
    audit.record(
        actor,
        act,
        organization_id=session.project.organization_id,
        project_id=session.project_id,
        objects=[str(session.pk), f"score:{score.pk}"],
        detail={
            "name": score.name,
            "value": score.value,
            "source": score.source,
            "event": score.event_id.hex if score.event_id else None,
        },
    )
