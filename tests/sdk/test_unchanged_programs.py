"""Whatever an application does: unchanged, it replays as it was, and the report says so."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from playhead.reported import Report

from tests.sdk.programs import PROGRAMS, record, replay, run

EVERYTHING = [
    ("agent", [("model", 1), ("pool", [("tool", 1), ("tool", 1), ("fail", 2)]), ("decide", 1)]),
    ("threads", [("gather", [0, 0, 1]), ("model", 1), ("draw", 0)]),
    ("model", 1),
]


def numbers(report: Report):
    return report.coverage, report.consumption, report.fidelity, report.first


@settings(max_examples=25, deadline=None)
@given(st.lists(PROGRAMS, min_size=1, max_size=3))
def test_an_unchanged_program_is_identical_with_its_record(program):
    found, events = record(program)
    reports = []
    for _ in range(2):
        same, replaying = replay(events, lambda: run(("agent", program)))
        assert same == found
        reports.append(replaying.report)

    for report in reports:
        assert (report.first, report.coverage, report.fidelity) in [
            (None, None, 1.0),
            (None, 1.0, 1.0),
        ]
        assert (report.divergences, report.soft, report.band) == ([], [], "identical")
        report.assert_faithful()
    assert reports[0].digest == reports[1].digest


@pytest.fixture(scope="module")
def everything():
    return record(EVERYTHING)


def test_all_of_it_gives_full_numbers_and_none(everything):
    found, events = everything

    same, replaying = replay(events, lambda: run(("agent", EVERYTHING)))

    assert same == found
    assert numbers(replaying.report) == (1.0, 1.0, 1.0, None)
    assert replaying.report.decisions == 1.0
    assert replaying.report.matched == {"exact": replaying.report.calls}


@settings(max_examples=10, deadline=None)
@given(st.data())
def test_a_changed_program_never_passes_for_the_same(everything, data):
    _, events = everything
    program = [list(one) for one in EVERYTHING]
    at = data.draw(st.integers(0, 2))
    if data.draw(st.booleans()):
        del program[at]
    else:
        program.insert(at, ("tool", 9))

    _, replaying = replay(
        events,
        lambda: run(("agent", program)),
        match="ordered",
        on_divergence="stub",
        stubs={"*": None},
    )

    report = replaying.report
    assert report.first is not None
    assert 0 <= report.fidelity < 1
    assert report.band in ("drifted", "diverged", "faithful")
    with pytest.raises(AssertionError, match="first divergence"):
        report.assert_faithful()
    told = json.loads(json.dumps(report.as_json()))
    assert Report.from_json(told).as_json() == told
