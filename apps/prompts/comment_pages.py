"""What is said about lines of a version, from its page."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from apps.core.errors import DomainError
from apps.prompts import commenting, queries
from apps.prompts.forms import CommentForm
from apps.prompts.models import PromptVersion
from apps.prompts.pages import place_of
from apps.tenants.doors import SignedInRequest, project_view
from apps.tenants.models import Project
from apps.tenants.permissions import Permission


@require_POST
@project_view(Permission.ANNOTATE)
def add(request: SignedInRequest, project: Project, prompt_name: str, number: int) -> HttpResponse:
    """Say something about a line, or about the version as a whole."""
    version = queries.find_version(queries.find_prompt(project, prompt_name), number)
    form = CommentForm(request.POST)
    if not form.is_valid():
        messages.error(request, " ".join(str(one) for told in form.errors.values() for one in told))
        return back(version, None)
    line = form.cleaned_data["line"]
    try:
        commenting.add_comment(
            version, text=form.cleaned_data["text"], line=line, actor=request.actor
        )
    except DomainError as error:
        messages.error(request, str(error))
    return back(version, line)


@require_POST
@project_view(Permission.ANNOTATE)
def change(
    request: SignedInRequest, project: Project, prompt_name: str, remark_id: int
) -> HttpResponse:
    """Resolve what was said, open it again, or take it back."""
    prompt = queries.find_prompt(project, prompt_name)
    comment = prompt.comments.filter(pk=remark_id).first() if remark_id < 2**63 else None
    if comment is None:
        raise Http404("There is no such comment.")
    comment.project, comment.prompt = project, prompt
    version = queries.find_version(prompt, comment.number)
    act = request.POST.get("act")
    try:
        if act == "delete":
            commenting.delete_comment(comment, actor=request.actor)
        else:
            is_resolved = act != "reopen"
            commenting.resolve_comment(comment, is_resolved=is_resolved, actor=request.actor)
    except DomainError as error:
        messages.error(request, str(error))
    return back(version, comment.line)


def back(version: PromptVersion, line: int | None) -> HttpResponse:
    address = reverse("prompts:version", args=(*place_of(version.prompt), version.number))
    return HttpResponseRedirect(f"{address}#{f'L{line}' if line else 'comments'}")
