from __future__ import annotations

import gzip
import os
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

AXE = Path(__file__).parent / "vendor" / "axe-core-4.14.1" / "axe.min.js"
TAGS = ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]
OPTIONS = {"runOnly": {"type": "tag", "values": TAGS}, "resultTypes": ["violations"]}
# Judged one after the other in each part; several processes share the parts.
PARTS = 4
KB = 1024
# Where the page is, and who looks at it.
PAGES = {
    "start of nothing": ("empty", "sessions/"),
    "list": ("project", "sessions/"),
    "list, filtered, more open": ("project", "sessions/?status=error&environment=production"),
    "list, live, every column": (
        "project",
        "sessions/?live=on&density=compact&columns=status,started,strip,agent,user,environment,"
        "release,prompt,origin,outcome,steps,errors,duration,tokens,cost,models,tags",
    ),
    "list, no match": ("project", "sessions/?model=none"),
    "list, words found": ("project", "sessions/?q=refund"),
    "list, view changed": ("project", "sessions/?status=error&view={view}"),
    "list, no such view": ("project", "sessions/?status=error&view=999999"),
    "list of a demo": ("demo", "sessions/"),
    "list, bad filter": ("project", "sessions/?bogus=1"),
    "list, bad words in the box": ("project", "sessions/?filter=colour:red"),
    "player, timeline": ("hero", ""),
    "player, tree": ("hero", "?view=tree&at=9"),
    "player, transcript": ("hero", "?view=transcript&at=8"),
    "player, graph": ("hero", "?view=graph&graph=expanded&at=9"),
    "player, graph, hostile": ("hostile", "?view=graph"),
    "player, 5,000 steps": ("long", "?at=2500"),
    "player, no content": ("silent", ""),
    "player, right to left": ("parts", "?view=transcript"),
    "player, hostile": ("hostile", "?view=transcript"),
    "player, state": ("hero", "?at=10&tab=state"),
    "player, words found in changes": ("hostile", "?at=5&tab=changes&diff=split&find=script"),
    "body": ("hostile", "steps/{step}/body/output/?q=a"),
    "player, no such step": ("hero", "?step=00000000000000000000000000000000"),
    "step": ("hero", "steps/{step}/"),
    "comments": ("hostile", "comments/"),
    "examples": ("project", "examples/"),
    "who can see it": ("hostile", "access/"),
    "shared": ("root", "s/{token}/"),
    "tickets": ("project", "tickets/?board=off"),
    "board": ("project", "tickets/?board=on"),
    "ticket": ("project", "tickets/2/"),
    "prompts": ("project", "prompts/"),
    "prompts of nothing": ("empty", "prompts/"),
    "prompt": ("project", "prompts/desk/hostile/"),
    "version, commented": ("project", "prompts/desk/hostile/v/2/?line=3"),
    "versions side by side": ("project", "prompts/desk/hostile/diff/1..2/?mode=split"),
    "prompt, written": ("project", "prompts/desk/chat/-/edit/"),
    "labels": ("project", "prompts/desk/hostile/labels/"),
    "inbox": ("root", "inbox/"),
    "agents": ("demo", "agents/"),
    "compare": ("project", "compare/?a=chat-001&b=chat-002&c=chat-4711"),
    "compare, one named": ("project", "compare/?a=chat-001"),
    "compare, of a replay": ("replays", "compare/?a=chat-4711&b=replay-of-a-refund"),
    "suite": ("suite", "suites/{}/"),
    "replays": ("replays", "replays/"),
    "replays of nothing": ("empty", "replays/"),
    "replays of a session": ("replays", "sessions/{original}/replays/"),
    "replay, diverged": ("replays", "replays/{diverged}/"),
    "replay, hostile": ("replays", "replays/{hostile}/"),
    "replay, running": ("replays", "replays/{running}/"),
    "fork": ("replays", "sessions/{fork_session}/"),
    "fork of a fork": ("replays", "sessions/{again_session}/replays/"),
    "runs": ("runs", "runs/"),
    "runs of nothing": ("empty", "runs/"),
    "new run": ("runs", "runs/new/?again={judged}"),
    "new run, by a gate file": ("runs", "runs/new/?way=gate&again={judged}"),
    "run": ("runs", "runs/{judged}/"),
    "run, paused": ("runs", "runs/{paused}/"),
    "run, cancelled": ("runs", "runs/{cancelled}/"),
    "run, report": ("runs", "runs/{judged}/report/"),
    "schedules": ("runs", "schedules/"),
    "schedule": ("runs", "schedules/{scheduled}/"),
    "schedule, changed": ("runs", "schedules/{scheduled}/change/"),
    "replay this": ("hero", "replay/?at=9"),
    "ask its models again": ("hero", "replay/server/?at=9"),
    "setup": ("project", "setup/"),
    "setup of nothing": ("empty", "setup/"),
    "ingest": ("project", "ingest/?hours=24"),
    "ingest of nothing": ("empty", "ingest/"),
    "imports": ("project", "imports/"),
    "imports of nothing": ("empty", "imports/"),
    "import, waiting": ("import", "waiting"),
    "import, running": ("import", "running"),
    "import, done": ("import", "done"),
    "import, failed": ("import", "failed"),
    "quotas": ("project", "settings/quotas/"),
    "redaction": ("project", "settings/redaction/"),
    "models and prices": ("project", "settings/models-prices/"),
    "playground": ("project", "playground/"),
    "playground of a step": ("playground", "hostile"),
    "keys": ("project", "settings/keys/"),
    "settings": ("project", "settings/"),
    "projects": ("organization", ""),
    "members": ("organization", "members/"),
    "audit": ("organization", "audit/"),
    "organization": ("organization", "settings/"),
    "account": ("root", "account/"),
    "nothing here": ("root", "o/acme/p/none/sessions/"),
}
PROJECTS = {"project": "project", "empty": "empty_project", "demo": "demo_project"}
SIGNED_OUT = {"sign in": "login/", "sign up": "signup/", "reset": "account/password/reset/"}


def import_page(site, status):
    return f"imports/{site.project.imports.get(status=status).pk}/"


def playground_page(site, name):
    session = site.sessions[name]
    call = site.project.events.filter(session=session, kind="llm").first()
    return f"playground/?session={session.pk}&event={call.id.hex}"


def suite_page(site, rest):
    return rest.format(site.project.suites.get().pk)


def run_page(site, rest):
    return rest.format(**{name: run.pk for name, run in site.runs.items()})


FOUND = {
    "import": import_page,
    "playground": playground_page,
    "suite": suite_page,
    "runs": run_page,
}


def address(site, name):
    place, rest = PAGES[name]
    if place == "root":
        return f"{site.url}/{rest.format(token=site.token)}"
    if place == "organization":
        return f"{site.url}/o/acme/{rest}"
    if "{view}" in rest:
        rest = rest.format(view=site.project.saved_views.earliest("pk").pk)
    if place in ("project", "empty", "demo"):
        return site.path(rest, getattr(site, PROJECTS[place]))
    if place == "replays":
        told = site.replays
        named = {name: replay.pk for name, replay in told.items()}
        named |= {f"{name}_session": replay.session_id for name, replay in told.items()}
        rest = rest.format(original=told["fork"].original_id, **named)
        return site.path(rest, site.replay_project)
    if place in FOUND:
        project = site.run_project if place == "runs" else site.project
        return site.path(FOUND[place](site, rest), project)
    if "{step}" in rest:
        event = site.project.events.filter(session=site.sessions[place]).first()
        rest = rest.format(step=event.id.hex)
    return site.session(place, rest)


def settle(page: Page) -> None:
    player = page.locator("ph-player")
    if player.count():
        expect(player).to_have_attribute("data-ready", "")


# Each width and each theme once; all four with PLAYHEAD_EVERY_LOOK set.
LOOKS = [(1440, "light"), (390, "dark")]
if "PLAYHEAD_EVERY_LOOK" in os.environ:
    LOOKS += [(390, "light"), (1440, "dark")]


def violations(page: Page) -> list[str]:
    """Judge the open page in every look; whether it fits a phone, in the narrow ones."""
    page.evaluate(AXE.read_text())
    found = []
    for width, theme in LOOKS:
        page.set_viewport_size({"width": width, "height": 844})
        page.emulate_media(color_scheme=theme)
        answer = page.evaluate("options => axe.run(document, options)", OPTIONS)
        rules = [(rule["id"], rule["nodes"][:4]) for rule in answer["violations"]]
        found += [
            f"{name} {width} {theme}: {[n['target'] for n in nodes]}" for name, nodes in rules
        ]
        needed = page.evaluate("document.documentElement.scrollWidth")
        found += [f"{needed} px wide at {width}"] if needed > width else []
    page.set_viewport_size({"width": 1440, "height": 844})
    return found


@pytest.mark.parametrize("part", range(PARTS))
def test_no_page_shuts_anybody_out_breaks_the_policy_or_is_wider_than_a_phone(
    site, page, watch, part
):
    found = {}
    for name in list(PAGES)[part::PARTS]:
        page.goto(address(site, name))
        settle(page)
        found[name] = violations(page)

    forget_refusals(watch)
    assert {name: rules for name, rules in found.items() if rules} == {}
    assert watch.problems == []


def test_no_page_shuts_out_who_has_not_signed_in(site, open_context):
    page = open_context(None).new_page()

    found = {}
    for name, path in SIGNED_OUT.items():
        page.goto(f"{site.url}/{path}")
        found[name] = violations(page)

    assert {name: rules for name, rules in found.items() if rules} == {}


def forget_refusals(watch) -> None:
    """A browser logs each page that answers 400 or 404, which some of ours do on purpose."""
    refused = re.compile(r"status of (400|403|404)")
    watch.problems = [problem for problem in watch.problems if not refused.search(problem)]


def weigh(page: Page, url: str) -> dict[str, int]:
    """Open a page cold and return the compressed bytes of what it fetched, by kind."""
    weights: dict[str, int] = {}

    def add(response):
        body = response.body()
        packed = response.headers.get("content-encoding") == "gzip"
        kind = "spans" if "spans.json" in response.url else response.request.resource_type
        weights[kind] = weights.get(kind, 0) + len(gzip.compress(body, 6) if packed else body)
        weights["requests"] = weights.get("requests", 0) + 1

    page.on("response", add)
    page.goto(url)
    settle(page)
    page.wait_for_load_state("networkidle")
    return weights


def total(weights: dict[str, int]) -> int:
    return sum(size for kind, size in weights.items() if kind not in ("requests", "spans"))


def test_the_list_is_light(site, page):
    weights = weigh(page, site.path("sessions/"))

    assert total(weights) <= 60 * KB, weights
    assert weights["script"] <= 25 * KB, weights
    assert weights["stylesheet"] <= 14 * KB, weights
    assert weights["requests"] <= 12, weights


def test_the_player_of_5000_steps_is_light(site, page):
    weights = weigh(page, site.session("long"))

    assert total(weights) <= 90 * KB, weights
    assert weights["spans"] <= 32 * KB, weights
    assert weights["script"] <= 45 * KB, weights
    assert weights["document"] <= 20 * KB, weights
    assert weights["stylesheet"] <= 14 * KB, weights
    assert weights["requests"] <= 12, weights


def test_htmx_and_our_scripts_fit_an_ordinary_page(site, page):
    weights = weigh(page, f"{site.url}/o/acme/members/")

    assert weights["script"] <= 25 * KB, weights
    assert weights["requests"] <= 12, weights


@pytest.mark.parametrize(
    ("view", "width"),
    [
        ("timeline", 1440),
        ("timeline", 390),
        ("tree", 390),
        ("transcript", 1440),
        ("graph&graph=expanded", 1440),
    ],
)
def test_5000_steps_stay_few_elements_while_one_moves(site, open_context, view, width):
    page = open_context(viewport={"width": width, "height": 844}).new_page()
    page.goto(site.session("long", f"?view={view}"))
    settle(page)
    before = page.evaluate("document.querySelectorAll('*').length")
    page.keyboard.press("End")
    settle(page)
    after = page.evaluate("document.querySelectorAll('*').length")

    assert before <= 2500
    assert after <= 2500
    assert heap_of(page) <= 25 * KB * KB


def heap_of(page: Page) -> float:
    """Return the bytes that the page's scripts hold on to."""
    tools = page.context.new_cdp_session(page)
    tools.send("HeapProfiler.collectGarbage")
    return tools.send("Runtime.getHeapUsage")["usedSize"]


def test_rows_are_really_drawn_from_the_top_to_the_end(site, page):
    page.goto(site.session("long"))
    settle(page)
    rows = page.locator(".wf-space .wf-row")
    drawn = rows.count()
    page.keyboard.press("End")

    expect(page.locator("#row-5000")).to_be_in_viewport()
    assert 15 <= drawn <= 80
    assert 15 <= rows.count() <= 80
