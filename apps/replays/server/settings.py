"""What somebody wants run: the session, who answers, and what is another than recorded."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from apps.core.errors import InvalidError
from apps.replays.reports import refusal
from apps.replays.server.models import Mode

Json = Any

# The task that works on a replay.
WORK = "replays.work"
# Who answers without a credential, and for nothing.
RECORDED, SCRIPTED = "recorded", "scripted"
AT_HOME = (RECORDED, SCRIPTED)
MOST_SAMPLES = 20
MOST_ONLY = 1_000
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


class Settings(Strict, kw_only=True, forbid_unknown_fields=True):
    """One server replay as it was asked for."""

    session: Word
    mode: str = Mode.TEACHER_FORCED.value
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
    # The plan that was shown: another one is not started.
    plan_hash: Annotated[str, Meta(max_length=64)] | None = None

    @property
    def most(self) -> Decimal | None:
        return None if self.budget is None else Decimal(self.budget)


def read_settings(sent: Json) -> Settings:
    """Return what was sent. Raises InvalidError naming the field."""
    try:
        settings = msgspec.convert(sent, Settings)
    except msgspec.ValidationError as error:
        raise refusal(str(error)) from None
    if settings.mode not in Mode.values:
        raise InvalidError(f"Must be one of {', '.join(Mode.values)}.", "mode")
    if (settings.provider == SCRIPTED) != (settings.script is not None):
        raise InvalidError(
            "A script goes with the provider 'scripted', and only with it.", "script"
        )
    if settings.overrides.prompt is not None and settings.overrides.system is not None:
        message = "Give a prompt or a system message, not both: one takes the other's place."
        raise InvalidError(message, "overrides.system")
    return settings
