"""How the versions of a prompt did, side by side: a part of the prompt's page, or a page itself."""

from __future__ import annotations

from datetime import timedelta

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_safe

from apps.annotations.prompt_scores import scores_of
from apps.core.errors import InvalidError
from apps.prompts import queries
from apps.sessions.filters import refuse_unknown
from apps.sessions.prompt_metrics import numbers_of
from apps.tenants.doors import SignedInRequest, project_view
from apps.tenants.models import Project
from apps.tenants.permissions import Permission

# Versions side by side.
VERSIONS = 12
DAYS = ("7", "30", "90")


@require_safe
@gzip_page
@project_view(Permission.READ_PROMPTS)
def prompt_metrics(request: SignedInRequest, project: Project, prompt_name: str) -> HttpResponse:
    """Show uses, errors, time, tokens, cost and scores of the newest versions."""
    query = request.GET.dict()
    refuse_unknown(query, frozenset({"days", "cursor"}))
    days = query.get("days", "30")
    if days not in DAYS:
        raise InvalidError(f"days must be one of {', '.join(DAYS)}.", "days")
    prompt = queries.find_prompt(project, prompt_name)
    page = queries.version_page(prompt, cursor=query.get("cursor"), limit=VERSIONS)
    versions, since = [row.number for row in page.rows], timezone.now() - timedelta(days=int(days))
    numbers = numbers_of(project, prompt.name, versions, since=since)
    names, scores = scores_of(project, prompt.name, versions, since=since)
    labels = queries.labels_of(prompt)
    context = {
        "project": project,
        "prompt": prompt,
        "days": days,
        "choices": DAYS,
        "page": page,
        "names": names,
        "rows": [
            {
                "number": number,
                "labels": labels.get(number, []),
                "numbers": numbers[number],
                "scores": [scores.get(number, {}).get(name) for name in names],
            }
            for number in versions
        ],
    }
    is_part = request.headers.get("HX-Request") == "true"
    template = "annotations/prompt_numbers.html" if is_part else "annotations/prompt_metrics.html"
    return render(request, template, context)
