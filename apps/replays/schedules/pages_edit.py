"""Making and changing a schedule. Works without scripts: a button shows its next times."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from apps.core.errors import DomainError, InvalidError
from apps.providers.queries import credentials_of
from apps.replays.runs import queries as runs
from apps.replays.runs.pages_form import Offers, RunForm
from apps.replays.runs.pages_list import suites_of
from apps.replays.runs.pages_new import prompts_of
from apps.replays.runs.pages_settings import fits, settings_json, usual_gates
from apps.replays.runs.pages_settings import initial_of as initial_run
from apps.replays.runs.sides import kept_of
from apps.replays.schedules import queries, services
from apps.replays.schedules.choice import searches
from apps.replays.schedules.models import Schedule
from apps.replays.schedules.output import address_of
from apps.replays.schedules.pages_form import (
    PREFIX,
    SESSIONS,
    ScheduleForm,
    initial_of,
    told_cron,
    told_start,
)
from apps.replays.schedules.pages_words import as_yaml, shown_times
from apps.replays.schedules.sealed import open_choice, open_settings
from apps.replays.schedules.settings import Draft, Known, draft_of, read_sent, read_start
from apps.replays.schedules.timing import Timing, read_timing
from apps.sessions.filters import refuse_unknown
from apps.tenants.access import people_who_may_see
from apps.tenants.doors import SignedInRequest, project_view
from apps.tenants.models import Project
from apps.tenants.permissions import Permission

Json = Any

BAD = 422
ASKED = frozenset({"suite", "run", "way"})
GATE = "gate"
MOST_PEOPLE = 500


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@project_view(Permission.RUN_REPLAYS)
def new_schedule(request: SignedInRequest, project: Project) -> HttpResponse:
    """Show the form, the next times of what was typed, or make the schedule."""
    query = {name: value for name, value in request.GET.dict().items() if value}
    refuse_unknown(query, ASKED)
    return answered(EditPage(request, project, None, _filled(request, project, query), query))


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@project_view(Permission.RUN_REPLAYS)
def change_schedule(request: SignedInRequest, project: Project, schedule_id: UUID) -> HttpResponse:
    """Show a schedule as a form, the next times of what was typed, or change it."""
    query = {name: value for name, value in request.GET.dict().items() if value}
    refuse_unknown(query, frozenset({"way"}))
    # What it runs is shown here.
    if Permission.READ_CONTENT not in request.permissions:
        raise PermissionDenied
    schedule = queries.find_schedule(project, schedule_id)
    return answered(EditPage(request, project, schedule, _known_settings(schedule), query))


def _known_settings(schedule: Schedule) -> dict[str, Json]:
    settings = open_settings(schedule)
    if schedule.chooses_sessions or schedule.suite is None:
        return settings
    version = f"@{schedule.suite_version}" if schedule.suite_version else ""
    return {**settings, "suite": f"{schedule.suite.pk}{version}"}


def _filled(
    request: SignedInRequest, project: Project, query: Mapping[str, str]
) -> dict[str, Json]:
    """Return the settings that the address fills in: those of a run, or a suite."""
    if run_id := query.get("run"):
        if Permission.READ_CONTENT not in request.permissions:
            raise PermissionDenied
        run = runs.find_run(project, _read_id(run_id, "run"))
        settings = settings_json(kept_of(run).settings)
        return {**settings, "suite": str(run.suite_id)}
    if suite := query.get("suite"):
        return {"suite": str(_read_id(suite, "suite"))}
    return {}


def _read_id(text: str, name: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise InvalidError(f"{name} must be an id.", name) from None


def _named(project: Project, filled: Mapping[str, Json]) -> Mapping[str, Json]:
    """Name the suite as people do in gate files, where its name can be read back."""
    key, mark, version = str(filled.get("suite", "")).partition("@")
    suite = project.suites.filter(pk=_read_id(key, "suite")).first() if key else None
    if suite is None or "@" in suite.name:
        return filled
    return {**filled, "suite": f"{suite.name}{mark}{version}"}


def answered(page: EditPage) -> HttpResponse:
    if page.sent is None:
        return page.shown()
    try:
        draft = page.read()
        if draft is None:
            return page.shown(BAD)
        return page.shown() if page.only_looks else page.kept(draft)
    except DomainError as error:
        page.refuse(error)
        return page.shown(BAD)


class EditPage:
    """One request for the form: what was typed or is filled in, and what became of it."""

    def __init__(
        self,
        request: SignedInRequest,
        project: Project,
        schedule: Schedule | None,
        filled: Mapping[str, Json],
        query: Mapping[str, str],
    ) -> None:
        self.request, self.project, self.schedule = request, project, schedule
        self.sent = request.POST if request.method == "POST" else None
        if query.get("way", "") not in ("", "form", GATE):
            raise InvalidError("way must be form or gate.", "way")
        way = query.get("way", "")
        self.is_gate = way == GATE or (not way and not fits(filled))
        self.gate = as_yaml(_named(project, filled)) if self.is_gate and filled else ""
        self.refused: list[dict[str, str]] = []
        credentials = list(credentials_of(project))
        self.offers = Offers(suites_of(project), credentials)
        self.form = self._run_form(filled, credentials[0].name if credentials else "recorded")
        self.when = self._when()
        if self.when.chooses_sessions:
            self.form.main.fields["suite"].required = False

    def _run_form(self, filled: Mapping[str, Json], provider: str) -> RunForm:
        initial = initial_run({"gates": [], **filled})
        usual = {"provider": provider, "repeats": 1, "baseline": "again", "mode": "teacher_forced"}
        initial["main"] = usual | {
            name: value for name, value in initial["main"].items() if value is not None
        }
        initial["gates"] = initial["gates"] or usual_gates()
        return RunForm(self.offers, None if self.is_gate else self.sent, initial)

    def _when(self) -> ScheduleForm:
        people = people_who_may_see(self.project, needs=Permission.RUN_REPLAYS)[:MOST_PEOPLE]
        views = self.project.saved_views.filter(owner=None, deleted_at=None).order_by("name")
        initial = {"owner": self.request.user.email}
        if self.schedule is not None:
            initial = initial_of(self.schedule, open_choice(self.schedule))
        return ScheduleForm(people, views, self.sent, initial=initial)

    @property
    def only_looks(self) -> bool:
        assert self.sent is not None  # noqa: S101
        return self.sent.get("do") != "save"

    def read(self) -> Draft | None:
        """Return what was sent; None where the forms say what is wrong."""
        assert self.sent is not None  # noqa: S101
        if self.is_gate:
            self.gate = self.sent.get("gate", "").replace("\x00", "")
        if not (self.when.is_valid() & (self.is_gate or self.form.is_valid())):
            return None
        what = {"gate": self.gate} if self.is_gate else {"run": self._told_run()}
        return self._draft(read_sent({**self.when.told(), **what}))

    def _told_run(self) -> dict[str, Json]:
        told: dict[str, Json] = self.form.told()
        if self.when.cleaned_data["over"] == SESSIONS:
            told.pop("suite", None)
        return told

    def _draft(self, sent: Any) -> Draft:
        known = Known()
        if self.schedule is not None:
            known = Known(self.schedule, open_settings(self.schedule), open_choice(self.schedule))
        draft = draft_of(self.project, sent, known, usual_owner=self.request.user)
        content = Permission.READ_CONTENT in self.request.permissions
        if draft.choice is not None and searches(self.project, draft.choice) and not content:
            raise PermissionDenied
        return draft

    def kept(self, draft: Draft) -> HttpResponse:
        if self.schedule is None:
            schedule = services.create_schedule(self.project, draft, actor=self.request.actor)
            messages.success(self.request, f"“{schedule.name}” was made.")
        else:
            schedule = services.change_schedule(self.schedule, draft, actor=self.request.actor)
            messages.success(self.request, "Saved.")
        return HttpResponseRedirect(address_of(schedule))

    def refuse(self, error: DomainError) -> None:
        """Show what was refused at its place: in the settings of runs, or beside them."""
        rows = error.errors if isinstance(error, InvalidError) else []
        for row in rows or [{"path": "", "message": str(error)}]:
            first, _, rest = row["path"].partition(".")
            if first not in ("run", GATE):
                self.when.tell(InvalidError(row["message"], row["path"]))
            elif self.is_gate:
                self.refused.append({"path": rest, "message": row["message"]})
            else:
                self.form.tell(InvalidError(row["message"], rest))

    def shown(self, status: int = 200) -> HttpResponse:
        typed = {name: self.when[name].value() for name in self.when.fields}
        context = {
            "project": self.project,
            "organization": self.project.organization,
            "schedule": self.schedule,
            "when": self.when,
            "form": self.form,
            "is_gate": self.is_gate,
            "gate": self.gate,
            "refused": self.refused,
            "offers": self.offers,
            "prompts": prompts_of(self.project),
            "has_suites": len(self.offers.suites) > 1,
            **preview(typed),
        }
        return render(self.request, "replays/schedules/edit.html", context, status=status)


@require_safe
@never_cache
@project_view(Permission.RUN_REPLAYS)
def preview_times(request: SignedInRequest, project: Project) -> HttpResponse:
    """Return the next times of what is being typed, as a part of the page."""
    names = ("often", "cron", "time_zone", "starts_at")
    query = request.GET.dict()
    refuse_unknown(query, frozenset(f"{PREFIX}-{name}" for name in names))
    typed = {name: query.get(f"{PREFIX}-{name}", "") for name in names}
    context = {"project": project, **preview(typed)}
    return render(request, "replays/schedules/times.html", context)


def preview(typed: Mapping[str, Json]) -> dict[str, Json]:
    """Return the next times of what was typed, or what is wrong with it."""
    if not told_cron(typed):
        return {"times": [], "says": "", "fault": ""}
    try:
        timing, after = read_timing_of(typed)
    except InvalidError as error:
        return {"times": [], "says": "", "fault": str(error)}
    return {"times": shown_times(timing, after), "says": timing.says(), "fault": ""}


def read_timing_of(typed: Mapping[str, Json]) -> tuple[Timing, datetime]:
    """Return when it is due and from when on, as it was typed so far."""
    timing = read_timing(told_cron(typed), str(typed.get("time_zone") or "UTC"))
    told = told_start(str(typed.get("starts_at") or ""), timing.zone)
    starts_at = read_start(datetime.fromisoformat(told)) if told else None
    return timing, services.counted_from(timezone.now(), starts_at)
