"""Reading must not need scripts."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


@pytest.fixture
def plain_page(open_context):
    return open_context(java_script_enabled=False).new_page()


def test_filtering_and_paging_the_list(site, plain_page):
    plain_page.goto(site.path("sessions/"))
    plain_page.get_by_label("Filters, and words").fill("kind:tool")
    plain_page.get_by_role("button", name="Filter", exact=True).first.click()
    plain_page.get_by_text("More filters").click()
    plain_page.locator("select[name=status]").select_option("error")
    plain_page.locator(".more-boxes button").click()
    expect(plain_page.locator(".c-status .error").first).to_be_visible()
    expect(plain_page.locator(".c-status .ok")).to_have_count(0)
    expect(plain_page.locator(".filter-chip")).to_have_text(["status:error", "kind:tool"])
    plain_page.locator("[data-strip] a").last.click()
    expect(plain_page.locator(".range-menu summary")).to_contain_text("–")
    plain_page.goto(site.path("sessions/"))
    plain_page.get_by_role("link", name="Older").click()

    expect(plain_page.locator("[data-row-link]").first).to_be_visible()


def test_choosing_columns_and_tagging_the_selected(site, plain_page):
    plain_page.goto(site.path("sessions/?external_id=chat-silent"))
    plain_page.get_by_text("Columns", exact=True).first.click()
    plain_page.get_by_label("Models").check()
    plain_page.get_by_label("Comfortable").check()
    plain_page.get_by_role("button", name="Show", exact=True).click()
    expect(plain_page.locator("td.c-models")).to_contain_text("gpt-4o-mini")
    plain_page.locator("td.c-box input").check()
    plain_page.get_by_label("Tag to give or to take").fill("seen")
    plain_page.get_by_role("button", name="Tag", exact=True).click()
    expect(plain_page.locator("td.c-tags")).to_contain_text("seen")
    plain_page.get_by_role("button", name="Undo").click()

    expect(plain_page.locator("td.c-tags .tag")).to_have_count(0)


def test_saving_a_view_deleting_it_and_taking_that_back(site, plain_page):
    plain_page.goto(site.path("sessions/?model=gpt-4o-mini"))
    plain_page.get_by_role("button", name="Save view").click()
    plain_page.get_by_label("Name", exact=True).fill("Mini")
    plain_page.get_by_role("button", name="Save", exact=True).click()
    current = plain_page.locator(".view-tabs [aria-current]")
    expect(current).to_have_text("Mini")

    delete_view(plain_page)
    expect(current).to_have_text("All")
    plain_page.get_by_role("button", name="Undo").click()
    expect(current).to_have_text("Mini")
    delete_view(plain_page)
    expect(current).to_have_text("All")


def delete_view(page):
    page.get_by_role("button", name="Options").click()
    page.get_by_role("button", name="Delete", exact=True).click()


def test_stepping_through_a_session(site, plain_page):
    plain_page.goto(site.session("hero"))
    expect(plain_page.locator(".wf-static .wf-row:not(.wf-lane)")).to_have_count(13)
    plain_page.locator("[data-act=next]").click()
    plain_page.locator("[data-act=next]").click()
    expect(plain_page.locator("#panel h2")).to_have_text("plan")
    expect(plain_page.locator("#panel")).to_contain_text("Refund order 4411 twice?")
    plain_page.locator("[data-act=next-sought]").click()
    expect(plain_page.locator("#panel")).to_contain_text("409 Conflict")
    plain_page.get_by_role("link", name="Page of this step").click()

    expect(plain_page.locator("h1")).to_have_text("Step 9 of 13")


def test_the_transcript_says_each_message_once(site, plain_page):
    plain_page.goto(site.session("hero", "?view=transcript"))
    transcript = plain_page.locator(".transcript")

    expect(transcript.get_by_text("I was charged two times")).to_have_count(1)
    expect(transcript.get_by_text("You are the support agent")).to_have_count(1)
    expect(transcript.get_by_text("I have refunded the second payment")).to_have_count(1)


def test_5000_steps_come_in_pages(site, plain_page):
    plain_page.goto(site.session("long"))
    steps = plain_page.locator(".wf-static .wf-row:not(.wf-lane)")
    expect(steps).to_have_count(100)
    plain_page.get_by_role("link", name="Steps after these").click()

    expect(plain_page.locator("[data-number]")).to_have_text(re.compile(r"^\d\d\d$"))
    expect(plain_page.get_by_role("link", name="Steps before these")).to_be_visible()
    plain_page.get_by_role("searchbox", name="Filter steps").fill("kind:tool error")
    plain_page.get_by_role("button", name="Filter").click()
    expect(plain_page.locator("[data-rows-found]")).to_have_text(re.compile("of 5,000 found"))
    expect(plain_page.locator(".wf-static .chip.error").first).to_be_visible()


def test_what_is_not_known_is_a_dash(site, plain_page):
    plain_page.goto(site.session("silent"))

    facts = plain_page.locator(".player-facts")
    expect(facts).to_contain_text(re.compile(r"Tokens\s*-"))
    expect(facts).to_contain_text(re.compile(r"Cost\s*-"))
    expect(plain_page.locator("#panel")).to_contain_text("CAPTURE_MESSAGE_CONTENT=SPAN_ONLY")


def test_an_auditor_sees_no_content(site, open_context):
    page = open_context(site.auditor, java_script_enabled=False).new_page()
    page.goto(site.session("hero", "?at=3"))
    expect(page.locator("#panel")).to_contain_text("not what was said")
    body = page.content()
    page.goto(site.path("sessions/"))

    assert "charged two times" not in body
    assert "charged two times" not in page.content()


# No worker is needed here: the import waits until it is cancelled.
@pytest.mark.filterwarnings("ignore::celery.exceptions.AlwaysEagerIgnored")
def test_sending_a_file_to_import_and_cancelling_it(site, plain_page):
    plain_page.goto(site.path("imports/", site.fresh_project))
    chats = b'[[{"role": "user", "content": "Hello?"}]]'
    plain_page.locator("input[name=file]").set_input_files(
        {"name": "chats.json", "mimeType": "application/json", "buffer": chats}
    )
    plain_page.get_by_label("Format").select_option("openai-chat")
    plain_page.get_by_role("button", name="Import the file").click()
    expect(plain_page.get_by_role("heading", level=1)).to_have_text("chats.json")
    plain_page.get_by_role("button", name="Cancel").click()

    expect(plain_page.get_by_role("button", name="Go on")).to_be_visible()
    expect(plain_page.locator("#import-now")).to_contain_text("Cancelled")


def test_a_demo_is_not_removed_without_being_asked_for_again(site, plain_page):
    plain_page.goto(site.path("sessions/", site.demo_project))
    plain_page.get_by_role("button", name="Remove demo data").click()
    dialog = plain_page.get_by_role("dialog", name="Remove the demo project")
    expect(dialog).to_contain_text("This cannot be undone.")

    dialog.get_by_role("button", name="Keep it").click()

    expect(dialog).to_be_hidden()
