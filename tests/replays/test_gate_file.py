"""The gate file of a repository, and several candidates in one table."""

from __future__ import annotations

from decimal import Decimal

import pytest

from apps.core.errors import InvalidError
from apps.replays.runs.settings import Candidate, read_gate_text
from apps.replays.verdict_candidates import compare_candidates
from apps.replays.verdict_door import judging
from apps.replays.verdict_shapes import Gate, Paired, Result, Scale

GOOD = """
suite: refunds@3
provider: openai
candidates:
  - {name: v8, prompt: triage@8}
  - {name: small, model: gpt-4o-mini, params: {temperature: 0}}
repeats: 4
budget: 2.50
gates:
  - metric: success
  - metric: latency_ms
    scale: ratio
    lower_is_better: true
    margin: 0.1
    on_inconclusive: pass
"""


def test_a_gate_file_says_what_is_run_and_what_must_hold():
    told = read_gate_text(GOOD)

    assert (told.suite_name, told.suite_version, told.repeats) == ("refunds", 3, 4)
    assert told.most == Decimal("2.5")
    assert told.candidates[1] == Candidate(
        name="small", model="gpt-4o-mini", params={"temperature": 0}
    )
    success, latency = told.judged_by()
    assert success == Gate("success")
    assert latency == Gate("latency_ms", Scale.RATIO, False, 0.1, 0.05, Result.PASS)


@pytest.mark.parametrize(
    ("before", "after", "path"),
    [
        ("suite: refunds@3", "suit: refunds", "suit"),
        ("refunds@3", "refunds@x", "suite"),
        ("repeats: 4", "repeats: 0", "repeats"),
        ("repeats: 4", "repeats: true", "repeats"),
        ("budget: 2.50", "budget: -1", "budget"),
        ("name: small", "name: v8", "candidates"),
        ("model: gpt-4o-mini, params: {temperature: 0}", "model: ''", "candidates.1.model"),
        (", model: gpt-4o-mini, params: {temperature: 0}", "", "candidates.1"),
        ("- metric: success", "- metrics: success", "gates.0.metrics"),
        ("scale: ratio", "scale: log", "gates.1.scale"),
        ("margin: 0.1", "margin: 3", "gates.1"),
        ("margin: 0.1", "margin: .nan", "gates.1"),
        ("metric: latency_ms", "metric: latency", "gates.1.metric"),
        ("on_inconclusive: pass", "on_inconclusive: skip", "gates.1.on_inconclusive"),
        ("gates:\n", "gates: []\nx:\n", "gates"),
    ],
)
def test_what_is_wrong_in_a_gate_file_is_named_with_its_place(before, after, path):
    assert before in GOOD

    with pytest.raises(InvalidError) as refused:
        read_gate_text(GOOD.replace(before, after))

    assert refused.value.errors[0]["path"] == path


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("suite: [", "line 1"),
        ("- suite", "names a suite"),
        ("", "names a suite"),
        ("suite: !!python/object:os.system x", "line 1"),
        ("a: &a [1]\nb: [*a, *a]", "aliases"),
        ("suite: \x00", "no YAML"),
        ("suite: a\nsuite: b", "twice"),
    ],
)
def test_what_is_no_gate_file_is_refused_by_line(text, says):
    with pytest.raises(InvalidError, match=says):
        read_gate_text(text)


def test_candidates_stand_in_one_table_and_those_that_are_beaten_are_known():
    gates = [Gate("success"), Gate("cost", Scale.RATIO, higher_is_better=False, margin=0.1)]
    sides = {"good": (1.0, 1.0), "cheap": (0.6, 0.5), "worst": (0.5, 2.0)}
    measured = {
        name: {
            "success": [Paired(str(at), [1], [float(at % 10 < share * 10)]) for at in range(60)],
            "cost": [Paired(str(at), [1 + at], [cost * (1 + at)]) for at in range(60)],
        }
        for name, (share, cost) in sides.items()
    }

    rows = {row.candidate: row for row in compare_candidates(gates, measured)}

    assert [row.is_on_front for row in rows.values()] == [True, True, False]
    assert rows["cheap"].cell("cost").difference == pytest.approx(-0.5)
    assert rows["good"].judgement.result == Result.INCONCLUSIVE
    assert rows["worst"].judgement.result == Result.FAIL
    assert rows["good"].cell("quality") is None


def test_the_door_to_verdicts_opens_where_their_libraries_are():
    assert judging()([], {}).result == Result.INCONCLUSIVE
