"""A real browser, a real server and seeded sessions. What a page does wrong fails a test."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.management import call_command
from django.db import connection, connections
from django.test import Client, override_settings
from django.test.testcases import LiveServerThread
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect, sync_playwright

from apps.accounts.models import User
from apps.annotations.share_links import Terms, make_link
from apps.audit.actors import SYSTEM
from apps.replays.models import Replay
from apps.replays.runs.models import RegressionRun
from apps.sessions.models import Session
from apps.sessions.saved_views import save_view
from apps.tenants.models import Project
from apps.tenants.permissions import Role
from tests.browser import account, imports, opinions, prompts, replays, runs, seed, tickets
from tests.factories import make_membership, make_organization, make_project, make_user
from tests.replays.gathering import make_suite
from tests.replays.scheduling import keep_schedule

PASSWORD = "correct horse battery staple"
SWITCHES = (
    "--no-sandbox --disable-gpu --disable-background-networking --disable-component-update "
    "--disable-sync --no-first-run"
).split()
HASHED = {"BACKEND": "apps.core.staticfiles.HashedStaticFilesStorage"}
CLOSE_OTHERS = """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()"""
# Playwright keeps an event loop running in the thread in which tests use the ORM.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
# Generous: what is slow is measured elsewhere, and the machine may be busy.
expect.set_options(timeout=20_000)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let these tests have the test database, after pytest-django has put them last."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent) and "site" in item.fixturenames:
            item.add_marker(pytest.mark.django_db)


@dataclass
class Site:
    """Where the server is, who may sign in, and what there is to see."""

    url: str
    project: Project
    empty_project: Project
    owner: User
    auditor: User
    sessions: dict[str, Session]
    # Session cookies by the key of the person, made before any test opens a transaction.
    cookies: dict[int, Any] = field(default_factory=dict)
    # Written to while a page waits.
    fresh_project: Project | None = None
    # Made-up sessions, which one click removes.
    demo_project: Project | None = None
    # Sessions that were run again, and by what they are worth looking at.
    replay_project: Project | None = None
    replays: dict[str, Replay] = field(default_factory=dict)
    # A suite that was run, and the runs by what they are worth looking at.
    run_project: Project | None = None
    runs: dict[str, RegressionRun] = field(default_factory=dict)
    # The token of a share link to the session with hostile text.
    token: str = ""

    def path(self, name: str = "", project: Project | None = None) -> str:
        project = project or self.project
        return f"{self.url}/o/{project.organization.slug}/p/{project.slug}/{name}"

    def session(self, name: str, rest: str = "") -> str:
        return self.path(f"sessions/{self.sessions[name].pk}/{rest}")


@pytest.fixture(scope="session")
def collected(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Static files as they are served: hashed names, compressed."""
    root = tmp_path_factory.mktemp("static")
    stores = {**django_settings.STORAGES, "staticfiles": HASHED}
    with override_settings(STATIC_ROOT=str(root), STORAGES=stores):
        call_command(
            "collectstatic", "-i", "drf_spectacular_sidecar", interactive=False, verbosity=0
        )
        yield root


@pytest.fixture(scope="session")
def site(django_db_setup: None, django_db_blocker: Any, collected: Path) -> Iterator[Site]:
    """One server and one set of sessions for all tests here; they run after all others."""
    with django_db_blocker.unblock():
        assert connection.settings_dict["NAME"].startswith("test_")
        server = LiveServerThread("127.0.0.1", static_handler=lambda application: application)
        server.daemon = True
        server.start()
        server.is_ready.wait()
        if server.error:
            raise server.error
        yield fill(f"http://127.0.0.1:{server.port}")
        server.terminate()
        connections.close_all()
        with connection.cursor() as cursor:
            cursor.execute("SET ROLE NONE")
            cursor.execute("SET session_replication_role = replica")
            # A page that was closed while it asked leaves its thread's connection behind.
            cursor.execute(CLOSE_OTHERS)
        call_command("flush", interactive=False, verbosity=0)
        connection.close()


def fill(url: str) -> Site:
    acme = make_organization("acme", name="Acme")
    project, empty = make_project(acme, "support-bot"), make_project(acme, "nothing-yet")
    owner, auditor = make_user("owner@example.com", PASSWORD), make_user("auditor@example.com")
    make_membership(acme, owner, Role.OWNER)
    make_membership(acme, auditor, Role.AUDITOR)
    site = Site(url, project, empty, owner, auditor, seed.fill(project))
    account.keep_account(project)
    imports.keep_imports(project)
    query = "status=error&environment=production"
    save_view(project, name="Failed in production", query=query, owner=None, actor=SYSTEM)
    _, site.token = make_link(site.sessions["hostile"], Terms(note="somebody"), actor=SYSTEM)
    opinions.say_hostile_things(site.sessions["hostile"])
    tickets.open_tickets(site.sessions, owner)
    prompts.keep_prompts(project, owner)
    hostile = {"kind": "contains", "words": ["<img src=x onerror=window.pwned=1>"]}
    gathered = [site.sessions["hostile"], site.sessions["hero"]]
    make_suite(project, *gathered, name="<b>Refunds</b>", expectations=[hostile])
    site.cookies = {user.pk: session_cookie(user, url) for user in (owner, auditor)}
    site.fresh_project = make_project(acme, "brand-new")
    site.replay_project = make_project(acme, "run-again")
    site.replays = replays.fill(site.replay_project)
    site.run_project = make_project(acme, "run-suites")
    site.runs = runs.keep_runs(site.run_project)
    site.runs["scheduled"] = keep_schedule(site.run_project, owner)
    site.demo_project = make_project(acme, "the-demo", is_demo=True)
    return site


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    names = ("chromium", "chromium-browser", "google-chrome")
    found = next((path for name in names if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip("NO CHROMIUM: the browser tests did not run. apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=SWITCHES)
        yield browser
        browser.close()


@dataclass
class Watch:
    """What a page did that it must not do, and what it fetched."""

    problems: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def follow(self, page: Page) -> None:
        page.on("console", lambda said: self._console(said.type, said.text))
        page.on("pageerror", lambda error: self.problems.append(f"error: {error}"))
        page.on("request", lambda request: self.requests.append(request.url))

    def _console(self, level: str, text: str) -> None:
        if level in ("error", "warning"):
            self.problems.append(f"{level}: {text}")


TELL_VIOLATIONS = """addEventListener("securitypolicyviolation", (event) =>
    console.error(`CSP ${event.violatedDirective} ${event.blockedURI}`));"""


@pytest.fixture
def watch(site: Site) -> Iterator[Watch]:
    """Fail the test when a page logged an error, broke the policy or went elsewhere."""
    watch = Watch()
    yield watch
    foreign = [url for url in watch.requests if not url.startswith((site.url, "data:"))]
    assert watch.problems == []
    assert foreign == []


@pytest.fixture
def open_context(
    site: Site, browser: Browser, watch: Watch
) -> Iterator[Callable[..., BrowserContext]]:
    """Return what opens a browser window for a person, with given options of Playwright."""
    opened: list[BrowserContext] = []

    def open_one(user: User | None = site.owner, **options: Any) -> BrowserContext:
        context = browser.new_context(**{"viewport": {"width": 1440, "height": 900}} | options)
        context.set_default_timeout(20_000)
        context.add_init_script(TELL_VIOLATIONS)
        context.on("page", watch.follow)
        context.route("**/*events", without_stream)
        if user is not None:
            context.add_cookies([site.cookies[user.pk]])
        opened.append(context)
        return context

    yield open_one
    for context in opened:
        context.close()


def without_stream(route: Route) -> None:
    """Refuse streams as a proxy may: the server of these tests holds none, and pages ask then."""
    if "event-stream" in route.request.headers.get("accept", ""):
        route.fulfill(status=204)
    else:
        route.continue_()


def session_cookie(user: User, url: str) -> Any:
    client = Client()
    client.force_login(user)
    name = django_settings.SESSION_COOKIE_NAME
    return {"name": name, "value": client.cookies[name].value, "url": url}


@pytest.fixture
def page(open_context: Callable[..., BrowserContext]) -> Page:
    """A page of the owner's window."""
    return open_context().new_page()
