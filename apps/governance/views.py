"""The page where a project says what it keeps, and tries it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from apps.core.errors import DomainError, InvalidError
from apps.governance import services
from apps.governance.choices import RULE_ACTIONS, Action, Category
from apps.governance.detection import KINDS, SECRETS
from apps.governance.forms import PolicyForm, RuleForm, TrialForm
from apps.governance.policies import OwnRule, Policy, policy_of
from apps.governance.trial import opened, try_policy
from apps.tenants.doors import SignedInRequest, project_view
from apps.tenants.forms import tell
from apps.tenants.models import Project
from apps.tenants.permissions import Permission

GONE = "That rule was removed in the meantime."


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@project_view(Permission.MANAGE_PROJECT)
def redaction(request: SignedInRequest, project: Project) -> HttpResponse:
    policy = policy_of(project)
    form = PolicyForm(policy, request.POST or None)
    if request.method != "POST":
        return _page(request, project, form=form)
    if form.is_valid() and _change(
        request, project, form.policy, form, seen_version=form.cleaned_data["version"]
    ):
        return _saved(request, project, "The policy counts from now on.")
    return _page(request, project, form=form, status=422)


@require_POST
@project_view(Permission.MANAGE_PROJECT)
def add_rule(request: SignedInRequest, project: Project) -> HttpResponse:
    policy, form = policy_of(project), RuleForm(request.POST)
    if form.is_valid():
        changed = replace(policy, rules=(*policy.rules, form.rule))
        if _change(request, project, changed, form, seen_version=policy.version):
            return _saved(request, project, f"The rule {form.rule.name} counts from now on.")
    return _page(request, project, rule_form=form, status=422)


@require_POST
@project_view(Permission.MANAGE_PROJECT)
def remove_rule(request: SignedInRequest, project: Project) -> HttpResponse:
    policy, name = policy_of(project), request.POST.get("name", "")
    rules = tuple(rule for rule in policy.rules if rule.name != name)
    if rules == policy.rules:
        messages.error(request, GONE)
        return _back(project)
    changed = replace(policy, rules=rules)
    services.change_policy(project, policy=changed, actor=request.actor)
    return _saved(request, project, f"The rule {name} was removed.")


@require_POST
@never_cache
@project_view(Permission.MANAGE_PROJECT)
def try_out(request: SignedInRequest, project: Project) -> HttpResponse:
    """Show what the policy makes of a text; the text is not kept."""
    form = TrialForm(request.POST)
    if not form.is_valid():
        return _page(request, project, trial_form=form, status=422)
    chosen = form.cleaned_data
    action = Action(chosen["action"]) if chosen["action"] else None
    trial = try_policy(
        project,
        policy_of(project),
        opened(chosen["text"]),
        category=Category(chosen["category"]),
        action=action,
    )
    if request.headers.get("HX-Request"):
        return render(request, "governance/redaction.html#outcome", {"trial": trial})
    return _page(request, project, trial_form=form, trial=trial)


def _change(
    request: SignedInRequest,
    project: Project,
    policy: Policy,
    form: forms.Form,
    *,
    seen_version: int,
) -> bool:
    """Change the policy, or tell at the form why not."""
    try:
        services.change_policy(
            project, policy=policy, seen_version=seen_version, actor=request.actor
        )
    except InvalidError as error:
        path = error.errors[0]["path"].rpartition(".")[2]
        tell(form, InvalidError(str(error), path))
    except DomainError as error:
        tell(form, error)
    return not form.errors


def _saved(request: SignedInRequest, project: Project, message: str) -> HttpResponse:
    messages.success(request, message)
    return _back(project)


def _back(project: Project) -> HttpResponse:
    return redirect("governance:redaction", project.organization.slug, project.slug)


def _page(
    request: SignedInRequest, project: Project, *, status: int = 200, **shown: Any
) -> HttpResponse:
    policy = policy_of(project)
    trial_form = TrialForm()
    context = {
        "project": project,
        "policy": policy,
        "rules": rows_of(policy.rules),
        "secrets": [label for kind, label in KINDS.items() if kind in SECRETS],
        "form": PolicyForm(policy),
        "rule_form": RuleForm(auto_id="rule_%s"),
        "trial_form": trial_form,
        "trial": _sample(project, policy, trial_form) if "trial_form" not in shown else None,
    }
    return render(request, "governance/redaction.html", context | shown, status=status)


def _sample(project: Project, policy: Policy, form: TrialForm) -> Any:
    """Return what becomes of the text that stands in the box before anybody typed."""
    return try_policy(project, policy, form.fields["text"].initial, category=Category.INPUT)


def rows_of(rules: Sequence[OwnRule]) -> list[tuple[OwnRule, str]]:
    """Return rules with the words for what becomes of what they find."""
    words = dict(RULE_ACTIONS)
    return [(rule, words[rule.action]) for rule in rules]
