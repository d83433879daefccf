"""The page that shows how one version became another."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_safe

from apps.core.diff_table import diff_table
from apps.core.errors import InvalidError
from apps.prompts import queries
from apps.prompts.differing import diff_versions, words_of
from apps.prompts.pages import frame, place_of
from apps.prompts.queries import refuse_unknown
from apps.tenants.doors import SignedInRequest, project_view
from apps.tenants.models import Project
from apps.tenants.permissions import Permission

MODES = {"unified": "Unified", "split": "Side by side", "words": "Words"}
SPACES = {"show": "White space counts", "ignore": "White space ignored"}
LINES = {"changed": "Changed lines", "all": "All lines"}


@require_safe
@gzip_page
@project_view(Permission.READ_PROMPTS)
def version_diff(
    request: SignedInRequest, project: Project, prompt_name: str, older: int, newer: int
) -> HttpResponse:
    """Show the difference of two versions."""
    query = request.GET.dict()
    refuse_unknown(query, {"mode", "space", "lines"})
    mode = one_of(query, "mode", MODES)
    prompt = queries.find_prompt(project, prompt_name)
    a, b = queries.find_version(prompt, older), queries.find_version(prompt, newer)
    diff = diff_versions(
        a,
        b,
        ignores_space=one_of(query, "space", SPACES) == "ignore",
        is_whole=one_of(query, "lines", LINES) == "all",
    )
    rows = diff.rows(is_split=mode == "split")
    context = {
        **frame(request, project),
        "prompt": prompt,
        "a": a,
        "b": b,
        "diff": diff,
        "rows": rows,
        "table": diff_table(rows, is_split=mode == "split") if mode != "words" else "",
        "words": words_of(a, b) if mode == "words" else None,
        "mode": mode,
        "choices": [
            ("mode", mode, MODES),
            ("space", one_of(query, "space", SPACES), SPACES),
            ("lines", one_of(query, "lines", LINES), LINES),
        ],
    }
    return render(request, "prompts/diff.html", context)


@require_safe
@project_view(Permission.READ_PROMPTS)
def choose_versions(request: SignedInRequest, project: Project, prompt_name: str) -> HttpResponse:
    """Lead to the difference of the two versions that a form names."""
    query = request.GET.dict()
    refuse_unknown(query, {"from", "to"})
    prompt = queries.find_prompt(project, prompt_name)
    older, newer = (queries.read_number(query.get(name, ""), name) for name in ("from", "to"))
    return redirect("prompts:diff", *place_of(prompt), older, newer)


def one_of(query: dict[str, str], name: str, choices: dict[str, str]) -> str:
    """Return which of the choices is asked for; the first unless it says."""
    chosen = query.get(name) or next(iter(choices))
    if chosen not in choices:
        raise InvalidError(f"{name} must be one of {', '.join(choices)}.", name)
    return chosen
