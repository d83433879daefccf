"""A report as an application sends it: its shape, and what is refused.

What is not named here is refused by its name: a report is evidence, and nothing of it is left
out in silence. Numbers are bounded by what their columns hold, texts by the body's limit.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType
from playhead import fidelity

from apps.core.errors import DomainError, InvalidError
from apps.replays.models import SHARES

Json = Any

MOST_DIVERGENCES, MOST_DIFFERENCES, MOST_ROWS = 1_000, 200, 1_000
LONGEST_NAME, LONGEST_SENTENCE = 512, 20_000
EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
# A sender's clock may be ahead by so much.
FUTURE = timedelta(hours=24)

NO_NUL = r"^[^\x00]*$"
Share = Annotated[float, Meta(ge=0, le=1)]
Count = Annotated[int, Meta(ge=0, le=2**31 - 1)]
Many = Annotated[int, Meta(ge=0, le=2**63 - 1)]
# The end of the text, and not the end of its last line.
ClientId = Annotated[str, Meta(pattern=r"^[0-9a-f]{32}$(?!\n)")]
Name = Annotated[str, Meta(min_length=1, max_length=LONGEST_NAME, pattern=NO_NUL)]
Word = Annotated[str, Meta(max_length=LONGEST_NAME, pattern=NO_NUL)]
Sentence = Annotated[str, Meta(max_length=LONGEST_SENTENCE)]
Kind = Annotated[str, Meta(pattern=r"^[a-z][a-z-]{0,39}$(?!\n)")]
Moment = Annotated[datetime, Meta(tz=True)]
Band = Literal["identical", "faithful", "drifted", "diverged"]


class Strict(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What may hold nothing but what is named."""


class Difference(Strict):
    """One place at which two steps differ. A side that is left out has no such value."""

    path: str
    expected: Json | UnsetType = UNSET
    got: Json | UnsetType = UNSET
    # Of texts: what stayed, went and came.
    words: list[tuple[Literal["=", "-", "+"], str]] | UnsetType = UNSET


class Nearest(Strict):
    """A recorded call that is like the one which was not found."""

    step: Count | None = None
    event: Word | None = None
    alike: Share | None = None
    says: Sentence = ""
    matched: list[Word] = []
    failed: list[Word] = []


class Divergence(Strict):
    """One place where the replay was not as recorded."""

    kind: Kind
    # Of the original, counted from 1.
    step: Count | None = None
    # The senders' ids of the event in the original, and in the replay.
    event: Word | None = None
    made: Word | None = None
    lane: Word | None = None
    name: Word | None = None
    says: Sentence = ""
    differences: Annotated[list[Difference], Meta(max_length=MOST_DIFFERENCES)] = []
    nearest: Annotated[list[Nearest], Meta(max_length=50)] = []
    # The steps of the original behind it, and by what they are known to be.
    cone: list[Count] = []
    cone_by: dict[str, list[Count]] = {}
    # What may be the reason, the likeliest first.
    hints: list[Sentence] = []


class Row(Strict):
    """One step of both sides, or of one."""

    step: Count | None = None
    made: Word | None = None
    lane: Word | None = None
    kind: Word | None = None
    name: Word | None = None
    status: Kind = "same"
    score: Share | None = None


Divergences = Annotated[list[Divergence], Meta(max_length=MOST_DIVERGENCES)]


class Stop(Strict):
    """Why a replay that went on by itself came to its end."""

    stop: Kind
    says: Sentence = ""


class Report(Strict):
    """What a replay came to. Each share is null where there was nothing to count."""

    session: str = ""
    coverage: Share | None = None
    consumption: Share | None = None
    fidelity: Share | None = None
    decisions: Share | None = None
    band: Band | None = None
    calls: Many | None = None
    digest: Annotated[str, Meta(max_length=200, pattern=NO_NUL)] | None = None
    divergences: Divergences = []
    # Of the clock and the surroundings: told, and counted by nothing.
    soft: Divergences = []
    stopped: bool = False
    stop: Stop | None = None
    # exact: the record answered all; cached: kept answers did; sampled: somebody was asked.
    determinism: Kind | None = None
    # How often each call was asked.
    samples: Count | None = None
    # Calls of tools by what answered them: exact, loose, repeated, pooled, simulated, unanswered.
    tools: dict[str, Count] = {}
    # Divergences beyond those that are told.
    left_out: Annotated[int, Meta(ge=0, le=10**9)] = 0
    lanes: dict[str, Count | None] = {}
    hints: list[Sentence] = []
    notes: list[Sentence] = []
    matched: dict[str, Count] = {}
    alignment: Annotated[list[Row], Meta(max_length=MOST_ROWS)] = []
    environment: dict[str, tuple[Json, Json]] = {}
    latency: dict[str, Json] = {}
    cost: dict[str, Json] = {}


class Plan(Strict):
    """What the replay was set to do, and with what."""

    # Of a replay of the server: how its history is made, and who was asked.
    mode: Word | None = None
    provider: Word | None = None
    match: Literal["strict", "ordered", "content", "fuzzy"] | None = None
    on_divergence: Literal["stop", "live", "stub", "ask"] | None = None
    allow_live: list[Word] = []
    stubs: list[Word] = []
    overrides: dict[str, Json] = {}
    fork_at: Count | None = None
    stream_speed: Annotated[float, Meta(ge=0)] | None = None
    clock: Word | None = None
    recorded_calls: Many | None = None
    sdk: Word | None = None
    python: Word | None = None
    lock_hash: Word | None = None
    git_sha: Word | None = None


class ForkedAt(Strict):
    """The recorded step at which a fork left its original."""

    step: Count | None = None
    event: Word | None = None
    trace: Word | None = None


class Failure(Strict):
    """The error that broke a replay off."""

    type: Word | None = None
    message: str | None = None


class ReplayReport(Strict):
    """One message of an application about one of its replays."""

    id: ClientId
    status: Literal["running", "ended"]
    # The original, by the name that the record has for it or by its id here.
    session: Name
    origin: Literal["replay", "fork"]
    # Of the new session; by default made of the origin and the id.
    name: Name | None = None
    started_at: Moment | None = None
    ended_at: Moment | None = None
    plan: Plan = msgspec.field(default_factory=Plan)
    forked_at: ForkedAt | None = None
    report: Report | None = None
    error: Failure | None = None

    @property
    def session_name(self) -> str:
        return self.name or f"{self.origin}-{self.id}"

    @property
    def is_ended(self) -> bool:
        return self.status == "ended"

    @property
    def is_fork(self) -> bool:
        return self.origin == "fork"

    @property
    def first(self) -> Divergence | None:
        """The first step that was not as recorded."""
        return self.report.divergences[0] if self.report and self.report.divergences else None

    @property
    def fork_step(self) -> int | None:
        return self.plan.fork_at if self.forked_at is None else self.forked_at.step

    @property
    def band(self) -> str | None:
        """The band that the numbers allow, or the one that the sender says if it is worse."""
        told = self.report
        if told is None:
            return None
        shares = (told.fidelity, told.coverage, told.consumption, told.decisions)
        bands = fidelity.BANDS
        return max(fidelity.band(*shares), told.band or bands[0], key=bands.index)


def columns_of(report: ReplayReport) -> dict[str, Json]:
    """Return what a replay's row says in the clear; what is not known is None."""
    told, first = report.report or Report(), report.first
    return {
        "match": report.plan.match,
        "recorded_calls": report.plan.recorded_calls,
        "fork_step": report.fork_step,
        "error_type": report.error.type if report.error else None,
        "started_at": report.started_at,
        "ended_at": report.ended_at,
        "band": report.band,
        **{name: getattr(told, name) for name in ("calls", "digest", *SHARES)},
        "divergences": len(told.divergences) + told.left_out if report.report else None,
        "first_kind": first.kind if first else None,
        "first_step": first.step if first else None,
    }


PLACE = re.compile(r" - at `(?:key in )?\$\.?(?P<path>.*)`$", re.DOTALL)
MISSING = re.compile(r"Object missing required field '(\w+)'")
UNKNOWN = re.compile(r"Object contains unknown field '(.*)'", re.DOTALL)


def read_report(sent: Json, now: datetime) -> ReplayReport:
    """Return what was sent as a report. Raises InvalidError naming the field, and the limit."""
    try:
        report = msgspec.convert(sent, ReplayReport)
    except msgspec.ValidationError as error:
        raise refusal(str(error)) from None
    except RecursionError:
        raise DomainError("The report is nested too deep.") from None
    _check_times(report, now)
    if report.report is not None and not report.is_ended:
        raise InvalidError("A replay has a report once it has ended.", "report")
    return report


def refusal(text: str) -> InvalidError:
    """Return what msgspec says of a body as an error that names the field."""
    place = PLACE.search(text)
    path, message = place["path"] if place else "", PLACE.sub("", text).replace("`", "'")
    message = message.replace(f"matching regex {NO_NUL!r}", "without NUL")
    for pattern, words in ((MISSING, "Required"), (UNKNOWN, "There is no such field")):
        if found := pattern.fullmatch(message):
            name = found[1][:64]
            path, message = f"{path}.{name}" if path else name, words
    return InvalidError(f"{message}.", path)


def _check_times(report: ReplayReport, now: datetime) -> None:
    for field in ("started_at", "ended_at"):
        moment = getattr(report, field)
        if moment is not None and not EARLIEST <= moment <= now + FUTURE:
            message = "Must be a time from 1990 to 24 hours ahead of the server's clock."
            raise InvalidError(message, field)
