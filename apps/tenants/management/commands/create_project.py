"""`manage.py create_project`."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from apps.audit.actors import SYSTEM
from apps.core.errors import DomainError
from apps.tenants import services
from apps.tenants.models import Organization


class Command(BaseCommand):
    """Create a project, and its organization if there is none of that name yet."""

    help = "Create a project; an organization that does not exist yet is created too."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--organization", required=True, metavar="SLUG")
        parser.add_argument("--project", required=True, metavar="SLUG")
        parser.add_argument("--name", default="", help="the project's name (default: its slug)")

    @transaction.atomic
    def handle(self, *, organization: str, project: str, name: str, **options: Any) -> None:
        try:
            home = Organization.objects.filter(slug=organization).first()
            if home is None:
                home = services.create_organization(slug=organization, owner=None, actor=SYSTEM)
            services.create_project(home, slug=project, name=name, actor=SYSTEM)
        except DomainError as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"Created the project {organization}/{project}.")
