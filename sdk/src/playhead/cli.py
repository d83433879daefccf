"""The command ``playhead``: record a program, run it again from the record, compare, move files.

Exit codes: 0 all is as recorded, 1 something differs, 2 it could not be tried. ``record`` ends
with the program's own code.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TextIO

from playhead.alignment import Signature, signature
from playhead.client import counts, flush, init, load, send
from playhead.fetching import NoSuchSessionError
from playhead.files import BrokenFileError, read_file, write_file
from playhead.lanes import align_lanes
from playhead.program import RECORD, REPLAY, environment
from playhead.tapes import MODES, Tape

Json = Any

SAME, DIFFERENT, NOT_TRIED = 0, 1, 2
GREEN, RED, PLAIN = "\x1b[32m", "\x1b[31m", "\x1b[0m"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    options = parser().parse_args(arguments)
    try:
        return int(options.act(options))
    except (BrokenFileError, NoSuchSessionError, OSError, ValueError) as error:
        sys.stderr.write(f"playhead: {error}\n")
        return NOT_TRIED


def parser() -> argparse.ArgumentParser:
    whole = argparse.ArgumentParser(prog="playhead", description=__doc__)
    acts = whole.add_subparsers(required=True, metavar="COMMAND")
    record = _act(acts, "record", run_recorded, "run a program and record it as one session")
    record.add_argument("--file", default="", help="write the session here, as a .playhead file")
    record.add_argument("--session", help="the session's name; by default a new one")
    record.add_argument("program", nargs="+", metavar="-- PROGRAM")
    replay = _act(acts, "replay", run_replayed, "run a program with all answers from a record")
    replay.add_argument("session", help="a .playhead file, or a session of the server")
    replay.add_argument("--match", choices=MODES, default=MODES[0])
    replay.add_argument("--allow-live", action="append", default=[], metavar="KIND:NAME")
    replay.add_argument("program", nargs="+", metavar="-- PROGRAM")
    diff = _act(acts, "diff", show_differences, "compare two sessions step by step")
    diff.add_argument("a", help="a .playhead file, or a session of the server")
    diff.add_argument("b")
    export = _act(acts, "export", export_session, "fetch a session of the server into a file")
    export.add_argument("session")
    export.add_argument("file", type=Path)
    imported = _act(acts, "import", import_file, "send a file's session to the server")
    imported.add_argument("file", type=Path)
    return whole


def _act(acts: Any, name: str, function: Any, says: str) -> argparse.ArgumentParser:
    act: argparse.ArgumentParser = acts.add_parser(name, help=says, description=says)
    act.add_argument("--json", action="store_true", help="print JSON")
    act.set_defaults(act=function)
    return act


def run_recorded(options: argparse.Namespace) -> int:
    said = {"id": options.session} if options.session else {}
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        around = environment(RECORD, options.file, report, said)
        return subprocess.run(options.program, env=around, check=False).returncode  # noqa: S603


def run_replayed(options: argparse.Namespace) -> int:
    said = {"match": options.match, "allow_live": options.allow_live}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "report.json"
        around = environment(REPLAY, options.session, path, said)
        ended = subprocess.run(options.program, env=around, check=False)  # noqa: S603
        if not path.exists():
            raise BrokenFileError(f"the program ended with {ended.returncode} before its replay")
        report = json.loads(path.read_text())
    is_same = not report["divergences"] and ended.returncode == 0
    _print(report if options.json else _coloured(report["text"], is_same))
    return SAME if is_same else DIFFERENT


def _coloured(text: str, is_good: bool, stream: TextIO = sys.stdout) -> str:
    if not stream.isatty() or os.environ.get("NO_COLOR"):
        return text
    return f"{GREEN if is_good else RED}{text}{PLAIN}"


def _print(told: Json) -> None:
    sys.stdout.write(f"{told if isinstance(told, str) else json.dumps(told, indent=1)}\n")


def show_differences(options: argparse.Namespace) -> int:
    a, b = _loaded(options.a), _loaded(options.b)
    pairs = align_lanes(_placed(a), _placed(b)).pairs
    found = [_told(a, b, i, j) for i, j in pairs]
    different = [one for one in found if one["status"] != "identical"]
    lines = [_line(one) for one in different] or [f"{len(found)} steps, all identical"]
    _print(different if options.json else _coloured("\n".join(lines), not different))
    return DIFFERENT if different else SAME


def _loaded(session: str) -> Tape:
    if not session.endswith(".playhead"):
        init()
    return load(session)


def _placed(tape: Tape) -> list[tuple[str, Signature]]:
    return [
        (
            str(event.get("lane") or "0"),
            signature(str(event.get("kind")), event.get("name"), event.get("input")),
        )
        for event in tape.events
    ]


def _told(a: Tape, b: Tape, i: int | None, j: int | None) -> dict[str, Json]:
    left = None if i is None else a.events[i]
    right = None if j is None else b.events[j]
    some = left or right or {}
    told = {"a": None if i is None else i + 1, "b": None if j is None else j + 1}
    told |= {"kind": some.get("kind"), "name": some.get("name")}
    if left is None or right is None:
        return told | {"status": "only_b" if left is None else "only_a"}
    parts = [name for name in ("input", "output", "error") if left.get(name) != right.get(name)]
    return told | {"status": "changed" if parts else "identical", "parts": parts}


def _line(one: dict[str, Json]) -> str:
    sign = {"only_a": "-", "only_b": "+", "changed": "~"}[one["status"]]
    steps = f"{one['a'] or '-':>5} {one['b'] or '-':>5}"
    return f"{sign} {steps}  {one['kind']} {one['name'] or ''} {' '.join(one.get('parts', []))}"


def export_session(options: argparse.Namespace) -> int:
    init()
    tape = load(options.session)
    count = write_file(options.file, tape.session, tape.events)
    _print({"events": count} if options.json else f"{count} events in {options.file}")
    return SAME


def import_file(options: argparse.Namespace) -> int:
    init()
    session, events = read_file(options.file)
    send(events)
    is_done = flush(60) and not counts().waiting
    told = {"session": session, "sent": counts().sent, "refused": counts().refused}
    _print(told if options.json else f"{told['sent']} events sent, {told['refused']} refused")
    return SAME if is_done and not counts().refused and not counts().lost else NOT_TRIED
