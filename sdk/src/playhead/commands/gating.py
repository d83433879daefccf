"""``playhead gate``: a gate file of a repository is run, planned, or its report fetched again."""

from __future__ import annotations

import argparse
import re
import signal
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

from playhead.commands.gate_calls import (
    BUDGET,
    INCONCLUSIVE,
    INFRASTRUCTURE,
    PASS,
    REGRESSION,
    Gate,
    Run,
    StoppedError,
    known,
    plan,
    read_gate,
    start,
)
from playhead.commands.gate_following import cause, follow
from playhead.commands.gate_outputs import AUTO, GITHUB, NONE, PLAIN, Outputs, money, plain, table
from playhead.commands.terminal import show
from playhead.fetching import NoSuchSessionError, ServerError

Json = Any

CODES = """\
exit codes:
  0    passed: no gate says that a candidate is worse
  1    a regression: a gate failed, or a pinned case did not pass
  2    inconclusive: it takes more sessions or repeats to tell
  3    no verdict: a bad gate file, no server, a provider that is away, a timeout, cancelled
  4    the budget is spent, or too small for what is planned
  130  broken off by Ctrl-C; the run is cancelled

environment: PLAYHEAD_URL, PLAYHEAD_API_KEY, GITHUB_ACTIONS and GITHUB_STEP_SUMMARY (set by GitHub),
NO_COLOR.
"""
BY_RESULT = {"pass": PASS, "fail": REGRESSION, "inconclusive": INCONCLUSIVE}
MOST_SKIPPED = 5
SPAN = re.compile(r"(\d+(?:\.\d+)?)([smh]?)")
SECONDS = {"s": 1.0, "m": 60.0, "": 60.0, "h": 3600.0}


def run(options: argparse.Namespace) -> int:
    """Run a gate file to its verdict; what it came to is the exit code."""
    outputs = Outputs(options)
    return _ending(outputs, lambda: _run(options, outputs))


def check(options: argparse.Namespace) -> int:
    """Say what a gate file would try and cost, and spend nothing."""
    outputs = Outputs(options)
    return _ending(outputs, lambda: _check(options))


def report(options: argparse.Namespace) -> int:
    """Fetch the report of a run again; what it came to is the exit code."""
    outputs = Outputs(options)
    return _ending(outputs, lambda: _told(Run(known(), options.run), outputs))


def _ending(outputs: Outputs, act: Callable[[], int]) -> int:
    try:
        outputs.clear()
        return act()
    except StoppedError as error:
        outputs.stopped(error)
        return error.code
    except NoSuchSessionError as error:
        outputs.stopped(StoppedError(f"There is no such run here: {error}"))
    except (ServerError, OSError, ValueError) as error:
        outputs.stopped(StoppedError(str(error)))
    return INFRASTRUCTURE


def _run(options: argparse.Namespace, outputs: Outputs) -> int:
    until = None if options.timeout is None else time.monotonic() + options.timeout
    gate = read_gate(options.file, push=True)
    if options.name:
        gate.settings["name"] = options.name
    for one in gate.files:
        word = "added" if one["new"] else "there already"
        outputs.stream.write(
            plain(f"{one['file']} is {one['prompt']}@{one['version']}, {word}") + "\n"
        )
    key = uuid.uuid4().hex
    with _cancelling(gate, key) as started:
        found, url = start(gate, key)
        started.append(found)
        outputs.stream.write(f"run {found.id}  {url}\n")
        outputs.stream.flush()
        if options.no_wait:
            outputs.started(found, url)
            return PASS
        follow(found, until)
    return _told(found, outputs)


@contextmanager
def _cancelling(gate: Gate, key: str) -> Iterator[list[Run]]:
    """Cancel the run where this ends before it does, also while it was being started."""
    started: list[Run] = []
    try:
        with _ended_by_signals():
            yield started
    except KeyboardInterrupt:
        sys.stderr.write("\nplayhead: cancelling the run; Ctrl-C again leaves it running\n")
        try:
            found = started[0] if started else start(gate, key)[0]
            found.act("cancel")
        except (StoppedError, ServerError, NoSuchSessionError) as error:
            sys.stderr.write(f"playhead: it could not be cancelled: {error}\n")
        raise


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Take SIGTERM, by which runners of workflows end a job, as Ctrl-C is taken."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _told(found: Run, outputs: Outputs) -> int:
    state = found.look()
    report = found.report()
    code = _code(state, report)
    outputs.write(found, report, code)
    if state["state"] == "paused":
        more = "with a larger budget " if code == BUDGET else ""
        sys.stderr.write(
            f"playhead: the run is paused and spends nothing; what it has stays. Resume it {more}"
            f"on its page, then: playhead gate report {found.id}\n"
        )
    return code


def _code(state: Mapping[str, Json], report: Mapping[str, Json]) -> int:
    if state["state"] == "paused":
        return BUDGET if cause(state) == "budget" else INFRASTRUCTURE
    if state["state"] != "done":
        return INFRASTRUCTURE
    return BY_RESULT.get(str(report["result"]), INFRASTRUCTURE)


def _check(options: argparse.Namespace) -> int:
    gate = read_gate(options.file, push=False)
    told = plan(gate)
    show(told if options.is_json else "\n".join(_planned(told)), as_json=options.is_json)
    cost, budget = told["expected"]["cost"], told["budget"]
    if cost is not None and budget is not None and Decimal(cost) > Decimal(budget):
        raise gate.refused("budget", "It will probably not do for that.", BUDGET)
    return PASS


def _planned(told: Mapping[str, Json]) -> Iterator[str]:
    suite, cases, expected = told["suite"], told["cases"], told["expected"]
    yield plain(
        f"{suite['name']}@{suite['version']}: {cases['tried']} cases, {cases['skipped']} skipped; "
        f"{told['trials']} trials, {expected['calls']} calls"
    )
    cost = "not known" if expected["cost"] is None else f"about {money(expected['cost'])}"
    unknown = expected["calls_without_cost"]
    yield f"cost: {cost}" + (f", {unknown} calls without a price" if unknown else "")
    yield ""
    yield from table(("side", "asks", "prompt", "model"), list(map(_side, told["sides"])))
    for one in told["skipped"][:MOST_SKIPPED]:
        yield plain(f"skipped: {one['session']}: {one['reason']}")
    for says in told["hints"]:
        yield plain(f"note: {says}")


def _side(told: Mapping[str, Json]) -> tuple[str, str, str, str]:
    prompt = told["prompt"]
    named = f"{prompt['name']}@{prompt['version']}" if prompt else "as recorded"
    if told["has_system"]:
        named = "another system message"
    asks = "nobody: the record" if told["is_record"] else told["provider"]
    return told["name"], asks, named, told["model"] or "as recorded"


def _seconds(text: str) -> float:
    found = SPAN.fullmatch(text)
    if not found or not float(found[1]):
        raise argparse.ArgumentTypeError(f"{text!r} is no time such as 90s, 45m or 2h")
    return float(found[1]) * SECONDS[found[2]]


def add_to(acts: Any) -> None:
    """Add ``gate`` with its three acts to the command."""
    gate = acts.add_parser("gate", help="hold a change to the gates of a file, for CI")
    gate.set_defaults(not_tried=INFRASTRUCTURE)
    inner = gate.add_subparsers(required=True, metavar="ACT")
    running = _act(inner, "run", run, "run a gate file on the server and tell its verdict")
    checking = _act(inner, "check", check, "say what a gate file would try and cost")
    for act in (running, checking):
        act.add_argument("file", nargs="?", default="gate.yml", help="by default gate.yml")
    running.add_argument("--name", help="what the run is called")
    running.add_argument("--no-wait", action="store_true", help="start it and end")
    running.add_argument(
        "--timeout", type=_seconds, metavar="TIME", help="such as 90s, 45m, 2h; then it is paused"
    )
    reporting = _act(inner, "report", report, "fetch the report of a run again")
    reporting.add_argument("run", help="its id")
    for act in (running, reporting):
        _add_outputs(act)
    checking.add_argument("--json", action="store_true", dest="is_json", help="print JSON")
    checking.set_defaults(json=None, junit=None, markdown=None, annotate=NONE)


def _act(acts: Any, name: str, function: Any, says: str) -> argparse.ArgumentParser:
    act: argparse.ArgumentParser = acts.add_parser(
        name,
        help=says,
        description=says[0].upper() + says[1:] + ".",
        epilog=CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    act.add_argument("--url", help="address of the Playhead (PLAYHEAD_URL)")
    act.add_argument("--key", help="key of a project (PLAYHEAD_API_KEY; others see this one)")
    act.set_defaults(act=function, passphrase_file=None)
    return act


def _add_outputs(act: argparse.ArgumentParser) -> None:
    act.add_argument("--json", metavar="FILE", help="write the report as JSON; - prints it")
    act.add_argument("--junit", metavar="FILE", help="write it as JUnit XML")
    act.add_argument("--markdown", metavar="FILE", help="write it as Markdown")
    act.add_argument(
        "--annotate",
        choices=(AUTO, GITHUB, PLAIN, NONE),
        default=AUTO,
        help="remarks at files; auto: those of GitHub where it runs this",
    )
