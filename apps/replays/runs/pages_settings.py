"""Settings of a run as the form of a new run shows them, and what it cannot show."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import msgspec
import orjson

from apps.replays.runs.pages_form import (
    AGAIN,
    CANDIDATES,
    DECIDES,
    GATES,
    OTHER,
    RECORD,
    SHOWN,
    CandidateForm,
)
from apps.replays.runs.pages_words import METRICS
from apps.replays.runs.settings import RunSettings
from apps.replays.verdict_shapes import ALPHA, Result

Json = Any

OF_CANDIDATE = frozenset(CandidateForm.base_fields)
USUAL_GATES = (("success", 3, DECIDES), ("latency_ms", 10, SHOWN), ("cost", 10, SHOWN))


def usual_gates() -> list[dict[str, Json]]:
    """Return what a run is held to unless somebody says otherwise."""
    return [{"metric": name, "margin": margin, "role": role} for name, margin, role in USUAL_GATES]


def initial_of(settings: Mapping[str, Json]) -> dict[str, Json]:
    """Return settings as the form shows them; ``fits`` tells whether it can show them all."""
    suite, _, version = str(settings.get("suite", "")).partition("@")
    baseline = settings.get("baseline") or {}
    way = RECORD if baseline.get("recorded") else OTHER if any(baseline.values()) else AGAIN
    plain = ("provider", "repeats", "budget", "sequential", "name", "mode", "from_step")
    main = {name: settings.get(name) for name in (*plain, "seed", "agree_at")}
    main |= {
        "suite": suite,
        "version": version or None,
        "baseline": way,
        "baseline_prompt": baseline.get("prompt"),
        "baseline_model": baseline.get("model"),
        "limit": (settings.get("limit") or {}).get("cases"),
        "script": _json(settings.get("script")),
    }
    return {
        "main": main,
        "candidates": [_initial_candidate(one) for one in settings.get("candidates", ())],
        "gates": [
            _initial_gate(one) for one in settings.get("gates", ()) if one["metric"] in METRICS
        ],
    }


def _initial_candidate(one: Mapping[str, Json]) -> dict[str, Json]:
    return {**one, "params": _json(one.get("params"))}


def _initial_gate(one: Mapping[str, Json]) -> dict[str, Json]:
    if one["metric"] not in METRICS:
        return {}
    return {
        "metric": one["metric"],
        "margin": _margin(one),
        "role": SHOWN if one.get("informational") else DECIDES,
        "unclear": one.get("on_inconclusive", Result.INCONCLUSIVE.value),
    }


def _json(value: Json) -> str:
    return orjson.dumps(value).decode() if value else ""


def fits(settings: Mapping[str, Json]) -> bool:
    """Tell whether the form can show settings without losing some of them."""
    gates, candidates = settings.get("gates", ()), settings.get("candidates", ())
    baseline = settings.get("baseline") or {}
    return (
        len(gates) <= GATES
        and len(candidates) <= CANDIDATES
        and not settings.get("pinned_by")
        and not baseline.get("params")
        and not baseline.get("system")
        and all(_is_usual(gate) for gate in gates)
        and all(set(one) <= OF_CANDIDATE for one in candidates)
    )


def _is_usual(gate: Mapping[str, Json]) -> bool:
    metric = METRICS.get(gate["metric"])
    if metric is None or not math.isclose(gate.get("alpha", ALPHA), ALPHA):
        return False
    scale, lower = metric.metric.scale.value, not metric.metric.higher_is_better
    told = gate.get("scale", scale), gate.get("lower_is_better", lower)
    return told == (scale, lower)


def _margin(gate: Mapping[str, Json]) -> float:
    """Return the margin as the form writes it: 3 for 0.03 of a rate."""
    metric = METRICS[gate["metric"]]
    return float(f"{gate.get('margin', metric.metric.margin) * metric.factor:.6g}")


def settings_json(settings: RunSettings) -> dict[str, Json]:
    """Return settings by the names that the API takes, without what is usual anyway."""
    return _told(settings)


def _told(told: msgspec.Struct) -> dict[str, Json]:
    kept: dict[str, Json] = {}
    for field in msgspec.structs.fields(told):
        value = getattr(told, field.name)
        if value != _usual(field):
            kept[field.name] = _plain(value)
    return kept


def _usual(field: msgspec.structs.FieldInfo) -> Json:
    if field.default_factory is not msgspec.NODEFAULT:
        return field.default_factory()
    return field.default


def _plain(value: Json) -> Json:
    if isinstance(value, msgspec.Struct):
        return _told(value)
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return msgspec.to_builtins(value)
