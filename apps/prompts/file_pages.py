"""The page that takes the library out as a file and brings one in."""

from __future__ import annotations

from typing import Any

import orjson
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_POST, require_safe

from apps.core.errors import DomainError, InvalidError, LimitError
from apps.prompts.files import export_lines, import_prompts
from apps.prompts.forms import ImportForm
from apps.prompts.pages import frame
from apps.prompts.queries import refuse_unknown
from apps.tenants.doors import SignedInRequest, project_view
from apps.tenants.forms import tell
from apps.tenants.models import Project
from apps.tenants.permissions import Permission

LARGEST_FILE = 20 * 1024 * 1024
JSON = "application/json"


@require_safe
@project_view(Permission.READ_PROMPTS)
def files(request: SignedInRequest, project: Project) -> HttpResponse:
    """Offer the library as a file, and the form that takes one."""
    refuse_unknown(request.GET.dict(), ())
    context = {**frame(request, project), "form": ImportForm()}
    return render(request, "prompts/files.html", context)


@require_POST
@project_view(Permission.WRITE_PROMPTS)
def bring_in(request: SignedInRequest, project: Project) -> HttpResponse:
    """Import a file, and say what became of each part of it."""
    form, done = ImportForm(request.POST, request.FILES), None
    if form.is_valid():
        try:
            done = import_prompts(
                project,
                read_file(form.cleaned_data["file"]),
                moves_labels=form.cleaned_data["moves_labels"],
                actor=request.actor,
            )
        except DomainError as error:
            tell(form, InvalidError(str(error), "file"))
    context = {**frame(request, project), "form": form if done is None else ImportForm()}
    status = 200 if done else 400
    return render(request, "prompts/files.html", context | {"done": done}, status=status)


@require_safe
@project_view(Permission.READ_PROMPTS)
def export(request: SignedInRequest, project: Project) -> HttpResponseBase:
    """Send the library as a file, prompt by prompt."""
    refuse_unknown(request.GET.dict(), ())
    return export_answer(project, export_lines(project))


def export_answer(project: Project, lines: Any) -> StreamingHttpResponse:
    name = f"{project.organization.slug}-{project.slug}-prompts.json"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingHttpResponse(lines, content_type=JSON, headers=headers)


def read_file(sent: Any) -> Any:
    """Return the JSON of an uploaded file."""
    if sent.size > LARGEST_FILE:
        raise LimitError("A file of prompts has at most 20 MiB.")
    try:
        return orjson.loads(sent.read())
    except orjson.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise InvalidError(f"This is not JSON: {error.msg} at {place}.", "file") from None
