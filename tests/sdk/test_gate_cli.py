"""``playhead gate`` from outside: what it ends with, what it writes, what it never does twice."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path
from xml.etree import ElementTree

import pytest
from playhead import client
from playhead.cli import main
from playhead.commands import gate_calls, gate_following

from apps.replays.runs.sides import kept_of
from tests.factories import make_key
from tests.prompts.factories import make_prompt
from tests.providers.factories import make_credential
from tests.replays.running import ANSWER, make_asked_suite
from tests.sdk.gate_running import Views, opener_of

SCOPES = ("replays:run", "read:meta", "prompts:write")
RUDE = "name: v9, system: Be rude."
KIND = "name: v9, system: Be kind."
RUNS = "/api/v1/regression-runs"


@pytest.fixture
def views(project, monkeypatch, tmp_path):
    """The server's views behind urllib, a folder of one's own, and no waiting."""
    views = Views(project)
    monkeypatch.setattr(urllib.request, "_opener", opener_of(views))
    monkeypatch.setattr(gate_calls, "WAITS", (0.0,))
    monkeypatch.setattr(gate_following, "SOON", 0.0)
    monkeypatch.setenv(client.URL, "http://testserver")
    monkeypatch.setenv(client.KEY, make_key(project, SCOPES)[1])
    for name in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return views


@pytest.fixture
def gate(project, views):
    """Writes a gate file over a suite of two sessions, held against their records."""

    def write(candidate=RUDE, more="baseline: {recorded: true}\n", margin="0.03"):
        make_asked_suite(project, 2, name="refunds")
        Path("gate.yml").write_text(
            f"suite: refunds\nprovider: scripted\nscript:\n  - {{system: rude, say: 'No.'}}\n"
            f"  - {{say: '{ANSWER}'}}\ncandidates:\n  - {{{candidate}}}\n"
            f"gates:\n  - {{metric: success, margin: {margin}}}\n{more}"
        )

    return write


def test_a_regression_ends_with_one_and_is_told_everywhere(gate, capsys):
    gate()

    assert main(["gate", "run", "--junit", "j.xml", "--json", "g.json", "--markdown", "g.md"]) == 1
    shown = capsys.readouterr()
    assert "FAIL  v9 on refunds: refunds@1, 2 cases" in shown.out
    assert "v9         success  Fail    100.0%    0.0%" in shown.out
    assert "worse: asked-0 (v9)  http://" in shown.out
    assert ElementTree.parse("j.xml").getroot().get("failures") == "1"
    told = json.loads(Path("g.json").read_text())
    assert (told["result"], told["exit_code"]) == ("fail", 1)
    assert Path("g.md").read_text().startswith("## Regression run: Fail")


def test_no_regression_ends_with_nought_and_no_remark(gate, capsys):
    gate(KIND, margin="0.9")

    assert main(["gate", "run", "--annotate", "github", "--name", "nightly"]) == 0
    shown = capsys.readouterr().out
    assert "PASS  nightly" in shown
    assert "::error" not in shown


def test_too_few_sessions_end_with_two_and_say_how_many_more(gate, capsys):
    gate(KIND)

    assert main(["gate", "run", "--annotate", "plain"]) == 2
    assert "gate.yml: warning: v9: success: It cannot be told" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("gate_file", "says"),
    [
        ("suite: [", "gate.yml:1: This is no YAML"),
        ("suite: refunds\nproviderr: x\ncandidates: []\n", "gate.yml:2: providerr:"),
        (
            "suite: gone\nprovider: scripted\nscript: [{say: x}]\n"
            "candidates:\n  - name: a\n    model: x\n",
            "gate.yml:1: suite: There is no suite gone",
        ),
        (
            "suite: gone\nprovider: scripted\nscript: [{say: x}]\n"
            "candidates:\n  - name: a\n    modle: x\n",
            "gate.yml:6: candidates.0.modle: There is no such field.",
        ),
        ("suite: a\nprovider: b\ncandidates:\n  - {name: a, file: ../x}\n", "gate.yml:4: candid"),
        ("suite: a\nprovider: b\ncandidates:\n  - {name: a, file: x.md}\n", "x.md cannot be read"),
    ],
)
def test_what_is_wrong_in_a_gate_file_is_named_with_its_line(views, capsys, gate_file, says):
    Path("gate.yml").write_text(gate_file)

    code = main(["gate", "run", "--annotate", "github", "--junit", "j.xml"])

    shown = capsys.readouterr()
    assert (code, says in shown.err) == (3, True), shown.err
    assert shown.out.startswith("::error file=gate.yml")
    assert ElementTree.parse("j.xml").getroot().get("errors") == "1"


def test_a_budget_that_is_too_small_ends_with_four_before_anything_is_asked(
    gate, project, settings, capsys
):
    settings.PLAYHEAD_OUTBOUND_ALLOW = ["127.0.0.1:9"]
    make_credential(project, "http://127.0.0.1:9/v1")
    gate("name: v9, model: gpt-4o", more="budget: 0.0000001\n")
    text = Path("gate.yml").read_text().replace("provider: scripted", "provider: local")
    script = text[text.index("script:") : text.index("candidates:")]
    Path("gate.yml").write_text(text.replace(script, ""))

    assert [main(["gate", "run"]), main(["gate", "check"])] == [4, 4]
    shown = capsys.readouterr()
    assert "gate.yml:7: budget: About" in shown.err
    assert "cost: about $0.0" in shown.out
    assert not project.regression_runs.exists()


def test_githubs_remarks_stand_at_the_prompts_file_and_names_command_no_runner(
    gate, monkeypatch, capsys
):
    gate('name: "::error::a,b", system: Be rude., file: prompts/triage.md')
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "summary.md")
    Path("summary.md").write_text("# Before\n")

    assert main(["gate", "run"]) == 1
    assert Path("summary.md").read_text().startswith("# Before\n## Regression run: Fail")
    lines = capsys.readouterr().out.splitlines()
    stop = next(at for at, line in enumerate(lines) if line.startswith("::stop-commands::"))
    end = lines.index(f"::{lines[stop].rpartition('::')[2]}::")
    commands = [line for line in lines[:stop] + lines[end + 1 :] if line.startswith("::")]
    assert len(commands) == 1
    title = "%3A%3Aerror%3A%3Aa%2Cb%3A success is worse"
    assert commands[0].startswith(f"::error file=prompts/triage.md,title={title}::Worse by more")


def test_a_lost_answer_starts_no_second_run(gate, views, project, capsys):
    gate()
    views.works, views.away = False, {RUNS: 2}

    assert main(["gate", "run", "--no-wait"]) == 0
    assert project.regression_runs.count() == 1
    assert views.asked.count(("POST", RUNS)) == 3
    assert "It is asked again." in capsys.readouterr().err


def test_ctrl_c_cancels_the_run_also_while_its_start_is_not_known(gate, views, project, capsys):
    gate()
    views.works, views.broken_off = False, {RUNS: 1}

    assert main(["gate", "run"]) == 130
    assert project.regression_runs.get().state == "cancelled"
    assert "Ctrl-C again leaves it running" in capsys.readouterr().err


def test_a_run_that_takes_too_long_is_paused_and_not_thrown_away(gate, views, project, capsys):
    gate()
    views.works = False

    assert main(["gate", "run", "--timeout", "0.001s"]) == 3
    run = project.regression_runs.get()
    assert run.state == "paused"
    assert f"playhead gate report {run.pk}" in capsys.readouterr().err


def test_a_run_is_started_and_its_report_fetched_later(gate, project, capsys):
    gate()

    assert main(["gate", "run", "--no-wait", "--json", "g.json"]) == 0
    run = json.loads(Path("g.json").read_text())["run"]
    assert main(["gate", "report", run, "--json", "-"]) == 1
    shown = capsys.readouterr()
    assert json.loads(shown.out[shown.out.index("\n{") :])["run"] == run
    assert "FAIL" in shown.err


def test_a_provider_that_fails_ends_with_three_and_leaves_the_run(gate, project, capsys):
    gate()
    text = Path("gate.yml").read_text()
    Path("gate.yml").write_text(text.replace("say: 'No.'", "fail: server"))

    assert main(["gate", "run", "--junit", "j.xml"]) == 3
    assert project.regression_runs.get().state == "paused"
    assert "Resume it on its page" in capsys.readouterr().err
    assert ElementTree.parse("j.xml").getroot().get("errors") == "1"


def test_checking_says_what_would_be_tried_and_starts_nothing(gate, project, capsys):
    gate()

    assert main(["gate", "check"]) == 0
    assert "refunds@1: 2 cases, 0 skipped; 4 trials, 2 calls" in capsys.readouterr().out
    assert not project.regression_runs.exists()


def test_the_words_of_a_file_become_one_version(gate, views, project, capsys):
    views.works = False
    gate("name: v9, file: prompts/desk/triage.md")
    make_prompt(project, "desk/triage", "Be kind.", parameters={"temperature": 0})
    Path("prompts/desk").mkdir(parents=True)
    Path("prompts/desk/triage.md").write_text("Be rude.\n")

    assert [main(["gate", "run", "--no-wait"]) for _ in range(2)] == [0, 0]
    shown = capsys.readouterr().out
    assert "prompts/desk/triage.md is desk/triage@2, added" in shown
    assert "prompts/desk/triage.md is desk/triage@2, there already" in shown
    run = project.regression_runs.first()
    assert kept_of(run).sides[1].overrides.prompt.version == 2
    version = project.prompt_versions.get(number=2)
    assert (version.body, version.parameters) == ("Be rude.", {"temperature": 0})


def test_checking_a_file_adds_no_version(gate, project):
    gate("name: v9, file: prompts/triage.md")
    Path("prompts").mkdir()
    Path("prompts/triage.md").write_text("Be rude.")

    assert main(["gate", "check"]) == 0
    assert not project.prompts.exists()


def test_a_key_that_may_not_write_prompts_adds_none(gate, project, monkeypatch, capsys):
    gate("name: v9, file: triage.md")
    Path("triage.md").write_text("Be rude.")
    monkeypatch.setenv(client.KEY, make_key(project, SCOPES[:2])[1])

    assert main(["gate", "run"]) == 3
    assert "The key may not do this" in capsys.readouterr().err
    assert not project.prompts.exists()


@pytest.mark.parametrize(
    "arguments", [["--bogus"], ["--timeout", "soon"], ["--annotate", "all"], ["a", "b"]]
)
def test_options_that_say_nothing_are_no_verdict(views, arguments):
    with pytest.raises(SystemExit) as ended:
        main(["gate", "run", *arguments])
    assert ended.value.code == 3


@pytest.mark.parametrize("place", ["no/g.json", "./gate.yml"])
def test_places_that_cannot_be_written_are_refused_before_anything_runs(gate, views, place):
    gate()

    assert main(["gate", "run", "--json", place]) == 3
    assert views.asked == []
    assert Path("gate.yml").read_text().startswith("suite: refunds")


def test_without_a_server_there_is_no_verdict(gate, monkeypatch, capsys):
    gate()
    monkeypatch.delenv(client.KEY)

    assert main(["gate", "run"]) == 3
    assert "give --url and --key" in capsys.readouterr().err
