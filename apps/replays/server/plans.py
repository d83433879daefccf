"""What a server's replay will do with each step, and what that may cost: before anything is spent.

Pure reading. Calls of models are asked again; what cannot be asked is named with the reason; all
other steps are the record's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.utils import timezone

from apps.core.canonical import canonical_json
from apps.core.errors import ConflictError, InvalidError, LimitError
from apps.providers.prices import PriceList, price_list
from apps.providers.protocol import UnsupportedError, Usage
from apps.replays.server.questions import Questions
from apps.replays.server.settings import AT_HOME, Settings
from apps.sessions import reader
from apps.sessions.models import Session
from apps.sessions.steps import Step
from apps.tenants.models import Project

Json = Any

MOST_STEPS = 10_000
AT_ONCE = 200
MOST_SKIPPED_TOLD = 200
NOTHING = Decimal(0)


@dataclass(frozen=True, slots=True)
class Asked:
    """A recorded call that is asked again."""

    event_id: UUID
    seq: int


@dataclass(frozen=True, slots=True)
class Skipped:
    """A recorded call that cannot be asked again, and why."""

    event_id: UUID
    seq: int
    reason: str


@dataclass(slots=True)
class Expected:
    """Sums over calls as they were recorded; None once nothing is known of any."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cost: Decimal | None = None
    milliseconds: float | None = None
    # Calls of which tokens are not recorded, or whose model has no price.
    without_cost: int = 0

    def add(self, event: Mapping[str, Json], cost: Decimal | None) -> None:
        usage = event.get("usage") or {}
        self.input_tokens = _sum(self.input_tokens, usage.get("input"))
        self.output_tokens = _sum(self.output_tokens, usage.get("output"))
        self.milliseconds = _sum(self.milliseconds, event.get("duration_ms"))
        self.cost = _sum(self.cost, cost)
        self.without_cost += cost is None


@dataclass(frozen=True, slots=True)
class Plan:
    """What becomes of each step of one session, for one sample."""

    session: Session
    settings: Settings
    asked: list[Asked]
    skipped: list[Skipped]
    # Steps that are the record's.
    served: int
    expected: Expected = field(default_factory=Expected)

    @property
    def hash(self) -> str:
        """The same for the same settings over the same steps."""
        told = {
            "settings": [
                self.settings.mode,
                self.settings.provider,
                repr(self.settings.overrides),
                self.settings.script,
                self.settings.seed,
                self.settings.samples,
                self.settings.only,
            ],
            "session": str(self.session.pk),
            "asked": [one.event_id.hex for one in self.asked],
            "skipped": [one.event_id.hex for one in self.skipped],
            "served": self.served,
        }
        return hashlib.sha256(canonical_json(told)).hexdigest()


def plan_replay(project: Project, session: Session, settings: Settings) -> Plan:
    """Return what a replay of the session would do. Raises errors of what no replay could."""
    if session.erased_at is not None:
        raise ConflictError("This session was erased.")
    questions, prices = Questions(project, settings), price_list(project)
    steps = reader.outline(session).steps
    calls = _calls(steps, settings.only)
    if len(calls) > MOST_STEPS:
        raise LimitError(f"A server's replay asks at most {MOST_STEPS:,} calls of models again.")
    plan = Plan(session, settings, [], [], len(steps) - len(calls))
    for step, event in events_of(session, calls):
        _plan(plan, step, event, questions, prices)
    return plan


def _calls(steps: Sequence[Step], only: Sequence[str] | None) -> list[Step]:
    """Return the calls of models that are asked again, if they can be."""
    calls = [step for step in steps if step.kind == "llm" and step.is_counted]
    if only is None:
        return calls
    unknown = sorted(set(only) - {step.id for step in calls})
    if unknown:
        raise InvalidError(f"This session has no call of a model {unknown[0]}.", "only")
    return [step for step in calls if step.id in only]


def events_of(session: Session, steps: Sequence[Step]) -> Iterator[tuple[Step, dict[str, Json]]]:
    """Yield steps with their events, reading some at a time."""
    for some in _batches(steps):
        yield from zip(some, reader.read_steps(session, some, content=True), strict=True)


def _batches(steps: Sequence[Step]) -> Iterator[Sequence[Step]]:
    for start in range(0, len(steps), AT_ONCE):
        yield steps[start : start + AT_ONCE]


def _plan(
    plan: Plan, step: Step, event: dict[str, Json], questions: Questions, prices: PriceList
) -> None:
    key = UUID(step.id)
    try:
        request = questions.of(event)
    except UnsupportedError as error:
        plan.skipped.append(Skipped(key, step.seq, str(error)))
        return
    plan.asked.append(Asked(key, step.seq))
    usage = event.get("usage") or {}
    known = Usage(**{name: usage.get(name) for name in Usage.__slots__})
    is_free = plan.settings.provider in AT_HOME
    now = timezone.now()
    cost = NOTHING if is_free else prices.price(step.provider, request.model, known, now)
    plan.expected.add(event, cost)


def plan_json(plan: Plan) -> Json:
    """Return the plan for people and programs to look at before they start it."""
    samples, expected = plan.settings.samples, plan.expected
    cost = None if expected.cost is None else format(expected.cost * samples, "f")
    return {
        "plan_hash": plan.hash,
        "session": str(plan.session.pk),
        "mode": plan.settings.mode,
        "provider": plan.settings.provider,
        "samples": samples,
        "steps": {
            "asked": len(plan.asked),
            "skipped": len(plan.skipped),
            "served": plan.served,
        },
        "skipped": [
            {"step": one.seq, "event": one.event_id.hex, "reason": one.reason}
            for one in plan.skipped[:MOST_SKIPPED_TOLD]
        ],
        "expected": {
            "calls": len(plan.asked) * samples,
            "input_tokens": _times(expected.input_tokens, samples),
            "output_tokens": _times(expected.output_tokens, samples),
            "cost": cost,
            "calls_without_cost": expected.without_cost * samples,
            "recorded_ms": _times(expected.milliseconds, samples),
        },
    }


def _sum(before: Any, more: Any) -> Any:
    if more is None:
        return before
    return more if before is None else before + more


def _times(value: Any, samples: int) -> Any:
    return None if value is None else value * samples
