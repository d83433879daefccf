"""Pages on which labels are moved, agreed to and rolled back, and which labels take two people."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.core.errors import DomainError, InvalidError
from apps.core.paging import read_limit
from apps.prompts import moving, queries, services
from apps.prompts.forms import MoveForm, ProtectForm
from apps.prompts.models import LabelMove, LabelRequest, Prompt
from apps.prompts.pages import PAGING, address_of, frame, label_rows, place_of
from apps.prompts.queries import refuse_unknown
from apps.tenants.doors import SignedInRequest, project_view
from apps.tenants.forms import tell
from apps.tenants.models import Project
from apps.tenants.permissions import Permission


@require_safe
@gzip_page
@project_view(Permission.READ_PROMPTS)
def label_history(request: SignedInRequest, project: Project, prompt_name: str) -> HttpResponse:
    """Show every move of a prompt's labels: when, from where, by whom and why."""
    query = request.GET.dict()
    refuse_unknown(query, PAGING)
    prompt = queries.find_prompt(project, prompt_name)
    decided = prompt.requests.exclude(decided_at=None).order_by("-pk")
    context = {
        **frame(request, project),
        "prompt": prompt,
        "page": queries.move_page(
            prompt, cursor=query.get("cursor"), limit=read_limit(query.get("limit"))
        ),
        "requests": queries.open_requests(prompt),
        "decided": decided[:20],
        "labels": label_rows(prompt),
    }
    return render(request, "prompts/history.html", context)


@require_POST
@project_view(Permission.WRITE_PROMPTS)
def move(request: SignedInRequest, project: Project, prompt_name: str) -> HttpResponse:
    """Move a label to a version, take it away, or roll it back."""
    prompt = queries.find_prompt(project, prompt_name)
    form = MoveForm(request.POST)
    if not form.is_valid():
        told = [str(said) for name, found in form.errors.items() for said in found]
        messages.error(request, f"Label: {' '.join(told)}")
        return redirect(address_of(prompt))
    try:
        say_moved(request, _move(request, prompt, form))
    except (DomainError, PermissionDenied) as error:
        messages.error(request, str(error))
    return redirect(address_of(prompt))


def _move(
    request: SignedInRequest, prompt: Prompt, form: MoveForm
) -> LabelMove | LabelRequest | None:
    sent = form.cleaned_data
    told = {"label": sent["label"], "why": sent["why"], "actor": request.actor}
    if "rollback" in request.POST:
        is_emergency = "emergency" in request.POST
        return moving.roll_back(prompt, is_emergency=is_emergency, **told)
    number = None if "remove" in request.POST else read_version(request)
    return moving.move_label(prompt, number=number, **told)


def read_version(request: SignedInRequest) -> int:
    return queries.read_number(request.POST.get("version", ""))


@require_POST
@project_view(Permission.WRITE_PROMPTS)
def decide(
    request: SignedInRequest, project: Project, prompt_name: str, request_id: int
) -> HttpResponse:
    """Approve, refuse or withdraw a move that waits."""
    prompt = queries.find_prompt(project, prompt_name)
    waiting = prompt.requests.filter(pk=request_id).first() if request_id < 2**63 else None
    if waiting is None:
        raise Http404("There is no such request.")
    waiting.project = project
    approves = request.POST.get("decision") == "approve"
    act = moving.approve_request if approves else moving.refuse_request
    try:
        say_moved(request, act(waiting, actor=request.actor, why=request.POST.get("why", "")))
    except (DomainError, PermissionDenied) as error:
        messages.error(request, str(error))
    return redirect("prompts:history", *place_of(prompt))


def say_moved(request: SignedInRequest, result: LabelMove | LabelRequest | None) -> None:
    """Say what became of a move."""
    if result is None:
        messages.success(request, "It stands there already.")
    elif isinstance(result, LabelMove):
        place = f"now stands at v{result.to_number}" if result.to_number else "was taken away"
        messages.success(request, f"{result.label} {place}.")
    elif result.decided_at is None:
        said = f"{result.label} is protected: the move waits for somebody else to agree."
        messages.warning(request, said)
    else:
        messages.success(request, f"The move was {result.get_state_display().lower()}.")


@require_http_methods(["GET", "HEAD", "POST"])
@project_view(Permission.MANAGE_PROJECT)
def protection(request: SignedInRequest, project: Project) -> HttpResponse:
    """Say which labels take two people."""
    refuse_unknown(request.GET.dict(), ())
    row = queries.settings_of(project)
    now = {
        "labels": ", ".join(row.protected_labels),
        "allows_emergency": row.allows_emergency,
    }
    form = ProtectForm(request.POST or None, initial=now)
    if request.method == "POST" and form.is_valid():
        labels = [label.strip() for label in form.cleaned_data["labels"].split(",")]
        try:
            services.protect_labels(
                project,
                labels=[label for label in labels if label],
                allows_emergency=form.cleaned_data["allows_emergency"],
                actor=request.actor,
            )
        except InvalidError as error:
            error.errors = [row | {"path": "labels"} for row in error.errors]
            tell(form, error)
        else:
            messages.success(request, "Saved.")
            return redirect("prompts:protection", project.organization.slug, project.slug)
    status = 400 if form.errors else 200
    context = {**frame(request, project), "form": form}
    return render(request, "prompts/protection.html", context, status=status)
