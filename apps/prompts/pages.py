"""Pages of the library: the list, a prompt, one of its versions."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_POST, require_safe

from apps.core.errors import ConflictError, DomainError, InvalidError
from apps.core.paging import read_limit
from apps.prompts import queries, services
from apps.prompts.content import lines_of
from apps.prompts.forms import AboutForm, people_of
from apps.prompts.models import Prompt
from apps.prompts.moving import previous_number
from apps.prompts.queries import PromptFilters, refuse_unknown
from apps.prompts.resolving import resolve_version
from apps.prompts.showing import Shown, has_hidden, lines_with_comments
from apps.tenants.doors import SignedInRequest, project_view
from apps.tenants.models import Project
from apps.tenants.permissions import Permission

PAGING = frozenset({"cursor", "limit"})
MOST_WAITING = 5
# Versions that a prompt's page lists at once.
VERSIONS = 50


@require_safe
@gzip_page
@project_view(Permission.READ_PROMPTS)
def prompt_list(request: SignedInRequest, project: Project) -> HttpResponse:
    """Show the library, or what of it a search leaves."""
    query = {name: value for name, value in request.GET.dict().items() if value}
    filters = PromptFilters.from_query(query, also=PAGING)
    context = {
        **frame(request, project),
        "filters": filters,
        "page": queries.prompt_page(
            project, filters, cursor=query.get("cursor"), limit=read_limit(query.get("limit"))
        ),
        "folders": queries.folders_of(project),
        "tags": queries.tags_of(project),
        "waiting": queries.waiting_requests(project, MOST_WAITING),
    }
    return render(request, "prompts/list.html", context)


@require_safe
@gzip_page
@project_view(Permission.READ_PROMPTS)
def prompt_detail(request: SignedInRequest, project: Project, prompt_name: str) -> HttpResponse:
    """Show a prompt: its labels and its versions."""
    refuse_unknown(request.GET.dict(), {"cursor"})
    return show_prompt(request, queries.find_prompt(project, prompt_name))


def show_prompt(
    request: SignedInRequest, prompt: Prompt, form: AboutForm | None = None, status: int = 200
) -> HttpResponse:
    """Draw the page of a prompt, with a form that was refused or a fresh one."""
    project = prompt.project
    page = queries.version_page(prompt, cursor=request.GET.get("cursor"), limit=VERSIONS)
    labels = queries.labels_of(prompt)
    context = {
        **frame(request, project),
        "prompt": prompt,
        "page": page,
        "rows": [(row, labels.get(row.number, [])) for row in page.rows],
        "labels": label_rows(prompt),
        "requests": queries.open_requests(prompt),
        "users": queries.users_of(prompt),
        "people": people_of(project),
        "form": form,
    }
    return render(request, "prompts/prompt.html", context, status=status)


def label_rows(prompt: Prompt) -> list[dict[str, Any]]:
    """Return a prompt's labels with what each can be rolled back to."""
    protected = queries.settings_of(prompt.project).protected_labels
    return [
        {
            "row": row,
            "is_protected": row.name in protected,
            "previous": previous_number(prompt, row.name),
        }
        for row in prompt.labels.all()
    ]


@require_safe
@gzip_page
@project_view(Permission.READ_PROMPTS)
def version_detail(
    request: SignedInRequest, project: Project, prompt_name: str, number: int
) -> HttpResponse:
    """Show what a version says, line by line, with what was said about it."""
    refuse_unknown(request.GET.dict(), {"line"})
    prompt = queries.find_prompt(project, prompt_name)
    version = queries.find_version(prompt, number)
    line = request.GET.get("line", "")
    lines = lines_with_comments(version)
    problem = ""
    try:
        resolved = resolve_version(version)
    except DomainError as error:
        resolved, problem = None, str(error)
    context = {
        **frame(request, project),
        "prompt": prompt,
        "version": version,
        "labels": queries.labels_of(prompt).get(number, []),
        "all_labels": [row.name for row in prompt.labels.all()],
        "shown": Shown.of(version),
        "resolved": resolved,
        "problem": problem,
        "lines": lines,
        "has_hidden": has_hidden(lines),
        "more_lines": max(0, len(lines_of(prompt.kind, version.body)) - len(lines)),
        "line": queries.read_number(line, "line") if line else None,
        "whole": list(prompt.comments.filter(number=number, line=None).order_by("pk")),
        "previous": number - 1 or None,
        "following": number + 1 if number < prompt.last_number else None,
    }
    return render(request, "prompts/version.html", context)


@require_POST
@project_view(Permission.WRITE_PROMPTS)
def change(request: SignedInRequest, project: Project, prompt_name: str) -> HttpResponse:
    """Change what is said of a prompt, archive it or take it back."""
    prompt = queries.find_prompt(project, prompt_name)
    form = AboutForm(people_of(project), request.POST)
    is_archiving = "archive" in request.POST
    if not is_archiving and not form.is_valid():
        return show_prompt(request, prompt, form, status=400)
    changes = {"is_archived": request.POST["archive"] == "yes"} if is_archiving else form.changes
    try:
        services.change_prompt(prompt, changes=changes, actor=request.actor)
    except (ConflictError, InvalidError) as error:
        messages.error(request, str(error))
    return redirect(address_of(prompt))


def frame(request: SignedInRequest, project: Project) -> dict[str, Any]:
    """Return what every page of the library needs to know."""
    may = request.permissions
    return {
        "project": project,
        "may_write": Permission.WRITE_PROMPTS in may,
        "may_comment": Permission.ANNOTATE in may,
        "may_approve": Permission.MOVE_PROTECTED_LABELS in may,
        "may_manage": Permission.MANAGE_PROJECT in may,
        "may_run": Permission.RUN_REPLAYS in may,
        "may_see_sessions": Permission.READ_META in may,
        "me": f"user:{request.user.pk}",
    }


def place_of(prompt: Prompt) -> tuple[str, str, str]:
    return prompt.project.organization.slug, prompt.project.slug, prompt.name


def address_of(prompt: Prompt) -> str:
    return reverse("prompts:prompt", args=place_of(prompt))
