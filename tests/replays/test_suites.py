"""Suites: what is in which version, how cases are chosen, and what becomes of them."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from django.db import IntegrityError, transaction

from apps.audit.actors import SYSTEM
from apps.core.errors import ConflictError, InvalidError
from apps.replays.suite_changes import MOST_CASES, Added, Altered, Change, change_cases
from apps.replays.suite_choosing import choose
from apps.replays.suite_coverage import coverage, duplicates
from apps.replays.suite_flakes import known_baselines, record_baselines
from apps.replays.suite_models import CaseRevision, SuiteVersion
from apps.replays.suite_queries import diff_versions, in_version
from apps.replays.suite_rows import case_rows
from apps.replays.suite_sampling import Sample, draw
from apps.replays.suites import archive_suite, change_suite, create_suite, restore_suite
from apps.sessions import store
from tests.replays.gathering import make_run, make_suite
from tests.sessions.factories import make_event, make_session

CONTAINS = {"kind": "contains", "words": ["the parcel 4711"]}


@pytest.fixture
def runs(project):
    return [make_run(project, f"run {at}", tools=["find", "pay"][: at % 3]) for at in range(6)]


def cases_of(suite, number=None):
    return {row.case.session.pk for row in in_version(suite, number or suite.latest)}


def change(suite, **told):
    version = change_cases(suite, Change(**told), actor=SYSTEM)
    suite.refresh_from_db()
    return version


def test_a_version_stays_as_it_was_whatever_is_changed_later(project, runs):
    suite = make_suite(project, *runs[:3])
    first = suite.cases.get(session=runs[0])

    change(suite, add=[Added(runs[3].pk)], remove=[first.pk])

    assert cases_of(suite, 1) == {run.pk for run in runs[:3]}
    assert cases_of(suite, 2) == {run.pk for run in runs[1:4]}
    told = suite.versions.get(number=2)
    assert (told.cases, told.added, told.removed) == (3, 1, 1)


def test_the_database_refuses_to_change_what_a_version_holds(project, runs):
    make_suite(project, runs[0])

    for model, change_of in ((CaseRevision, {"is_pinned": True}), (SuiteVersion, {"cases": 9})):
        with pytest.raises(IntegrityError, match="frozen"), transaction.atomic():
            model.unscoped.update(**change_of)


def test_two_versions_differ_by_what_came_went_and_changed(project, runs):
    suite = make_suite(project, *runs[:3])
    gone, kept = suite.cases.get(session=runs[0]), suite.cases.get(session=runs[1])
    change(suite, remove=[gone.pk], add=[Added(runs[4].pk)], alter=[Altered(kept.pk, True)])

    diff = diff_versions(suite, 1, 2)

    assert [row.case.session.pk for row in diff.added] == [runs[4].pk]
    assert [row.case.pk for row in diff.removed] == [gone.pk]
    assert [(old.is_pinned, new.is_pinned) for old, new in diff.changed] == [(False, True)]
    assert diff.unchanged == 1


def test_what_is_in_a_suite_is_not_added_twice(project, runs):
    suite = make_suite(project, runs[0])

    with pytest.raises(ConflictError, match="Nothing would change"):
        change(suite, add=[Added(runs[0].pk), Added(runs[0].pk)])


def test_a_case_that_comes_back_brings_its_history(project, runs):
    suite = make_suite(project, runs[0], runs[1])
    case = suite.cases.get(session=runs[0])
    record_baselines(suite, {case.pk: (1, 4)})
    record_baselines(suite, {case.pk: (2, 4)})

    change(suite, remove=[case.pk])
    change(suite, add=[Added(runs[0].pk)])

    [row] = case_rows(project, list(in_version(suite, 3).filter(case=case)), content=False)
    assert (row.pass_rate, row.is_flaky) == (0.375, True)
    assert known_baselines(suite) == {case.pk: (3, 8)}


def test_one_step_can_be_a_case_beside_its_session(project, runs):
    event = project.events.filter(session_id=runs[1].pk, kind="tool").get()
    suite = make_suite(project, runs[1])

    change(suite, add=[Added(runs[1].pk, event.id)])

    rows = case_rows(project, list(in_version(suite, 2)), content=False)
    assert sorted(row.step for row in rows) == ["", "tool find"]
    with pytest.raises(InvalidError, match="has no step"):
        change(suite, add=[Added(runs[2].pk, event.id)])


def test_somebody_elses_change_is_not_overwritten(project, runs):
    suite = make_suite(project, runs[0])
    change(suite, add=[Added(runs[1].pk)])

    with pytest.raises(ConflictError, match="in the meantime"):
        change_cases(suite, Change(add=[Added(runs[2].pk)]), actor=SYSTEM, seen_version=1)


def test_no_session_of_another_project_comes_into_a_suite(project, other_project, runs):
    theirs = make_session(other_project)

    with pytest.raises(InvalidError, match="no session"):
        make_suite(project, theirs)


def test_expectations_are_sealed_and_end_with_the_session(project, runs):
    suite = make_suite(project, runs[0], runs[1], expectations=[CONTAINS])
    row = in_version(suite, 1).get(case__session=runs[0])
    assert b"4711" not in bytes(row.sealed_expectations)

    store.erase(runs[0], actor=SYSTEM)

    erased, kept = case_rows(project, list(in_version(suite, 1).order_by("id")), content=True)
    assert (erased.is_erased, erased.expectations) == (True, None)
    assert (kept.is_erased, kept.expectations) == (False, [CONTAINS])
    with pytest.raises(ConflictError, match="erased"):
        change(suite, alter=[Altered(erased.case.pk, True)])


def test_cases_follow_a_session_that_joins_another_one(project):
    named = make_session(project, make_event(session="chat", id="first"))
    alone = make_session(project, make_event(trace="t1", id="second"))
    suite = make_suite(project, alone, expectations=[CONTAINS])
    both = make_suite(project, alone, named, name="Both")

    store.append(project, [make_event(trace="t1", session="chat", id="third")])

    [row] = case_rows(project, list(in_version(suite, 1)), content=True)
    assert (row.session.pk, row.expectations) == (named.pk, [CONTAINS])
    assert cases_of(both) == {named.pk}


def test_filters_choose_sessions_and_how_is_kept(project, runs):
    found = choose(project, {"tool": "find"}, None, most=10)

    suite = create_suite(
        project,
        name="With find",
        change=Change([Added(key) for key in found.sessions], source=found.source),
        actor=SYSTEM,
    )

    assert cases_of(suite) == {run.pk for at, run in enumerate(runs) if at % 3}
    sealed = bytes(suite.versions.get().sealed_source)
    assert b"find" not in sealed


def test_a_sample_is_the_same_for_the_same_seed_and_holds_every_path(project, runs):
    first, again, other = (
        choose(project, {}, Sample(3, seed, ("path",)), most=10).sessions for seed in (4, 4, 5)
    )

    assert first == again != other
    assert {runs.index(project.sessions.get(pk=key)) % 3 for key in first} == {0, 1, 2}


@dataclass
class Drawn:
    sizes: dict[str, int]
    taken: dict[str, int]


@pytest.mark.parametrize(
    "told",
    [
        Drawn({"a": 90, "b": 10}, {"a": 9, "b": 1}),
        Drawn({"a": 97, "b": 2, "c": 1}, {"a": 8, "b": 1, "c": 1}),
        Drawn({"a": 3}, {"a": 3}),
    ],
)
def test_strata_give_their_share_and_one_at_least(told):
    strata = {f"{name}{at}": name for name, size in told.sizes.items() for at in range(size)}

    taken = draw(strata, Sample(10))

    assert {name: sum(strata[key] == name for key in taken) for name in told.sizes} == told.taken


def test_nothing_to_choose_from_says_what_to_do(project, runs):
    with pytest.raises(InvalidError, match="Take a filter away"):
        choose(project, {"model": "no-such-model"}, None, most=10)


def test_coverage_names_kinds_without_a_case_and_cases_that_begin_alike(project, runs):
    again = make_run(project, "again", input="Where is run 0?")
    suite = make_suite(project, runs[0], again)

    told = coverage(suite, 1)

    assert {(one.path, one.cases > 0) for one in told.strata} == {
        ("no tools", True),
        ("find", False),
        ("find → pay", False),
    }
    assert told.share == pytest.approx(3 / 7)
    assert [
        [row.case.session.pk for row in group] for group in duplicates(suite, 1, content=True)
    ] == [[runs[0].pk, again.pk]]


def test_names_are_once_until_a_suite_is_archived(project, runs):
    suite = make_suite(project, name="Refunds")
    with pytest.raises(InvalidError, match="of this name"):
        make_suite(project, name=" refunds ")

    archive_suite(suite, actor=SYSTEM)
    other = make_suite(project, name="Refunds")

    with pytest.raises(ConflictError, match="archived"):
        change(suite, add=[Added(runs[0].pk)])
    with pytest.raises(InvalidError, match="of this name"):
        restore_suite(suite, actor=SYSTEM)
    assert change_suite(other, {"name": "Returns"}, actor=SYSTEM).name == "Returns"
    assert restore_suite(suite, actor=SYSTEM).archived_at is None


def test_a_suite_is_not_given_to_somebody_who_cannot_see_it(project, stranger):
    with pytest.raises(InvalidError, match="may not see"):
        make_suite(project, owner=stranger)


def test_a_suite_has_a_largest_size(project, runs):
    suite = make_suite(project)
    many = [Added(run.pk, run.pk) for run in runs for _ in range(MOST_CASES)]

    with pytest.raises(InvalidError, match="has no step"):
        change(suite, add=many)
