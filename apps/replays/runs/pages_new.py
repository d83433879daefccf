"""Starting a run: say what, look at the plan, start it. Works without scripts.

Every button sends the whole form, so that nothing that was typed is lost; the plan's hash goes
with it, and another plan than the one that was shown is not started.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import yaml
from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_http_methods

from apps.core.errors import ConflictError, DomainError, InvalidError
from apps.prompts.queries import read_number
from apps.providers.queries import credentials_of
from apps.replays.runs import planning, queries, starting
from apps.replays.runs.models import RegressionRun
from apps.replays.runs.pages_form import Offers, RunForm
from apps.replays.runs.pages_list import suites_of
from apps.replays.runs.pages_plan import shown_plan
from apps.replays.runs.pages_settings import fits, initial_of, settings_json, usual_gates
from apps.replays.runs.settings import RunSettings, read_gate_text, read_run_settings
from apps.replays.runs.sides import kept_of
from apps.sessions.filters import refuse_unknown
from apps.tenants.doors import SignedInRequest, project_view
from apps.tenants.models import Project
from apps.tenants.permissions import Permission

Json = Any

ASKED = frozenset({"suite", "version", "prompt", "against", "way", "again"})
BAD = 422
GATE = "gate"
# Prompts that the form offers while one types.
MOST_PROMPTS = 200


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@gzip_page
@project_view(Permission.RUN_REPLAYS)
def new_run(request: SignedInRequest, project: Project) -> HttpResponse:
    """Show the form, the plan of what was typed, or start it."""
    query = {name: value for name, value in request.GET.dict().items() if value}
    refuse_unknown(query, ASKED)
    page = NewRun(request, project, query)
    if request.method != "POST":
        return page.shown()
    try:
        settings = page.read()
        return page.planned(settings) if settings is not None else page.shown(BAD)
    except DomainError as error:
        page.refuse(error)
        return page.shown(BAD)


class NewRun:
    """One request for the page: what was typed or is filled in, and what became of it."""

    def __init__(
        self, request: SignedInRequest, project: Project, query: Mapping[str, str]
    ) -> None:
        self.request, self.project = request, project
        self.sent = request.POST if request.method == "POST" else None
        way = query.get("way", "")
        if way not in ("", "form", GATE):
            raise InvalidError("way must be form or gate.", "way")
        self.filled = _filled(project, query)
        self.is_gate = way == GATE or (not way and not fits(self.filled))
        self.gate = _yaml(self.filled) if self.is_gate and self.filled else ""
        self.refused: list[dict[str, str]] = []
        suites, credentials = suites_of(project), list(credentials_of(project))
        self.offers = Offers(suites, credentials)
        first = credentials[0].name if credentials else "recorded"
        usual = {"provider": first, "repeats": 1, "baseline": "again", "mode": "teacher_forced"}
        initial = initial_of({"gates": [], **self.filled})
        initial["main"] = usual | {
            name: value for name, value in initial["main"].items() if value is not None
        }
        if not initial["gates"]:
            initial["gates"] = usual_gates()
        self.form = RunForm(self.offers, None if self.is_gate else self.sent, initial)

    def read(self) -> RunSettings | None:
        """Return what was sent; None where the form says what is wrong."""
        assert self.sent is not None  # noqa: S101
        if self.is_gate:
            self.gate = self.sent.get("gate", "").replace("\x00", "")
            return read_gate_text(self.gate)
        return read_run_settings(self.form.told()) if self.form.is_valid() else None

    def refuse(self, error: DomainError) -> None:
        if not self.is_gate:
            self.form.tell(error)
        elif isinstance(error, InvalidError):
            self.refused = error.errors
        else:
            self.refused = [{"path": "", "message": str(error)}]

    def planned(self, settings: RunSettings) -> HttpResponse:
        """Show the plan, or start what the plan that was shown says."""
        assert self.sent is not None  # noqa: S101
        wanted = self.sent.get("plan_hash", "") if self.sent.get("do") == "start" else ""
        if not wanted:
            return self.plan_shown(settings)
        try:
            run = starting.start_run(
                self.project,
                settings,
                actor=self.request.actor,
                owner=self.request.user,
                plan_hash=wanted,
            )
        except ConflictError as error:
            return self.plan_shown(settings, error.status, str(error))
        messages.success(self.request, "The run was started.")
        # A browser would carry the place on this page over to that one.
        return HttpResponseRedirect(f"{address_of(run)}#main")

    def plan_shown(
        self, settings: RunSettings, status: int = 200, changed: str = ""
    ) -> HttpResponse:
        told = planning.plan_json(planning.plan_run(self.project, settings))
        as_file = _yaml(settings_json(settings) | _suite_of(told))
        return self.shown(status, plan=shown_plan(told), changed=changed, as_file=as_file)

    def shown(self, status: int = 200, **more: Any) -> HttpResponse:
        context = {
            "project": self.project,
            "organization": self.project.organization,
            "form": self.form,
            "is_gate": self.is_gate,
            "gate": self.gate,
            "refused": self.refused,
            "offers": self.offers,
            "has_suites": len(self.offers.suites) > 1,
            "prompts": prompts_of(self.project),
            "may_manage": Permission.MANAGE_PROVIDERS in self.request.permissions,
        }
        return render(self.request, "replays/runs/new.html", context | more, status=status)


def _filled(project: Project, query: Mapping[str, str]) -> dict[str, Json]:
    """Return the settings that the address fills in: of a run again, or of what it names."""
    if again := query.get("again"):
        run = queries.find_run(project, _read_id(again, "again"))
        settings = kept_of(run).settings
        # The form chooses suites by their ids; the run may have named it.
        version = f"@{settings.suite_version}" if settings.suite_version else ""
        return settings_json(settings) | {"suite": f"{run.suite_id}{version}"}
    filled: dict[str, Json] = {}
    if suite := query.get("suite"):
        filled["suite"] = str(_read_id(suite, "suite"))
    if prompt := query.get("prompt"):
        filled["candidates"] = [{"prompt": _versioned(prompt, query.get("version"), "version")}]
        if query.get("against"):
            filled["baseline"] = {"prompt": _versioned(prompt, query.get("against"), "against")}
    return filled


def _versioned(prompt: str, number: str | None, name: str) -> str:
    return f"{prompt}@{read_number(number, name)}" if number else prompt


def _read_id(text: str, name: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise InvalidError(f"{name} must be an id.", name) from None


def _suite_of(told: Mapping[str, Json]) -> dict[str, str]:
    """Name the suite of a gate file as people do, where its name can be read back."""
    suite = told["suite"]
    return {} if "@" in suite["name"] else {"suite": f"{suite['name']}@{suite['version']}"}


def _yaml(settings: Mapping[str, Json]) -> str:
    """Return settings as a gate file, in the order in which people read them."""
    kept = {name: value for name, value in settings.items() if value not in (None, {}, [], "")}
    return yaml.safe_dump(kept, sort_keys=False, allow_unicode=True, width=100)


def prompts_of(project: Project) -> list[str]:
    """Return what one may name: each prompt's newest version, and those with labels."""
    rows = project.prompts.filter(archived_at=None).order_by("name").prefetch_related("labels")
    named: list[str] = []
    for prompt in rows[:MOST_PROMPTS]:
        named.append(f"{prompt.name}@{prompt.last_number}")
        named += [f"{prompt.name}:{label.name}" for label in prompt.labels.all()]
    return named


def address_of(run: RegressionRun) -> str:
    place = (run.project.organization.slug, run.project.slug, run.pk)
    return reverse("replays:run", args=place)
