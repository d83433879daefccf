"""Which sessions a schedule chooses, said in words."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import QueryDict

from apps.core.errors import InvalidError
from apps.replays.schedules.choice import NEWEST, STRATIFIED, USUAL_STRATA, Choice, parameters_of
from apps.sessions.filter_text import render
from apps.tenants.models import Project


@dataclass(frozen=True, slots=True)
class ToldChoice:
    """Filters as typed, the same as a query of the session list, and what is taken of them."""

    filters: str
    query: str
    says: str
    # Why it can choose nothing: the saved view is gone.
    fault: str = ""


def told_choice(project: Project, choice: Choice | None) -> ToldChoice | None:
    if choice is None:
        return None
    try:
        parameters = parameters_of(project, choice)
    except InvalidError as error:
        return ToldChoice("", "", _says(choice), str(error))
    query = QueryDict(mutable=True)
    query.update(parameters)
    return ToldChoice(render(parameters), query.urlencode(), _says(choice))


def _says(choice: Choice) -> str:
    if choice.take == NEWEST:
        return f"the newest {choice.last:,}"
    if choice.take != STRATIFIED:
        return f"{choice.last:,} at random, seed {choice.seed}"
    kinds = ", ".join(choice.by or USUAL_STRATA)
    return f"{choice.last:,} at random with every kind in it by {kinds}, seed {choice.seed}"
