"""`manage.py create_api_key`."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core.exceptions import PermissionDenied
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from apps.accounts.models import User
from apps.audit.actors import SYSTEM, Actor
from apps.core.errors import DomainError
from apps.tenants import key_services
from apps.tenants.models import Project

MOST_DAYS = 3650


class Command(BaseCommand):
    """Create an API key and print it and nothing else, so that a script can take it."""

    help = "Create an API key of a project and print it. It is shown this once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--organization", required=True, metavar="SLUG")
        parser.add_argument("--project", required=True, metavar="SLUG")
        parser.add_argument("--scopes", default="ingest", help="separated by commas")
        parser.add_argument("--environment", default="", help="the only one that the key is for")
        parser.add_argument("--name", default="Made on the command line")
        parser.add_argument("--days", type=int, default=180, help="until it expires; 0: never")
        parser.add_argument("--user", metavar="EMAIL", help="who makes it (for the scope admin)")

    def handle(self, *args: Any, **options: Any) -> None:
        project = find_project(options["organization"], options["project"])
        days = options["days"]
        if not 0 <= days <= MOST_DAYS:
            raise CommandError(f"--days must be from 0 to {MOST_DAYS}.")
        try:
            _, secret = key_services.create_api_key(
                project,
                name=options["name"],
                scopes=[word.strip() for word in options["scopes"].split(",") if word.strip()],
                environment=options["environment"],
                expires_at=timezone.now() + timedelta(days=days) if days else None,
                actor=find_actor(options["user"]),
            )
        except (DomainError, PermissionDenied) as error:
            raise CommandError(str(error)) from None
        self.stdout.write(secret)


def find_project(organization: str, project: str) -> Project:
    """Return the project of these slugs, or say that there is none."""
    found = Project.objects.filter(organization__slug=organization, slug=project).first()
    if found is None:
        raise CommandError(
            f"There is no project {organization}/{project}. `manage.py create_project` makes one."
        )
    return found


def find_actor(email: str | None) -> Actor:
    """Return the person of this address as the actor, or the system."""
    if email is None:
        return SYSTEM
    user = User.objects.filter(email=email.lower(), is_active=True).first()
    if user is None:
        raise CommandError(f"There is no active account {email}.")
    return Actor(kind="user", id=str(user.pk), label=user.email)
