"""What a replay came to: four numbers, and the first step that was not as recorded."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import rfc8785

from playhead.calls import Answer, Call
from playhead.differences import Difference, differences
from playhead.environment import changes, environment_now
from playhead.tapes import DRIFTED, EXACT, FUZZY, LOOSE, MOVED, Recorded, Tape, similarity

Json = Any

# What a step weighs in the fidelity of a replay.
FINAL, DECIDING, OTHER = 4.0, 2.0, 1.0
WEIGHTS = {"llm": OTHER, "tool": 2.0, "retriever": 2.0, "memory": 2.0}
# How far a step may be from the record and the session still be called by that name.
FAITHFUL, DRIFTED_LEAST = 0.98, 0.8
MISSING, EXTRA, REQUEST, OUTPUT, ERROR = (
    "missing",
    "extra",
    "drifted-request",
    "different-output",
    "different-error",
)
CLASSES = {MOVED: "moved", DRIFTED: REQUEST, LOOSE: REQUEST, FUZZY: REQUEST}


@dataclass(frozen=True, slots=True)
class Divergent:
    """One place where the replay was not as recorded."""

    kind: str
    # Of the record, counted from 1 in replay order; None for a call that it does not have.
    step: int | None
    lane: str
    name: str
    says: str
    differences: list[Difference] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Made:
    """One call that the replay made: what answered it, and how that was found."""

    call: Call
    recorded: Recorded | None
    how: str | None
    # None while the call runs, and for one that was refused.
    answer: Answer | None = None
    # The recorded call that was due where this one was made and not found.
    due: Recorded | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """The four numbers of a replay, its divergences in the order of the record, and its digest.

    ``coverage``: calls answered from the record, of all that were made. ``consumption``:
    recorded calls that were asked for, of all. ``fidelity``: how alike the steps were, weighed,
    over steps of both sides. ``decisions``: points at which the same tools were chosen. Each
    is from 0 to 1, and None where there was nothing to count.
    """

    session: str
    coverage: float | None
    consumption: float | None
    fidelity: float | None
    decisions: float | None
    divergences: list[Divergent]
    calls: int
    digest: str
    # What is not as it was when the session was recorded: name to (before, now).
    environment: dict[str, tuple[Json, Json]] = field(default_factory=dict)

    @property
    def first(self) -> Divergent | None:
        """The first step that was not as recorded."""
        return self.divergences[0] if self.divergences else None

    @property
    def band(self) -> str:
        """identical, faithful, drifted or diverged."""
        if self.fidelity in (1.0, None) and not self.divergences:
            return "identical"
        fidelity = self.fidelity or 0.0
        if fidelity >= FAITHFUL and self.decisions in (1.0, None):
            return "faithful"
        return "drifted" if fidelity >= DRIFTED_LEAST else "diverged"

    def assert_faithful(self, min_fidelity: float = 1.0) -> None:
        """Raise AssertionError, naming the first divergent step, unless the replay was faithful."""
        is_faithful = (self.fidelity or 0.0) >= min_fidelity if self.calls else True
        if not is_faithful or (min_fidelity == 1.0 and self.divergences):
            raise AssertionError(self.text())

    def text(self) -> str:
        """Return the report in a few lines for people."""
        lines = [
            f"Replay of {self.session}: {self.band}",
            f"coverage {_share(self.coverage)}, consumption {_share(self.consumption)}, "
            f"fidelity {_share(self.fidelity)}, decisions {_share(self.decisions)}",
        ]
        if self.first:
            lines += [f"first divergence: {self.first.says}"]
            lines += [f"  {difference}" for difference in self.first.differences[:20]]
        lines += [f"changed since: {name} {a} -> {b}" for name, (a, b) in self._changes()]
        return "\n".join(lines)

    def _changes(self) -> list[tuple[str, tuple[Json, Json]]]:
        return list(self.environment.items())[:20] if self.divergences else []

    def as_json(self) -> Json:
        return asdict(self) | {"band": self.band}


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def report_on(tape: Tape, made: Iterable[Made]) -> Report:
    """Return the report on the calls that a replay of ``tape`` made."""
    made = list(made)
    answered = [one for one in made if one.recorded is not None]
    divergences = sorted(_divergences(tape, made), key=lambda one: one.step or 10**9)
    return Report(
        session=tape.session,
        coverage=_part(len(answered), len(made)),
        consumption=_part(len(tape.calls) - len(tape.left()), len(tape.calls)),
        fidelity=_fidelity(tape, made),
        decisions=_decisions(made),
        divergences=divergences,
        calls=len(made),
        digest=digest_of(made),
        environment=_changes(tape.environment()),
    )


def _changes(before: Json) -> dict[str, tuple[Json, Json]]:
    if before is None:
        return {}
    return changes(before, environment_now(before.get("variables") or {}))


def _part(some: int, whole: int) -> float | None:
    return some / whole if whole else None


def _divergences(tape: Tape, made: Iterable[Made]) -> Iterable[Divergent]:
    seq = 0
    for one in made:
        seq = one.recorded.seq if one.recorded else seq
        if one.how != EXACT:
            yield divergent(one, after=seq)
    for recorded in tape.left():
        key, name = recorded.key, recorded.key.name
        says = f"step {recorded.seq}, {key.kind} {name} in lane {key.lane}, was not asked for"
        yield Divergent(MISSING, recorded.seq, key.lane, name, says)


def divergent(one: Made, *, after: int) -> Divergent:
    """Return how one call differs from the record."""
    call, recorded = one.call, one.recorded or one.due
    where = f"{call.kind} {call.name} in lane {call.lane}"
    if recorded is None:
        says = f"{where} is not in the record (after step {after})"
        return Divergent(EXTRA, after + 1, call.lane, call.name, says)
    kind = CLASSES.get(one.how or DRIFTED, REQUEST)
    found = differences(asked_of(recorded.event), asked_now(call)) if kind == REQUEST else []
    says = f"step {recorded.seq}, {where}: {_why(kind, recorded)}"
    return Divergent(kind, recorded.seq, call.lane, call.name, says, found)


def asked_of(event: Mapping[str, Json]) -> Json:
    """Return all that a recorded call asked: what was said, to whom, and how."""
    names = ("model", "params", "tools")
    return {"input": event.get("input")} | {n: event[n] for n in names if event.get(n)}


def asked_now(call: Call) -> Json:
    known = {"model": call.model, "params": dict(call.params), "tools": list(call.tools)}
    return {"input": call.asked} | {name: value for name, value in known.items() if value}


def _why(kind: str, recorded: Recorded) -> str:
    if kind == "moved":
        return f"it was recorded in lane {recorded.key.lane}"
    return "it asks something else than recorded"


def _fidelity(tape: Tape, made: list[Made]) -> float | None:
    """Return the weighed likeness of steps of both sides; what only one side has counts 0."""
    last = max((one.seq for one in tape.calls if one.key.kind == "llm"), default=0)
    scored = weighed = 0.0
    for one in made:
        weight = _weight(one.call.kind, one.recorded.event if one.recorded else {})
        weight = FINAL if one.recorded and one.recorded.seq == last else weight
        weighed += weight
        if one.recorded is not None:
            scored += weight * (1.0 if one.how == EXACT else similarity(one.call, one.recorded))
    weighed += sum(_weight(one.key.kind, one.event) for one in tape.left())
    return scored / weighed if weighed else None


def _weight(kind: str, event: Mapping[str, Json]) -> float:
    if kind == "llm" and tools_called(event.get("output")):
        return DECIDING
    return WEIGHTS.get(kind, OTHER)


def _decisions(made: list[Made]) -> float | None:
    points = same = 0
    for one in made:
        recorded = tools_called(one.recorded.event.get("output")) if one.recorded else []
        now = tools_called(one.answer.output) if one.answer else []
        if recorded or now:
            points += 1
            same += recorded == now
    return _part(same, points)


def tools_called(output: Json) -> list[str]:
    """Return the names of the tools that a model's answer calls, sorted."""
    if isinstance(output, list):
        return sorted(name for inner in output for name in tools_called(inner))
    if not isinstance(output, dict):
        return []
    if output.get("type") in ("tool_use", "function_call"):
        return [str(output.get("name"))]
    calls = [call.get("function") or {} for call in output.get("tool_calls") or ()]
    names = [str(call.get("name")) for call in calls]
    return sorted(names + tools_called(output.get("content")))


def digest_of(made: Iterable[Made]) -> str:
    """Return a digest of what was asked and answered: the same for the same behaviour.

    Ids and times are left out, and so is the order in which calls at the same time ended.
    """
    told = sorted(
        rfc8785.dumps(
            [
                *asdict(one.call.key).values(),
                hashlib.sha256(repr(one.answer and one.answer.output).encode()).hexdigest(),
                bool(one.answer and one.answer.error),
            ]
        )
        for one in made
    )
    return "sha256:" + hashlib.sha256(b"\n".join(told)).hexdigest()
