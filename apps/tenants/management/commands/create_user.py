"""`manage.py create_user`."""

from __future__ import annotations

import secrets
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from apps.accounts.models import User
from apps.accounts.services import create_person
from apps.audit.actors import SYSTEM
from apps.core.errors import DomainError
from apps.tenants import services
from apps.tenants.models import Organization
from apps.tenants.permissions import Role


class Command(BaseCommand):
    """Create somebody who may sign in at once, with a role in an organization if wanted."""

    help = "Create a person; without --password one is made and printed."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--email", required=True)
        parser.add_argument("--name", default="")
        parser.add_argument("--password", help="seen by others on this machine; better left out")
        parser.add_argument("--organization", metavar="SLUG", help="created if it does not exist")
        parser.add_argument("--role", choices=Role.values, default=None, help="default: owner")

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        if options["role"] and not options["organization"]:
            raise CommandError("--role says what somebody may do in --organization: name it too.")
        password = options["password"] or secrets.token_urlsafe(15)
        try:
            user = create_person(email=options["email"], password=password, name=options["name"])
            if options["organization"]:
                join(user, options["organization"], Role(options["role"] or Role.OWNER))
        except DomainError as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"Created {user.email}.")
        if not options["password"]:
            self.stdout.write(f"Password: {password}")


def join(user: User, slug: str, role: Role) -> None:
    """Give the person a role in the organization, which is created if need be."""
    organization = Organization.objects.filter(slug=slug).first()
    if organization is None:
        organization = services.create_organization(slug=slug, owner=None, actor=SYSTEM)
    services.add_member(organization, user, role=role, actor=SYSTEM)
