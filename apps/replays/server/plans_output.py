"""A plan in words: what is asked and served, on what it rests, what is another than recorded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from playhead.recorded import BOUNDARY

from apps.replays.server.loops import first_at
from apps.replays.server.plans import Plan
from apps.replays.server.settings import Settings, most_steps
from apps.replays.server.tools import ToolRecord
from apps.sessions.steps import Step

Json = Any

MOST_SKIPPED_TOLD = 200
MOST_STEPS_TOLD = 1_000
MOST_NEEDS_TOLD = 200
# By what of a session can be replayed.
CLASSES = {
    "E0": "Nothing of what was asked is recorded: it can be looked at, and not asked again.",
    "E1": "Calls in their order are recorded; no states, so a step's state is what the calls say.",
    "E2": "Calls and states are recorded; which step rests on which is not.",
    "E3": "All is recorded: calls, states, and which step rests on which.",
}
ASKED, SERVED, SKIPPED = "asked", "served", "skipped"
ESTIMATE = (
    "As the record's calls were: a replay that goes on by itself may make fewer or more, "
    "{} at most."
)
BESIDE = "{} calls of models stand beside the loop (step {}); they are the record's."
NO_TOOLS = (
    "No tools are recorded with its calls, though it called some: a model that is asked knows "
    "of none. Name them in overrides.tools."
)
NO_MODEL = "{} calls of models name no model."
NO_USAGE = "{} calls of models have no tokens recorded, so what they may cost is not known."
NO_ANSWER = "{} calls of tools have no answer recorded."


def plan_json(plan: Plan) -> Json:
    """Return the plan for people and programs to look at before they start it."""
    settings = plan.settings
    return {
        "plan_hash": plan.hash,
        "session": str(plan.session.pk),
        "mode": settings.mode,
        "provider": settings.provider,
        "samples": settings.samples,
        "from_step": settings.from_step,
        "cannot": plan.free.why_not or None if plan.free else None,
        "steps": {
            "asked": len(plan.asked),
            "skipped": len(plan.skipped),
            "served": plan.served,
        },
        "skipped": [
            {"step": one.seq, "event": one.event_id.hex, "reason": one.reason}
            for one in plan.skipped[:MOST_SKIPPED_TOLD]
        ],
        "each": each_step(plan),
        "expected": _expected(plan),
        "needs": needs_of(plan)[:MOST_NEEDS_TOLD],
        "changes": changes_of(plan),
        "recorded": _recorded(plan),
    }


def each_step(plan: Plan) -> list[Json]:
    """Return what becomes of the first thousand steps, one after the other."""
    asked = {one.event_id.hex for one in plan.asked}
    reasons = {one.event_id.hex: one.reason for one in plan.skipped}
    told = []
    for step in plan.steps[:MOST_STEPS_TOLD]:
        does = ASKED if step.id in asked else SKIPPED if step.id in reasons else SERVED
        row = {"step": step.seq, "event": step.id, "kind": step.kind, "name": step.name}
        told.append(row | {"does": does, "reason": reasons.get(step.id)})
    return told


def _expected(plan: Plan) -> Json:
    samples, expected = plan.settings.samples, plan.expected
    return {
        "calls": len(plan.asked) * samples,
        "input_tokens": _times(expected.input_tokens, samples),
        "output_tokens": _times(expected.output_tokens, samples),
        "cost": None if expected.cost is None else format(expected.cost * samples, "f"),
        "calls_without_cost": expected.without_cost * samples,
        "recorded_ms": _times(expected.milliseconds, samples),
        "says": _estimate(plan),
        "most_calls": most_calls(plan) * samples,
    }


def most_calls(plan: Plan) -> int:
    """Return how many calls of models one sample makes at most."""
    loop = plan.free.loop if plan.free else None
    return len(plan.asked) if loop is None else most_steps(plan.settings, len(loop.steps))


def _estimate(plan: Plan) -> str | None:
    return ESTIMATE.format(most_calls(plan)) if plan.free and plan.free.loop else None


def needs_of(plan: Plan) -> list[Json]:
    """Return what the session called beside models, and what answers each in the replay."""
    calls = Counter(
        (step.kind, step.name or "")
        for step in plan.steps
        if step.kind in BOUNDARY and step.kind != "llm" and step.is_counted
    )
    tools = plan.free.tools if plan.free else None
    return [
        {"kind": kind, "name": name, "calls": count, **_answered(kind, name, plan.settings, tools)}
        for (kind, name), count in sorted(calls.items())
    ]


def _answered(kind: str, name: str, settings: Settings, tools: ToolRecord | None) -> Json:
    """Return what answers a dependency; of a tool also what does so where the model departs."""
    if tools is None or kind != "tool":
        return {"answered_by": ["record"]}
    instead = ["pool"] if settings.pool else []
    instead += ["simulator"] if name in settings.simulators else []
    return {
        "answered_by": ["record", *instead],
        "effects": tools.effects_of(name),
        # Whether it may answer once more what it was asked before.
        "may_repeat": tools.reads_only(name),
        # Without one, the replay stops where the model gives arguments that were not recorded.
        "needs_simulator": not instead,
    }


def changes_of(plan: Plan) -> list[Json]:
    """Return what is another than recorded: the surroundings of the calls that are asked."""
    overrides = plan.settings.overrides
    calls = [step for step in plan.steps if step.kind == "llm" and step.is_counted]
    told = []
    if overrides.model:
        told.append(_change("model", _known(calls, "model"), overrides.model))
    if overrides.prompt:
        now = f"{overrides.prompt.name}@{overrides.prompt.version or overrides.prompt.label or ''}"
        told.append(_change("prompt", _prompts(calls), now.rstrip("@")))
    if overrides.system is not None:
        told.append(_change("system", None, f"{len(overrides.system)} characters"))
    told += [_change(f"params.{name}", None, value) for name, value in overrides.params.items()]
    if overrides.tools is not None:
        told.append(_change("tools", None, len(overrides.tools)))
    providers = _known(calls, "provider")
    if providers != [plan.settings.provider]:
        told.append(_change("provider", providers, plan.settings.provider))
    return told


def _change(name: str, recorded: Json, now: Json) -> Json:
    return {"what": name, "recorded": recorded, "now": now}


def _known(calls: list[Step], name: str) -> list[str]:
    return sorted({getattr(step, name) for step in calls if getattr(step, name)})


def _prompts(calls: list[Step]) -> list[str]:
    return sorted({f"{one.prompt_name}@{one.prompt_version}" for one in calls if one.prompt_name})


def _recorded(plan: Plan) -> Json:
    """Return what is recorded of the session, and what is missing for a replay of it."""
    level = plan.session.fidelity_class
    return {"class": level, "says": CLASSES.get(level, ""), "missing": list(_missing(plan))}


def _missing(plan: Plan) -> Iterator[str]:
    calls = [step for step in plan.steps if step.kind == "llm" and step.is_counted]
    if unnamed := sum(step.model is None for step in calls):
        yield NO_MODEL.format(unnamed)
    if unknown := sum(step.input_tokens is None for step in calls):
        yield NO_USAGE.format(unknown)
    yield from _missing_freely(plan)


def _missing_freely(plan: Plan) -> Iterator[str]:
    if plan.free is None or plan.free.loop is None or plan.free.tools is None:
        return
    loop, tools = plan.free.loop, plan.free.tools
    asked = loop.steps[first_at(loop, plan.settings.from_step) :]
    called = sum(len(step.answer.tool_calls) for step in loop.steps)
    declares = plan.settings.overrides.tools is not None or any(one.request.tools for one in asked)
    if called and not declares:
        yield NO_TOOLS
    if (unanswered := called - len(tools.answers)) > 0:
        yield NO_ANSWER.format(unanswered)
    if loop.beside:
        yield BESIDE.format(len(loop.beside), loop.beside[0])


def _times(value: Any, samples: int) -> Any:
    return None if value is None else value * samples
