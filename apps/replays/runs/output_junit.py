"""A run's report as JUnit XML: a suite for each candidate, in it a test for each gate and case.

What fails here is what fails the run, and nothing else: a gate, or a pinned case that did not
pass. Other cases may get worse by chance, so they pass and say it; flaky ones that did not pass
are skipped, as is what could not be tried. A run that has no verdict is an error.

Loaded through ``verdict_door``: junitparser comes with the extra ``analysis``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import BytesIO

from junitparser import Error, Failure, Skipped
from junitparser.xunit2 import JUnitXml, TestCase, TestSuite

from apps.replays.runs import report_words as words
from apps.replays.runs.report_shapes import (
    CandidateReport,
    CaseReport,
    GateReport,
    RunReport,
)

# What XML 1.0 cannot hold, not even escaped.
UNSPEAKABLE = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
STRANGE = "\N{REPLACEMENT CHARACTER}"
SHORT_ID = 8


def junit(report: RunReport) -> bytes:
    """Return the report as UTF-8 XML that is well formed whatever names it holds."""
    root = JUnitXml(_clean(f"{report.suite}@{report.version}"))
    for candidate in report.candidates:
        root.append(_suite(report, candidate))
    root.update_statistics()
    written = BytesIO()
    root.write(written)
    return written.getvalue()


def _suite(report: RunReport, candidate: CandidateReport) -> TestSuite:
    place = _clean(f"{report.suite}.{candidate.name}")
    suite = TestSuite(place)
    suite.timestamp = f"{report.started_at:%Y-%m-%dT%H:%M:%S}"
    for name, value in _told(report, candidate):
        suite.add_property(name, _clean(value))
    tests = [_verdict(report, candidate, place)] if not candidate.result else []
    tests += [_gate(gate, place) for gate in candidate.gates]
    broken = {one.case: one.says for one in candidate.broken}
    unknown = {one.case: one.says for one in candidate.unknown}
    tests += [_case(report, candidate, case, place, broken, unknown) for case in report.cases]
    suite.add_testcases(tests)
    return suite


def _told(report: RunReport, candidate: CandidateReport) -> Iterator[tuple[str, str]]:
    side = candidate.measured
    yield "run", str(report.run)
    yield "url", report.addresses.run
    yield "result", candidate.result or report.state
    yield "says", candidate.says or report.says
    yield "suite", f"{report.suite}@{report.version}"
    yield "tried", words.what_is_tried(side)
    for name, value in words.side_cells(side).items():
        yield name, value
    for name, amount in (("paid", report.paid), ("limit", report.limit)):
        if amount is not None:
            yield f"{name}_usd", f"{amount:f}"


def _verdict(report: RunReport, candidate: CandidateReport, place: str) -> TestCase:
    """Return a test for a candidate that was not judged, so that nobody takes silence for good."""
    test = TestCase("verdict", f"{place}.run")
    _end(test, Error(_clean(candidate.says or report.says), report.state))
    return test


def _gate(gate: GateReport, place: str) -> TestCase:
    test = TestCase(_clean(f"gate {gate.metric}"), f"{place}.gates")
    shown = words.shown(gate)
    for name, value in shown.items():
        test.add_property(name, value)
    says = _clean(f"{gate.metric}: {gate.verdict.get('says') or shown['result']}")
    if gate.is_informational:
        test.system_out = f"Informational. {says}"
    elif gate.result == "fail":
        _end(test, Failure(says, "gate"), _clean(_numbers(shown)))
    elif gate.result == "inconclusive":
        _end(test, Skipped(f"Inconclusive. {says}"))
    else:
        test.system_out = says
    return test


def _numbers(shown: dict[str, str]) -> str:
    return "\n".join(f"{name}: {value}" for name, value in shown.items())


def _case(
    report: RunReport,
    candidate: CandidateReport,
    case: CaseReport,
    place: str,
    broken: dict[str, str],
    unknown: dict[str, str],
) -> TestCase:
    number = candidate.measured.side
    side = case.sides[number]
    test = TestCase(_clean(_name(case)), f"{place}.cases", (side.latency_ms or 0.0) / 1000)
    for name, value in _properties(report, case, number):
        test.add_property(name, value)
    if says := broken.get(str(case.case)):
        _end(test, Failure(_clean(says), "pinned"), report.addresses.of_case(case, number))
    elif says := unknown.get(str(case.case)):
        _end(test, Skipped(_clean(f"{says} {side.reason}".strip())))
    elif not side.known:
        _end(test, Skipped(_clean(side.reason or "There is no result.")))
    elif case.is_flaky and side.passes < side.known:
        _end(test, Skipped(f"Flaky: it passed {words.passed(side)}, and does not always."))
    else:
        test.system_out = _outcome(case, number)
    return test


def _name(case: CaseReport) -> str:
    step = f" step {case.event.hex[:SHORT_ID]}" if case.event else ""
    return f"{case.name}{step} ({str(case.session)[-SHORT_ID:]})"


def _properties(report: RunReport, case: CaseReport, number: int) -> Iterator[tuple[str, str]]:
    side = case.sides[number]
    yield "case", str(case.case)
    yield "session", str(case.session)
    yield "url", report.addresses.of_case(case, number)
    yield "change", case.change(number)
    for name, value in (
        ("success", side.success),
        ("baseline_success", case.sides[0].success),
        ("fidelity", side.fidelity),
        ("coverage", side.coverage),
        ("consumption", side.consumption),
        ("latency_ms", side.latency_ms),
    ):
        if value is not None:
            yield name, f"{value:.6g}"


def _outcome(case: CaseReport, number: int) -> str:
    now, before = words.passed(case.sides[number]), words.passed(case.sides[0])
    return f"{case.change(number)}: it passed {now}, the baseline {before}."


def _end(test: TestCase, result: Error | Failure | Skipped, more: str = "") -> None:
    if more:
        result.text = more
    test.result = result


def _clean(told: str) -> str:
    return UNSPEAKABLE.sub(STRANGE, told)
