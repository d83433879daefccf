"""What a run is asked for. A gate file and the body of a request have the same names.

suite: refunds            # its name or id; refunds@3 for version 3
provider: openai
candidates:
  - name: v8
    prompt: triage@8      # or triage:production, a label
repeats: 4
budget: 2.50              # US dollars
gates:
  - metric: success
    margin: 0.03
  - metric: latency_ms
    on_inconclusive: pass
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from apps.core.errors import InvalidError
from apps.providers.scripted import read_script
from apps.replays.reports import refusal
from apps.replays.runs import gate_text
from apps.replays.runs.metrics import METRICS, SUCCESS
from apps.replays.server.models import Mode
from apps.replays.server.settings import (
    LONGEST_SYSTEM,
    MOST_TOOLS,
    NO_NUL,
    SCRIPTED,
    Overrides,
    Pool,
    Settings,
    Strict,
    Word,
    read_settings,
)
from apps.replays.suite_changes import MOST_CASES
from apps.replays.verdict_shapes import ALPHA, Gate, Result, Scale

Json = Any

MOST_CANDIDATES, MOST_GATES, MOST_REPEATS = 8, 20, 20
AGREE_AT = 0.8
INDEX = re.compile(r"\[(\d+)\]")
SUITE_VERSION = re.compile(r"[1-9][0-9]{0,8}", re.ASCII)
Name = Annotated[
    str, Meta(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]*\S[^\x00-\x1f]*\Z")
]
Money = Annotated[str, Meta(max_length=20, pattern=r"^\d+(\.\d+)?\Z")]
Share = Annotated[float, Meta(ge=0, le=1)]


class Variant(Strict, kw_only=True, forbid_unknown_fields=True):
    """What is another than recorded; what is left out stays."""

    # ``triage@8``, or ``triage:production`` for what a label means when the run starts.
    prompt: Word | None = None
    model: Word | None = None
    # By OpenAI's names; null takes a parameter away.
    params: dict[Word, Json] = {}
    system: Annotated[str, Meta(max_length=LONGEST_SYSTEM, pattern=NO_NUL)] | None = None
    # Tools in OpenAI's form, in the place of the recorded ones.
    tools: Annotated[list[dict[str, Json]], Meta(max_length=MOST_TOOLS)] | None = None
    # The run's, unless it is named here.
    provider: Word | None = None

    @property
    def is_other(self) -> bool:
        """Whether anything is another than recorded."""
        given = (self.system, self.tools, self.prompt, self.model, self.provider)
        return bool(self.params) or any(one is not None for one in given)


class Baseline(Variant, kw_only=True, forbid_unknown_fields=True):
    """What candidates are held against: asked again as recorded, unless it says otherwise."""

    # The record itself, which costs nothing and is one sample.
    recorded: bool = False


class Candidate(Variant, kw_only=True, forbid_unknown_fields=True):
    """One thing that is tried."""

    name: Name
    # Of its prompt, in the repository of a gate file: where findings belong.
    file: Annotated[str, Meta(min_length=1, max_length=500, pattern=NO_NUL)] | None = None


class GateIn(Strict, kw_only=True, forbid_unknown_fields=True):
    """What must hold of one metric; what is left out is as the metric is."""

    metric: str
    scale: Scale | None = None
    lower_is_better: bool | None = None
    margin: float | None = None
    alpha: float = ALPHA
    on_inconclusive: Result = Result.INCONCLUSIVE
    informational: bool = False

    def gate(self) -> Gate:
        """Return the gate. Raises ValueError where it could never decide."""
        metric = METRICS[self.metric]
        lower = self.lower_is_better
        return Gate(
            metric=self.metric,
            scale=self.scale or metric.scale,
            higher_is_better=metric.higher_is_better if lower is None else not lower,
            margin=metric.margin if self.margin is None else self.margin,
            alpha=self.alpha,
            on_inconclusive=self.on_inconclusive,
            is_informational=self.informational,
        )


class CaseLimit(Strict, kw_only=True, forbid_unknown_fields=True):
    """A sample of the suite's cases, drawn by the run's seed."""

    cases: Annotated[int, Meta(ge=1, le=MOST_CASES)]


class RunSettings(Strict, kw_only=True, forbid_unknown_fields=True):
    """A run as it was asked for, read and found good."""

    # The name or id of a suite, with ``@3`` for a version; else the newest.
    suite: Name
    # The name of a credential, ``recorded`` or ``scripted``.
    provider: Word
    name: Annotated[str, Meta(max_length=200, pattern=NO_NUL)] = ""
    # For ``scripted``: the rules.
    script: list[dict[str, Json]] | None = None
    seed: Annotated[int, Meta(ge=0, le=2**31)] = 0
    mode: str = Mode.TEACHER_FORCED.value
    # Of modes in which models go on by themselves, as in a replay's settings: where to leave the
    # record, what answers tools that the record does not, and how far to go.
    from_step: int | None = None
    simulators: dict[Word, Json] = {}
    pool: Pool | None = None
    reads: list[Word] = []
    most_steps: int | None = None
    most_seconds: int | None = None
    baseline: Baseline = msgspec.field(default_factory=Baseline)
    candidates: Annotated[list[Candidate], Meta(min_length=1, max_length=MOST_CANDIDATES)]
    # How often each side is asked.
    repeats: Annotated[int, Meta(ge=1, le=MOST_REPEATS)] = 1
    # The most that may be spent, in US dollars, over all.
    budget: Money | int | float | None = None
    # Whether the run ends as soon as it is decided.
    sequential: bool = False
    # The metric that pinned cases must reach every time.
    pinned_by: str = SUCCESS
    # How alike the final answer must be to agree with the record, where nothing is expected.
    agree_at: Share = AGREE_AT
    gates: Annotated[list[GateIn], Meta(min_length=1, max_length=MOST_GATES)] = msgspec.field(
        default_factory=lambda: [GateIn(metric=SUCCESS)]
    )
    limit: CaseLimit | None = None

    @property
    def most(self) -> Decimal | None:
        return None if self.budget is None else Decimal(str(self.budget))

    @property
    def suite_name(self) -> str:
        return self.suite.rpartition("@")[0] or self.suite

    @property
    def suite_version(self) -> int | None:
        name, _, number = self.suite.rpartition("@")
        return int(number) if name else None

    def judged_by(self) -> list[Gate]:
        return [one.gate() for one in self.gates]


def read_gate_text(text: str) -> RunSettings:
    """Return what a gate file asks for, or raise InvalidError naming the line or the field."""
    return read_run_settings(gate_text.parsed(text))


def read_run_settings(sent: Json) -> RunSettings:
    """Return what was sent, or raise InvalidError naming the field and what is right."""
    try:
        settings = msgspec.convert(sent, RunSettings)
    except msgspec.ValidationError as error:
        raise _refusal(str(error)) from None
    _check_suite(settings)
    _check_provider(settings)
    _check_sides(settings)
    _check_gates(settings)
    _check_most(settings.most)
    return settings


class More(Strict, kw_only=True, forbid_unknown_fields=True):
    """What a run is resumed with."""

    budget: Money | int | float | None = None


def read_more_money(sent: Json) -> Decimal | None:
    """Return the budget that a run is resumed with; None: as before."""
    try:
        more = msgspec.convert(sent or {}, More)
    except msgspec.ValidationError as error:
        raise _refusal(str(error)) from None
    most = None if more.budget is None else Decimal(str(more.budget))
    _check_most(most)
    return most


def _refusal(text: str) -> InvalidError:
    refused = refusal(text)
    for one in refused.errors:
        one["path"] = INDEX.sub(r".\1", one["path"])
    return refused


def _check_suite(settings: RunSettings) -> None:
    name, mark, number = settings.suite.rpartition("@")
    if mark and not (name and SUITE_VERSION.fullmatch(number)):
        raise InvalidError("A version of a suite is a number: refunds@3.", "suite")


def _check_provider(settings: RunSettings) -> None:
    asked = [settings.provider, settings.baseline.provider]
    asked += [one.provider for one in settings.candidates]
    if (SCRIPTED in asked) != (settings.script is not None):
        message = "A script goes with the provider 'scripted', and only with it."
        raise InvalidError(message, "script")
    if settings.script is not None:
        check_script(settings.script)
    replay_settings(settings, provider=settings.provider, overrides=Overrides())


# What replays have as the run has it.
OF_REPLAYS = (
    "mode",
    "seed",
    "from_step",
    "simulators",
    "pool",
    "reads",
    "most_steps",
    "most_seconds",
)


def replay_settings(
    settings: RunSettings,
    *,
    provider: str,
    overrides: Overrides,
    session: str = "-",
    only: list[str] | None = None,
) -> Settings:
    """Return the settings of the replays of one session on one side.

    Raises InvalidError naming the field where no replay could have them.
    """
    told = msgspec.to_builtins(settings)
    sent = {name: told[name] for name in OF_REPLAYS if told[name] is not None}
    sent |= {"session": session, "provider": provider, "only": only}
    sent["overrides"] = msgspec.to_builtins(overrides)
    if provider == SCRIPTED:
        sent["script"] = settings.script
    return read_settings(sent)


def check_script(script: list[dict[str, Json]]) -> None:
    """Raise InvalidError naming the rule that cannot be read."""
    try:
        read_script(script)
    except InvalidError as error:
        for one in error.errors:
            one["path"] = INDEX.sub(r".\1", one["path"].replace("rules", "script", 1))
        raise


def _check_sides(settings: RunSettings) -> None:
    if settings.baseline.recorded and settings.baseline.is_other:
        message = "The record itself is as it is: leave out what is asked otherwise, or 'recorded'."
        raise InvalidError(message, "baseline")
    _once([one.name for one in settings.candidates], "candidates")
    for at, one in enumerate(settings.candidates):
        if not one.is_other:
            message = "Name what is tried: a prompt, a model, a system message, params, a provider."
            raise InvalidError(message, f"candidates.{at}")
    sides: list[tuple[str, Variant]] = [("baseline", settings.baseline)]
    sides += [(f"candidates.{at}", one) for at, one in enumerate(settings.candidates)]
    for path, side in sides:
        if side.prompt is not None and side.system is not None:
            message = "Give a prompt or a system message, not both: one takes the other's place."
            raise InvalidError(message, f"{path}.system")


def _once(names: Sequence[str], path: str) -> None:
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise InvalidError(f"{twice[0]} stands there twice.", path)


def _check_gates(settings: RunSettings) -> None:
    known = f"there are {', '.join(METRICS)}."
    if settings.pinned_by not in METRICS:
        raise InvalidError(f"There is no metric {settings.pinned_by[:64]}; {known}", "pinned_by")
    for at, one in enumerate(settings.gates):
        if one.metric not in METRICS:
            message = f"There is no metric {one.metric[:64]}; {known}"
            raise InvalidError(message, f"gates.{at}.metric")
        try:
            one.gate()
        except ValueError as error:
            raise InvalidError(f"{error}.", f"gates.{at}") from None
    _once([one.metric for one in settings.gates], "gates")


def _check_most(most: Decimal | None) -> None:
    if most is not None and not (most.is_finite() and most > 0):
        raise InvalidError("A budget is in US dollars, and above 0.", "budget")
