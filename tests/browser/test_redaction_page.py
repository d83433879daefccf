"""Trying a policy of redaction, with scripts and without."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

REDACTION = "settings/redaction/"
TYPED = '{"to": "jane.doe@example.org", "password": "correct horse"}'


def test_the_test_box_answers_while_one_types(site, page):
    page.goto(site.path(REDACTION))
    page.get_by_label("With the action").select_option("mask")
    page.get_by_label("Text or JSON").fill("")

    page.get_by_label("Text or JSON").press_sequentially(TYPED)

    expect(page.locator(".outcome mark")).to_have_text(["[EMAIL]", "[PASSWORD]"])
    expect(page.get_by_role("region", name="What was found")).to_contain_text("E-mail address")


def test_the_test_box_answers_without_scripts(site, open_context):
    page = open_context(java_script_enabled=False).new_page()
    page.goto(site.path(REDACTION))
    page.get_by_label("Text or JSON").fill(TYPED)
    page.get_by_label("With the action").select_option("hash")

    page.get_by_role("button", name="Try").click()

    expect(page.locator(".outcome mark").first).to_contain_text("[EMAIL:")
    expect(page.get_by_label("Text or JSON")).to_have_value(TYPED)


def test_hostile_text_in_the_box_stays_text(site, page, watch):
    page.goto(site.path(REDACTION))

    page.get_by_label("Text or JSON").fill("<img src=x onerror=alert(1)> [EMAIL] <b>x</b>")

    expect(page.locator(".outcome")).to_contain_text("<img src=x onerror=alert(1)>")
    expect(page.locator(".outcome img")).to_have_count(0)
    assert watch.problems == []
