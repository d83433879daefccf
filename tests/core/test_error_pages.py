"""What is answered where no view could answer."""

from __future__ import annotations

import pytest
from django.db import OperationalError
from django.test import RequestFactory

from apps.core import error_pages

PAGES, PROGRAMS = "/o/acme/", "/api/v1/nothing"


def fail(error: Exception, path: str):
    """Return the answer to an error that no view caught."""
    try:
        raise error
    except type(error):
        return error_pages.server_error(RequestFactory().get(path))


def test_programs_get_a_problem_and_people_a_page_for_an_unknown_address(client):
    assert client.get(PROGRAMS).json()["status"] == 404
    assert "text/html" in client.get("/nothing/here/")["Content-Type"]


@pytest.mark.parametrize("path", [PAGES, PROGRAMS])
def test_while_the_database_is_away_everybody_is_told_to_come_again(path):
    answer = fail(OperationalError("the connection is lost"), path)

    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert b"does not answer" in answer.content


@pytest.mark.parametrize("path", [PAGES, PROGRAMS])
def test_a_fault_of_ours_is_told_as_one_and_says_nothing_of_itself(path):
    answer = fail(ZeroDivisionError("division by secret"), path)

    assert answer.status_code == 500
    assert b"secret" not in answer.content


def test_a_host_that_is_not_ours_is_refused_not_a_fault(db, client):
    client.raise_request_exception = False

    assert client.get("/", headers={"host": "elsewhere.example"}).status_code == 400
