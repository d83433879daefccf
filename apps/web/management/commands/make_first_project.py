from __future__ import annotations

import secrets
from typing import Any

from django.core.management import BaseCommand
from django.db import transaction

from apps.accounts.services import create_person
from apps.audit.actors import SYSTEM
from apps.tenants import key_services, services
from apps.tenants.permissions import Scope

EMAIL = "admin@playhead.local"
ORGANIZATION, PROJECT, DEMO = "my-team", "my-project", "demo-support-desk"
KEY_SCOPES = (Scope.INGEST, Scope.READ_CONTENT)


class Command(BaseCommand):
    """Called by ``up`` on its first start; prints what the newcomer needs, once."""

    help = "Make the first person, organization, projects and key, and print how to sign in."

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        password = secrets.token_urlsafe(12)
        user = create_person(email=EMAIL, password=password)
        organization = services.create_organization(
            slug=ORGANIZATION, name="My team", owner=user, actor=SYSTEM
        )
        project = services.create_project(
            organization, slug=PROJECT, name="My project", actor=SYSTEM
        )
        services.create_project(
            organization, slug=DEMO, name="Demo: support desk", is_demo=True, actor=SYSTEM
        )
        _, secret = key_services.create_api_key(
            project, name="Made on the first start", scopes=KEY_SCOPES, actor=SYSTEM
        )
        self.stdout.write(
            f"Sign in with  {EMAIL}\n"
            f"Password      {password}\n"
            f"Project key   {secret}\n"
            f"              (project {ORGANIZATION}/{PROJECT}; {', '.join(KEY_SCOPES)})"
        )
