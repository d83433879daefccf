"""Which sessions are compared: found by id, by the short word for it, by address or by name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from uuid import UUID

from django.db.models import CharField
from django.db.models.functions import Cast
from django.http import Http404

from apps.core.errors import DomainError, InvalidError
from apps.sessions.layout_cache import layout_of
from apps.sessions.models import Session
from apps.tenants.models import Project

LETTERS = "abcd"
ADDRESS = re.compile(r"/sessions/([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})(?:[/?#]|$)")
SHORT = re.compile(r"S-([0-9A-F]{6})", re.IGNORECASE)
# A session with the step to begin at; names may hold the sign, too.
AT_STEP = re.compile(r"(.+)@([0-9a-fA-F]{32}|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})")
# Letters of the sessions that may begin at a step.
BEGINS = "ab"
# A short word is looked for among so many of the newest sessions.
NEWEST = 20_000


class ErasedSideError(DomainError):
    """A session that was erased has nothing left to compare."""

    status = 410
    title = "This session was erased"


def split_steps(named: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Return who is named by letter, and the ids of the steps that were named with them."""
    words, steps = dict(named), {}
    for letter, text in named.items():
        if found := AT_STEP.fullmatch(text.strip()):
            if letter not in BEGINS:
                raise InvalidError(f"Only a and b may name a step, {letter} may not.", letter)
            words[letter], steps[letter] = found[1], found[2].replace("-", "").lower()
    return words, steps


def places_of(sides: Mapping[str, Session], steps: Mapping[str, str]) -> dict[str, int]:
    """Return where the named steps stand, from 0; 404 where a session has no such step."""
    places = {}
    for letter, step in steps.items():
        at = layout_of(sides[letter]).find(step)
        if at is None:
            raise Http404(f"Session {letter.upper()} has no step {step}.")
        places[letter] = at
    return places


def begins_of(places: Mapping[str, int]) -> tuple[int, int]:
    """Return from which steps two sessions are compared: both name one, or none is left out."""
    is_both = len(places) == len(BEGINS)
    return (places["a"], places["b"]) if is_both else (0, 0)


def read_ids(named: Mapping[str, str]) -> dict[str, UUID]:
    """Return the ids given as ``a`` and ``b``, which must be two."""
    for letter in "ab":
        if not named.get(letter):
            raise InvalidError(f"Name two sessions: {letter} is missing.", letter)
    ids = {letter: _read_id(letter, text) for letter, text in named.items() if text}
    refuse_equal(ids)
    return ids


def _read_id(letter: str, text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise InvalidError(f"{letter} must be the id of a session.", letter) from None


def refuse_equal(ids: Mapping[str, UUID]) -> None:
    seen: dict[UUID, str] = {}
    for letter, session_id in ids.items():
        if session_id in seen:
            message = f"{letter} names the same session as {seen[session_id]}."
            raise InvalidError(message, letter)
        seen[session_id] = letter


def find_sides(project: Project, ids: Mapping[str, UUID]) -> dict[str, Session]:
    """Return the sessions of the project by letter; 404 where one is not there."""
    found = project.sessions.in_bulk(list(ids.values()))
    for letter, session_id in ids.items():
        if session_id not in found:
            raise Http404(f"This project has no session {letter}.")
        if found[session_id].erased_at is not None:
            raise ErasedSideError(f"Session {letter} was erased; nothing of it can be compared.")
    return {letter: found[session_id] for letter, session_id in ids.items()}


def moved_ids(sides: Mapping[str, Session]) -> dict[str, UUID]:
    """Return where the sessions are now that became part of another."""
    return {
        letter: session.merged_into_id
        for letter, session in sides.items()
        if session.merged_into_id is not None
    }


def find_by_word(project: Project, letter: str, word: str) -> UUID:
    """Return the id of the session that a person names, in whichever way."""
    word = word.strip()
    if address := ADDRESS.search(word):
        word = address[1]
    try:
        return UUID(word)
    except ValueError:
        pass
    found = _find_short(project, letter, word) or _find_external(project, word)
    if found is None:
        raise Http404(f"This project has no session “{word[:80]}”.")
    return found


def _find_external(project: Project, word: str) -> UUID | None:
    if "\x00" in word:
        return None
    return project.sessions.filter(external_id=word).values_list("pk", flat=True).first()


def _find_short(project: Project, letter: str, word: str) -> UUID | None:
    short = SHORT.fullmatch(word)
    if short is None:
        return None
    shown = project.sessions.filter(is_listed=True, is_trial=False)
    newest = shown.order_by("-sort_started", "-id")[:NEWEST]
    texts = newest.annotate(text=Cast("id", CharField())).values_list("pk", "text")
    found = [pk for pk, text in texts if text.endswith(short[1].lower())]
    if len(found) > 1:
        message = f"{letter}: several sessions are called {word}; paste the address of one."
        raise InvalidError(message, letter)
    return found[0] if found else None
