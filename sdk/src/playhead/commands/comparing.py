"""``playhead diff``: two sessions step by step, the first difference before all others."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Mapping
from typing import Any

from playhead.alignment import Signature, signature
from playhead.client import load
from playhead.commands.terminal import (
    DIFFERENT,
    GREEN,
    RED,
    SAME,
    YELLOW,
    coloured,
    show,
)
from playhead.differences import differences
from playhead.lanes import align_lanes
from playhead.matching import normalised
from playhead.tapes import Tape

Json = Any

# What is another on every run and says nothing of what the application did.
SURROUNDINGS = frozenset({"env", "time", "random"})
# By which a replay says of itself that it is one.
OWN = frozenset({"branch", "replay"})
SAID = ("input", "output", "error", "model", "params", "tools", "decision", "state", "state_patch")
SHOWN = 20
WORDS = {
    "only_a": "only in a",
    "only_b": "only in b",
    "changed": "changed",
    "identical": "the same",
}
COLOURS = {"only_a": RED, "only_b": GREEN, "changed": YELLOW}
SIGNS = {"only_a": "-", "only_b": "+", "changed": "~"}


def compare(options: argparse.Namespace) -> int:
    a, b = (load(session) for session in (options.a, options.b))
    found = [_told(pair) for pair in _pairs(a, b, is_all=options.all)]
    different = [one for one in found if one["status"] != "identical"]
    counts = Counter(one["status"] for one in found)
    if options.json:
        told = {"a": a.session, "b": b.session, "counts": dict(counts)}
        show(told | {"first": next(iter(different), None), "steps": different}, as_json=True)
    else:
        _print(different, counts)
    return DIFFERENT if different else SAME


Numbered = tuple[int, Mapping[str, Json]]


def _pairs(a: Tape, b: Tape, *, is_all: bool) -> list[tuple[Numbered | None, Numbered | None]]:
    ours, theirs = (
        [
            (seq, event)
            for seq, event in enumerate(tape.events, 1)
            if is_all or not _is_around(event)
        ]
        for tape in (a, b)
    )
    pairs = align_lanes([_placed(one) for one in ours], [_placed(one) for one in theirs]).pairs
    return [(None if i is None else ours[i], None if j is None else theirs[j]) for i, j in pairs]


def _is_around(event: Mapping[str, Json]) -> bool:
    kind = event.get("kind")
    return kind in SURROUNDINGS or (kind == "event" and event.get("name") in OWN)


def _placed(numbered: Numbered) -> tuple[str, Signature]:
    event = numbered[1]
    step = signature(str(event.get("kind")), event.get("name"), event.get("input"))
    return str(event.get("lane") or "0"), step


def _told(pair: tuple[Numbered | None, Numbered | None]) -> dict[str, Json]:
    left, right = pair
    _, some = left or right or (0, {})
    told: dict[str, Json] = {
        "a": left[0] if left else None,
        "b": right[0] if right else None,
        "kind": some.get("kind"),
        "name": some.get("name"),
        "lane": some.get("lane"),
    }
    if left is None or right is None:
        return told | {"status": "only_b" if left is None else "only_a"}
    ours, theirs = (
        {name: normalised(side[1][name]) for name in SAID if side[1].get(name)}
        for side in (left, right)
    )
    parts = [name for name in SAID if ours.get(name) != theirs.get(name)]
    found = differences(ours, theirs)
    return told | {
        "status": "changed" if parts else "identical",
        "parts": parts,
        "differences": [one.as_json() for one in found],
        "says": [str(one) for one in found],
    }


def _print(different: list[dict[str, Json]], counts: Counter[str]) -> None:
    summed = ", ".join(
        f"{counts[status]} {words}" for status, words in WORDS.items() if counts[status]
    )
    show(coloured(f"steps: {summed or 'none'}", RED if different else GREEN))
    if not different:
        return
    first = different[0]
    show(f"first difference: {_named(first)}")
    for line in first.get("says", [])[:SHOWN]:
        show(f"  {line}")
    show("")
    for one in different:
        show(coloured(_line(one), COLOURS[one["status"]]))


def _named(one: Mapping[str, Json]) -> str:
    places = [f"step {one[side]} of {side}" for side in ("a", "b") if one[side]]
    what = f"{one['kind']} {one['name'] or ''}".strip()
    words = " ".join(one.get("parts", [])) or WORDS[one["status"]]
    return f"{', '.join(places)}: {what}: {words}"


def _line(one: Mapping[str, Json]) -> str:
    steps = f"{one['a'] or '-':>5} {one['b'] or '-':>5}"
    parts = " ".join(one.get("parts", []))
    return f"{SIGNS[one['status']]} {steps}  {one['kind']} {one['name'] or ''} {parts}".rstrip()
