"""The command ``playhead``: record a program, run it again from the record, compare, move files."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from playhead.client import KEY, URL
from playhead.commands import comparing, following, gating, moving, prompting, running
from playhead.commands.gate_calls import INFRASTRUCTURE
from playhead.commands.terminal import INTERRUPTED, NOT_TRIED, complain, told_of
from playhead.fetching import NoSuchSessionError
from playhead.files import PASSPHRASE, BrokenFileError
from playhead.replaying import CLOCKS, POLICIES
from playhead.tapes import MODES
from playhead.version import VERSION

Json = Any

CODES = """\
exit codes:
  0    as recorded; done
  1    something differs: a replay from its record, two sessions, events that were refused
  2    it could not be tried: no such file, session or program, a wrong key, no server
  3    nothing differs, but the program itself ended with an error
  130  broken off by Ctrl-C
record ends with the program's own code, and gate with those of its own: playhead gate run --help.

environment: PLAYHEAD_URL, PLAYHEAD_API_KEY, PLAYHEAD_PASSPHRASE (of encrypted files),
PLAYHEAD_SPOOL (a folder for events while the server is away), PLAYHEAD_REPORT=0 (report no
replays), NO_COLOR.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    options = _read(sys.argv[1:] if arguments is None else arguments)
    try:
        _surround(options)
        return int(options.act(options))
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read the output has seen enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (
        BrokenFileError,
        NoSuchSessionError,
        running.NotTriedError,
        OSError,
        ValueError,
    ) as error:
        complain(told_of(error))
        return int(getattr(options, "not_tried", NOT_TRIED))


def _read(arguments: Sequence[str]) -> argparse.Namespace:
    """Return the options; what is misspelt ends as whatever cannot be tried does."""
    try:
        return parser().parse_args(arguments)
    except SystemExit as ended:
        if ended.code == NOT_TRIED and [*arguments[:1]] == ["gate"]:
            raise SystemExit(INFRASTRUCTURE) from None
        raise


def _surround(options: argparse.Namespace) -> None:
    """Put what the options say where this process and the program's look for it."""
    for name, value in ((URL, options.url), (KEY, options.key)):
        if value:
            os.environ[name] = value
    if options.passphrase_file:
        first = Path(options.passphrase_file).read_text(encoding="utf-8").partition("\n")[0]
        if not first:
            raise ValueError(f"{options.passphrase_file} holds no passphrase in its first line")
        os.environ[PASSPHRASE] = first


def parser() -> argparse.ArgumentParser:
    whole = argparse.ArgumentParser(
        prog="playhead",
        description=__doc__,
        epilog=CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    whole.add_argument("--version", action="version", version=f"playhead {VERSION}")
    acts = whole.add_subparsers(required=True, metavar="COMMAND")
    _record(_act(acts, "record", running.record, "run a program and record it as one session"))
    _replay(_act(acts, "replay", running.replay, "run a program with all answers from a record"))
    _fork(_act(acts, "fork", running.fork, "run a program from the record up to a step"))
    _diff(_act(acts, "diff", comparing.compare, "compare two sessions step by step"))
    _export(_act(acts, "export", moving.export, "write a session of the server into a file"))
    _import(_act(acts, "import", moving.import_file, "send a file's session to the server"))
    prompting.add_to(acts, _act)
    gating.add_to(acts)
    _tail(_act(acts, "tail", following.tail, "print sessions and steps as they come"))
    return whole


def _act(acts: Any, name: str, function: Any, says: str) -> argparse.ArgumentParser:
    act: argparse.ArgumentParser = acts.add_parser(
        name,
        help=says,
        description=says[0].upper() + says[1:] + ".",
        epilog=CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    act.add_argument("--json", action="store_true", help="print JSON")
    act.add_argument("--url", help="address of the Playhead (PLAYHEAD_URL)")
    act.add_argument("--key", help="key of a project (PLAYHEAD_API_KEY; others see this one)")
    act.add_argument(
        "--passphrase-file", metavar="FILE", help="its first line opens and seals files"
    )
    act.set_defaults(act=function)
    return act


SESSION = "a .playhead file, or a session of the server: its id or name"


def _record(act: argparse.ArgumentParser) -> None:
    act.add_argument("--file", default="", help="write the session here, as a .playhead file")
    act.add_argument("--session", help="the session's name; by default a new one")
    _program(act)


def _replay(act: argparse.ArgumentParser) -> None:
    act.add_argument("session", help=SESSION)
    act.add_argument("--match", choices=MODES, default=MODES[0], help="how a call may be found")
    act.add_argument(
        "--on-divergence",
        choices=POLICIES,
        default=POLICIES[0],
        help="what to do with a call that the record does not answer",
    )
    act.add_argument(
        "--clock", choices=CLOCKS, default=CLOCKS[0], help="which time the program reads"
    )
    act.add_argument("--at", type=int, metavar="N", help="ask at the terminal before step N")
    _shared(act)


def _fork(act: argparse.ArgumentParser) -> None:
    act.add_argument("session", help=SESSION)
    act.add_argument(
        "--at", type=int, required=True, metavar="N", help="leave the record at step N"
    )
    act.add_argument("--model", help="ask this model from there")
    act.add_argument(
        "--param",
        action="append",
        default=[],
        type=_pair,
        metavar="K=V",
        help="a parameter of the calls of models, as JSON or text",
    )
    act.add_argument(
        "--tool",
        action="append",
        default=[],
        type=_tool,
        metavar="NAME=MODULE:FUNCTION",
        help="run this function in the place of a tool",
    )
    _shared(act)


def _shared(act: argparse.ArgumentParser) -> None:
    act.add_argument(
        "--allow-live",
        action="append",
        default=[],
        metavar="KIND:NAME",
        help="let these be called for real, such as llm:* or tool:search",
    )
    act.add_argument(
        "--stub",
        action="append",
        default=[],
        type=_stub,
        metavar="KIND:NAME=ANSWER",
        help="answer by this: JSON, text, or MODULE:FUNCTION",
    )
    act.add_argument(
        "--stream-speed", type=float, default=0.0, help="1 plays streams as they came, 0 at once"
    )
    act.add_argument("--file", default="", help="write the new session here, as a .playhead file")
    act.add_argument("--name", help="what the new session is called")
    act.add_argument("--no-report", action="store_true", help="tell the server nothing")
    _program(act)


def _program(act: argparse.ArgumentParser) -> None:
    act.add_argument("program", nargs="+", metavar="-- PROGRAM", help="such as: -- python agent.py")


def _diff(act: argparse.ArgumentParser) -> None:
    act.add_argument("a", help=SESSION)
    act.add_argument("b")
    act.add_argument("--all", action="store_true", help="also clock, chance and surroundings")


def _export(act: argparse.ArgumentParser) -> None:
    act.add_argument("session", help=SESSION)
    act.add_argument("file", type=Path)
    act.add_argument(
        "--plain", action="store_true", help="open only: do not encrypt what is written"
    )


def _import(act: argparse.ArgumentParser) -> None:
    act.add_argument("file", type=Path)


def _tail(act: argparse.ArgumentParser) -> None:
    act.add_argument("session", nargs="?", help="one session; by default all of the project")
    for name in following.FILTERS:
        act.add_argument(
            f"--{name}", help=argparse.SUPPRESS if name == "tag" else f"only this {name}"
        )
    act.add_argument("-n", "--lines", type=int, default=10, help="steps of the past to begin with")
    act.add_argument("--content", action="store_true", help="also what was said")
    act.add_argument("--once", action="store_true", help="print what is there and end")


def _pair(text: str) -> tuple[str, Json]:
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form NAME=VALUE")
    return name, _value(value)


def _value(text: str) -> Json:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _tool(text: str) -> tuple[str, str]:
    name, equals, function = text.partition("=")
    if not (name and equals and _is_function(function)):
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form NAME=MODULE:FUNCTION")
    return name, function


def _stub(text: str) -> tuple[str, Json]:
    name, told = _pair(text)
    if ":" not in name:
        raise argparse.ArgumentTypeError(f"{name!r} names no kind, as tool:search does")
    is_named = isinstance(told, str) and _is_function(told)
    return name, {"named": told} if is_named else {"value": told}


def _is_function(text: str) -> bool:
    module, colon, name = text.partition(":")
    parts = [*module.split("."), *name.split(".")]
    return bool(colon) and all(part.isidentifier() for part in parts)
