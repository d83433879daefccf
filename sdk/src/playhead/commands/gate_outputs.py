"""What ``playhead gate`` leaves behind: a table, files, and remarks at the files of a change."""

from __future__ import annotations

import argparse
import json
import os
import secrets
import sys
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, TextIO
from xml.etree import ElementTree

from playhead.commands.gate_calls import Run, StoppedError
from playhead.commands.terminal import GREEN, RED, YELLOW, coloured, printable

Json = Any

GITHUB, PLAIN, NONE, AUTO = "github", "plain", "none", "auto"
SUMMARY = "GITHUB_STEP_SUMMARY"
STDOUT = "-"
COLOURS = {"pass": GREEN, "fail": RED, "inconclusive": YELLOW}
MOST_NAMED, MOST_CHANGED = 5, 5
GATES = ("candidate", "gate", "result", "baseline", "now", "difference [interval]", "margin")
SIDES = ("success", "latency_p50", "latency_p95", "cost", "tokens")
SIDES_HEAD = ("", "success", "p50", "p95", "cost", "tokens", "cases")


class Outputs:
    """Where a gate's result is written to, as the options say."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._json, self._junit = options.json, options.junit
        self._markdown = options.markdown
        self._gate = getattr(options, "file", "") or ""
        wanted = options.annotate
        is_github = os.environ.get("GITHUB_ACTIONS") == "true"
        self._remarks = (GITHUB if is_github else NONE) if wanted == AUTO else wanted
        # What people read, where the other stream is for a program.
        self.stream: TextIO = sys.stderr if self._json == STDOUT else sys.stdout
        self._check_places()

    @property
    def _files(self) -> list[Path]:
        names = (self._json, self._junit, self._markdown)
        return [Path(name) for name in names if name and name != STDOUT]

    def _check_places(self) -> None:
        """Refuse now what could not be written after an hour, or would be written over the gate."""
        for file in self._files:
            if not file.parent.is_dir():
                raise ValueError(f"There is no folder {file.parent}.")
            if self._gate and file.resolve() == Path(self._gate).resolve():
                raise ValueError(f"{file} is the gate file itself.")

    def clear(self) -> None:
        """Take away what an earlier run left, which could be taken for that of this one."""
        for file in self._files:
            file.unlink(missing_ok=True)

    def write(self, run: Run, report: Mapping[str, Json], code: int) -> None:
        """Write a run's report into the files that are wanted, and print it."""
        self._put_json({**report, "exit_code": code})
        if self._junit:
            Path(self._junit).write_bytes(run.junit())
        if self._markdown or os.environ.get(SUMMARY):
            self._put_markdown(run.markdown().decode())
        self._print(told(report))
        self._remark(remarks(report, self._gate))

    def started(self, run: Run, url: str) -> None:
        """Write which run goes on while nobody waits for it."""
        self._put_json({"run": run.id, "url": url, "result": None, "exit_code": 0})

    def stopped(self, error: StoppedError) -> None:
        """Write that there is no run, so that nobody takes silence for good."""
        says = printable(str(error))
        self._put_json({"result": None, "says": says, "exit_code": error.code})
        if self._junit:
            Path(self._junit).write_bytes(_failed_junit(self._gate, says))
        if self._markdown or os.environ.get(SUMMARY):
            self._put_markdown(f"## Regression run: not run\n\n```text\n{_fenced(says)}\n```\n")
        line = " ".join(says.split())
        sys.stderr.write(coloured(f"playhead: {line}", RED, sys.stderr) + "\n")
        self._remark([Remark("error", self._gate, "No verdict", says, error.line)])

    def _put_json(self, told: Json) -> None:
        if not self._json:
            return
        text = json.dumps(told, indent=1) + "\n"
        if self._json == STDOUT:
            sys.stdout.write(text)
        else:
            Path(self._json).write_text(text, encoding="utf-8")

    def _put_markdown(self, text: str) -> None:
        if self._markdown:
            Path(self._markdown).write_text(text, encoding="utf-8")
        if summary := os.environ.get(SUMMARY):
            with Path(summary).open("a", encoding="utf-8") as stream:
                stream.write(text)

    def _print(self, lines: Sequence[str]) -> None:
        """Print for people; names in it command no terminal, and no runner of workflows."""
        token = secrets.token_hex(16) if self._remarks == GITHUB else ""
        text = "\n".join(lines)
        if token:
            text = f"::stop-commands::{token}\n{text}\n::{token}::"
        self.stream.write(f"{text}\n")
        self.stream.flush()

    def _remark(self, found: Sequence[Remark]) -> None:
        if self._remarks == NONE:
            return
        for one in found:
            line = one.for_github() if self._remarks == GITHUB else one.for_people()
            self.stream.write(f"{line}\n")
        self.stream.flush()


class Remark:
    """One finding, at the file that it is about."""

    def __init__(
        self, level: str, file: str, title: str, says: str, line: int | None = None
    ) -> None:
        self.level, self.file, self.title = level, file, title
        self.says, self.line = says, line

    def for_github(self) -> str:
        """Return it as a command to the runner of workflows, with nothing of another in it."""
        places = {"file": self.file, "line": str(self.line or ""), "title": self.title}
        named = ",".join(f"{name}={_property(value)}" for name, value in places.items() if value)
        return f"::{self.level} {named}::{_escaped(self.says)}"

    def for_people(self) -> str:
        at = f"{self.file}:{self.line}" if self.line else self.file
        says = " ".join(printable(f"{self.title}: {self.says}").split())
        return f"{at}: {self.level}: {says}"


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _escaped(text).replace(":", "%3A").replace(",", "%2C")


def remarks(report: Mapping[str, Json], gate: str) -> list[Remark]:
    """Return what is to be said of each candidate, at its prompt's file or the gate file."""
    return [
        one
        for candidate in report["candidates"]
        for one in _of_candidate(candidate, candidate.get("file") or gate, report["url"])
    ] + ([] if report["result"] else [Remark("error", gate, "No verdict", report["says"])])


def _of_candidate(candidate: Mapping[str, Json], file: str, url: str) -> Iterator[Remark]:
    name = candidate["name"]
    for gate in candidate["gates"]:
        shown = gate["shown"]
        numbers = f"{shown['baseline']} before, {shown['candidate']} now: {shown['difference']}."
        if gate["is_informational"] or gate["result"] not in ("fail", "inconclusive"):
            continue
        is_worse = gate["result"] == "fail"
        title = f"{name}: {gate['metric']} is worse" if is_worse else f"{name}: {gate['metric']}"
        says = f"{gate['says']} {numbers}\n{url}"
        yield Remark("error" if is_worse else "warning", file, title, says)
    if broken := candidate["broken"]:
        names = ", ".join(str(one["name"]) for one in broken[:MOST_NAMED])
        more = f" and {len(broken) - MOST_NAMED} more" if len(broken) > MOST_NAMED else ""
        title = f"{name}: pinned cases did not pass"
        yield Remark("error", file, title, f"{names}{more}\n{url}")
    if candidate["unknown"]:
        says = f"{len(candidate['unknown'])} pinned cases have no result.\n{url}"
        yield Remark("warning", file, f"{name}: pinned cases", says)


def told(report: Mapping[str, Json]) -> list[str]:
    """Return a report as lines for people."""
    suite = f"{report['suite']['name']}@{report['version']}"
    word = report["result"] or report["state"]
    head = coloured(word.upper(), COLOURS.get(word, RED))
    counts = report["counts"]
    lines = [f"{head}  {plain(report['name'])}: {plain(suite)}, {counts['cases']} cases"]
    lines += [f"  {plain(report['says'])}", ""]
    lines += table(GATES, list(_gate_rows(report)))
    lines += table(SIDES_HEAD, list(_side_rows(report)))
    lines += _notes(report)
    return [*lines, _paid(report["cost"]), report["url"]]


def _gate_rows(report: Mapping[str, Json]) -> Iterator[Sequence[str]]:
    for candidate in report["candidates"]:
        for gate in candidate["gates"]:
            shown = gate["shown"]
            result = shown["result"] + (" (informational)" if gate["is_informational"] else "")
            numbers = [shown[name] for name in ("baseline", "candidate", "difference", "margin")]
            yield [candidate["name"], gate["metric"], result, *numbers]


def _side_rows(report: Mapping[str, Json]) -> Iterator[Sequence[str]]:
    baseline = report["baseline"]
    yield ["baseline", *(baseline["shown"][name] for name in SIDES), ""]
    for one in report["candidates"]:
        cases = f"{one['better']} better, {one['worse']} worse, {one['same']} same"
        skipped = f", {one['skipped']} without a result" if one["skipped"] else ""
        yield [one["name"], *(one["shown"][name] for name in SIDES), f"{cases}{skipped}"]


def _notes(report: Mapping[str, Json]) -> Iterator[str]:
    for candidate in report["candidates"]:
        for note in candidate["broken"][:MOST_NAMED]:
            yield coloured(f"pinned: {plain(note['name'])}: {plain(note['says'])}", RED)
    worse = [one for one in report["changed"] if one["change"] == "worse"]
    for one in worse[:MOST_CHANGED]:
        yield f"worse: {plain(one['name'])} ({plain(one['candidate'])})  {one['url']}"


def _paid(cost: Mapping[str, Json]) -> str:
    if cost["paid"] is None:
        return "Nothing was paid."
    of = f" of {money(cost['limit'])}" if cost["limit"] is not None else ""
    return f"Paid {money(cost['paid'])}{of}."


def money(amount: str) -> str:
    """Write US dollars without the noughts that say nothing."""
    whole, _, part = f"{Decimal(amount):f}".partition(".")
    return f"${whole}.{part.rstrip('0'):0<2}"


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield the lines of a table, and an empty one; nothing where there are no rows."""
    if not rows:
        return
    cells = [list(heads), *([plain(cell) for cell in row] for row in rows)]
    widths = [max(len(row[at]) for row in cells) for at in range(len(heads))]
    for row in cells:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
    yield ""


def plain(text: Json) -> str:
    """Return a text on one line, without what a terminal would obey."""
    return " ".join(printable(str(text)).split())


def _fenced(says: str) -> str:
    return says.replace("```", "'''")


def _failed_junit(gate: str, says: str) -> bytes:
    counts = {"tests": "1", "errors": "1", "failures": "0"}
    root = ElementTree.Element("testsuites", counts)
    suite = ElementTree.SubElement(root, "testsuite", {"name": "playhead gate", **counts})
    test = ElementTree.SubElement(suite, "testcase", {"classname": "gate", "name": gate or "run"})
    ElementTree.SubElement(test, "error", {"message": says, "type": "not run"})
    return bytes(ElementTree.tostring(root, encoding="utf-8", xml_declaration=True))
