"""What is told of a replay of the server, or of a run, to whoever watches it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.http import Http404
from django.template.loader import render_to_string

from apps.core.watching import Look
from apps.replays.runs.progress import progress_of as progress_of_run
from apps.replays.runs.queries import find_run
from apps.replays.server.progress import as_json, progress_of
from apps.tenants.models import Project

Json = Any


@dataclass(frozen=True, slots=True)
class Watched:
    """Something that goes on, and how it is looked at: once for all who watch it."""

    key: tuple[str, int, UUID, bool]
    look: Callable[[], Look | None]

    def now(self) -> Look:
        """Return what is told now. Raises Http404 where there is no such thing."""
        found = self.look()
        if found is None:
            raise Http404
        return found


def replay(project: Project, replay_id: UUID, *, is_page: bool) -> Watched:
    """Return a replay of the server to be watched; for pages with the words that they show."""

    def look() -> Look | None:
        run = project.server_replays.filter(replay=replay_id).select_related("budget").first()
        if run is None:
            return None
        progress = progress_of(run)
        return _told(as_json(progress), progress, is_page, "replays/progress_told.html")

    return Watched(("replay", project.pk, replay_id, is_page), look)


def run(project: Project, run_id: UUID, *, is_page: bool) -> Watched:
    """Return a run of a suite to be watched; for pages with the words that they show."""

    def look() -> Look | None:
        try:
            progress = progress_of_run(find_run(project, run_id))
        except Http404:
            return None
        return _told(progress.as_json(), progress, is_page, "replays/runs/progress.html")

    return Watched(("run", project.pk, run_id, is_page), look)


def _told(told: dict[str, Json], progress: Any, is_page: bool, template: str) -> Look:
    if is_page:
        # The same for all who watch, so there is nothing of a viewer in it.
        told = {"state": told["state"], "html": render_to_string(template, {"progress": progress})}
    return Look(told, is_over=not progress.is_open)
