"""The report of a run: what it counts, as JSON, as Markdown, and as JUnit that CI reads."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from junitparser import JUnitXml

from apps.core.errors import InvalidError, UnavailableError
from apps.core.markdown import render_markdown
from apps.replays import verdict_door
from apps.replays.runs.gate_lines import lines_of
from apps.replays.runs.gate_prompts import files_wanted
from apps.replays.runs.output_junit import junit
from apps.replays.runs.output_markdown import markdown
from tests.replays.run_reports import case_id, make_gate, make_report, trial
from tests.replays.running import make_run, make_started

# Better, worse, the same, and one that has no result on a side.
TRIALS = [
    *(trial(0, 0, 0), trial(0, 1, 1)),
    *(trial(1, 0, 1), trial(1, 1, 0)),
    *(trial(2, 0, 1), trial(2, 1, 1)),
    *(trial(3, 0, 1), trial(3, 1, None, "skipped", reason="The target takes no tools.")),
]
RUNS = "/api/v1/regression-runs"
HOSTILE = "<b>|`x`](javascript:1)\n::error::\x00\x1b[2J\ud800 @root \u202e"


def junit_tests(report):
    """The testcases of a report's JUnit by their names."""
    root = ElementTree.fromstring(junit(report))
    return {one.get("name").rpartition(" (")[0] or one.get("name"): one for one in root[0][1:]}


def test_a_report_counts_what_became_of_each_case():
    told = make_report(TRIALS).as_json()

    [one] = told["candidates"]
    assert [one[word] for word in ("better", "worse", "same", "skipped")] == [1, 1, 1, 1]
    assert told["counts"] == {"cases": 4, "changed": 2, "trials": {"done": 7, "skipped": 1}}
    assert (one["success"], one["cost"], one["tokens"]) == (pytest.approx(2 / 3), "0.03", 300)
    assert told["baseline"]["latency_p50_ms"] == pytest.approx(1001.5)
    assert told["cost"] == {"paid": "1.25", "limit": "2.50", "currency": "USD"}


def test_what_is_not_known_is_null_and_no_nought():
    told = make_report([trial(0, 0, None, "queued"), trial(0, 1, None, "queued")]).as_json()

    [one] = told["candidates"]
    names = ("success", "latency_p50_ms", "cost", "tokens", "fidelity")
    assert {one[name] for name in names} == {None}
    assert one["shown"]["cost"] == "-"


def test_changed_cases_are_told_with_the_way_to_their_comparison():
    [_, worse] = make_report(TRIALS).as_json()["changed"]

    assert (worse["name"], worse["change"], worse["samples"]) == ("chat-1", "worse", [1, 1])
    assert worse["url"].startswith("https://p.test/compare/?a=00000000-")


def test_a_gate_that_fails_is_a_failure_and_a_case_that_got_worse_is_none():
    tests = junit_tests(make_report(TRIALS))

    assert tests["gate success"].find("failure").get("message") == "success: success is told."
    assert tests["chat-1"].find("failure") is None
    assert tests["chat-1"].find("system-out").text.startswith("worse: it passed 0 of 1")
    assert tests["chat-3"].find("skipped").get("message") == "The target takes no tools."


def test_pinned_cases_that_broke_fail_and_flaky_ones_are_skipped():
    tests = junit_tests(
        make_report([*TRIALS[:6], trial(3, 0, 1), trial(3, 1, 0)], broken=[1], flaky=[3])
    )

    assert tests["chat-1"].find("failure").get("message") == "It is pinned."
    assert tests["chat-3"].find("skipped").get("message").startswith("Flaky")


def test_a_test_has_its_numbers_and_its_address():
    report = make_report([trial(0, 0, 1), trial(0, 1, 1, fidelity=0.9, coverage=0.5)])

    properties = junit_tests(report)["chat-0"].iter("property")
    told = {one.get("name"): one.get("value") for one in properties}
    assert (told["fidelity"], told["coverage"], told["change"]) == ("0.9", "0.5", "same")
    assert told["case"] == str(case_id(0))
    assert told["url"].startswith("https://p.test/compare/")


@pytest.mark.parametrize(("result", "kind"), [("inconclusive", "skipped"), ("pass", "system-out")])
def test_a_gate_that_does_not_fail_is_no_failure(result, kind):
    tests = junit_tests(make_report(TRIALS, gates=[make_gate(result=result)]))

    assert [one.tag for one in tests["gate success"]][-1] == kind


@pytest.mark.parametrize("state", ["running", "paused", "failed", "cancelled"])
def test_a_run_without_a_verdict_is_an_error(state):
    says = {"state": state, "says": "The provider is away."}
    tests = junit_tests(make_report(TRIALS, result="", gates=[], **says))

    assert tests["verdict"].find("error").get("message") == "The provider is away."


def test_names_that_xml_cannot_hold_make_no_broken_file():
    names = {at: f"{HOSTILE}{at}" for at in range(4)}
    written = junit(make_report(TRIALS, name=HOSTILE, names=names))

    [suite] = JUnitXml.fromstring(written)
    assert (suite.tests, suite.failures, suite.skipped) == (5, 1, 1)


def test_names_stay_names_in_markdown():
    names = {at: f"{HOSTILE}{at}" for at in range(4)}
    report = make_report(TRIALS, name=HOSTILE, names=names, says=HOSTILE)

    shown = render_markdown(markdown(report).partition("<details>")[0])

    assert "<b>" not in shown
    assert 'href="javascript' not in shown
    assert "\x1b" not in markdown(report)
    assert shown.count("<tr>") == 1 + 1 + 1 + 2 + 1 + 2


def test_markdown_says_the_verdict_first_and_at_most_twenty_cases():
    many = [one for at in range(30) for one in (trial(at, 0, 1), trial(at, 1, 0))]
    text = markdown(make_report(many))

    assert text.startswith("## Regression run: Fail\n\n**`v9`** success is worse\\.")
    assert "### Changed cases (20 of 30)" in text
    assert text.count("[compare](") == 20
    assert "| `v9` | `success` | Fail | 84.0% | 72.0% | -12.0 points [-18.2, -6.1] |" in text
    assert "Paid $1.25 of $2.50." in text


@pytest.fixture
def run(project):
    return make_run(project, baseline={"recorded": True})


def test_the_report_of_a_real_run_holds_nothing_of_what_was_said(
    run, project, key_client, django_assert_max_num_queries
):
    client, address = key_client(project, "read:meta"), f"/api/v1/regression-runs/{run.pk}"
    with django_assert_max_num_queries(12):
        told = client.get(f"{address}/report").json()
    texts = [
        client.get(f"{address}/{rest}").content.decode()
        for rest in ("report", "report?format=markdown", "report?format=junit", "junit")
    ]

    assert (told["result"], told["candidates"][0]["worse"]) == ("fail", 3)
    assert {case["name"] for case in told["changed"]} == {"asked-0", "asked-1", "asked-2"}
    assert texts[2] == texts[3]
    assert not [text for text in texts if "refund on its way" in text or "Be rude" in text]


def test_a_report_has_the_forms_that_it_has(project, key_client):
    run = make_started(project)
    client, address = key_client(project, "read:meta"), f"/api/v1/regression-runs/{run.pk}"

    kinds = {form: client.get(f"{address}/report?format={form}") for form in ("junit", "markdown")}
    assert kinds["junit"]["Content-Type"].startswith("application/xml")
    assert kinds["markdown"]["Content-Type"].startswith("text/markdown")
    refused = client.get(f"{address}/report?format=pdf")
    assert (refused.status_code, refused.json()["errors"][0]["path"]) == (400, "format")
    assert client.get(f"{address}/junit?bogus=1").status_code == 400


def test_a_run_that_goes_on_has_a_report_without_a_result(project, key_client):
    run = make_started(project)

    told = key_client(project, "read:meta").get(f"/api/v1/regression-runs/{run.pk}/report").json()

    assert (told["result"], told["state"], told["says"]) == (None, "running", "It still runs.")
    assert told["counts"]["trials"] == {"queued": 6}


def test_without_the_library_junit_says_what_to_install(monkeypatch):
    monkeypatch.setattr(verdict_door, "import_module", missing_junitparser)

    with pytest.raises(UnavailableError, match="JUnit files need a library"):
        verdict_door.writing_junit()


def missing_junitparser(_name):
    raise ModuleNotFoundError("No module named 'junitparser'", name="junitparser")


def test_fields_of_a_gate_file_are_found_by_their_lines():
    lines = lines_of("suite: a\ncandidates:\n  - name: x\n    params: {seed: 1,\n      top_p: 2}\n")

    assert lines["candidates.0"] == lines["candidates.0.name"] == 3
    assert lines["candidates.0.params.top_p"] == 5


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "../x.md", "a/../../x", "", ".", "C:\\x", "a\nb", 7, "x" * 501]
)
def test_files_lie_below_the_repository(path):
    with pytest.raises(InvalidError) as refused:
        files_wanted({"candidates": [{"name": "a", "file": path}]})
    assert refused.value.errors[0]["path"] == "candidates.0.file"


@pytest.mark.parametrize(
    ("candidate", "prompt"),
    [
        ({"file": "prompts/support/triage.md"}, "support/triage"),
        ({"file": "./texts/triage.v2.txt"}, "texts/triage.v2"),
        ({"file": "x.md", "prompt": "desk/triage"}, "desk/triage"),
        ({"file": "x.md", "prompt": "desk/triage@8"}, None),
        ({"file": "x.md", "prompt": "desk/triage:production"}, None),
        ({"file": "x.md", "system": "Be brief."}, None),
        ({"model": "gpt-5"}, None),
    ],
)
def test_a_file_stands_for_a_prompt_unless_something_else_is_named(candidate, prompt):
    found = files_wanted({"candidates": [{"name": "a", **candidate}]})

    assert [one.prompt for one in found] == ([prompt] if prompt else [])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"role": "user"}', "holds no list of messages"),
        ("not json", "holds no list of messages"),
        ('[{"role": "boss", "content": "x"}]', "chat.json: "),
    ],
)
def test_a_file_that_is_no_prompt_is_refused_with_its_line(project, key_client, text, says):
    gate = "suite: a\nprovider: b\ncandidates:\n  - name: x\n    file: chat.json\n"
    sent = {"gate": gate, "files": {"chat.json": text}, "push": True}
    client = key_client(project, "replays:run", "prompts:write")

    refused = client.post(f"{RUNS}/gate", sent, content_type="application/json")

    error = refused.json()["errors"][0]
    assert (refused.status_code, error["path"], error["line"]) == (400, "candidates.0.file", "5")
    assert says in error["message"]
    assert not project.prompts.exists()


def test_messages_of_a_file_become_a_chat_and_stay_one_version(project, key_client):
    gate = "suite: a\nprovider: b\ncandidates:\n  - {name: x, file: chat.json}\n"
    messages = '[{"role": "system", "content": "Help {{customer}}."}]'
    sent = {"gate": gate, "files": {"chat.json": messages}, "push": True}
    client = key_client(project, "replays:run", "prompts:write")

    told = [client.post(f"{RUNS}/gate", sent, content_type="application/json") for _ in range(2)]

    assert [one.json()["files"][0]["new"] for one in told] == [True, False]
    assert told[1].json()["settings"]["candidates"][0]["prompt"] == "chat@1"
    assert project.prompts.get().kind == "chat"


def test_a_gate_file_that_is_wrong_adds_no_version(project, key_client):
    gate = "suite: a\nprovider: b\nrepeats: 0\ncandidates:\n  - {name: x, file: a.md}\n"
    sent = {"gate": gate, "files": {"a.md": "Be brief."}, "push": True}
    client = key_client(project, "replays:run", "prompts:write")

    refused = client.post(f"{RUNS}/gate", sent, content_type="application/json").json()

    assert (refused["errors"][0]["path"], refused["errors"][0]["line"]) == ("repeats", "3")
    assert not project.prompts.exists()
