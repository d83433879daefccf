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
from apps.governance.choices import Category
from apps.governance.policies import compiled_policy
from apps.providers.models import Credential
from apps.providers.prices import PriceList, price_list
from apps.providers.protocol import CredentialError, Request, UnsupportedError, Usage
from apps.providers.queries import credential_named
from apps.providers.remote import Remote
from apps.providers.services import remote
from apps.replays.server.loops import Loop, NoLoopError, find_loop, first_at
from apps.replays.server.questions import Questions
from apps.replays.server.settings import AT_HOME, Settings
from apps.replays.server.tools import ToolRecord
from apps.sessions import reader
from apps.sessions.models import Session
from apps.sessions.steps import Step
from apps.tenants.models import Project

Json = Any

MOST_STEPS = 10_000
AT_ONCE = 200
NOTHING = Decimal(0)
# Settings on which it depends what a replay does. What may be spent, and when, is none of them.
HASHED = (
    "mode provider overrides seed samples only from_step pool reads most_steps most_seconds"
).split()
NOT_KEPT = "The project's policy keeps no answers of models, so nothing can follow them."


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
    # Calls that are asked; of a free replay those of the record, whose number is an estimate.
    asked: list[Asked]
    skipped: list[Skipped]
    # Steps that are the record's.
    served: int
    expected: Expected = field(default_factory=Expected)
    steps: Sequence[Step] = ()
    # Of a replay that goes on by itself.
    free: Freely | None = None

    @property
    def hash(self) -> str:
        """The same for the same settings over the same steps."""
        settings = self.settings
        told = {
            "settings": [repr(getattr(settings, name)) for name in HASHED],
            "script": settings.script,
            "simulators": settings.simulators,
            "session": str(self.session.pk),
            "asked": [one.event_id.hex for one in self.asked],
            "skipped": [one.event_id.hex for one in self.skipped],
            "served": self.served,
        }
        return hashlib.sha256(canonical_json(told)).hexdigest()


@dataclass(frozen=True, slots=True)
class Planning:
    """What planning one session needs, read once."""

    project: Project
    session: Session
    settings: Settings
    questions: Questions
    prices: PriceList
    # Who will be asked; None: the record, or a script.
    remote: Remote | None
    steps: Sequence[Step]

    def request_of(self, event: Mapping[str, Json]) -> Request:
        """Return what a call asks now. Raises UnsupportedError where the target cannot do it."""
        request = self.questions.of(event)
        if self.remote is not None:
            self.remote.write(request)
        return request

    def add(self, plan: Plan, step: Step, event: Mapping[str, Json]) -> None:
        """Take a call into the plan: asked, or skipped with the reason."""
        key = UUID(step.id)
        try:
            request = self.request_of(event)
        except UnsupportedError as error:
            plan.skipped.append(Skipped(key, step.seq, str(error)))
            return
        plan.asked.append(Asked(key, step.seq))
        plan.expected.add(event, self._cost(step, event, request.model))

    def _cost(self, step: Step, event: Mapping[str, Json], model: str) -> Decimal | None:
        if self.settings.provider in AT_HOME:
            return NOTHING
        usage = event.get("usage") or {}
        known = Usage(**{name: usage.get(name) for name in Usage.__slots__})
        kind = self.remote.kind if self.remote is not None else step.provider
        return self.prices.price(kind, model, known, timezone.now())


def plan_replay(project: Project, session: Session, settings: Settings) -> Plan:
    """Return what a replay of the session would do. Raises errors of what no replay could."""
    if session.erased_at is not None:
        raise ConflictError("This session was erased.")
    planning = _planning(project, session, settings)
    settings = planning.settings
    if settings.is_free:
        return plan_freely(planning)
    calls = _calls(planning.steps, settings.only)
    if len(calls) > MOST_STEPS:
        raise LimitError(f"A server's replay asks at most {MOST_STEPS:,} calls of models again.")
    plan = Plan(session, settings, [], [], len(planning.steps) - len(calls), steps=planning.steps)
    for step, event in events_of(session, calls):
        planning.add(plan, step, event)
    return plan


def _planning(project: Project, session: Session, settings: Settings) -> Planning:
    credential, questions = credential_of(project, settings), Questions(project, settings)
    return Planning(
        project,
        session,
        questions.pinned(settings),
        questions,
        price_list(project),
        None if credential is None else _remote(credential),
        reader.outline(session).steps,
    )


def credential_of(project: Project, settings: Settings) -> Credential | None:
    """Return whom to ask; None: the record, or a script. Raises InvalidError for an unknown one."""
    if settings.provider in AT_HOME:
        return None
    return credential_named(project, settings.provider)


def _remote(credential: Credential) -> Remote | None:
    try:
        return remote(credential)
    except CredentialError:
        # Its key does not open any more, which whoever starts the replay is told.
        return None


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


@dataclass(frozen=True, slots=True)
class Freely:
    """What a replay that goes on by itself rests on."""

    # Why the session cannot be run freely; empty where it can.
    why_not: str
    loop: Loop | None = None
    tools: ToolRecord | None = None


def plan_freely(planning: Planning) -> Plan:
    """Return what a free replay would do as far as it goes as the record does."""
    settings, steps = planning.settings, planning.steps
    events = [event for _, event in events_of(planning.session, steps)]
    try:
        loop = find_loop(events)
    except NoLoopError as error:
        return _not_freely(planning, str(error))
    at = first_at(loop, settings.from_step)
    free = Freely(_why_not_kept(planning), loop, ToolRecord(loop, settings.reads))
    if free.why_not:
        return _not_freely(planning, free.why_not)
    asked = loop.steps[at:]
    plan = Plan(planning.session, settings, [], [], len(steps) - len(asked), steps=steps, free=free)
    for step in asked:
        planning.add(plan, steps[step.seq - 1], step.event)
    return plan


def _not_freely(planning: Planning, why: str) -> Plan:
    calls = _calls(planning.steps, None)
    skipped = [Skipped(UUID(step.id), step.seq, why) for step in calls]
    count = len(planning.steps) - len(calls)
    steps = planning.steps
    return Plan(
        planning.session, planning.settings, [], skipped, count, steps=steps, free=Freely(why)
    )


def _why_not_kept(planning: Planning) -> str:
    keeps = not compiled_policy(planning.project).treatment(Category.OUTPUT).drops
    return "" if keeps else NOT_KEPT


def _sum(before: Any, more: Any) -> Any:
    if more is None:
        return before
    return more if before is None else before + more
