"""Starting a replay on the server from a session: say what, look at the plan, start it.

Works without scripts. Every button sends the whole form, so nothing that was typed is lost; the
hash of the plan goes with it, and another plan than the one that was shown is not started.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from apps.core.errors import ConflictError, DomainError, InvalidError
from apps.providers.queries import credentials_of
from apps.replays.pages import session_context, write_down
from apps.replays.runs.pages_new import prompts_of
from apps.replays.server.models import Mode
from apps.replays.server.plans import plan_replay
from apps.replays.server.plans_output import plan_json
from apps.replays.server.settings import RECORDED, Settings
from apps.replays.server.start_form import StartForm
from apps.replays.server.starting import start_replays
from apps.sessions.filters import refuse_unknown
from apps.sessions.layout_cache import layout_of
from apps.sessions.models import Session
from apps.sessions.views import find_session, moved
from apps.tenants.doors import SignedInRequest, project_view
from apps.tenants.models import Project
from apps.tenants.permissions import Permission

Json = Any

ASKED = frozenset({"only", "at", "model", "prompt"})
BAD = 422
# Names that the form offers while one types.
MOST_OFFERED = 200
MOST_STEPS_SHOWN = 200


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@project_view(Permission.RUN_REPLAYS)
def start(request: SignedInRequest, project: Project, session_id: UUID) -> HttpResponse:
    """Show the form, the plan of what was typed, or start it."""
    refuse_unknown(request.GET.dict(), ASKED)
    session = find_session(project, session_id)
    if session.merged_into_id:
        return moved(project, session.merged_into_id)
    page = StartPage(request, project, session)
    if request.method != "POST":
        return page.shown()
    try:
        return page.acted() if page.form.is_valid() else page.shown(BAD)
    except DomainError as error:
        page.form.tell(error)
        return page.shown(BAD)


class StartPage:
    """One request for the page: what was typed or is filled in, and what became of it."""

    def __init__(self, request: SignedInRequest, project: Project, session: Session) -> None:
        self.request, self.project, self.session = request, project, session
        self.credentials = list(credentials_of(project))
        names = [row.name for row in self.credentials]
        sent = request.POST if request.method == "POST" else None
        self.form = StartForm(names, sent, _filled(request.GET.dict(), session, names))

    def acted(self) -> HttpResponse:
        wanted = self.request.POST.get("plan_hash", "")[:64]
        is_start = self.request.POST.get("do") == "start" and wanted != ""
        settings = self.form.settings(str(self.session.pk), wanted if is_start else None)
        if not is_start:
            return self.planned(settings)
        try:
            return self.started(settings)
        except ConflictError as error:
            return self.planned(settings, error.status, str(error))

    def started(self, settings: Settings) -> HttpResponse:
        made = start_replays(self.project, self.session, settings, actor=self.request.actor)
        place = self.project.organization.slug, self.project.slug
        if len(made.runs) == 1:
            return redirect("replays:detail", *place, made.runs[0].replay_id)
        messages.success(self.request, f"{len(made.runs)} replays were started, one a sample.")
        return redirect("replays:session", *place, self.session.pk)

    def planned(self, settings: Settings, status: int = 200, changed: str = "") -> HttpResponse:
        plan = plan_json(plan_replay(self.project, self.session, settings))
        return self.shown(status, plan=plan, told=in_words(plan, settings), changed=changed)

    def shown(self, status: int = 200, **more: Any) -> HttpResponse:
        write_down(self.request, self.project, [self.session.pk])
        models = {name for row in self.credentials for name in row.models_found}
        context = session_context(self.request, self.session) | {
            "form": self.form,
            "only": _only_step(self.session, self.form["only"].value() or ""),
            "models": sorted(models)[:MOST_OFFERED],
            "prompts": prompts_of(self.project),
            "has_provider": bool(self.credentials),
            "may_manage": Permission.MANAGE_PROVIDERS in self.request.permissions,
        }
        return render(self.request, "replays/server_start.html", context | more, status=status)


def in_words(plan: Json, settings: Settings) -> dict[str, Json]:
    """Return what a page says of a plan besides its numbers."""
    expected, steps = plan["expected"], plan["steps"]
    reasons = Counter(one["reason"] for one in plan["skipped"])
    calls = expected["calls"]
    return {
        "can_start": bool(steps["asked"]) and not plan["cannot"],
        "cost": None if expected["cost"] is None else Decimal(expected["cost"]),
        "budget": settings.most,
        "is_over": _is_over(expected["cost"], settings),
        "reasons": reasons.most_common(),
        "changes": [one for one in plan["changes"] if one["recorded"] != [one["now"]]],
        "each": plan["each"][:MOST_STEPS_SHOWN],
        "more": max(len(plan["each"]) - MOST_STEPS_SHOWN, 0),
        "tokens": _sum(expected["input_tokens"], expected["output_tokens"]),
        "each_ms": expected["recorded_ms"] / calls if expected["recorded_ms"] and calls else None,
    }


def _is_over(cost: str | None, settings: Settings) -> bool:
    return cost is not None and settings.most is not None and Decimal(cost) > settings.most


def _sum(one: int | None, other: int | None) -> int | None:
    return None if one is None and other is None else (one or 0) + (other or 0)


def _filled(query: Mapping[str, str], session: Session, names: list[str]) -> dict[str, Any]:
    """Return what the form starts with: what the address says, and the first provider."""
    filled: dict[str, Any] = {"provider": names[0] if names else RECORDED}
    filled |= {name: query[name] for name in ("model", "prompt") if query.get(name)}
    if at := query.get("at"):
        if not at.isdecimal() or len(at) > 9 or int(at) < 1:
            raise InvalidError("at is the number of a step.", "at")
        filled |= {"mode": Mode.PREFIX_THEN_FREE.value, "from_step": int(at)}
    if only := query.get("only"):
        if layout_of(session).find(only) is None:
            raise InvalidError("The session has no such step.", "only")
        filled["only"] = only
    return filled


def _only_step(session: Session, only: str) -> dict[str, Any] | None:
    """Return the one step that is to be asked, where it is one."""
    if not only or "," in only:
        return None
    layout = layout_of(session)
    at = layout.find(only)
    return None if at is None else {"number": at + 1, "id": only, "name": layout.place(at).name}
