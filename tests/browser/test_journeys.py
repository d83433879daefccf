"""What people do, by keyboard alone."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from tests.browser import seed
from tests.browser.conftest import PASSWORD
from tests.browser.walking import has_ring, in_another_transaction, press, ready
from tests.replays.running import ANSWER, run_on

pytestmark = pytest.mark.browser


def test_signing_in(site, open_context):
    page = open_context(None).new_page()
    page.goto(site.url)
    field = page.locator("input[name=login]")
    while not field.evaluate("node => node === document.activeElement"):
        press(page, "Tab")
    assert has_ring(page)
    page.keyboard.type("owner@example.com")
    press(page, "Tab")
    page.keyboard.type(PASSWORD)
    press(page, "Enter")

    expect(page).to_have_url(re.compile(r"/sessions/$"))


def test_finding_a_session_with_errors(site, page):
    page.goto(site.path("sessions/"))
    press(page, "/")
    box = page.get_by_role("combobox", name="Filters")
    expect(box).to_be_focused()
    assert has_ring(page)
    page.keyboard.type("stat")
    offers = page.locator("#filter-offers li")
    expect(offers).to_have_text([re.compile("^status:")])
    press(page, "ArrowDown", "Enter")
    expect(offers).to_have_count(4)
    press(page, "ArrowUp")
    expect(box).to_have_attribute("aria-activedescendant", "filter-offer-3")
    press(page, "Enter")
    expect(box).to_have_value("status:error ")
    page.keyboard.type("refund")
    press(page, "Escape", "Enter")
    expect(page).to_have_url(re.compile(r"\?status=error&q=refund$"))
    page.get_by_role("link", name="refund remove").press("Enter")
    expect(page).to_have_url(re.compile(r"\?status=error$"))
    press(page, "j", "j", "k")
    first = page.locator("[data-row-link]").first
    expect(first).to_be_focused()
    press(page, "Enter")

    expect(page).to_have_url(re.compile(r"/sessions/[0-9a-f-]{36}/"))
    expect(page.locator(".player-title .chip.error")).to_be_visible()


def test_comparing_two_sessions(site, page):
    page.goto(site.path("sessions/?status=error"))
    press(page, "j", "x", "j", "x")
    expect(page.locator("[data-count]")).to_have_text("2 selected")
    press(page, "c")

    expect(page).to_have_url(re.compile(r"/compare/\?a=[0-9a-f-]{36}&b=[0-9a-f-]{36}$"))


def test_going_from_difference_to_difference(site, page):
    page.goto(site.path("compare/?a=chat-4711&b=chat-parts"))
    rows = page.locator("[data-diff]")
    press(page, "n")
    expect(rows.nth(0).locator(":focus")).to_be_visible()
    assert has_ring(page)
    press(page, "n", "n", "N")

    expect(rows.nth(1).locator(":focus")).to_be_visible()


def test_tagging_a_session_and_opening_it(site, page):
    page.goto(site.path("sessions/?status=error"))
    press(page, "j", "x", "t")
    expect(page.locator("input[name=tag]:focus")).to_be_visible()
    assert has_ring(page)
    page.keyboard.type("looked at")
    press(page, "Enter")
    expect(page.locator(".tagged")).to_contain_text("Tagged 1 session: looked at.")
    expect(page.locator("[data-row-link]").first).to_be_focused()
    press(page, "Enter")

    expect(page.locator(".player-head")).to_contain_text("looked at")


def test_selecting_a_range_and_clearing_it(site, page):
    page.goto(site.path("sessions/"))
    press(page, "j", "x", "j", "j", "j", "j", "X")
    expect(page.locator("[data-count]")).to_have_text("5 selected")
    expect(page.locator("[data-key=compare]")).to_be_disabled()
    expect(page.locator("[data-why-not]")).to_have_text("takes 2 to 4")
    page.get_by_role("button", name="Clear", exact=True).press("Enter")
    expect(page.locator("[data-selection]")).to_be_hidden()
    page.get_by_label("Select all on this page").press("Space")

    expect(page.locator("[data-count]")).to_have_text("50 selected")


def test_new_sessions_are_said_and_shown_without_moving_what_is_read(site, page):
    page.clock.install()
    page.goto(site.path("sessions/?live=on"))
    row = page.locator("[data-row-link]").nth(30)
    row.evaluate("link => link.focus()")
    began = seed.BEGIN + timedelta(minutes=30)
    in_another_transaction(lambda: seed.add(site.project, seed.silent_story("live-1", began)))
    page.clock.run_for(6_000)
    expect(page.locator("[data-live-said]")).to_have_text("1 new session")
    before = row.bounding_box()["y"]
    title = row.inner_text()
    page.get_by_role("button", name="Show", exact=True).last.evaluate("button => button.click()")
    expect(page.locator("tr.fresh")).to_have_count(1)
    moved = page.locator("[data-row-link]").nth(31)

    expect(moved).to_have_text(title)
    expect(moved).to_be_focused()
    assert abs(moved.bounding_box()["y"] - before) <= 1


def test_older_and_newer_pages_by_key(site, page):
    page.goto(site.path("sessions/"))
    newest = page.locator("[data-row-link]").first.inner_text()
    press(page, "n")
    expect(page).to_have_url(re.compile("cursor="))
    press(page, "p")

    expect(page.locator("[data-row-link]").first).to_have_text(newest)


def test_the_help_lists_the_keys_of_the_page_and_gives_the_focus_back(site, page):
    page.goto(site.session("hero"))
    ready(page)
    page.locator("[data-act=next]").focus()
    press(page, "?")
    expect(page.locator("dialog#help")).to_be_visible()
    expect(page.locator("dialog#help")).to_contain_text("Next error")
    press(page, "Escape")

    expect(page.locator("dialog#help")).to_be_hidden()
    expect(page.locator("[data-act=next]")).to_be_focused()


def test_single_letters_can_be_switched_off(site, page):
    page.goto(site.path("sessions/"))
    press(page, "?")
    page.get_by_label("Single letters and signs act").press("Space")
    press(page, "Escape", "j")
    expect(page.locator("[data-row-link]").first).not_to_be_focused()
    page.reload()
    press(page, "j", "?")

    expect(page.locator("[data-row-link]").first).not_to_be_focused()
    expect(page.locator("dialog#help")).to_have_count(0)


def test_keys_do_nothing_while_one_types(site, page):
    page.goto(site.path("sessions/"))
    box = page.get_by_role("combobox", name="Filters")
    box.focus()
    page.keyboard.type("jn?")

    expect(box).to_have_value("jn?")
    expect(page.locator("dialog")).to_have_count(0)


def test_choosing_the_dark_theme_stays(site, page):
    page.goto(site.path("sessions/"))
    page.get_by_role("button", name="Theme").press("Enter")
    page.get_by_role("button", name="Dark").press("Enter")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.reload()

    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.get_by_role("button", name="Theme").press("Enter")
    page.get_by_role("button", name="Like this device").press("Enter")
    expect(page.locator("html")).to_have_attribute("data-theme", "system")


def test_the_setup_page_fills_in_a_key_and_opens_the_first_session(site, page):
    page.goto(site.path("setup/", site.fresh_project))
    page.get_by_role("button", name="Make a key").press("Enter")
    expect(page.locator("#new-key")).to_contain_text("phk_")
    key = page.locator("#new-key").inner_text()
    expect(page.locator("#python-env")).to_contain_text(key)
    expect(page.locator("#setup-status")).to_contain_text("Waiting for your first session")
    in_another_transaction(lambda: seed.add(site.fresh_project, seed.silent_story()))

    expect(page).to_have_url(re.compile(r"/sessions/[0-9a-f-]{36}/$"))


def test_narrowing_the_time_in_the_strip(site, page):
    page.goto(site.path("sessions/"))
    bars = page.locator("[data-strip] a")
    bars.last.focus()
    press(page, "ArrowLeft")
    expect(bars.nth(bars.count() - 2)).to_be_focused()
    press(page, "Enter")
    expect(page).to_have_url(re.compile("started_after=.*started_before="))
    strip = page.locator("[data-strip]").bounding_box()
    page.mouse.move(strip["x"] + 2, strip["y"] + 20)
    page.mouse.down()
    page.mouse.move(strip["x"] + strip["width"] / 2, strip["y"] + 20, steps=4)
    before = page.url
    page.mouse.up()

    page.wait_for_url(lambda url: url != before)
    expect(page.locator(".range-menu summary")).to_contain_text("–")


def test_jumping_anywhere_by_typing(site, page):
    page.goto(site.session("hero"))
    ready(page)
    press(page, "Control+k")
    page.keyboard.type("next err")
    option = page.get_by_role("option", name="Next error")
    expect(option).to_have_attribute("aria-selected", "true")
    assert page.locator("#palette-input").get_attribute("aria-activedescendant")
    press(page, "Enter")
    expect(page.locator(".panel .chip.error").first).to_be_visible()

    press(page, "Control+k")
    page.keyboard.type("chat-001")
    press(page, "Enter")

    page.wait_for_url(lambda url: "step=" not in url)
    expect(page.locator(".player-facts").first).to_contain_text("chat-001")
    assert "chat-001" not in page.evaluate("localStorage.getItem('playhead-recent')")


def test_moving_a_ticket_on_the_board(site, page):
    page.goto(site.path("sessions/"))
    press(page, "g", "t")
    page.wait_for_url("**/tickets/")
    page.goto(site.path("tickets/?board=on"))
    column = page.locator(".board-column", has=page.get_by_role("heading", name="Waiting"))
    expect(column.locator("[data-ticket]")).to_have_count(0)

    press(page, "j", "m")
    expect(page.locator(".move-menu button:focus")).to_contain_text("In review")
    press(page, "3")

    expect(column.locator("[data-ticket-link]:focus")).to_have_text("Refunded twice")
    assert has_ring(page)


def test_comparing_two_versions_of_a_prompt(site, page):
    page.goto(site.path("prompts/desk/hostile/"))
    compare = page.get_by_role("button", name="Show difference")
    compare.focus()
    assert has_ring(page)
    press(page, "Enter")
    expect(page).to_have_url(re.compile(r"/diff/1\.\.2/$"))
    page.get_by_role("link", name="Words").press("Enter")
    expect(page.locator("ins").first).to_be_visible()
    page.get_by_role("link", name="Run a suite with v2 against v1").press("Enter")

    expect(page.get_by_label("Prompt", exact=False).first).to_have_value("desk/hostile@2")
    expect(page.get_by_label("Prompt of the baseline")).to_have_value("desk/hostile@1")


@pytest.mark.filterwarnings("ignore::celery.exceptions.AlwaysEagerIgnored")
def test_running_a_suite_from_its_page_to_the_verdict(site, page):
    project = site.run_project
    page.goto(site.path(f"suites/{project.suites.get().pk}/", project))
    page.get_by_role("link", name="Run", exact=True).press("Enter")
    page.get_by_label("Who answers").focus()
    assert has_ring(page)
    page.keyboard.type("By rules")
    page.get_by_text("Parameters, system message").first.press("Enter")
    page.get_by_label("System message").first.focus()
    page.keyboard.type("Be rude.")
    page.get_by_label("Called").first.fill("rude")
    page.get_by_text("More: name, a part").press("Enter")
    page.get_by_label("Script").fill(f'[{{"system": "rude", "say": "No."}}, {{"say": "{ANSWER}"}}]')
    page.get_by_role("button", name="Show the plan").press("Enter")
    expect(page.locator("#plan")).to_contain_text("2 cases of Refunds v1")
    page.get_by_role("button", name="Start the run").press("Enter")
    expect(page.locator(".run-count")).to_contain_text("0 of 4")
    in_another_transaction(lambda: run_on(project.regression_runs.latest("created_at")))
    page.get_by_role("link", name="Report").press("Enter")

    expect(page.locator(".run-says")).to_contain_text("do not tell whether rude is worse")
    expect(page.locator("del").first).to_contain_text("refund is on its way")
