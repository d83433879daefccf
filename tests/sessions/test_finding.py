"""Words found inside one session: each place once, at the first step that said it."""

from __future__ import annotations

import pytest

from apps.core.errors import InvalidError
from apps.sessions import finding, store
from apps.sessions.finding import find_inside, read_find
from apps.sessions.layout_cache import layout_of
from tests.sessions.factories import at, make_call, make_event, make_session


def found(session, words: str, cursor: str | None = None):
    return find_inside(session, layout_of(session), read_find(words), cursor)


def places(session, words: str) -> list[tuple[int, str]]:
    return [(hit.step.seq, hit.field) for hit in found(session, words).hits]


def says(role: str, text: str) -> dict[str, str]:
    return {"role": role, "content": text + " and so on" * 30}


@pytest.fixture
def session(project):
    asked, answered = says("user", "Where is parcel A-17?"), says("assistant", "It is lost.")
    again = says("user", "Where is parcel A-17?")
    return make_session(
        project,
        make_call(started_at=at(0), input={"messages": [asked]}, output={"messages": [answered]}),
        make_call(started_at=at(1), input={"messages": [asked, answered, again]}),
        make_event(started_at=at(2), kind="tool", output={"parcels": ["lost", "found"]}),
        make_event(started_at=at(3), kind="state", state={"parcel": "found"}),
    )


@pytest.mark.django_db
def test_what_is_sent_again_is_one_place_at_the_step_that_said_it_first(session):
    assert places(session, "a-17") == [(1, "input.messages.0.content")]
    assert places(session, "lost") == [
        (1, "output.messages.0.content"),
        (3, "output.parcels.0"),
    ]


@pytest.mark.django_db
def test_all_words_stand_in_one_text_and_a_phrase_in_their_order(session):
    assert places(session, "parcel where") == [(1, "input.messages.0.content")]
    assert places(session, '"is parcel"') == [(1, "input.messages.0.content")]
    assert places(session, '"parcel is"') == []
    assert places(session, "parcel lost") == []


@pytest.mark.django_db
def test_a_place_names_the_tab_that_shows_it(session):
    [in_output, in_state] = found(session, "found").hits

    assert (in_output.tab, in_state.tab, in_state.field) == ("io", "state", "state.parcel")


@pytest.mark.django_db
def test_places_come_a_page_at_a_time(project, monkeypatch):
    monkeypatch.setattr(finding, "MOST_PLACES", 3)
    for start in range(0, 8, 4):
        steps = range(start, start + 4)
        store.append(project, [make_event(started_at=at(n), input=f"hay {n}") for n in steps])
    session = project.sessions.get()
    pages, cursor = [], ""
    while cursor is not None:
        answer = found(session, "hay", cursor)
        pages.append([hit.step.seq for hit in answer.hits])
        cursor = answer.next

    assert pages == [[1, 2, 3], [4, 5, 6], [7, 8]]


@pytest.mark.django_db
def test_a_cursor_that_nobody_gave_out_is_refused(session):
    with pytest.raises(InvalidError):
        found(session, "lost", "WyJ4IiwxXQ")


def test_words_that_are_none_are_named_as_what_they_were_asked_by():
    assert read_find("  ") is None
    for text in ("...", "x" * 501, "a b c d e f g h i j k l m n o p q"):
        with pytest.raises(InvalidError, match="find"):
            read_find(text)
