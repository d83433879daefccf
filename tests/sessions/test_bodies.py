from __future__ import annotations

from itertools import pairwise

import pytest

from apps.core.errors import InvalidError
from apps.sessions.bodies import PIECE, cuts, field_of, read_piece, text_of, value_at


def whole(text: str) -> str:
    count = len(cuts(text)) - 1
    pieces = [read_piece(text, number, "") for number in range(1, count + 1)]
    return "".join(segment.text for piece in pieces for segment in piece.segments)


@pytest.mark.parametrize("line", ["x" * 200_000, "a line\n" * 40_000, "", "ä🚚" * 70_000])
def test_the_pieces_of_a_text_are_the_text(line):
    assert whole(line) == line


def test_pieces_end_with_lines_and_none_is_large():
    places = cuts("a line\n" * 40_000)

    assert all(place % len("a line\n") == 0 for place in places)
    assert all(b - a <= PIECE for a, b in pairwise(places))


def test_what_is_searched_for_is_counted_in_all_pieces_and_marked_in_one():
    text = "needle\n" + "hay\n" * 40_000 + "a Needle"
    piece = read_piece(text, 3, "needle")

    assert (piece.matched, [match.piece for match in piece.matches]) == (2, [1, 3])
    assert [segment.text for segment in piece.segments if segment.is_match] == ["Needle"]


def test_a_search_is_no_pattern():
    assert read_piece("a.b (c) axb", 1, "a.b (").matched == 1


def test_a_piece_that_is_not_there_is_refused():
    with pytest.raises(InvalidError, match="1 to 1"):
        read_piece("short", 2, "")


def test_json_is_read_with_a_line_for_each_entry():
    assert text_of({"a": [1]}) == '{\n  "a": [\n    1\n  ]\n}'


def test_only_fields_of_an_event_are_given_out():
    event = {"output": "x", "client_id": "y"}

    assert (field_of(event, "output"), field_of(event, "client_id")) == ("x", None)


@pytest.mark.parametrize("path", ["/b", "/a/7", "a", "/a/x"])
def test_a_path_that_leads_nowhere_is_refused(path):
    with pytest.raises(InvalidError, match="nowhere"):
        value_at({"a": [1]}, path)
