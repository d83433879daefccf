"""``playhead prompts pull`` and ``push``: the library as a file, for version control."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from playhead.client import known_server
from playhead.commands.terminal import DIFFERENT, SAME, show
from playhead.fetching import NoSuchSessionError, ServerError, opened, post

Json = Any

FILE = "prompts.json"


def pull(options: argparse.Namespace) -> int:
    """Write the project's prompts, with all versions and labels, into a file."""
    query = {"folder": options.folder} if options.folder else {}
    try:
        with opened(known_server("prompts"), "prompts/-/export", query) as answer:
            body = answer.read()
    except NoSuchSessionError as error:
        raise ServerError(str(error)) from None
    document = json.loads(body)
    Path(options.file).write_bytes(body)
    prompts = document["prompts"]
    versions = sum(len(one["versions"]) for one in prompts)
    told = {"prompts": len(prompts), "versions": versions, "file": options.file}
    said = f"{len(prompts)} prompts with {versions} versions in {options.file}"
    show(told if options.json else said, as_json=options.json)
    return SAME


def push(options: argparse.Namespace) -> int:
    """Bring a file's prompts to the server: what is there already stays as it is."""
    try:
        document = json.loads(Path(options.file).read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise ValueError(f"{options.file} is no JSON: {error}") from None
    mode = "move" if options.move_labels else "keep"
    try:
        told = post(known_server("prompts"), f"prompts/-/import?labels={mode}", document)
    except NoSuchSessionError as error:
        raise ValueError(str(error)) from None
    show(told if options.json else "\n".join(_lines(told)), as_json=options.json)
    return DIFFERENT if told["left_out"] else SAME


def _lines(told: dict[str, Json]) -> list[str]:
    added = f"{told['prompts_added']} prompts and {told['versions_added']} versions added"
    labels = f"{told['labels_moved']} labels moved"
    asked = told["labels_asked"]
    waiting = f", {asked} wait for a second person" if asked else ""
    left_out = [f"left out: {row['path']}: {row['message']}" for row in told["left_out"]]
    return [f"{added}, {labels}{waiting}", *left_out]


def add_to(acts: Any, act_of: Any) -> None:
    """Add ``prompts`` with its two acts to the command."""
    prompts = acts.add_parser("prompts", help="write the library into a file, or bring one in")
    inner = prompts.add_subparsers(required=True, metavar="ACT")
    pulling = act_of(inner, "pull", pull, "write the project's prompts into a file")
    pulling.add_argument("--folder", help="only the prompts under this folder")
    pushing = act_of(inner, "push", push, "bring a file's prompts to the server")
    pushing.add_argument(
        "--move-labels", action="store_true", help="move labels to where the file has them"
    )
    for act in (pulling, pushing):
        act.add_argument("--file", default=FILE, help=f"the file; by default {FILE}")
