"""How tests walk through pages: by keys, as one does who sees them."""

from __future__ import annotations

from threading import Thread

from django.db import connection
from playwright.sync_api import Page, expect


def ready(page: Page) -> None:
    expect(page.locator("ph-player")).to_have_attribute("data-ready", "")


def press(page: Page, *keys: str) -> None:
    """Press keys as one does who sees the page: an address changes before its scripts are there."""
    page.wait_for_load_state("load")
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
