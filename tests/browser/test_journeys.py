"""What people do, by keyboard alone."""

from __future__ import annotations

import re
from datetime import timedelta
from threading import Thread

import pytest
from django.db import connection
from playwright.sync_api import Page, expect

from tests.browser import seed
from tests.browser.conftest import PASSWORD

pytestmark = pytest.mark.browser


def ready(page: Page) -> None:
    expect(page.locator("ph-player")).to_have_attribute("data-ready", "")


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def in_another_transaction(act) -> None:
    """Do something that the server sees at once: the test's own transaction is rolled back."""

    def act_and_close() -> None:
        act()
        connection.close()

    thread = Thread(target=act_and_close)
    thread.start()
    thread.join()


def has_ring(page: Page) -> bool:
    return page.evaluate("getComputedStyle(document.activeElement).outlineWidth") == "2px"


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


def test_going_to_the_error_and_sharing_it(site, page, open_context):
    page.goto(site.session("hero"))
    ready(page)
    press(page, "e")
    expect(page.locator("#panel h2")).to_have_text("refund_order")
    expect(page.locator("#panel .notice.error").first).to_contain_text("409 Conflict")
    expect(page).to_have_url(re.compile(r"step=[0-9a-f]{32}"))

    other = open_context().new_page()
    other.goto(page.url)
    ready(other)

    expect(other.locator("[data-number]")).to_have_text("9")
    expect(other.locator("#row-9")).to_have_attribute("aria-selected", "true")


def test_scrubbing_to_the_error(site, page):
    page.goto(site.session("hero"))
    ready(page)
    scrubber = page.locator("input[type=range]")
    scrubber.focus()
    assert has_ring(page)
    press(page, *["ArrowRight"] * 8)

    expect(scrubber).to_have_attribute(
        "aria-valuetext", re.compile("step 9 of 13.*refund_order.*error")
    )
    expect(page.locator("#panel h2")).to_have_text("refund_order")


def test_playing_to_the_error_and_back_to_where_one_was(site, page):
    page.goto(site.path("sessions/?status=error"))
    page.get_by_role("link", name="Refund order 4411 twice").first.press("Enter")
    ready(page)
    press(page, "s", "s", "s")
    expect(page.get_by_label("Speed")).to_have_value("8")
    press(page, "Space")
    expect(page.locator("ph-player")).to_have_attribute("data-playing", "")
    expect(page.locator("[data-number]")).to_have_text("13")
    expect(page.get_by_role("button", name="Play")).to_be_visible()
    press(page, "E")
    expect(page).to_have_url(re.compile(r"step=[0-9a-f]{32}&t=\d+"))
    expect(page.locator("#panel h2")).to_have_text("refund_order")
    press(page, "b", ",")
    expect(page.locator("[data-number]")).to_have_text("4")
    press(page, "B")
    expect(page.locator("[data-number]")).to_have_text("9")
    expect(page.get_by_role("button", name="Bookmark this step")).to_have_attribute(
        "aria-pressed", "true"
    )
    press(page, "2")
    expect(page).to_have_url(re.compile("view=tree"))
    page.go_back()
    expect(page).to_have_url(re.compile("view=timeline"))
    expect(page.locator("[data-number]")).to_have_text("9")
    press(page, "J")

    expect(page).not_to_have_url(re.compile(str(site.sessions["hero"].pk)))
    expect(page.locator(".player-title .chip.error")).to_be_visible()


def test_stepping_with_the_arrow_keys(site, page):
    page.goto(site.session("hero"))
    ready(page)
    press(page, "ArrowRight", "ArrowRight")
    expect(page.locator("#panel h2")).to_have_text("plan")
    press(page, "End")
    expect(page.locator("#panel h2")).to_have_text("answer")
    press(page, "Home")

    expect(page.locator("#panel h2")).to_have_text("support")
    expect(page.locator("[data-number]")).to_have_text("1")


def test_walking_the_tree(site, page):
    page.goto(site.session("hero", "?view=tree"))
    ready(page)
    page.locator("#row-1").focus()
    press(page, "ArrowLeft")
    expect(page.locator("#row-1")).to_have_attribute("aria-expanded", "false")
    expect(page.locator("#row-2")).to_have_count(0)
    press(page, "ArrowRight", "ArrowRight")
    expect(page.locator("#row-2")).to_be_focused()
    assert has_ring(page)
    press(page, "ArrowDown")
    expect(page.locator("#row-3")).to_be_focused()
    expect(page.locator("#panel h2")).to_have_text("plan")
    press(page, "l", "o", "o")
    expect(page.locator("#row-4")).to_be_focused()
    press(page, "ArrowLeft")
    expect(page.locator("#row-1")).to_be_focused()
    press(page, "End", "Home")

    expect(page.locator("#row-1")).to_be_focused()


def test_zooming_and_filtering_the_timeline(site, page):
    page.goto(site.session("hero", "?at=9"))
    ready(page)
    press(page, "f")
    expect(page).to_have_url(re.compile(r"from=\d+&to=\d+"))
    press(page, "f")
    expect(page).not_to_have_url(re.compile("from="))
    press(page, "/")
    page.keyboard.type("kind:tool refund")
    expect(page.locator("[data-rows-found]")).to_have_text(re.compile("^2 of 13 found"))
    expect(page).to_have_url(re.compile("f=kind"))
    page.reload()
    ready(page)
    expect(page.locator(".wf-space .wf-row:not(.wf-lane, .above)")).to_have_count(2)
    page.locator("[data-filter]").focus()
    press(page, "ArrowDown")
    expect(page.locator("#row-9")).to_be_focused()
    page.locator("[data-filter]").focus()
    press(page, "Escape")

    expect(page.locator(".wf-space .wf-row:not(.wf-lane)")).to_have_count(13)


def test_the_focused_row_stays_while_one_scrolls(site, page):
    page.goto(site.session("long", "?view=tree"))
    ready(page)
    row = page.locator("#row-1")
    row.focus()
    page.locator("ph-waterfall").evaluate("node => { node.scrollTop = 60000 }")
    expect(page.locator("#row-2150")).to_be_attached()

    expect(row).to_be_focused()


def test_collapsing_and_expanding_all(site, page):
    page.goto(site.session("hero"))
    ready(page)
    press(page, "[")
    steps = page.locator(".wf-space .wf-row:not(.wf-lane)")
    expect(steps).to_have_count(1)
    press(page, "]")

    expect(steps).to_have_count(13)


def test_changing_views_keeps_the_step(site, page):
    page.goto(site.session("hero"))
    ready(page)
    press(page, "e")
    expect(page).to_have_url(re.compile("step="))
    press(page, "2")
    expect(page).to_have_url(re.compile("view=tree"))
    press(page, "4")
    expect(page).to_have_url(re.compile("view=transcript"))
    ready(page)

    expect(page.locator("#turn-9")).to_have_attribute("aria-current", "step")


def test_walking_the_graph(site, page):
    page.goto(site.session("hero", "?at=3"))
    ready(page)
    press(page, "3")
    page.get_by_role("link", name="Expanded").focus()
    press(page, "Enter")
    expect(page).to_have_url(re.compile("graph=expanded"))
    node = page.locator(".gr-node[aria-current]")
    expect(node).to_have_attribute("aria-label", re.compile("^step 3 of 13"))
    node.focus()
    press(page, "ArrowDown", "ArrowRight")
    expect(page.get_by_role("link", name=re.compile("^step 5 of 13"))).to_be_focused()
    press(page, "Enter")

    expect(node).to_have_attribute("aria-label", re.compile("^step 5 of 13, tool lookup_payments"))
    expect(page.locator("[data-number]")).to_have_text("5")
    expect(page.locator(".gr-node.future")).to_have_count(8)


def test_steps_after_the_playhead_are_dimmed(site, page):
    page.goto(site.session("hero", "?at=5"))
    ready(page)

    expect(page.locator("#row-5")).not_to_have_class(re.compile("future"))
    expect(page.locator("#row-6")).to_have_class(re.compile("future"))


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


SELECT = """name => {
  const text = document.querySelector(`#panel [data-text="${name}"]`).firstChild;
  getSelection().setBaseAndExtent(text, 4, text, 14);
}"""


def test_commenting_on_the_words_that_are_selected(site, page):
    page.goto(site.session("hero", "?at=3"))
    ready(page)
    # As the caret selects them (F7); the keys of the page take it from there.
    page.evaluate(SELECT, "input[1][0]")
    expect(page.get_by_role("button", name="Comment on this")).to_be_visible()
    press(page, "c")
    box = page.get_by_label("Comment on this step")
    expect(box).to_be_focused()
    assert has_ring(page)
    page.keyboard.type("Why twice, @own")
    expect(page.locator("[role=option]")).to_contain_text(["owner@example.com"])
    press(page, "Enter")
    expect(box).to_have_value("Why twice, @owner ")
    press(page, "Control+Enter")

    expect(page.locator(".thread:focus .quote")).to_have_text("nd order 4")
    page.get_by_role("link", name="I/O").press("Enter")
    expect(page.locator("#panel mark[data-comment]")).to_have_text("nd order 4")


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


def test_finding_words_from_place_to_place_and_keeping_the_tab(site, page):
    page.goto(site.session("hero"))
    ready(page)
    press(page, "F")
    expect(page.get_by_label("Find in this session")).to_be_focused()
    assert has_ring(page)
    page.keyboard.type("payments")
    press(page, "Enter")
    count = page.locator("[data-find-count]")
    expect(count).to_have_text(re.compile("^1 of [0-9]+ places$"))
    press(page, "Enter")
    expect(count).to_have_text(re.compile("^2 of "))
    expect(page.locator("#panel mark").first).to_be_in_viewport()
    page.locator("[data-tab-link=state]").press("Enter")
    expect(page.locator("[data-tab-link=state]:focus")).to_have_attribute("aria-current", "page")
    press(page, "End")
    expect(page.locator(".panel")).to_have_attribute("data-seq", "13")

    expect(page.locator(".panel")).to_contain_text("This step changed nothing")
    expect(page).to_have_url(re.compile("find=payments.*tab=state"))
