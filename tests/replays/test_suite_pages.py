"""Pages of suites."""

from __future__ import annotations

import pytest
from django.urls import reverse

from tests.replays.gathering import make_run, make_suite

ROOT = "/o/acme/p/support-bot/suites/"


@pytest.fixture
def runs(project):
    return [make_run(project, f"run {at}") for at in range(3)]


def test_a_suite_is_made_by_a_form_and_shown(member_client, project, runs):
    body = {"name": "Refunds", "filter": "kind:llm", "how": "random", "size": 2, "seed": 1}

    page = member_client.post(f"{ROOT}new/", body, follow=True)

    assert page.status_code == 200
    assert project.suites.get().versions.get().cases == 2
    assert "a sample of 2 of 3 found" in page.content.decode()


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"name": ""}, "required"),
        ({"name": "x", "filter": "modle:x"}, "there is no filter modle"),
        ({"name": "x", "filter": "model:none"}, "Take a filter away"),
        ({"name": "x", "filter": "kind:llm", "size": "0"}, "greater than or equal to 1"),
    ],
)
def test_a_form_that_is_refused_says_what_to_do(member_client, project, runs, body, says):
    usual = {"how": "newest", "size": 2, "seed": 1}

    page = member_client.post(f"{ROOT}new/", usual | body)

    assert page.status_code == 422
    assert says in page.content.decode()
    assert not project.suites.exists()


def test_growing_a_suite_without_filters_says_how_to_name_sessions(member_client, project):
    suite = make_suite(project)

    page = member_client.post(f"{ROOT}{suite.pk}/grow/", {"how": "newest", "size": 2, "seed": 1})

    assert "status:error" in page.content.decode()


def test_sessions_of_the_list_are_added_to_a_suite(member_client, project, runs):
    suite = make_suite(project, runs[0])
    ids = [str(run.pk) for run in runs[:2]]

    ask = member_client.post(f"{ROOT}from-sessions/", {"session": ids}, follow=True)
    address = ask.request["PATH_INFO"] + "?" + ask.request["QUERY_STRING"]
    member_client.post(address, {"suite": str(suite.pk), "name": ""})

    assert "cases of" in ask.content.decode()
    suite.refresh_from_db()
    assert (suite.latest, suite.versions.get(number=2).added) == (2, 1)


def test_a_new_suite_or_one_that_there_is_but_not_both(member_client, project, runs):
    suite = make_suite(project)
    address = f"{ROOT}add/?session={runs[0].pk}"

    both = member_client.post(address, {"suite": str(suite.pk), "name": "Other"})
    neither = member_client.post(address, {"suite": "", "name": ""})

    assert (both.status_code, neither.status_code) == (422, 422)
    assert b"Choose a suite, or name a new one." in both.content


def test_ticked_cases_are_pinned_and_taken_out(member_client, project, runs):
    suite = make_suite(project, *runs)
    cases = [str(case.pk) for case in suite.cases.all()]
    url = f"{ROOT}{suite.pk}/cases/"

    member_client.post(url, {"act": "pin", "case": cases[:2], "version": 1})
    member_client.post(url, {"act": "remove", "case": cases[:1], "version": 2})
    stale = member_client.post(url, {"act": "pin", "case": cases, "version": 1}, follow=True)

    suite.refresh_from_db()
    assert suite.latest == 3
    assert "in the meantime" in stale.content.decode()


def test_what_is_expected_of_a_case_is_typed_as_json(member_client, project, runs):
    suite = make_suite(project, runs[0])
    case = reverse("suites:case", args=("acme", "support-bot", suite.pk, suite.cases.get().pk))

    bad = member_client.post(f"{case}change/", {"expectations": "[{]", "version": 1})
    wrong = member_client.post(f"{case}change/", {"expectations": '[{"kind": "x"}]'})
    good = member_client.post(
        f"{case}change/",
        {"expectations": '[{"kind": "contains", "words": ["<b>"]}]', "tags": "a, b"},
        follow=True,
    )

    assert b"This is no JSON" in bad.content
    assert b"kind must be one of" in wrong.content
    assert b"1 expectation" in good.content
    assert b"&lt;b&gt;" in member_client.get(case).content


def test_those_who_may_not_change_suites_see_no_forms(viewer_client, project, runs):
    suite = make_suite(project, *runs)

    page = viewer_client.get(f"{ROOT}{suite.pk}/").content.decode()

    assert "run 1" in page
    assert 'name="case"' not in page
    assert viewer_client.post(f"{ROOT}{suite.pk}/cases/", {"act": "pin"}).status_code == 403


def test_lists_cost_as_many_queries_for_many_as_for_one(
    member_client, project, django_assert_max_num_queries
):
    suite = make_suite(
        project,
        *[make_run(project, f"run {at}", tools=["find"]) for at in range(8)],
        expectations=[{"kind": "contains", "words": ["x"]}],
    )

    for page in ("", f"{suite.pk}/", f"{suite.pk}/coverage/", f"{suite.pk}/versions/"):
        member_client.get(f"{ROOT}{page}")
        # Two more than in a request of its own: a savepoint stands for the transaction.
        with django_assert_max_num_queries(17):
            member_client.get(f"{ROOT}{page}")


@pytest.mark.parametrize("address", ["?archived=1", "?x=1", "add/", "add/?session=1", "new/?x=1"])
def test_an_address_that_cannot_be_read_is_a_bad_request(member_client, project, address):
    assert member_client.get(f"{ROOT}{address}").status_code == 400
