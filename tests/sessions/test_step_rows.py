"""The rows of the player as the server draws them: lanes, the filter, a part of the time."""

from __future__ import annotations

import uuid

import pytest

from apps.core.errors import InvalidError
from apps.sessions.drawing import Drawing
from apps.sessions.layout import Found, Layout
from apps.sessions.step_filter import find_steps
from apps.sessions.step_rows import read_window, row_page

# (parent, kind, name, start, end, lane, is_error)
AGENT_WITH_TWO_OTHERS = [
    (None, "agent", "support", 0, 10, None, False),
    (0, "llm", "plan", 0, 2, None, False),
    (0, "tool", "lookup_order", 2, 3, None, True),
    (0, "tool", "lookup_payments", 2, 5, None, False),
    (0, "agent", "billing", 5, 9, None, False),
    (4, "llm", "plan", 5, 6, None, False),
    (4, "tool", "http://pay: refund", 6, 9, None, False),
    (0, "tool", None, 9, 9.5, "late", False),
]


def drawing(steps=AGENT_WITH_TWO_OTHERS, shifts=None):
    rows = [
        found(at, parent, kind, name, start, end, lane, failed)
        for at, (parent, kind, name, start, end, lane, failed) in enumerate(steps)
    ]
    return Drawing(Layout(uuid.UUID(int=1), rows), shifts or {})


def found(at, parent, kind, name, start, end, lane, failed):
    given = {
        "id": uuid.UUID(int=at + 1).bytes,
        "parent": None if parent is None else uuid.UUID(int=parent + 1).bytes,
        "lane": lane,
        "kind": kind,
        "name": name,
        "started": start,
        "ended": end,
        "is_error": failed,
    }
    return Found(**dict.fromkeys(Found._fields) | {"is_counted": True} | given)


def matches(text):
    return sorted(find_steps(drawing(), text).matches)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("kind:tool", [2, 3, 6, 7]),
        ("kind:tool,llm", [1, 2, 3, 5, 6, 7]),
        ("KIND:tool lookup", [2, 3]),
        ("error", [2]),
        ("status:ok kind:tool", [3, 6, 7]),
        ('"error"', []),
        ("lane:billing", [4, 5, 6]),
        ("lane:main.1", [4, 5, 6, 3]),
        ("lane:late", [7]),
        ("duration>2.5s", [0, 3, 4, 6]),
        ("duration<900ms", [7]),
        ("http://pay:", [6]),
        ('"pay: refund"', [6]),
        ("name:plan", [1, 5]),
        ("tool", [7]),
        ("critical kind:llm", [1, 5]),
        ("nothing", []),
    ],
)
def test_steps_are_found_by_what_all_of_the_filter_says(text, expected):
    assert matches(text) == sorted(expected)


@pytest.mark.parametrize("text", ["", "  ", "kind:", 'lane:""', "duration>"])
def test_a_filter_that_is_still_being_typed_leaves_all_steps(text):
    assert find_steps(drawing(), text) is None


@pytest.mark.parametrize("text", ["duration>long", "status:strange", "x" * 201])
def test_a_filter_that_makes_no_sense_is_refused_by_its_name(text):
    with pytest.raises(InvalidError) as refused:
        find_steps(drawing(), text)
    assert refused.value.errors[0]["path"] == "f"


def test_what_is_found_is_shown_with_all_that_lies_above_it():
    drawn = drawing()
    page = row_page(drawn, 0, "tree", find_steps(drawn, "refund"))

    assert [(row.step.seq, row.is_found) for row in page.rows] == [
        (1, False),
        (5, False),
        (7, True),
    ]
    assert page.kept == "&f=refund"


def test_a_timeline_has_a_heading_for_each_agent_and_each_lane_that_was_sent():
    page = row_page(drawing(), 0, "timeline")

    headings = [(row.step.seq, row.lane.name, row.lane.count) for row in page.rows if row.lane]
    assert headings == [(1, "support", 4), (5, "billing", 3), (8, "late", 1)]
    assert [row.level for row in page.rows] == [2, 3, 3, 3, 2, 3, 3, 2]


def test_a_timeline_of_one_agent_has_no_headings():
    page = row_page(drawing(AGENT_WITH_TWO_OTHERS[:4]), 0, "timeline")

    assert [row.lane for row in page.rows] == [None] * 4


def test_bars_are_drawn_in_the_part_of_the_time_that_is_asked_for():
    page = row_page(drawing(), 0, "tree", None, (2000.0, 6000.0))

    bars = {row.step.seq: (row.left, row.width) for row in page.rows}
    assert bars[1] == (0.0, 100.0)
    assert bars[4] == (0.0, 75.0)
    assert bars[8] == (None, 0.0)


@pytest.mark.parametrize(
    ("begin", "end"),
    [("5", "5"), ("9", "3"), ("-1", "5"), (None, "5"), ("x", "5"), ("1", "9" * 13)],
)
def test_a_part_of_the_time_that_makes_no_sense_is_refused(begin, end):
    with pytest.raises(InvalidError):
        read_window(begin, end)


def test_corrected_times_are_drawn_and_said():
    page = row_page(drawing(shifts={5: 0.5, 6: -1.0}), 0, "tree")

    shown = {row.step.seq: (row.left, row.shift_ms) for row in page.rows}
    assert shown[6] == (55.0, 500)
    assert shown[7] == (50.0, -1000)
    assert (page.shifted, page.largest_shift_ms) == (2, 1000)
    assert page.rows[5].step.started == 5


def test_the_critical_path_is_marked_and_told_by_kind():
    page = row_page(drawing(), 0, "timeline")

    assert [row.step.seq for row in page.rows if row.is_critical] == [1, 2, 4, 5, 6, 7, 8]
    assert page.critical[0].kind == "tool"
    assert sum(spent.ms for spent in page.critical) == pytest.approx(10_000)
