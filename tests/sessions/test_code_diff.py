from __future__ import annotations

from apps.core.diff_table import diff_table
from apps.core.line_diff import read_diff
from apps.sessions.code_diff import diff_of

CHANGE = "--- a\n+++ b\n@@ -4,3 +4,3 @@\n keep\n-total = price\n+total = price + tax\n end"


def told(text: str, *, is_split: bool = False):
    return [
        (row.kind, row.old and row.old.number, row.new and row.new.number)
        for row in read_diff(text, is_split=is_split).rows
    ]


def test_lines_are_numbered_on_both_sides():
    assert told(CHANGE)[2:] == [
        ("hunk", None, None),
        ("same", 4, 4),
        ("del", 5, None),
        ("ins", None, 5),
        ("same", 6, 6),
    ]


def test_side_by_side_a_changed_line_stands_beside_what_it_became():
    text = (
        "@@ -1,2 +1,3 @@\n-old name\n-total = price\n+import tax\n+total = price + tax\n+new name"
    )

    assert told(text, is_split=True)[1:] == [
        ("change", 1, None),
        ("change", None, 1),
        ("change", 2, 2),
        ("change", None, 3),
    ]


def test_only_the_words_that_changed_are_marked():
    drawn = diff_table(read_diff(CHANGE, is_split=False), is_split=False)

    assert "price<ins> + tax</ins>" in drawn
    assert "<del>" not in drawn
    assert drawn.count('class="visually-hidden">removed: ') == 1


def test_a_diff_is_text_whatever_it_holds():
    drawn = diff_table(read_diff("@@ <b>\n-<script>\n+<img src=x>", is_split=True), is_split=True)

    assert "<script>" not in drawn
    assert "<img" not in drawn
    assert "&lt;script&gt;" in drawn


def test_two_texts_are_told_as_a_diff():
    change = {"path": "a.py", "before": "one\ntwo", "after": "one\nthree"}

    assert told(diff_of(change) or "")[1:] == [
        ("same", 1, 1),
        ("del", 2, None),
        ("ins", None, 2),
    ]


def test_what_is_no_diff_is_none():
    assert diff_of("[DROPPED]") is None
    assert diff_of({"diff": 7}) is None
    assert diff_of({"before": 1, "after": "x"}) is None
    assert diff_of({"diff": "x" * 200_000}) is None
