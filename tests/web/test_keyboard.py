from __future__ import annotations

from collections import Counter

import pytest

from apps.web import keyboard


def test_the_page_of_keys_says_what_the_table_says():
    assert keyboard.page_path().read_text() == keyboard.page(keyboard.script())


def test_every_row_of_the_table_is_on_the_page():
    text = keyboard.script()

    rows = keyboard.read_keys(text)

    assert len(rows) == text.count("  { where: ") > 50


@pytest.mark.parametrize(
    "page",
    ["everywhere list", "everywhere player rows", "everywhere tickets", "everywhere compare"],
)
def test_no_key_does_two_things_on_one_page(page):
    rows = [row for row in keyboard.read_keys(keyboard.script()) if row.where in page.split()]

    counts = Counter(key for row in rows for key in row.keys)

    assert [key for key, count in counts.items() if count > 1] == []
