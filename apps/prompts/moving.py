"""Every change to labels: moving them, asking where two people must agree, going back.

A label that is protected moves in two acts of two people. What is asked is checked both times,
because other labels may have moved in between.
"""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone

from apps.audit.actors import Actor
from apps.core.errors import ConflictError, InvalidError
from apps.prompts import queries, telling
from apps.prompts.checks import clean_words
from apps.prompts.models import (
    LONGEST_WHY,
    LabelMove,
    LabelRequest,
    Prompt,
    PromptInclude,
    PromptLabel,
    RequestState,
)
from apps.prompts.names import clean_label
from apps.prompts.resolving import DEEPEST, Moved, resolve_version
from apps.prompts.services import hold_library, record
from apps.tenants.access import permissions_in_project
from apps.tenants.permissions import Permission

MOST_LABELS = 50
# Of the history, when looking for what a label stood at before.
LOOKED_BACK = 500
# Versions that include a prompt by label and are asked whether they stand a move.
MOST_ASKED = 200
ONLY_PEOPLE = "A key cannot agree to a move of a protected label; a person must."
NOT_ALONE = "You asked for this move yourself. Somebody else must agree to it."
SAY_WHY = "Say why: a protected label is moved back by you alone."


@transaction.atomic
def move_label(
    prompt: Prompt, *, label: str, number: int | None, actor: Actor, why: str = ""
) -> LabelMove | LabelRequest | None:
    """Move a label to a version, or take it away (None); ask for it where it is protected.

    Returns what was done: the move, the request that now waits, or None where the label stands
    there already.
    """
    hold_library(prompt.project)
    label, why = clean_label(label), clean_words(why, "why", LONGEST_WHY)
    current = _number_of(prompt, label)
    if current == number:
        return None
    check_move(prompt, label, number)
    if is_protected(prompt, label):
        return _ask(prompt, label, (current, number), why, actor)
    return _move(prompt, LabelMove(label=label, to_number=number, why=why), actor)


@transaction.atomic
def roll_back(
    prompt: Prompt, *, label: str, actor: Actor, why: str = "", is_emergency: bool = False
) -> LabelMove | LabelRequest:
    """Move a label to the version that it stood at before.

    Of a protected label that is asked for, too; in an emergency one person who may move
    protected labels does it alone, if the project allows that, and says why.
    """
    hold_library(prompt.project)
    label, why = clean_label(label), clean_words(why, "why", LONGEST_WHY)
    current, number = _number_of(prompt, label), previous_number(prompt, label)
    if number is None or number == current:
        raise ConflictError(f"There is no version that {label} stood at before.")
    check_move(prompt, label, number)
    move = LabelMove(label=label, to_number=number, why=why, is_rollback=True)
    if not is_protected(prompt, label):
        return _move(prompt, move, actor)
    if not is_emergency:
        return _ask(prompt, label, (current, number), why, actor, is_rollback=True)
    _check_emergency(prompt, why, actor)
    move.is_emergency = True
    return _move(prompt, move, actor)


@transaction.atomic
def approve_request(request: LabelRequest, *, actor: Actor, why: str = "") -> LabelMove:
    """Agree to a move that somebody else asked for, and make it."""
    hold_library(request.project)
    request = _open_request(request)
    prompt = _prompt_of(request)
    _check_second_person(request, actor)
    if _number_of(prompt, request.label) != request.from_number:
        message = f"{request.label} was moved after this was asked. Refuse it, and ask again."
        raise ConflictError(message)
    check_move(prompt, request.label, request.to_number)
    _decide(request, RequestState.APPROVED, why, actor)
    move = LabelMove(
        label=request.label,
        to_number=request.to_number,
        why=request.why,
        is_rollback=request.is_rollback,
        moved_by=request.asked_label,
        approved_by=actor.label,
    )
    return _move(prompt, move, actor)


@transaction.atomic
def refuse_request(request: LabelRequest, *, actor: Actor, why: str = "") -> LabelRequest:
    """Refuse a move that waits; who asked for it withdraws it."""
    hold_library(request.project)
    request = _open_request(request)
    is_own = request.asked_by == holder_name(actor)
    if not is_own:
        _check_may_move(request.project, actor)
    state = RequestState.WITHDRAWN if is_own else RequestState.REFUSED
    return _decide(request, state, why, actor)


def check_move(prompt: Prompt, label: str, number: int | None) -> None:
    """Raise an error where a move would leave a prompt with includes that cannot be put in."""
    moved = Moved(prompt.name, label, number)
    if number is not None:
        version = prompt.versions.filter(number=number).first()
        if version is None:
            raise InvalidError(f"{prompt.name} has no version {number}.", "version")
        version.prompt = prompt
        resolve_version(version, moved=moved)
    for include in _dependants(prompt, label):
        user = include.prompt
        user.project = prompt.project
        version = user.versions.get(number=include.number)
        version.prompt = user
        resolve_version(version, moved=moved)


def previous_number(prompt: Prompt, label: str) -> int | None:
    """Return which version a label stood at before the one that it stands at now.

    Going back twice goes two versions back: what was gone back from does not count.
    """
    rows = list(prompt.moves.filter(label=label).order_by("-pk")[:LOOKED_BACK])
    stood: list[int | None] = [rows[-1].from_number] if rows else []
    for move in reversed(rows):
        if move.is_rollback and move.to_number in stood:
            while stood[-1] != move.to_number:
                stood.pop()
        else:
            stood.append(move.to_number)
    return stood[-2] if len(stood) > 1 else None


def is_protected(prompt: Prompt, label: str) -> bool:
    return label in queries.settings_of(prompt.project).protected_labels


def holder_name(actor: Actor) -> str:
    """Return under which name requests are kept."""
    return f"{actor.kind}:{actor.id}"


def _dependants(prompt: Prompt, label: str) -> list[PromptInclude]:
    """Return the live versions that include a prompt by this label, directly or through others."""
    found: dict[int, PromptInclude] = {}
    level = [one for one in queries.live_users_of(prompt) if one.target_label == label]
    for _ in range(DEEPEST):
        fresh = [one for one in level if one.pk not in found]
        found |= {one.pk: one for one in fresh}
        if not fresh or len(found) > MOST_ASKED:
            break
        level = []
        for one in fresh:
            one.prompt.project = prompt.project
            level += queries.live_users_of(one.prompt)
    return list(found.values())[:MOST_ASKED]


def _number_of(prompt: Prompt, label: str) -> int | None:
    return prompt.labels.filter(name=label).values_list("number", flat=True).first()


def _move(prompt: Prompt, move: LabelMove, actor: Actor) -> LabelMove:
    by, now = move.moved_by or actor.label or actor.kind, timezone.now()
    held = prompt.labels.filter(name=move.label).first()
    if held is None and prompt.labels.count() >= MOST_LABELS:
        raise ConflictError(f"A prompt has at most {MOST_LABELS} labels.")
    move.from_number = held.number if held else None
    if held is not None and move.to_number is None:
        held.delete()
    elif move.to_number is not None:
        row = held or PromptLabel(project=prompt.project, prompt=prompt, name=move.label)
        row.number, row.moved_by, row.moved_at = move.to_number, by, now
        row.save()
    move.project, move.prompt, move.moved_by, move.moved_at = prompt.project, prompt, by, now
    move.save()
    record(actor, "prompt.label.move", prompt, _told(move))
    return move


def _told(move: LabelMove) -> dict[str, Any]:
    return {
        "label": move.label,
        "from": move.from_number,
        "to": move.to_number,
        "rollback": move.is_rollback,
        "emergency": move.is_emergency,
        "asked_by": move.moved_by if move.approved_by else "",
    }


def _ask(
    prompt: Prompt,
    label: str,
    numbers: tuple[int | None, int | None],
    why: str,
    actor: Actor,
    *,
    is_rollback: bool = False,
) -> LabelRequest:
    waiting = prompt.requests.filter(label=label, state=RequestState.OPEN).first()
    if waiting is not None:
        if waiting.to_number == numbers[1] and waiting.asked_by == holder_name(actor):
            return waiting
        message = f"A move of {label} waits already; it must be decided or withdrawn first."
        raise ConflictError(message)
    request = prompt.project.label_requests.create(
        prompt=prompt,
        label=label,
        from_number=numbers[0],
        to_number=numbers[1],
        why=why,
        is_rollback=is_rollback,
        asked_by=holder_name(actor),
        asked_label=actor.label or actor.kind,
    )
    told = {"label": label, "from": numbers[0], "to": numbers[1], "request": request.pk}
    record(actor, "prompt.label.ask", prompt, told)
    telling.tell_approvers(prompt, request, actor=actor)
    return request


def _open_request(request: LabelRequest) -> LabelRequest:
    found = request.locked()
    if found.state != RequestState.OPEN:
        raise ConflictError(f"This was decided already: {found.get_state_display().lower()}.")
    return found


def _prompt_of(request: LabelRequest) -> Prompt:
    prompt = request.project.prompts.get(pk=request.prompt_id)
    prompt.project = request.project
    return prompt


def _decide(request: LabelRequest, state: RequestState, why: str, actor: Actor) -> LabelRequest:
    request.state, request.decided_by = state, actor.label or actor.kind
    request.decided_why = clean_words(why, "why", LONGEST_WHY)
    request.decided_at = timezone.now()
    request.save()
    told = {"label": request.label, "to": request.to_number, "request": request.pk}
    prompt = _prompt_of(request)
    record(actor, f"prompt.label.{state.value}", prompt, told)
    telling.tell_decision(prompt, request, actor=actor)
    return request


def _check_may_move(project: Any, actor: Actor) -> None:
    if actor.kind == "key":
        raise PermissionDenied(ONLY_PEOPLE)
    if Permission.MOVE_PROTECTED_LABELS not in permissions_in_project(actor, project):
        raise PermissionDenied(f"You may not {Permission.MOVE_PROTECTED_LABELS.label}.")


def _check_second_person(request: LabelRequest, actor: Actor) -> None:
    """Refuse keys, those without the right, and who asked: in person or with a key of theirs."""
    _check_may_move(request.project, actor)
    if holder_name(actor) in telling.names_of_asker(request.project, request):
        raise PermissionDenied(NOT_ALONE)


def _check_emergency(prompt: Prompt, why: str, actor: Actor) -> None:
    _check_may_move(prompt.project, actor)
    if not queries.settings_of(prompt.project).allows_emergency:
        raise PermissionDenied("This project lets nobody move a protected label back alone.")
    if not why:
        raise InvalidError(SAY_WHY, "why")
