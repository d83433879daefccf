"""The page of the playground. It works without scripts: every button sends the whole form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.contrib import messages as notices
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from apps.audit.services import record_reading
from apps.core.errors import DomainError, InvalidError
from apps.providers.models import Credential
from apps.providers.protocol import UnsupportedError
from apps.providers.queries import credentials_of
from apps.replays import playground
from apps.replays.playground import Draft, Line, Target
from apps.sessions import reader
from apps.sessions.filters import refuse_unknown
from apps.sessions.messages import read_messages
from apps.sessions.views import find_session
from apps.tenants.doors import SignedInRequest, project_view
from apps.tenants.models import Project
from apps.tenants.permissions import Permission

Json = Any

ASKED = frozenset({"session", "event"})
ROLES = [("system", "System"), ("user", "User"), ("assistant", "Assistant"), ("json", "As JSON")]
NEW = Draft((Line("system", ""), Line("user", "")))


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@project_view(Permission.RUN_REPLAYS)
def page(request: SignedInRequest, project: Project) -> HttpResponse:
    """Open a recorded call, or an empty one; ask, add a message, or save a version."""
    refuse_unknown(request.GET.dict(), ASKED)
    event = _recorded(request, project)
    if request.method != "POST":
        return _opened(request, project, event)
    draft = read_draft(request.POST)
    try:
        return _acted(request, project, event, draft)
    except InvalidError as error:
        refused = error.errors[0]
        return _shown(request, project, event, draft, refused=refused, status=422)
    except DomainError as error:
        refused = {"path": "", "message": str(error)}
        return _shown(request, project, event, draft, refused=refused, status=error.status)


def _acted(
    request: SignedInRequest, project: Project, event: Mapping[str, Json] | None, draft: Draft
) -> HttpResponse:
    wanted = request.POST.get("do", "ask")
    if wanted == "add":
        more = Draft((*draft.lines, Line("user", "")), draft.model, draft.params, draft.tools)
        return _shown(request, project, event, more)
    if wanted == "save":
        return _saved(request, project, draft)
    targets = _targets(request.POST, credentials_of(project))
    answers = playground.ask_all(project, draft, targets, recorded=event, actor=request.actor)
    return _shown(request, project, event, draft, answers=answers)


def _saved(request: SignedInRequest, project: Project, draft: Draft) -> HttpResponse:
    if Permission.WRITE_PROMPTS not in request.permissions:
        raise PermissionDenied("Your role may not write prompts.")
    name = request.POST.get("prompt", "").replace("\0", "")
    saved = playground.save_version(
        project,
        draft,
        name=name,
        note=request.POST.get("note", ""),
        is_whole=request.POST.get("what") == "all",
        actor=request.actor,
    )
    notices.success(request, f"Saved as version {saved.number} of {saved.prompt.name}.")
    slugs = (project.organization.slug, project.slug)
    return redirect("prompts:version", *slugs, saved.prompt.name, saved.number)


def _recorded(request: SignedInRequest, project: Project) -> Mapping[str, Json] | None:
    """Return the recorded call that the address names, and write down that it was read."""
    named = request.GET.get("session")
    if not named:
        return None
    try:
        session = find_session(project, UUID(named))
    except ValueError:
        raise InvalidError("session is the id of a session.", "session") from None
    if Permission.READ_CONTENT not in request.permissions:
        raise PermissionDenied("Your role may not read content.")
    event = reader.read_step(session, request.GET.get("event", ""))
    if event is None:
        raise InvalidError("The session has no such step.", "event")
    record_reading(
        request.actor,
        organization_id=project.organization_id,
        project_id=project.pk,
        session_ids=[str(session.pk)],
    )
    return event


def _opened(
    request: SignedInRequest, project: Project, event: Mapping[str, Json] | None
) -> HttpResponse:
    if event is None:
        return _shown(request, project, None, NEW)
    try:
        draft = playground.draft_of(event)
    except UnsupportedError as error:
        refused = {"path": "", "message": f"This step cannot be asked again: {error}"}
        return _shown(request, project, event, NEW, refused=refused)
    return _shown(request, project, event, draft)


def read_draft(sent: QueryDict) -> Draft:
    """Return what was typed; messages without words are left out."""
    roles, texts = sent.getlist("role"), sent.getlist("text")
    if len(texts) > playground.MOST_MESSAGES or sum(map(len, texts)) > playground.LONGEST:
        raise InvalidError(
            f"At most {playground.MOST_MESSAGES} messages, together "
            f"{playground.LONGEST:,} characters.",
            "messages",
        )
    known = [value for value, _ in ROLES]
    lines = tuple(
        Line(role if role in known else "user", text.replace("\r\n", "\n").replace("\0", ""))
        for role, text in zip(roles, texts, strict=False)
        if text.strip()
    )
    return Draft(
        lines, sent.get("model", "")[:200], sent.get("params", "{}"), sent.get("tools", "[]")
    )


def _targets(sent: QueryDict, credentials: Sequence[Credential] | Any) -> list[Target]:
    known = {str(credential.pk): credential for credential in credentials}
    chosen = zip(sent.getlist("provider"), sent.getlist("target"), strict=False)
    targets = []
    for provider, model in chosen:
        if not provider:
            continue
        if provider not in known:
            raise InvalidError("This provider was removed in the meantime.", "targets")
        if not model.strip() or len(model) > 200 or not model.isprintable():
            raise InvalidError("Name the model that is to be asked.", "targets")
        targets.append(Target(known[provider], model.strip()))
    return targets


def _shown(
    request: SignedInRequest,
    project: Project,
    event: Mapping[str, Json] | None,
    draft: Draft,
    *,
    status: int = 200,
    **more: Any,
) -> HttpResponse:
    credentials = list(credentials_of(project))
    context = {
        "project": project,
        "event": event,
        "session_id": request.GET.get("session", ""),
        "recorded": None if event is None else read_messages(event.get("output"), "assistant"),
        "draft": draft,
        "roles": ROLES,
        "credentials": credentials,
        "models": sorted({name for row in credentials for name in row.models_found})[:500],
        "targets": _rows(request.POST, credentials, draft),
        "may_manage": Permission.MANAGE_PROVIDERS in request.permissions,
        "may_save": Permission.WRITE_PROMPTS in request.permissions,
        "saving": {name: request.POST.get(name, "") for name in ("prompt", "note", "what")},
    }
    return render(request, "replays/playground.html", context | more, status=status)


def _rows(
    sent: QueryDict, credentials: Sequence[Credential], draft: Draft
) -> list[tuple[str, str]]:
    """Return provider and model of each row of the form, as many as can be asked."""
    chosen = list(zip(sent.getlist("provider"), sent.getlist("target"), strict=False))
    if not chosen and credentials:
        chosen = [(str(credentials[0].pk), draft.model)]
    empty = [("", "")] * playground.MOST_TARGETS
    return [*chosen, *empty][: playground.MOST_TARGETS]
