"""Telling people of moves that wait for two of them: who may agree, and whoever asked."""

from __future__ import annotations

from collections.abc import Collection

from apps.accounts.models import User
from apps.audit.actors import Actor
from apps.prompts.models import LabelRequest, Prompt, RequestState
from apps.tenants import inbox
from apps.tenants.access import people_who_may_see
from apps.tenants.inbox import Matter
from apps.tenants.inbox_models import InboxKind
from apps.tenants.models import Project
from apps.tenants.permissions import Permission

# Whom one request is told at most.
MOST_TOLD = 200


def tell_approvers(prompt: Prompt, request: LabelRequest, *, actor: Actor) -> None:
    """Tell everybody who can agree to a move that it waits; who asked for it cannot."""
    project = prompt.project
    people = people_who_may_see(project, needs=Permission.MOVE_PROTECTED_LABELS)
    askers = {int(name.partition(":")[2]) for name in names_of_asker(project, request)}
    matter = _matter(prompt, request)
    for person in people.exclude(pk__in=askers)[:MOST_TOLD]:
        inbox.tell_of(person, project, kind=InboxKind.APPROVAL, actor=actor, matter=matter)


def tell_decision(prompt: Prompt, request: LabelRequest, *, actor: Actor) -> None:
    """Tell whoever asked what became of it; nobody has anything left to agree to."""
    project = prompt.project
    inbox.settle(project, kind=InboxKind.APPROVAL, matter=_matter(prompt, request))
    if request.state == RequestState.WITHDRAWN:
        return
    askers = [int(name.partition(":")[2]) for name in names_of_asker(project, request)]
    matter = _matter(prompt, request, said=f" was {request.get_state_display().lower()}")
    for person in User.objects.filter(pk__in=askers):
        inbox.tell_of(person, project, kind=InboxKind.DECISION, actor=actor, matter=matter)


def names_of_asker(project: Project, request: LabelRequest) -> Collection[str]:
    """Return the person who asked ("user:7"), or whoever made the key that did."""
    kind, _, pk = request.asked_by.partition(":")
    if kind == "user":
        return {request.asked_by}
    if kind != "key":
        return set()
    makers = project.keys.filter(pk=pk, created_by__isnull=False)
    return {f"user:{maker}" for maker in makers.values_list("created_by_id", flat=True)}


def _matter(prompt: Prompt, request: LabelRequest, said: str = "") -> Matter:
    old, new = (
        f"v{number}" if number else "nowhere" for number in (request.from_number, request.to_number)
    )
    text = f"{request.label} of {prompt.name}, {old} \u2192 {new}{said}"
    return Matter(
        text, "prompts:history", (prompt.name,), Permission.READ_PROMPTS, _anchor(request)
    )


def _anchor(request: LabelRequest) -> str:
    return f"request-{request.pk}"
