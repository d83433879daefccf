"""What the sides of a run are, in words, with links to their prompts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.urls import reverse

from apps.replays.runs.sides import Side
from apps.replays.server.settings import PromptOverride
from apps.tenants.models import Project

RECORD = "the record itself, nobody is asked"


@dataclass(frozen=True, slots=True)
class ShownSide:
    """One side as the pages of its run show it."""

    name: str
    # Beside the prompt.
    what: str
    provider: str
    prompt: PromptOverride | None
    # The label that the prompt was asked for by.
    label: str
    # The page that shows what the prompt changed since the baseline's; empty where there is none.
    diff: str


def others(model: str | None, params: Iterable[str], *, has_system: bool) -> list[str]:
    """Say what is another than recorded, beside the prompt."""
    named = ", ".join(params)
    parts = [
        f"model {model}" if model else "",
        "another system message" if has_system else "",
        f"other {named}" if named else "",
    ]
    return [part for part in parts if part]


def shown_sides(project: Project, sides: Sequence[Side]) -> list[ShownSide]:
    """Return the sides in words, the baseline first."""
    return [_shown(project, side, sides[0]) for side in sides]


def _shown(project: Project, side: Side, baseline: Side) -> ShownSide:
    told, prompt = side.overrides, side.overrides.prompt
    what = ", ".join(others(told.model, told.params, has_system=told.system is not None))
    label = (side.prompt or "").partition(":")[2]
    return ShownSide(
        side.name,
        what or ("" if prompt or side.is_record else "all as recorded"),
        RECORD if side.is_record else side.provider,
        prompt,
        label,
        _diff(project, baseline.overrides.prompt, prompt),
    )


def _diff(project: Project, old: PromptOverride | None, new: PromptOverride | None) -> str:
    if old is None or new is None or old.name != new.name or old.version == new.version:
        return ""
    place = (project.organization.slug, project.slug, new.name, old.version, new.version)
    return reverse("prompts:diff", args=place)
