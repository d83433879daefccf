"""What one trial came to: numbers by the names of metrics, None where they are unknown.

A trial is measured from the new session and the record. What was said is read, compared and let
go: numbers alone are kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from playhead.comparing import texts_in, tool_calls

from apps.replays.models import Replay
from apps.replays.runs import cases
from apps.replays.runs.models import LONGEST_REASON, Trial, TrialState
from apps.replays.runs.settings import RunSettings
from apps.replays.server.models import ServerReplay, ServerStep, StepState, Stop
from apps.replays.suite_expectations import Produced, check
from apps.replays.suite_models import CaseRevision
from apps.replays.suite_sealing import open_expectations
from apps.replays.verdict_door import comparing
from apps.sessions import reader
from apps.sessions.keys import SessionCipher
from apps.sessions.models import OutcomeStatus, Session
from apps.sessions.steps import Step

Json = Any
Measures = dict[str, float | None]

PASSED, FAILED = 1.0, 0.0
# Of free replays that did not end: they went on and on, or nobody knows what they were to be told.
RAN_AWAY = (Stop.STEPS, Stop.TIME)
LOST = (Stop.DEPARTED, Stop.TOOL)


@dataclass(frozen=True, slots=True)
class Shown:
    """What the calls of models of one session show."""

    produced: Produced
    calls: Sequence[Step]
    steps: int

    @property
    def has_error(self) -> bool:
        return any(step.status == "error" for step in self.calls)

    @property
    def measures(self) -> Measures:
        tokens = [_tokens(step) for step in self.calls]
        return {
            "latency_ms": _total([step.duration_ms for step in self.calls]),
            "cost": _total([None if one.cost is None else float(one.cost) for one in self.calls]),
            "tokens": _total(tokens),
            "errors": float(self.has_error),
            "steps": float(self.steps),
        }


@dataclass(frozen=True, slots=True)
class Measured:
    """What becomes of a trial."""

    state: TrialState
    measures: Measures | None = None
    reason: str = ""


def shown_in(
    session: Session, cipher: SessionCipher, only: Sequence[str] | None, name: str = "id"
) -> Shown:
    """Return what a session shows; ``only`` are ids of calls, or client ids where ``name`` says."""
    steps = reader.outline(session).steps
    calls = [step for step in steps if step.kind == "llm" and step.is_counted]
    mine = [step for step in calls if only is None or getattr(step, name) in only]
    rows = reader.rows_of(session, mine)
    outputs = [output for [output] in reader.bodies(session, rows, ("output_digest",), cipher)]
    called = [tool for output in outputs for tool, _ in tool_calls(output)]
    if not called and only is None:
        # Senders that record no calls in answers record the tools themselves.
        called = [step.name or "" for step in steps if step.kind == "tool"]
    last = outputs[-1] if outputs else None
    text = texts_in(last)
    return Shown(Produced(_answer(last, text), text, called), mine, len(steps))


def _answer(output: Json, text: str) -> Json:
    """Return the answer itself: what a message says, or a value that is no message."""
    is_message = isinstance(output, Mapping | list) and bool(text or tool_calls(output))
    return text if is_message else output


def _tokens(step: Step) -> float | None:
    known = [one for one in (step.input_tokens, step.output_tokens) if one is not None]
    return float(sum(known)) if known else None


def _total(values: Sequence[float | None]) -> float | None:
    """Return the sum; None where a part is not known, since less is not better then."""
    known = [value for value in values if value is not None]
    return sum(known) if known and len(known) == len(values) else None


def of_record(row: CaseRevision, settings: RunSettings) -> Measured:
    """Measure the record itself, as a baseline that nobody was asked for again."""
    session = row.case.session
    ciphers = reader.ciphers([session])
    if session.pk not in ciphers:
        return Measured(TrialState.SKIPPED, reason=cases.ERASED)
    cipher = ciphers[session.pk]
    shown = shown_in(session, cipher, cases.only_of(row))
    same = dict.fromkeys(("fidelity", "decisions", "similarity", "coverage", "consumption"), 1.0)
    success = _success(row, cipher, shown, session, True)
    return Measured(TrialState.DONE, {"success": success, **same, **shown.measures})


def of_replay(run: ServerReplay, row: CaseRevision, settings: RunSettings) -> Measured:
    """Measure a replay that ended."""
    steps = list(run.steps.order_by("seq").defer("sealed_answer"))
    unable = [one for one in steps if one.state == StepState.SKIPPED and one.begun]
    if unable:
        return Measured(TrialState.SKIPPED, reason=_of_step(unable[0]))
    original, made = row.case.session, run.replay.session
    ciphers = reader.ciphers_of(run.project_id, [original.pk, made.pk])
    if original.pk not in ciphers or made.pk not in ciphers:
        return Measured(TrialState.SKIPPED, reason=cases.ERASED)
    was = shown_in(original, ciphers[original.pk], cases.only_of(row))
    now = shown_in(made, ciphers[made.pk], cases.only_of(row), "client_id")
    likeness = comparing()(was.produced.text, now.produced.text).score
    agrees = likeness >= settings.agree_at and run.replay.decisions in (None, 1.0)
    failed = next((one for one in steps if one.state == StepState.FAILED), None)
    success = _success(row, ciphers[original.pk], now, original, agrees)
    if run.stop in RAN_AWAY:
        success = FAILED
    elif run.stop in LOST and row.sealed_expectations is not None:
        success = None
    measures: Measures = {
        "success": FAILED if failed else success,
        "fidelity": _fidelity(run.replay, row, steps),
        "decisions": run.replay.decisions,
        "similarity": likeness,
        "coverage": run.replay.coverage,
        "consumption": run.replay.consumption,
        **now.measures,
    }
    if failed:
        return Measured(TrialState.FAILED, measures | {"errors": 1.0}, _of_step(failed))
    return Measured(TrialState.DONE, measures)


def _of_step(step: ServerStep) -> str:
    return f"Step {step.seq}: {step.reason}"[:LONGEST_REASON]


def _fidelity(replay: Replay, row: CaseRevision, steps: Sequence[ServerStep]) -> float | None:
    """Return the fidelity; of a case that is one step, that step's own."""
    if row.case.event_id is None:
        return replay.fidelity
    scores = [step.score for step in steps if step.score is not None]
    return sum(scores) / len(scores) if scores else None


def _success(
    row: CaseRevision, cipher: SessionCipher, shown: Shown, original: Session, agrees: bool
) -> float | None:
    """Tell whether what is expected holds; where nothing is, whether it agrees with the record."""
    if row.sealed_expectations is None:
        if original.outcome == OutcomeStatus.FAILURE:
            return None
        return PASSED if agrees and not shown.has_error else FAILED
    expected = open_expectations(cipher, row.sealed_expectations)
    holds = [check(one, shown.produced).holds for one in expected]
    if False in holds:
        return FAILED
    return None if None in holds else PASSED


def end_trial(trial: Trial, measured: Measured) -> None:
    """Write down what a trial came to; the caller holds its row."""
    trial.state, trial.measures = measured.state, measured.measures
    trial.reason = measured.reason[:LONGEST_REASON]
    trial.save(update_fields=["state", "measures", "reason"])
