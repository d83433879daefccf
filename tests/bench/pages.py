"""What pages cost: the server's CPU and memory, bytes, elements, heap and time to paint.

Run by hand: ``DATABASE_URL=... .venv/bin/python -m tests.bench.pages``, after ``manage.py
prepare_database``. Writes sessions of 10, 500, 5,000 and 50,000 events by ``store.append``,
starts the web server, asks for each page with nothing in memory and again, opens it in
Chromium, and goes through its rows there.
"""

from __future__ import annotations

import argparse
import gzip
import os
import statistics
import sys
from collections.abc import Callable
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.conf import settings  # noqa: E402
from django.db import connection  # noqa: E402
from django.test import Client  # noqa: E402
from django.test.utils import CaptureQueriesContext  # noqa: E402
from playwright.sync_api import Browser, Page, sync_playwright  # noqa: E402

from apps.accounts.models import User  # noqa: E402
from apps.sessions.models import Session  # noqa: E402
from apps.tenants.models import Project  # noqa: E402
from apps.tenants.permissions import Role  # noqa: E402
from tests.bench.long_sessions import write_session  # noqa: E402
from tests.bench.web_server import Cost, WebServer  # noqa: E402
from tests.factories import (  # noqa: E402
    make_key,
    make_membership,
    make_organization,
    make_project,
    make_user,
)

SIZES = (10, 500, 5_000, 50_000)
SLUG = f"bench-{os.getpid()}"
LISTED = 60
AGAIN = 5
OPENED = 5
MIB = 1024 * 1024
# For counting statements here; the server has hashed files of its own.
UNHASHED = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
CHROMIUM = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")
# Read in the page once it is ready: elements, and marks in milliseconds since it was asked for.
LOOK = """() => ({
  nodes: document.querySelectorAll("*").length,
  paint: performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? null,
  ready: performance.getEntriesByName("ph-ready")[0]?.startTime ?? null,
  blocked: window.blocked,
})"""
# Sums what tasks of more than 50 ms took beyond these.
COUNT_BLOCKED = """window.blocked = 0;
new PerformanceObserver((seen) => {
  for (const task of seen.getEntries()) window.blocked += task.duration - 50;
}).observe({ type: "longtask", buffered: true });"""


# Each answers how long the drawing of its frames took the page's thread, in milliseconds.
SCROLL = """async () => {
  const rows = document.querySelector("ph-waterfall"), took = [];
  const by = (rows.scrollHeight - rows.clientHeight) / 120;
  for (let step = 0; step <= 120; step += 1) {
    await new Promise(requestAnimationFrame);
    rows.scrollTop = by * step;
    const begin = performance.now();
    rows.draw();
    rows.getBoundingClientRect();
    took.push(performance.now() - begin);
  }
  return took;
}"""
ZOOM = """async () => {
  const rows = document.querySelector("ph-waterfall"), took = [];
  const ruler = await rows.ruler();
  for (const act of [...Array(12).fill("zoom-in"), ...Array(12).fill("zoom-out"), "focus", "fit"]) {
    await new Promise(requestAnimationFrame);
    const begin = performance.now();
    ruler[act]();
    rows.draw();
    rows.getBoundingClientRect();
    took.push(performance.now() - begin);
  }
  return took;
}"""
FILTER = """async () => {
  const rows = document.querySelector("ph-waterfall"), took = [];
  await rows.filter("k");
  for (const text of ["kind:tool", "kind:tool error", "critical", "chat", ""]) {
    await new Promise(requestAnimationFrame);
    const begin = performance.now();
    await rows.filter(text);
    took.push(performance.now() - begin);
  }
  return took;
}"""
WALKS = {"scroll": SCROLL, "zoom": ZOOM, "filter": FILTER}


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def paths(session: Session) -> dict[str, str]:
    """Return the pages of a session that are measured, in the order in which they are asked."""
    project = session.project
    page = f"/o/{project.organization.slug}/p/{project.slug}/sessions/{session.pk}/"
    api, count = f"/api/v1/sessions/{session.pk}", session.event_count
    return {
        "player": page,
        "player, in the middle": f"{page}?at={(count + 1) // 2}",
        "player, at the end": f"{page}?at={count}",
        "transcript, in the middle": f"{page}?view=transcript&at={(count + 1) // 2}",
        "spans.json": f"{page}spans.json",
        "panel of the last call": f"{page}panel/?at={count}",
        "panel of the last state": f"{page}panel/?at={count - 1}",
        "API, 50 events, no content": f"{api}/events?fields=meta&limit=50",
        "API, 50 events": f"{api}/events?limit=50",
        "API, all events, no content": f"{api}/events?fields=meta&limit=500",
        "API, all events": f"{api}/events?limit=500",
        "API, last state": f"{api}/state",
    }


def measure(server: WebServer, path: str) -> tuple[Cost, list[Cost]]:
    """Ask with nothing in memory, and then again."""
    return server.get(path), [server.get(path) for _ in range(AGAIN)]


def line(name: str, first: Cost, again: list[Cost], queries: int) -> str:
    web = statistics.median(cost.web_ms for cost in again)
    database = statistics.median(cost.database_ms for cost in again)
    peak = max(cost.peak_mib for cost in (first, *again))
    return (
        f"{name:30} first {first.web_ms:7.1f} + {first.database_ms:6.1f} CPU ms,"
        f" again {web:6.1f} + {database:6.1f}; {queries:3} queries;"
        f" {first.size / 1024:7.1f} KB; peak {peak:5.0f} MiB"
    )


def serve(server: WebServer, client: Client, session: Session, warm: Session) -> None:
    """Print what the pages of a session take the server."""
    server.restart()
    for path in paths(warm).values():
        server.get(path)
    for name, path in paths(session).items():
        first, again = measure(server, path)
        say("  " + line(name, first, again, queries_of(client, path)))


def queries_of(client: Client, path: str) -> int:
    """Return how many statements an answer takes with its outline in memory."""
    if path.startswith("/api/"):
        path += f"{'&' if '?' in path else '?'}project={SLUG}/pages"
    client.get(path)
    with CaptureQueriesContext(connection) as queries:
        assert client.get(path).status_code == 200, path
    return len(queries)


def look(browser: Browser, cookie: Any, url: str) -> dict[str, float]:
    """Open a page cold in Chromium and return its marks, elements and heap."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    context.add_cookies([cookie])
    context.add_init_script(COUNT_BLOCKED)
    page = context.new_page()
    weights = watch(page)
    page.goto(url)
    if page.locator("ph-player").count():
        page.wait_for_selector("ph-player[data-ready]")
    page.wait_for_load_state("networkidle")
    seen = page.evaluate(LOOK) | weights() | {"heap": heap_of(page)}
    context.close()
    return {name: value for name, value in seen.items() if value is not None}


def watch(page: Page) -> Callable[[], dict[str, float]]:
    """Count requests and compressed bytes of a page by kind."""
    answers: list[Any] = []
    page.on("response", lambda answer: answers.append(answer))

    def weigh() -> dict[str, float]:
        found: dict[str, float] = {"requests": len(answers)}
        for answer in answers:
            body, packed = answer.body(), "content-encoding" in answer.headers
            kind = "spans" if "spans.json" in answer.url else answer.request.resource_type
            size = len(gzip.compress(body, 6) if packed else body)
            found[kind] = found.get(kind, 0) + size
        return found

    return weigh


def heap_of(page: Page) -> float:
    """Return the bytes of the page's scripts that are in use."""
    tools = page.context.new_cdp_session(page)
    tools.send("HeapProfiler.collectGarbage")
    return float(tools.send("Runtime.getHeapUsage")["usedSize"])


def walk(browser: Browser, cookie: Any, url: str) -> str:
    """Scroll through all rows, zoom in and out and filter; return what it took and what it left."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    context.add_cookies([cookie])
    context.add_init_script(COUNT_BLOCKED)
    page = context.new_page()
    page.goto(url)
    page.wait_for_selector("ph-player[data-ready]")
    before = heap_of(page)
    found = {name: page.evaluate(act) for name, act in WALKS.items()}
    seen = page.evaluate(LOOK)
    after = heap_of(page)
    context.close()
    frames = "; ".join(
        f"{name} {statistics.median(took):.1f} ms a frame, p95 {percentile(took):.1f}"
        for name, took in found.items()
    )
    return (
        f"{frames}; {seen['nodes']} elements, heap {before / MIB:.1f} -> {after / MIB:.1f} MiB,"
        f" blocked {seen['blocked']:.0f} ms"
    )


def percentile(values: list[float]) -> float:
    return sorted(values)[int(len(values) * 0.95)]


def opened(browser: Browser, cookie: Any, url: str) -> str:
    seen = [look(browser, cookie, url) for _ in range(OPENED)]
    mid = {name: statistics.median(one[name] for one in seen) for name in seen[0]}
    kinds = ("document", "stylesheet", "script", "spans")
    sizes = ", ".join(f"{name} {mid[name] / 1024:.1f} KB" for name in kinds if name in mid)
    return (
        f"paint {mid.get('paint', 0):.0f} ms, ready {mid.get('ready', 0):.0f} ms, blocked"
        f" {mid['blocked']:.0f} ms, {mid['nodes']:.0f} elements, heap {mid['heap'] / MIB:.1f} MiB,"
        f" {mid['requests']:.0f} requests; {sizes}"
    )


def seeded() -> tuple[Project, User, str]:
    organization, person = make_organization(SLUG), make_user(f"{SLUG}@example.com")
    project = make_project(organization, "pages")
    make_membership(organization, person, Role.OWNER)
    for index in range(LISTED):
        write_session(project, 10, f"listed-{index}")
    _, key = make_key(project, ("read:content",))
    return project, person, key


def of_server(
    server: WebServer, client: Client, sessions: list[Session], others: dict[str, str]
) -> None:
    """Print what each page takes the server."""
    warm = write_session(sessions[0].project, 100, "warm")
    for session in sessions:
        say(f"{session.event_count} events")
        serve(server, client, session, warm)
    say("others")
    for name, path in others.items():
        say("  " + line(name, *measure(server, path), queries_of(client, path)))


def of_browser(server: WebServer, cookie: Any, sessions: list[Session], others: Any) -> None:
    """Print what pages take a browser."""
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    kept = {"name": cookie.key, "value": cookie.value, "url": server.url}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=CHROMIUM)
        for name, path in others.items():
            say(f"{name}: " + opened(browser, kept, server.url + path))
        for session in sessions:
            url = server.url + paths(session)["player"]
            say(f"{session.event_count} events: " + opened(browser, kept, url))
            say("  rows: " + walk(browser, kept, url))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, action="append", help="events of a session")
    parser.add_argument("--no-browser", action="store_true")
    options = parser.parse_args()
    project, person, key = seeded()
    client = Client(SERVER_NAME="127.0.0.1")
    client.force_login(person)
    settings.STORAGES["staticfiles"] = UNHASHED
    cookie = client.cookies[settings.SESSION_COOKIE_NAME]
    sessions = [write_session(project, size) for size in options.size or SIZES]
    listed = f"/o/{SLUG}/p/pages"
    both = f"a={sessions[0].pk}&b={write_session(project, 500, 'beside').pk}"
    others = {"list": f"{listed}/sessions/", "compare": f"{listed}/compare/?{both}"}
    with WebServer(f"{cookie.key}={cookie.value}", key) as server:
        of_server(server, client, sessions, others)
        if not options.no_browser:
            of_browser(server, cookie, sessions, others)


if __name__ == "__main__":
    main()
