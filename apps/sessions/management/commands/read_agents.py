"""`manage.py read_agents`."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from apps.sessions.agents import sweeping
from apps.tenants.management.commands.create_api_key import find_project

TOLD_EVERY = 100


class Command(BaseCommand):
    """Find the versions of a project's agents in what was recorded before, oldest first."""

    help = "Find versions of agents in the closed sessions of a project, those not yet looked at."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--organization", required=True, metavar="SLUG")
        parser.add_argument("--project", required=True, metavar="SLUG")
        parser.add_argument(
            "--rebuild", action="store_true", help="forget all versions first; numbers may change"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        project = find_project(options["organization"], options["project"])
        if options["rebuild"]:
            sweeping.forget_agents(project)
        count = 0
        for count, _ in enumerate(sweeping.read_project(project), 1):
            if count % TOLD_EVERY == 0:
                self.stdout.write(f"{count} sessions so far")
        agents, versions = project.agents.count(), project.agent_versions.filter(merged_into=None)
        self.stdout.write(f"{count} sessions read: {agents} agents, {versions.count()} versions")
