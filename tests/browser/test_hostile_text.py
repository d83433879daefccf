"""Recorded text is written by anybody; no page may do what it says."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser import words

pytestmark = pytest.mark.browser

VIEWS = ("timeline", "tree", "transcript")


def pages_of(site):
    session = site.sessions["hostile"]
    steps = site.project.events.filter(session=session).values_list("id", flat=True)
    yield from (site.session("hostile", f"?view={view}") for view in VIEWS)
    yield from (site.session("hostile", f"?at={n + 1}") for n in range(len(words.HOSTILE)))
    yield from (site.session("hostile", f"steps/{step.hex}/") for step in steps)
    yield from (site.session("hostile", rest) for rest in ("?tab=comments", "comments/"))
    told = ("?at=5&tab=changes&diff=split", "?at=4&tab=state", "?at=6&tab=raw")
    found = ("?view=transcript&find=script", "?at=2&find=onload")
    yield from (site.session("hostile", rest) for rest in (*told, *found))
    yield site.session("hostile", f"steps/{steps[0].hex}/body/output/?q=script")
    yield site.path("examples/")
    for mode in ("steps", "output"):
        yield site.path(f"compare/?a={session.pk}&b={site.sessions['parts'].pk}&mode={mode}")
    yield from (f"{site.url}/s/{site.token}/{rest}" for rest in ("", "?view=steps"))
    yield f"{site.url}/s/{site.token}/steps/{steps[0].hex}/"
    told, replayed = site.replays, site.replay_project
    yield from (site.path(f"replays/{told[name].pk}/", replayed) for name in ("hostile", "again"))
    yield site.path(f"sessions/{told['again'].session_id}/replay/", replayed)
    yield from (
        site.path(f"sessions/{one}/replays/", replayed)
        for one in (told["hostile"].original_id, told["again"].session_id)
    )
    prompt = "prompts/desk/hostile"
    parts = ("v/2/", "diff/1..2/", "diff/1..2/?mode=words", "labels/", "-/edit/", "")
    yield from (site.path(f"{prompt}/{part}") for part in parts)
    yield site.path("sessions/")
    yield site.path("sessions/?model=%3Cscript%3Ewindow.pwned%3D1%3C/script%3E")


def test_nothing_that_was_recorded_runs_or_fetches(site, page, watch):
    for url in pages_of(site):
        page.goto(url)
        if page.locator("ph-player[data-spans]").count():
            expect(page.locator("ph-player[data-spans]")).to_have_attribute("data-ready", "")
        assert page.evaluate("window.pwned") is None, url

    assert [url for url in watch.requests if "pwned" in url and "model=" not in url] == []


def test_hostile_text_is_shown_as_it_was_written(site, page):
    page.goto(site.session("hostile", "?view=transcript"))
    shown = page.locator(".transcript").text_content()

    assert [text for text in words.HOSTILE if text not in shown] == []


def test_template_code_in_text_is_not_run(site, page):
    page.goto(site.session("hostile", "?view=transcript"))

    expect(page.locator(".transcript")).to_contain_text("{{ 7|add:7 }}")


def test_raw_json_is_never_a_page(site, page):
    step = site.project.events.filter(session=site.sessions["hostile"]).first()
    answer = page.request.get(site.session("hostile", f"steps/{step.id.hex}/raw.json"))

    assert answer.headers["content-type"].startswith("application/json")
    assert answer.headers["x-content-type-options"] == "nosniff"
