from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandError, CommandParser
from django.db import Error

from apps.audit.actors import SYSTEM
from apps.core.errors import ConflictError
from apps.tenants import key_services
from apps.tenants.access import people_who_may_see
from apps.tenants.models import Project
from apps.tenants.permissions import Scope
from apps.web.demo import demo_sessions
from apps.web.demo.library import keep_all
from apps.web.demo.problems import open_all
from apps.web.demo.regression import try_all
from apps.web.demo.replays import replay_all
from apps.web.demo.saying import say_all
from apps.web.demo.schedule import HERO

SECONDS = 120
# Few requests, and none that keeps other senders waiting for long.
EVENTS_AT_ONCE = 800
SCOPES = (
    Scope.INGEST,
    Scope.ANNOTATE,
    Scope.READ_CONTENT,
    Scope.PROMPTS_WRITE,
    Scope.REPLAYS_RUN,
)

Events = list[dict[str, Any]]


class Command(BaseCommand):
    """Sends as any client does, so that what is shown went the whole way."""

    help = "Send two weeks of a made-up support desk to a project; again changes nothing."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--organization", default="my-team", metavar="SLUG")
        parser.add_argument("--project", default="demo-support-desk", metavar="SLUG")

    def handle(self, *args: Any, **options: Any) -> None:
        path = f"{options['organization']}/{options['project']}"
        try:
            project = find_project(options["organization"], options["project"])
            sent = send_missing(project)
        except (OSError, Error, ConflictError, http.client.HTTPException) as error:
            reason = str(error).strip()
            raise CommandError(f"The demo sessions could not be sent: {reason}") from None
        told = f"{sent} demo sessions were sent to" if sent else "The demo sessions are already in"
        self.stdout.write(f"{told} {path}.")


def find_project(organization: str, project: str) -> Project:
    """Return the project of these slugs, or say that there is none."""
    found = Project.objects.filter(organization__slug=organization, slug=project).first()
    if found is None:
        raise CommandError(f"There is no project {organization}/{project}.")
    return found


def send_missing(project: Project) -> int:
    """Send the sessions that the project has not, with a key for this purpose alone."""
    stories = dict(demo_sessions(datetime.now(UTC)))
    there = project.sessions.filter(external_id__in=stories)
    known = set(there.values_list("external_id", flat=True))
    missing = [events for name, events in stories.items() if name not in known]
    if not missing:
        return 0
    key, secret = key_services.create_api_key(
        project,
        name="Demo reviewer",
        scopes=SCOPES,
        expires_at=datetime.now(UTC) + timedelta(hours=1),
        actor=SYSTEM,
    )
    try:
        for events in in_requests(missing):
            post_events(events, secret)
        if HERO not in known:
            say_all(secret)
            open_all(secret, first_reader(project))
            replay_all(secret)
            keep_all(secret)
            try_all(secret, first_reader(project))
    finally:
        key_services.revoke_api_key(key, actor=SYSTEM)
    return len(missing)


def first_reader(project: Project) -> str:
    """Return the address of whoever is likely to look at the demo; empty if nobody may yet."""
    person = people_who_may_see(project).first()
    return person.email if person else ""


def in_requests(sessions: list[Events]) -> Iterator[Events]:
    """Put sessions together in requests, the first alone, so that there is soon one to open."""
    request: Events = []
    for number, events in enumerate(sessions):
        if request and (number == 1 or len(request) + len(events) > EVENTS_AT_ONCE):
            yield request
            request = []
        request = request + events
    yield request


def post_events(events: Events, key: str) -> None:
    """Send events to the server's own address."""
    request = urllib.request.Request(  # noqa: S310
        f"{settings.PLAYHEAD_URL}/api/v1/events",
        data=json.dumps({"events": events}).encode(),
        headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=SECONDS) as response:  # noqa: S310
        answer = json.loads(response.read())
    if answer["rejected"]:
        raise urllib.error.URLError(f"{answer['rejected'][0]}")
