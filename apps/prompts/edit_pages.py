"""The pages on which prompts and versions are written, and the check while one types."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from apps.core.errors import ConflictError, DomainError, InvalidError
from apps.prompts import forms, queries, services
from apps.prompts.content import Content, clean_content
from apps.prompts.forms import NewForm, VersionForm
from apps.prompts.models import Kind, Prompt, PromptVersion
from apps.prompts.pages import frame, place_of
from apps.prompts.queries import refuse_unknown
from apps.prompts.resolving import Resolved, resolve
from apps.prompts.services import About, SameVersionError
from apps.tenants.doors import SignedInRequest, project_view
from apps.tenants.forms import tell
from apps.tenants.models import Project
from apps.tenants.permissions import Permission

form_page = require_http_methods(["GET", "HEAD", "POST"])
# Beside the words: what a form begins with.
STARTS = [{"role": "system", "content": ""}, {"role": "user", "content": ""}]


@dataclass
class Draft:
    """What somebody is writing: the form, and its rows of messages and variables."""

    kind: str
    form: VersionForm
    messages: list[dict[str, str]] = field(default_factory=list)
    variables: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def sent(cls, kind: str, request: SignedInRequest) -> Draft:
        # Asking for more rows is no attempt to save: nothing is refused yet.
        sent = (
            {"initial": request.POST.dict()} if "more" in request.POST else {"sent": request.POST}
        )
        return cls(
            kind,
            VersionForm(kind, **sent),
            forms.message_rows(request.POST),
            forms.variable_rows(request.POST),
        )

    @classmethod
    def like(cls, version: PromptVersion) -> Draft:
        """Begin with another version."""
        kind = version.prompt.kind
        rows = forms.rows_of_messages(version.body) if kind == Kind.CHAT else []
        variables = forms.rows_of_variables(version.variables)
        return cls(kind, VersionForm(kind, initial=forms.initial_of(version)), rows, variables)

    @property
    def content(self) -> Content:
        """What was written, unchecked; the form must be valid."""
        body = forms.messages_of(self.messages) if self.kind == Kind.CHAT else None
        return self.form.content(body, forms.variables_of(self.variables))

    @property
    def context(self) -> dict[str, Any]:
        spare: dict[str, Any] = {"role": "user", "content": ""}
        blank = {"name": "", "type": "text", "required": True, "default": "", "description": ""}
        return {
            "form": self.form,
            "kind": self.kind,
            "messages_rows": [*self.messages, spare] if self.kind == Kind.CHAT else [],
            "variable_rows": [*self.variables, blank],
            "roles": forms.ROLE_CHOICES,
            "types": forms.TYPE_CHOICES,
        }


@form_page
@project_view(Permission.WRITE_PROMPTS)
def new_prompt(request: SignedInRequest, project: Project) -> HttpResponse:
    """Write a prompt and its first version."""
    refuse_unknown(request.GET.dict(), {"kind", "name"})
    kind = read_kind(request.POST.get("kind") or request.GET.get("kind", Kind.TEXT))
    people = forms.people_of(project)
    if request.method != "POST":
        about = NewForm(people)
        about.initial["name"] = request.GET.get("name", "")
        rows = STARTS if kind == Kind.CHAT else []
        draft = Draft(kind, VersionForm(kind), [dict(row) for row in rows])
        return _draw_new(request, project, about, draft)
    about, draft = NewForm(people, request.POST), Draft.sent(kind, request)
    if "more" in request.POST:
        about = NewForm(people)
        about.initial = request.POST.dict()
        return _draw_new(request, project, about, draft)
    if about.is_valid() & draft.form.is_valid():
        try:
            version = services.create_prompt(
                project,
                about=About(about.cleaned_data["name"], kind, **about.changes),
                content=draft.content,
                note=draft.form.cleaned_data["note"],
                actor=request.actor,
            )
        except DomainError as error:
            tell(about if is_about(error, about) else draft.form, error)
        else:
            return redirect("prompts:version", *place_of(version.prompt), version.number)
    return _draw_new(request, project, about, draft, status=400)


def _draw_new(
    request: SignedInRequest, project: Project, about: NewForm, draft: Draft, status: int = 200
) -> HttpResponse:
    context = {**frame(request, project), **draft.context, "about": about}
    return render(request, "prompts/new.html", context, status=status)


@form_page
@project_view(Permission.WRITE_PROMPTS)
def new_version(request: SignedInRequest, project: Project, prompt_name: str) -> HttpResponse:
    """Write a version, beginning with the newest or another one."""
    refuse_unknown(request.GET.dict(), {"from"})
    prompt = queries.find_prompt(project, prompt_name)
    start = request.GET.get("from", "")
    number = queries.read_number(start, "from") if start else prompt.last_number
    base = queries.find_version(prompt, number)
    if request.method != "POST":
        return _draw_edit(request, base, Draft.like(base))
    draft = Draft.sent(prompt.kind, request)
    if "more" in request.POST:
        return _draw_edit(request, base, draft)
    if draft.form.is_valid():
        try:
            version = services.add_version(
                prompt,
                content=draft.content,
                note=draft.form.cleaned_data["note"],
                actor=request.actor,
            )
        except SameVersionError as error:
            messages.warning(request, str(error))
            return redirect("prompts:version", *place_of(prompt), prompt.last_number)
        except (InvalidError, ConflictError, DomainError) as error:
            tell(draft.form, error)
        else:
            return redirect("prompts:version", *place_of(prompt), version.number)
    return _draw_edit(request, base, draft, status=400)


def _draw_edit(
    request: SignedInRequest, base: PromptVersion, draft: Draft, status: int = 200
) -> HttpResponse:
    prompt = base.prompt
    context = {
        **frame(request, prompt.project),
        **draft.context,
        "prompt": prompt,
        "base": base,
        "check_url": reverse("prompts:check", args=place_of(prompt)[:2]),
    }
    return render(request, "prompts/edit.html", context, status=status)


@require_POST
@project_view(Permission.WRITE_PROMPTS)
def check(request: SignedInRequest, project: Project) -> HttpResponse:
    """Say of what is being written which variables it takes, and what is wrong with it."""
    kind = read_kind(request.POST.get("kind", Kind.TEXT))
    draft = Draft.sent(kind, request)
    context: dict[str, Any] = {"project": project}
    if not draft.form.is_valid():
        context["errors"] = [
            {"path": name, "message": said}
            for name, told in draft.form.errors.items()
            for said in told
        ]
    else:
        context |= checked(project, request.POST.get("name", ""), kind, draft.content)
    return render(request, "prompts/check.html", context)


def checked(project: Project, name: str, kind: str, content: Content) -> dict[str, Any]:
    """Return what a version would take, or why it would be refused."""
    # Its own name is only needed to say who includes whom.
    prompt = Prompt(project=project, name=name[:200] or "this prompt", kind=kind)
    try:
        clean = clean_content(kind, content)
        resolved: Resolved = resolve(prompt, 0, clean)
    except InvalidError as error:
        return {"errors": error.errors}
    except DomainError as error:
        return {"errors": [{"path": "", "message": str(error)}]}
    return {"resolved": resolved, "size": sum(map(len, clean.texts))}


def read_kind(text: str) -> str:
    if text not in Kind.values:
        raise InvalidError("kind must be text or chat.", "kind")
    return text


def is_about(error: DomainError, form: NewForm) -> bool:
    """Tell whether an error is about the prompt rather than about its words."""
    path = error.errors[0]["path"] if isinstance(error, InvalidError) else ""
    return path in form.fields or (isinstance(error, ConflictError) and "already" in str(error))
