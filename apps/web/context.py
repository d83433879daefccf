"""What every page's frame shows: the theme, where we are, and where one can go."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from itertools import groupby
from typing import Any

from django.db.models import Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from apps.accounts.models import User
from apps.tenants.inbox import with_unread
from apps.tenants.models import Membership, Organization, Project
from apps.tenants.permissions import Permission, Role

THEMES = ("system", "light", "dark")
THEME_COOKIE = "playhead_theme"


@dataclass(frozen=True)
class NavigationLink:
    """One entry of the navigation bar."""

    label: str
    icon: str
    url: str
    is_current: bool
    # What somebody should look at there, in words.
    alert: str = ""
    # The letter after g that leads there.
    letter: str = ""
    # Whether another page of the bar leads there.
    is_within: bool = False


@dataclass(frozen=True)
class Destination:
    """A page that the navigation bar may offer to those who have the right to it."""

    label: str
    icon: str
    name: str
    needs: Permission
    letter: str = ""
    # The page that leads there: who has that in the bar needs no entry for this one.
    within: str = ""


INGEST = "ingest:health"
SETTINGS = "tenants:settings"
RUNS = "replays:runs"
REFUSED = "(something was refused lately)"

PROJECT_PAGES = (
    Destination("Sessions", "list-tree", "sessions:list", Permission.READ_META, "s"),
    Destination("Examples", "graduation-cap", "annotations:examples", Permission.READ_CONTENT),
    Destination("Compare", "chart-gantt", "sessions:compare", Permission.READ_CONTENT),
    Destination("Prompts", "scroll-text", "prompts:list", Permission.READ_PROMPTS, "p"),
    Destination("Agents", "bot", "sessions:agents", Permission.READ_META),
    Destination("Replays", "play", "replays:list", Permission.READ_META),
    Destination("Regressions", "git-branch", RUNS, Permission.READ_META, "r"),
    Destination("Tickets", "ticket", "tickets:list", Permission.READ_META, "t"),
    Destination("Suites", "bookmark", "suites:list", Permission.READ_META, within=RUNS),
    Destination("Schedules", "clock", "replays:schedules", Permission.READ_META, within=RUNS),
    Destination("Setup", "plug", "web:setup", Permission.INGEST),
    Destination("Ingest", "inbox", INGEST, Permission.INGEST),
    Destination("Imports", "database", "ingest:imports", Permission.INGEST, within=INGEST),
    Destination("Keys", "key-round", "tenants:keys", Permission.MANAGE_KEYS, within=SETTINGS),
    Destination(
        "Redaction",
        "shield-check",
        "governance:redaction",
        Permission.MANAGE_PROJECT,
        within=SETTINGS,
    ),
    Destination("Settings", "settings", SETTINGS, Permission.MANAGE_PROJECT),
)
# Pages under whose addresses others lie: current only when they are open themselves.
EXACT = ("web:organization",)
ORGANIZATION_PAGES = (
    Destination("Projects", "layers", "web:organization", Permission.READ_MEMBERS),
    Destination("Members", "users", "tenants:members", Permission.READ_MEMBERS),
    Destination("Audit", "scroll-text", "tenants:audit", Permission.READ_AUDIT),
)


class Shell:
    """The frame of one request's page. Nothing is read until the template asks."""

    def __init__(self, request: HttpRequest) -> None:
        self.request = request
        # A request that was refused before anybody was asked who sent it has no user at all.
        user = getattr(request, "user", None)
        self.user: User | None = user if isinstance(user, User) else None

    @cached_property
    def theme(self) -> str:
        cookie = self.request.COOKIES.get(THEME_COOKIE, "")
        chosen = self.user.theme if self.user else cookie
        return chosen if chosen in THEMES else "system"

    @cached_property
    def place(self) -> dict[str, str]:
        """The slugs in this page's URL."""
        match = self.request.resolver_match
        return match.kwargs if match else {}

    @cached_property
    def memberships(self) -> list[Membership]:
        if self.user is None:
            return []
        return list(with_unread(self.user.memberships.select_related("organization")))

    @property
    def unread(self) -> int:
        """How much is in the person's inbox that they have not read."""
        return next((getattr(row, "unread", 0) for row in self.memberships), 0)

    @cached_property
    def projects(self) -> list[Project]:
        """Every project that this person may enter, by organization."""
        if not self.memberships:
            return []
        whole = [row.organization_id for row in self.memberships if row.project_id is None]
        single = [row.project_id for row in self.memberships if row.project_id is not None]
        found = Project.objects.filter(Q(organization__in=whole) | Q(pk__in=single))
        return list(
            found.select_related("organization").order_by("organization__name", "name", "pk")
        )

    @cached_property
    def organizations(self) -> list[tuple[Organization, list[Project]]]:
        """The projects of the switcher, grouped."""
        return [
            (organization, list(projects))
            for organization, projects in groupby(self.projects, lambda row: row.organization)
        ]

    @cached_property
    def project(self) -> Project | None:
        slugs = (self.place.get("organization_slug"), self.place.get("project_slug"))
        for project in self.projects:
            if (project.organization.slug, project.slug) == slugs:
                return project
        return None

    @cached_property
    def organization(self) -> Organization | None:
        slug = self.place.get("organization_slug")
        for membership in self.memberships:
            if membership.organization.slug == slug:
                return membership.organization
        return None

    @cached_property
    def role(self) -> Role | None:
        """The role here; a project's own membership wins over the organization's."""
        if self.organization is None:
            return None
        roles = {
            row.project_id: Role(row.role)
            for row in self.memberships
            if row.organization_id == self.organization.pk
        }
        own = roles.get(self.project.pk) if self.project else None
        return own or roles.get(None)

    @cached_property
    def organization_role(self) -> Role | None:
        if self.organization is None:
            return None
        for row in self.memberships:
            if row.organization_id == self.organization.pk and row.project_id is None:
                return Role(row.role)
        return None

    @property
    def navigation(self) -> list[NavigationLink]:
        """What the bar shows: as many as fit a screen."""
        return [link for link in self.destinations if not link.is_within]

    @cached_property
    def destinations(self) -> list[NavigationLink]:
        """Every page of the project and the organization that this person may open."""
        links: list[NavigationLink] = []
        if self.project and self.role:
            slugs = {
                "organization_slug": self.project.organization.slug,
                "project_slug": self.project.slug,
            }
            links += self._links(PROJECT_PAGES, self.role, slugs)
        if self.organization and self.organization_role:
            slugs = {"organization_slug": self.organization.slug}
            links += self._links(ORGANIZATION_PAGES, self.organization_role, slugs)
        return links

    def _links(
        self, pages: tuple[Destination, ...], role: Role, slugs: dict[str, str]
    ) -> list[NavigationLink]:
        allowed = [page for page in pages if role.allows(page.needs)]
        names = {page.name for page in allowed}
        return [
            self._link(page, reverse(page.name, kwargs=slugs), is_within=page.within in names)
            for page in allowed
        ]

    def _link(self, page: Destination, url: str, *, is_within: bool) -> NavigationLink:
        here = self.request.path
        is_current = here == url if page.name in EXACT else here.startswith(url)
        alert = REFUSED if page.name == INGEST and self.has_refusals else ""
        return NavigationLink(page.label, page.icon, url, is_current, alert, page.letter, is_within)

    @cached_property
    def has_refusals(self) -> bool:
        """Whether something that was sent to the project was refused in this hour or the last."""
        if self.project is None:
            return False
        since = timezone.now() - timedelta(hours=2)
        lately = self.project.ingest_clients.filter(hour__gt=since)
        return lately.exclude(rejected=0, refused_requests=0).exists()

    @property
    def can_remove_demo(self) -> bool:
        is_demo = self.project is not None and self.project.is_demo
        return is_demo and self.role is not None and self.role.allows(Permission.ERASE)

    @property
    def can_see_setup(self) -> bool:
        return self.role is not None and self.role.allows(Permission.INGEST)


def shell(request: HttpRequest) -> dict[str, Any]:
    """Return the frame; kept on the request, so that fragments do not read it again."""
    frame = getattr(request, "_shell", None)
    if frame is None:
        frame = Shell(request)
        request._shell = frame  # type: ignore[attr-defined]
    return {"shell": frame}
