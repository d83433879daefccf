"""The pages of imports: send a file, and see what becomes of it."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.core.errors import DomainError
from apps.core.paging import DEFAULT_LIMIT
from apps.ingest.importers.formats import FORMATS
from apps.ingest.imports import queries, receiving, services
from apps.ingest.imports.receiving import Upload
from apps.ingest.imports.services import LONGEST_ENVIRONMENT
from apps.ingest.models import Import
from apps.tenants.doors import SignedInRequest, project_view
from apps.tenants.forms import tell
from apps.tenants.models import Project
from apps.tenants.permissions import Permission


class ImportForm(forms.Form):
    """A file, and how it is to be read."""

    file = forms.FileField(help_text="At most 1 GiB. It may be packed with gzip.")
    format = forms.ChoiceField(choices=lambda: [(one.name, one.label) for one in FORMATS.values()])
    environment = forms.CharField(
        required=False,
        max_length=LONGEST_ENVIRONMENT,
        help_text="For sessions that name none, such as production.",
    )


# Django's own check would read the whole file before anybody knows whose project it is for.
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@project_view(Permission.INGEST)
def import_list(request: SignedInRequest, project: Project) -> HttpResponse:
    """List the imports; POST brings a file."""
    if request.method != "POST":
        return _list(request, project, ImportForm())
    try:
        return _upload(request, project)
    except DomainError as error:
        request.POST = QueryDict()
        form = ImportForm({})
        form.errors.clear()
        tell(form, error)
        return _list(request, project, form, error.status)


def _upload(request: SignedInRequest, project: Project) -> HttpResponse:
    upload = receiving.receive(request, project, actor=request.actor)
    # The token is among the fields, which are read with the file.
    request.POST = upload.fields  # type: ignore[assignment]
    try:
        return _accept(request, project, upload)
    finally:
        upload.discard()


@csrf_protect
def _accept(request: HttpRequest, project: Project, upload: Upload) -> HttpResponse:
    row = upload.accept(request.actor)  # type: ignore[attr-defined]
    return redirect("ingest:import", project.organization.slug, project.slug, row.pk)


def _list(
    request: SignedInRequest, project: Project, form: ImportForm, status: int = 200
) -> HttpResponse:
    cursor = request.GET.get("cursor")
    context = {
        "project": project,
        "form": form,
        "formats": FORMATS.values(),
        "imports": queries.import_page(project, cursor=cursor, limit=DEFAULT_LIMIT),
        "is_first_page": cursor is None,
    }
    return render(request, "ingest/imports.html", context, status=status)


@require_safe
@never_cache
@project_view(Permission.INGEST)
def import_detail(request: SignedInRequest, project: Project, import_id: uuid.UUID) -> HttpResponse:
    """Show one import: how far it is, and what was refused."""
    return render(request, "ingest/import.html", _context(request, project, import_id))


@require_safe
@never_cache
@project_view(Permission.INGEST)
def import_now(request: SignedInRequest, project: Project, import_id: uuid.UUID) -> HttpResponse:
    """Say once more how far it is, for the page that is open."""
    return render(request, "ingest/import_now.html", _context(request, project, import_id))


def _context(request: SignedInRequest, project: Project, import_id: uuid.UUID) -> dict[str, Any]:
    row = queries.import_of(project, import_id)
    cursor = request.GET.get("cursor")
    return {
        "project": project,
        "import": row,
        "format": FORMATS.get(row.format),
        "refusals": queries.refusal_page(row, cursor=cursor, limit=DEFAULT_LIMIT),
        "resumable_until": queries.resumable_until(row),
    }


@require_POST
@project_view(Permission.INGEST)
def import_cancel(request: SignedInRequest, project: Project, import_id: uuid.UUID) -> HttpResponse:
    row = services.cancel_import(queries.import_of(project, import_id), actor=request.actor)
    messages.success(request, "The import was cancelled. What is in stays.")
    return _back_to(project, row)


@require_POST
@project_view(Permission.INGEST)
def import_resume(request: SignedInRequest, project: Project, import_id: uuid.UUID) -> HttpResponse:
    row = services.resume_import(queries.import_of(project, import_id), actor=request.actor)
    messages.success(request, "The import goes on.")
    return _back_to(project, row)


def _back_to(project: Project, row: Import) -> HttpResponse:
    return redirect("ingest:import", project.organization.slug, project.slug, row.pk)
