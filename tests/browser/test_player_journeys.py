"""What people do in the player, by keyboard alone."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.walking import has_ring, press, ready

pytestmark = pytest.mark.browser

SELECT = """name => {
  const text = document.querySelector(`#panel [data-text="${name}"]`).firstChild;
  getSelection().setBaseAndExtent(text, 4, text, 14);
}"""


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
    press(page, "b")
    bookmark = page.get_by_role("button", name="Bookmark this step")
    expect(bookmark).to_have_attribute("aria-pressed", "true")
    press(page, ",")
    expect(page.locator("[data-number]")).to_have_text("4")
    press(page, "B")
    expect(page.locator("[data-number]")).to_have_text("9")
    expect(bookmark).to_have_attribute("aria-pressed", "true")
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


def test_a_bookmark_stays_that_was_left_while_marks_were_loading(site, page):
    held = []
    page.route("**/places.json*", lambda route: held.append(route))
    page.goto(site.session("hostile"))
    ready(page)
    bookmark = page.get_by_role("button", name="Bookmark this step")
    press(page, "b")
    expect(bookmark).to_have_attribute("aria-pressed", "true")
    with page.expect_response("**/places.json*"):
        held[0].continue_()
    press(page, "ArrowRight", "B", "ArrowLeft")

    expect(bookmark).to_have_attribute("aria-pressed", "true")
