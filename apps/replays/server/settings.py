"""What somebody wants run: the session, who answers, and what is another than recorded."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from apps.core.errors import InvalidError
from apps.providers.protocol import UnsupportedError
from apps.providers.reading import request_of
from apps.replays.reports import refusal
from apps.replays.server.models import Mode
from apps.replays.server.simulating import read_simulators

Json = Any

# The task that works on a replay.
WORK = "replays.work"
# Who answers without a credential, and for nothing.
RECORDED, SCRIPTED = "recorded", "scripted"
AT_HOME = (RECORDED, SCRIPTED)
MOST_SAMPLES = 20
MOST_ONLY = 1_000
# Steps of a replay that goes on by itself.
MOST_STEPS, MOST_SECONDS = 500, 86_400
USUAL_SECONDS = 1_800
MOST_TOOLS = 200
OLDEST_DAYS = 365
LONGEST_SYSTEM = 1_000_000
NO_NUL = r"^[^\x00]*\Z"
Word = Annotated[str, Meta(min_length=1, max_length=512, pattern=NO_NUL)]
EventId = Annotated[str, Meta(pattern=r"^[0-9a-f]{32}\Z")]


class Strict(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Unknown fields are refused by name."""


class PromptOverride(Strict, kw_only=True, forbid_unknown_fields=True):
    """A version of the library, which takes the system message's place."""

    name: Word
    version: Annotated[int, Meta(ge=1)] | None = None
    label: Word | None = None


class Overrides(Strict, kw_only=True, forbid_unknown_fields=True):
    """What is another than recorded; what is left out stays."""

    model: Word | None = None
    # By OpenAI's names; null takes a parameter away.
    params: dict[Word, Json] = {}
    # The system message.
    system: Annotated[str, Meta(max_length=LONGEST_SYSTEM, pattern=NO_NUL)] | None = None
    prompt: PromptOverride | None = None
    # Tools in OpenAI's form, in the place of the recorded ones.
    tools: Annotated[list[dict[str, Json]], Meta(max_length=MOST_TOOLS)] | None = None


class Pool(Strict, kw_only=True, forbid_unknown_fields=True):
    """Whether other sessions of the project may answer a tool, and how old they may be."""

    max_age_days: Annotated[int, Meta(ge=1, le=OLDEST_DAYS)]


class Settings(Strict, kw_only=True, forbid_unknown_fields=True):
    """One server replay as it was asked for."""

    session: Word
    mode: str = Mode.TEACHER_FORCED.value
    # Of ``prefix_then_free``: the step before which all is the record's.
    from_step: Annotated[int, Meta(ge=1, le=2**31 - 1)] | None = None
    # The name of a credential, ``recorded`` or ``scripted``.
    provider: Word
    overrides: Overrides = msgspec.field(default_factory=Overrides)
    # For ``scripted``: the rules.
    script: list[dict[str, Json]] | None = None
    seed: Annotated[int, Meta(ge=0, le=2**31)] = 0
    samples: Annotated[int, Meta(ge=1, le=MOST_SAMPLES)] = 1
    # Ids of the calls that are asked, all others being the record's; None asks every one.
    only: Annotated[list[EventId], Meta(min_length=1, max_length=MOST_ONLY)] | None = None
    # The most that may be spent, in US dollars, over all samples.
    budget: Annotated[str, Meta(max_length=20, pattern=r"^\d+(\.\d+)?\Z")] | None = None
    # What answers a tool that the record does not, by the tool's name (see ``simulating``).
    simulators: Annotated[dict[Word, Json], Meta(max_length=MOST_TOOLS)] = {}
    pool: Pool | None = None
    # Names of tools that only read, with ``*``: asked once more, they may answer once more.
    reads: Annotated[list[Word], Meta(max_length=MOST_TOOLS)] = []
    # The most calls of models that a free replay makes; by default twice the recorded and ten.
    most_steps: Annotated[int, Meta(ge=1, le=MOST_STEPS)] | None = None
    # How long its calls may take, all together.
    most_seconds: Annotated[int, Meta(ge=1, le=MOST_SECONDS)] = USUAL_SECONDS
    # The plan that was shown: another one is not started.
    plan_hash: Annotated[str, Meta(max_length=64)] | None = None

    @property
    def is_free(self) -> bool:
        """Whether the models' own answers make the history."""
        return self.mode in (Mode.FREE_RUNNING, Mode.PREFIX_THEN_FREE)

    @property
    def most(self) -> Decimal | None:
        return None if self.budget is None else Decimal(self.budget)


def read_settings(sent: Json) -> Settings:
    """Return what was sent. Raises InvalidError naming the field."""
    try:
        settings = msgspec.convert(sent, Settings)
    except msgspec.ValidationError as error:
        raise refusal(str(error)) from None
    _check_mode(settings)
    if (settings.provider == SCRIPTED) != (settings.script is not None):
        raise InvalidError(
            "A script goes with the provider 'scripted', and only with it.", "script"
        )
    if settings.overrides.prompt is not None and settings.overrides.system is not None:
        message = "Give a prompt or a system message, not both: one takes the other's place."
        raise InvalidError(message, "overrides.system")
    _check_tools(settings.overrides)
    return settings


def _check_tools(overrides: Overrides) -> None:
    try:
        request_of("", "x", tools=overrides.tools)
    except UnsupportedError as error:
        raise InvalidError(str(error), "overrides.tools") from None


def most_steps(settings: Settings, recorded: int) -> int:
    """Return how many calls of models a free replay may make where so many are recorded."""
    return settings.most_steps or min(2 * recorded + 10, MOST_STEPS)


# Fields that say something of replays that go on by themselves alone.
FREE_ONLY = ("simulators", "pool", "reads", "most_steps")


def _check_mode(settings: Settings) -> None:
    if settings.mode not in Mode.values:
        raise InvalidError(f"Must be one of {', '.join(Mode.values)}.", "mode")
    if (settings.mode == Mode.PREFIX_THEN_FREE) != (settings.from_step is not None):
        message = "Goes with the mode 'prefix_then_free', and only with it: the step to leave at."
        raise InvalidError(message, "from_step")
    if settings.is_free and settings.only is not None:
        raise InvalidError("A free replay asks what comes; it cannot ask some calls alone.", "only")
    given = [name for name in FREE_ONLY if getattr(settings, name)]
    if given and not settings.is_free:
        message = "Goes with the modes 'free_running' and 'prefix_then_free' only."
        raise InvalidError(message, given[0])
    read_simulators(settings.simulators)
