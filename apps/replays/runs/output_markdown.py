"""A run's report as Markdown: the summary of a CI job, or a comment on a change.

Names come from senders and from files of others. In tables they are code, which nothing in them
can leave; in sentences each sign of Markdown is escaped, and nobody is mentioned.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from apps.core.units import money
from apps.replays.runs import report_words as words
from apps.replays.runs.report_shapes import CandidateReport, Changed, RunReport

Json = Any
MOST_CHANGED = 20
MOST_NOTED = 10
MOST_SURROUNDINGS = 100
LONGEST_NAME = 80
LONGEST_TEXT = 500
STRANGE = "\N{REPLACEMENT CHARACTER}"
SIGNS = re.compile(r"([!-/:;<=>?\[\\\]^_`{|}~])")
# Between an @ and a name, so that the name is nobody's.
JOINER = "\N{WORD JOINER}"
SIDES = ("success", "latency_p50", "latency_p95", "cost", "tokens")


def markdown(report: RunReport) -> str:
    """Return the report as Markdown that GitHub, GitLab and others show alike."""
    parts = [
        _head(report),
        _mixed(report),
        _gates(report),
        _sides(report),
        _pinned(report),
        _changed(report),
        _money(report),
        _environment(report),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def code(name: str) -> str:
    """Return a name as code: whatever it holds, it stays one piece of one line."""
    plain = _plain(name)[:LONGEST_NAME].replace("`", "'").replace("|", "\N{BROKEN BAR}")
    return f"`{plain}`" if plain else "-"


def text(told: str) -> str:
    """Return a sentence in which nothing is markup."""
    return SIGNS.sub(r"\\\1", _plain(told)[:LONGEST_TEXT]).replace("@", f"@{JOINER}")


def _plain(told: str) -> str:
    line = " ".join(str(told).split())
    return "".join(one if one.isprintable() else STRANGE for one in line)


def _head(report: RunReport) -> str:
    verdict = words.result_word(report.result)
    says = [f"**{code(one.name)}** {text(one.says)}" for one in report.candidates if one.result]
    if not says:
        says = [text(report.says)]
    samples = f"{report.repeats} sample{'' if report.repeats == 1 else 's'} a side"
    of = f"suite {code(f'{report.suite}@{report.version}')}, {len(report.cases)} cases, {samples}"
    mode = report.mode.replace("_", " ")
    return "\n\n".join(
        [
            f"## Regression run: {verdict}",
            *says,
            f"[{text(report.name) or 'The run'}]({report.addresses.run}): {of}, {text(mode)}.",
        ]
    )


def _mixed(report: RunReport) -> str:
    """Warn where a provider changed its model in the middle of the run."""
    sides = report.environment.get("sides") or ()
    names = [code(one.get("name", "")) for one in sides if one.get("is_mixed")]
    if not names:
        return ""
    return f"More than one model answered for {', '.join(names)}: see the environment below."


def _gates(report: RunReport) -> str:
    rows = [
        [
            code(one.name),
            code(gate.metric) + (" (informational)" if gate.is_informational else ""),
            shown["result"],
            shown["baseline"],
            shown["candidate"],
            shown["difference"],
            shown["margin"],
            shown["sessions"],
        ]
        for one in report.candidates
        for gate in one.gates
        for shown in [words.shown(gate)]
    ]
    heads = ["candidate", "gate", "result", "baseline", "candidate", "difference [interval]"]
    return _section("### Gates", [*heads, "margin", "sessions"], rows)


def _sides(report: RunReport) -> str:
    cells = [words.side_cells(side) for side in report.sides]
    baseline = [
        "baseline",
        code(words.what_is_tried(report.baseline)),
        *(cells[0][name] for name in SIDES),
        "",
    ]
    rows = [baseline] + [
        _side(one, told) for one, told in zip(report.candidates, cells[1:], strict=True)
    ]
    heads = ["", "tried", "success", "latency p50", "p95", "cost", "tokens", "cases"]
    return _section("### Candidates", heads, rows)


def _side(one: CandidateReport, cells: dict[str, str]) -> list[str]:
    tried = code(words.what_is_tried(one.measured))
    return [code(one.name), tried, *(cells[name] for name in SIDES), words.counts(one)]


def _pinned(report: RunReport) -> str:
    rows = [
        f"- {code(one.name)}, {code(note.name)}: {text(note.says)}"
        for one in report.candidates
        for note in [*one.broken, *one.unknown][:MOST_NOTED]
    ]
    return "\n".join(["### Pinned cases that did not pass", "", *rows]) if rows else ""


def _changed(report: RunReport) -> str:
    shown = report.changed[:MOST_CHANGED]
    rows = [_change(report, one) for one in shown]
    count = len(report.changed)
    head = f"### Changed cases ({f'{MOST_CHANGED} of {count}' if count > MOST_CHANGED else count})"
    return _section(head, ["case", "candidate", "change", "baseline", "now", ""], rows)


def _change(report: RunReport, one: Changed) -> list[str]:
    notes = [
        word
        for word, is_so in (("pinned", one.case.is_pinned), ("flaky", one.case.is_flaky))
        if is_so
    ]
    address = report.addresses.of_case(one.case, one.candidate.measured.side)
    change = f"{one.change} ({', '.join(notes)})" if notes else one.change
    return [
        code(one.case.name),
        code(one.candidate.name),
        change,
        words.passed(one.baseline),
        words.passed(one.side),
        f"[compare]({address})",
    ]


def _money(report: RunReport) -> str:
    if report.paid is None and report.limit is None:
        return ""
    of = f" of {money(report.limit)}" if report.limit is not None else ""
    return f"Paid {money(report.paid)}{of}."


def _environment(report: RunReport) -> str:
    rows = [[code(name), code(value)] for name, value in _flat(report.environment, "")]
    if not rows:
        return ""
    table = "\n".join(_table(["", ""], rows[:MOST_SURROUNDINGS]))
    return f"<details><summary>Environment</summary>\n\n{table}\n\n</details>"


def _flat(told: Json, path: str) -> Iterator[tuple[str, str]]:
    """Yield values by their paths; what is not known is left out."""
    if isinstance(told, list):
        told = {str(at): one for at, one in enumerate(told)}
    if isinstance(told, dict):
        for name, value in sorted(told.items()):
            yield from _flat(value, f"{path}.{name}" if path else name)
    elif told is not None:
        yield path, str(told)


def _section(head: str, names: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return "\n".join([head, "", *_table(names, rows)]) if rows else ""


def _table(names: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(names)} |"
    yield f"|{' --- |' * len(names)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"
