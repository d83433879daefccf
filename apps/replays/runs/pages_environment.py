"""What the result of a run rests on, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from apps.core.units import UNKNOWN, number
from apps.replays.runs.pages_form import MODES

Json = Any
CLUSTERS = {"task": "sessions of one task count together", "user": "those of one user do"}
APART = "each session counts by itself"
# Told elsewhere on the page.
KNOWN = ("suite", "sides", "mode", "clusters", "versions", "sequential")


@dataclass(frozen=True, slots=True)
class SideModels:
    """Which models answered for one side."""

    name: str
    models: Sequence[str]
    is_mixed: bool


@dataclass(frozen=True, slots=True)
class Environment:
    """Facts, a line each, and the models of each side."""

    facts: Sequence[tuple[str, str]]
    sides: Sequence[SideModels]


def environment_of(told: Mapping[str, Json]) -> Environment:
    """Return what ``RegressionRun.environment`` says; empty until the run has ended."""
    facts = [(name.replace("_", " ").capitalize(), _plain(told[name])) for name in told]
    plain = [fact for fact, name in zip(facts, told, strict=True) if name not in KNOWN]
    return Environment([*_first(told), *plain], [_side(one) for one in told.get("sides", ())])


def _first(told: Mapping[str, Json]) -> list[tuple[str, str]]:
    if not told:
        return []
    rows = [
        ("Replayed", dict(MODES).get(told.get("mode", ""), told.get("mode") or UNKNOWN)),
        ("Statistics", CLUSTERS.get(told.get("clusters") or "", APART)),
        ("Versions", _plain(told.get("versions"))),
    ]
    if watched := told.get("sequential"):
        decided = ", ".join(watched.get("decided") or ()) or "nobody"
        looks = number(watched.get("looked"))
        rows.append(("Looked on the way", f"{looks} times; decided then: {decided}"))
    return rows


def _side(one: Mapping[str, Json]) -> SideModels:
    models = [_model(each) for each in one.get("models", ())]
    return SideModels(str(one.get("name", "")), models, bool(one.get("is_mixed")))


def _model(one: Mapping[str, Json]) -> str:
    asked, returned = one.get("asked") or UNKNOWN, one.get("returned")
    answered = f" answered as {returned}" if returned and returned != asked else ""
    return f"{asked}{answered}, {number(one.get('calls'))} calls"


def _plain(value: Json) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_plain(one)}" for name, one in value.items())
    if isinstance(value, list):
        return ", ".join(_plain(one) for one in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return UNKNOWN if value is None or value == "" else str(value)
