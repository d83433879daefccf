"""Pages on which suites are made and changed."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import orjson
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.core.errors import DomainError, InvalidError
from apps.replays import suite_queries, suites
from apps.replays.suite_changes import MOST_CASES, Added, Altered, Change, change_cases
from apps.replays.suite_choosing import (
    Chosen,
    choose,
    filters_of_text,
    filters_of_view,
    record_search,
)
from apps.replays.suite_forms import AboutForm, AddForm, CaseForm, ChooseForm, tell
from apps.replays.suite_models import CaseRevision, Suite, SuiteVersion
from apps.replays.suite_views import address_of, may_run, rows_for
from apps.sessions import reader
from apps.sessions.filters import refuse_unknown
from apps.sessions.list_views import read_ids
from apps.sessions.listing import short_id
from apps.sessions.saved_view_queries import views_of
from apps.tenants.doors import SignedInRequest, project_view
from apps.tenants.models import Project
from apps.tenants.permissions import Permission

Json = Any

MOST_ADDED = 200
# Sessions that are named on the page that adds them.
MOST_NAMED = 20
ACTS = ("remove", "pin", "unpin")
FILED = ("archive", "restore")
BAD = 422


@require_http_methods(["GET", "HEAD", "POST"])
@project_view(Permission.RUN_REPLAYS)
def new_suite(request: SignedInRequest, project: Project) -> HttpResponse:
    """Make a suite: empty, or with sessions that filters or a saved view find."""
    refuse_unknown(request.GET.dict(), frozenset({"filter"}))
    sent = request.POST if request.method == "POST" else None
    about = AboutForm(project, sent, first_owner=request.user)
    chosen = choose_form(request, project, sent, needs_source=False)
    if sent is not None and about.is_valid() & chosen.is_valid():
        suite = made(request, project, about, chosen)
        if suite is not None:
            messages.success(request, f"The suite “{suite.name}” was made.")
            return redirect(address_of(suite))
    context = {"project": project, "about": about, "choose": chosen}
    return render(request, "suites/new.html", context, status=BAD if sent is not None else 200)


def choose_form(
    request: SignedInRequest, project: Project, sent: Any, *, needs_source: bool
) -> ChooseForm:
    filled = {"filter": request.GET["filter"]} if request.GET.get("filter") else {}
    views = views_of(project, request.user)
    return ChooseForm(views, sent, needs_source=needs_source, initial=filled)


def made(
    request: SignedInRequest, project: Project, about: AboutForm, form: ChooseForm
) -> Suite | None:
    """Make what was asked for, or tell the forms why not."""
    try:
        chosen = chosen_by(request, project, form) if form.has_source else None
    except DomainError as error:
        tell(form, error)
        return None
    try:
        return suites.create_suite(
            project,
            name=about.cleaned_data["name"],
            description=about.cleaned_data["description"],
            owner=about.told_owner,
            change=change_of(chosen),
            actor=request.actor,
        )
    except DomainError as error:
        tell(about, error)
        return None


def chosen_by(request: SignedInRequest, project: Project, form: ChooseForm) -> Chosen:
    """Return the sessions that a form chooses; words in them are for readers of content."""
    view = form.chosen_view
    found = filters_of_view(view) if view else filters_of_text(form.cleaned_data["filter"])
    if found.get("q") and Permission.READ_CONTENT not in request.permissions:
        raise PermissionDenied
    chosen = choose(project, found, form.sample, most=form.cleaned_data["size"])
    record_search(project, chosen, request.actor)
    return chosen


def change_of(chosen: Chosen | None, note: str = "") -> Change:
    if chosen is None:
        return Change(note=note)
    return Change([Added(key) for key in chosen.sessions], source=chosen.source, note=note)


@require_http_methods(["GET", "HEAD", "POST"])
@project_view(Permission.RUN_REPLAYS)
def grow_suite(request: SignedInRequest, project: Project, suite_id: UUID) -> HttpResponse:
    """Add to a suite what filters or a saved view find."""
    refuse_unknown(request.GET.dict(), frozenset({"filter"}))
    suite = suite_queries.find_suite(project, suite_id)
    sent = request.POST if request.method == "POST" else None
    form = choose_form(request, project, sent, needs_source=True)
    if sent is not None and form.is_valid():
        try:
            chosen = chosen_by(request, project, form)
            version = change_cases(suite, change_of(chosen), actor=request.actor)
        except DomainError as error:
            tell(form, error)
        else:
            return after(request, suite, version)
    context = {"project": project, "suite": suite, "choose": form}
    return render(request, "suites/grow.html", context, status=BAD if sent is not None else 200)


@require_POST
@project_view(Permission.RUN_REPLAYS)
def from_selection(request: SignedInRequest, project: Project) -> HttpResponse:
    """Send on from the selected sessions to the form that adds them to a suite."""
    ids = read_ids(request.POST.getlist("session"), "session")
    if not 1 <= len(ids) <= MOST_ADDED:
        raise InvalidError(f"Select 1 to {MOST_ADDED} sessions.", "session")
    query = QueryDict(mutable=True)
    query.setlist("session", [str(session_id) for session_id in ids])
    place = (project.organization.slug, project.slug)
    return HttpResponseRedirect(f"{reverse('suites:add', args=place)}?{query.urlencode()}")


@require_http_methods(["GET", "HEAD", "POST"])
@project_view(Permission.RUN_REPLAYS)
def add_to_suite(request: SignedInRequest, project: Project) -> HttpResponse:
    """Add the sessions that the address names, or one step, to a suite."""
    refuse_unknown(request.GET.dict(), frozenset({"session", "event"}))
    added = named_in(request)
    offered = list(project.suites.filter(archived_at=None).order_by("name")[:500])
    sent = request.POST if request.method == "POST" else None
    first = {"suite": str(offered[0].pk) if offered else ""}
    form = AddForm(offered, sent, has_step=added[0].event is not None, initial=first)
    if sent is not None and form.is_valid():
        try:
            suite, version = put(request, project, form, added)
        except DomainError as error:
            tell(form, error)
        else:
            return after(request, suite, version)
    context = {
        "project": project,
        "form": form,
        "count": len(added),
        "named": names_of(request, project, added),
        "holding": suite_queries.suites_with(project, [one.session for one in added]),
    }
    return render(request, "suites/add.html", context, status=BAD if sent is not None else 200)


def named_in(request: SignedInRequest) -> list[Added]:
    """Return what the address names."""
    ids = read_ids(request.GET.getlist("session"), "session")
    if not 1 <= len(ids) <= MOST_ADDED:
        message = f"The address names 1 to {MOST_ADDED} sessions to add."
        raise InvalidError(message, "session")
    event = request.GET.get("event", "")
    if not event:
        return [Added(key) for key in ids]
    if len(ids) > 1:
        raise InvalidError("event belongs to one session; here are several.", "event")
    [key] = read_ids([event], "event")
    return [Added(ids[0], key)]


def put(
    request: SignedInRequest, project: Project, form: AddForm, added: list[Added]
) -> tuple[Suite, SuiteVersion]:
    """Add to the suite that was chosen, or to a new one."""
    told = form.cleaned_data
    if not form.is_of_step:
        added = [Added(one.session) for one in added]
    change = Change(add=added, note=told["note"])
    if told["suite"]:
        suite = form.suites[told["suite"]]
        suite.project = project
        return suite, change_cases(suite, change, actor=request.actor)
    suite = suites.create_suite(
        project, name=told["name"], owner=request.user, change=change, actor=request.actor
    )
    return suite, suite_queries.find_version(suite, 1)


def names_of(
    request: SignedInRequest, project: Project, added: list[Added]
) -> list[tuple[UUID, str]]:
    """Return what the first of the sessions are called."""
    wanted = [one.session for one in added[:MOST_NAMED]]
    found = list(project.sessions.filter(pk__in=wanted, is_listed=True))
    content = Permission.READ_CONTENT in request.permissions
    titles = reader.titles(found) if content else {}
    return [
        (row.pk, titles.get(row.pk) or row.external_id or short_id(row))
        for row in sorted(found, key=lambda row: wanted.index(row.pk))
    ]


def after(request: SignedInRequest, suite: Suite, version: SuiteVersion) -> HttpResponse:
    """Say what a version changed, and go to the suite."""
    parts = [
        f"{count} {word}"
        for count, word in (
            (version.added, "added"),
            (version.changed, "changed"),
            (version.removed, "removed"),
        )
        if count
    ]
    messages.success(request, f"Version {version.number}: {', '.join(parts) or 'made'}.")
    return redirect(address_of(suite))


@require_http_methods(["GET", "HEAD", "POST"])
@project_view(Permission.RUN_REPLAYS)
def change_about(request: SignedInRequest, project: Project, suite_id: UUID) -> HttpResponse:
    """Rename, describe, or give to somebody; archive or take out of the archive."""
    refuse_unknown(request.GET.dict(), frozenset())
    suite = suite_queries.find_suite(project, suite_id)
    sent = request.POST if request.method == "POST" else None
    if sent is not None and sent.get("act") in FILED:
        return filed(request, suite, sent["act"])
    form = AboutForm(project, sent, suite=suite)
    if sent is not None and form.is_valid():
        changes = {**form.cleaned_data, "owner": form.told_owner}
        try:
            suites.change_suite(suite, changes, actor=request.actor)
        except DomainError as error:
            tell(form, error)
        else:
            messages.success(request, "Saved.")
            return redirect(address_of(suite))
    context = {"project": project, "suite": suite, "form": form}
    return render(request, "suites/about.html", context, status=BAD if sent is not None else 200)


def filed(request: SignedInRequest, suite: Suite, act: str) -> HttpResponse:
    """Archive a suite, or take it out of the archive."""
    try:
        if act == "archive":
            suites.archive_suite(suite, actor=request.actor)
            messages.success(request, "Archived. Its versions, and what ran against them, stay.")
        else:
            suites.restore_suite(suite, actor=request.actor)
            messages.success(request, "The suite is out of the archive.")
    except DomainError as error:
        messages.error(request, str(error))
    return redirect(address_of(suite))


@require_POST
@project_view(Permission.RUN_REPLAYS)
def change_selected(request: SignedInRequest, project: Project, suite_id: UUID) -> HttpResponse:
    """Pin, unpin or remove the cases that were ticked."""
    suite = suite_queries.find_suite(project, suite_id)
    act = request.POST.get("act", "")
    if act not in ACTS:
        raise InvalidError(f"act must be one of {', '.join(ACTS)}.", "act")
    ids = read_ids(request.POST.getlist("case"), "case")
    if len(ids) > MOST_CASES:
        raise InvalidError(f"At most {MOST_CASES:,} cases.", "case")
    seen = suite_queries.read_number(request.POST.get("version"), "version")
    if not ids:
        messages.error(request, "Tick some cases first.")
        return redirect(address_of(suite))
    change = Change(alter=[Altered(case, is_pinned=act == "pin") for case in ids])
    if act == "remove":
        change = Change(remove=ids)
    try:
        version = change_cases(suite, change, actor=request.actor, seen_version=seen)
    except DomainError as error:
        messages.error(request, str(error))
        return redirect(address_of(suite))
    return after(request, suite, version)


@require_safe
@project_view(Permission.READ_CONTENT)
def case_detail(
    request: SignedInRequest, project: Project, suite_id: UUID, case_id: UUID
) -> HttpResponse:
    """Show a case: its session, what is expected of it, and how often its baseline passed."""
    refuse_unknown(request.GET.dict(), frozenset({"version"}))
    suite = suite_queries.find_suite(project, suite_id)
    number = suite_queries.read_number(request.GET.get("version"), "version")
    found = suite_queries.find_case(suite, case_id, number)
    return show_case(request, suite, found, number=number)


def show_case(
    request: SignedInRequest,
    suite: Suite,
    found: CaseRevision,
    form: CaseForm | None = None,
    number: int | None = None,
) -> HttpResponse:
    [row] = rows_for(request, suite.project, [found])
    is_newest = number in (None, suite.latest)
    if form is None and is_newest and may_run(request) and not row.is_erased:
        form = CaseForm(initial=initial_of(row.revision, row.expectations))
    context = {
        "project": suite.project,
        "suite": suite,
        "row": row,
        "form": form,
        "number": number or suite.latest,
        "is_newest": is_newest,
        "written": written(row.expectations),
    }
    status = BAD if form is not None and form.is_bound else 200
    return render(request, "suites/case.html", context, status=status)


def initial_of(revision: CaseRevision, expectations: Json) -> dict[str, Json]:
    return {
        "is_pinned": revision.is_pinned,
        "tags": ", ".join(revision.tags),
        "expectations": written(expectations),
    }


def written(expectations: Json) -> str:
    """Return expectations as people read and write them."""
    if not expectations:
        return ""
    return orjson.dumps(expectations, option=orjson.OPT_INDENT_2).decode()


@require_POST
@project_view(Permission.RUN_REPLAYS)
def change_case(
    request: SignedInRequest, project: Project, suite_id: UUID, case_id: UUID
) -> HttpResponse:
    """Take what was typed about a case, as the next version of the suite."""
    suite = suite_queries.find_suite(project, suite_id)
    found = suite_queries.find_case(suite, case_id)
    if Permission.READ_CONTENT not in request.permissions:
        raise PermissionDenied
    form = CaseForm(request.POST)
    if form.is_valid():
        told = form.cleaned_data
        altered = Altered(case_id, told["is_pinned"], form.told_tags, told["expectations"])
        seen = suite_queries.read_number(request.POST.get("version"), "version")
        try:
            version = change_cases(
                suite, Change(alter=[altered]), actor=request.actor, seen_version=seen
            )
        except DomainError as error:
            tell(form, error)
        else:
            return after(request, suite, version)
    return show_case(request, suite, found, form)
