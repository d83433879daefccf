"""SWE-agent's trajectories: what the model thought, what it did, and what came of it.

A step has no times. Since version 1.1 it says what the model was asked (``query``); before,
that follows from the history, where the steps are the answers that are no demonstration.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator

from apps.core.canonical import canonical_json
from apps.ingest.checks import Refusal
from apps.ingest.conventions.attributes import known
from apps.ingest.importers.events_of_records import RecordImporter
from apps.ingest.importers.told import Fields, Told, check_fit
from apps.ingest.text import json_in_text
from apps.sessions.events import ErrorInfo, IncomingEvent, Json

RUN = "run"
SESSION = "swe-agent-"
DIFF = re.compile(r"(?m)^(diff --git |--- )")


class Trajectories(RecordImporter):
    """Makes a session of each trajectory."""

    def events(self, value: Json, unmapped: Counter[str]) -> list[IncomingEvent]:
        check_fit(value)
        told = Told(value)
        run = _run(told, value)
        # Of several attempts the best one is repeated as the trajectory.
        attempts = told.listing("attempts")
        steps = [] if attempts else list(_steps(told, run, ""))
        for number, attempt in enumerate(attempts):
            steps += _steps(Told(attempt, f"attempts[{number}]"), run, f"a{number}-")
        if not steps:
            raise Refusal("A trajectory must have steps: a list of objects.", "trajectory")
        told.skip("trajectory", "history")
        rest = told.rest()
        unmapped.update(rest.keys())
        run.extra = {"trajectory": rest} if rest else None
        return _in_order([run, *steps, *_submission(run)])


def _run(told: Told, value: Json) -> IncomingEvent:
    """Return the step above all others: how the run went, and what it cost."""
    info = told.mapping("info")
    config = json_in_text(told.text("replay_config") or "")
    problem = config.get("problem_statement") if isinstance(config, dict) else None
    problem = problem if isinstance(problem, dict) else {}
    digest = hashlib.blake2b(canonical_json(value), digest_size=8).hexdigest()
    status = info.get("exit_status")
    failed = isinstance(status, str) and status.startswith("exit")
    return IncomingEvent(
        id=RUN,
        session=SESSION + digest,
        kind="agent",
        name=_word(problem.get("id")) or "SWE-agent",
        agent="SWE-agent",
        input=problem.get("text") or problem.get("problem_statement"),
        output=known({"exit_status": status, "submission": info.get("submission")}) or None,
        status="error" if failed else None,
        error=ErrorInfo(type=status) if failed else None,
        environment=told.text("environment"),
        release=_word(info.get("swe_agent_version")),
        metadata={name: more for name, more in info.items() if name != "submission"} or None,
        ends_session=True,
    )


def _word(value: Json) -> str | None:
    return value if isinstance(value, str) and value else None


def _steps(told: Told, run: IncomingEvent, prefix: str) -> Iterator[IncomingEvent]:
    asked = _asked(told.listing("history"))
    for number, one in enumerate(told.listing("trajectory")):
        step = Told(one, told.place(f"trajectory[{number}]"))
        name = f"{prefix}s{number}"
        before = asked[number] if number < len(asked) else None
        call = _call(step, name, run, before)
        yield call
        yield from _done(step, call)
        step.skip("messages", "thought", "thinking_blocks", "done", "output")
        call.extra = step.rest() or None


def _asked(history: list[Json]) -> list[list[Json]]:
    """Return the messages before each answer that is no demonstration."""
    answers = [
        index
        for index, one in enumerate(history)
        if isinstance(one, dict) and one.get("role") == "assistant" and not one.get("is_demo")
    ]
    return [history[:index] for index in answers]


def _call(step: Told, name: str, run: IncomingEvent, before: list[Json] | None) -> IncomingEvent:
    response = step.text("response")
    thought = _word(step.left.get("thought"))
    asked = step.listing("query") or before
    calls = _tool_calls(step)
    answer = known({"content": response or thought, "tool_calls": calls or None})
    return IncomingEvent(
        id=name,
        session=run.session,
        parent=RUN,
        kind="llm",
        name="assistant",
        input={"messages": asked} if asked else None,
        output={"messages": [{"role": "assistant"} | answer]} if answer else None,
        reasoning=thought if thought != response else None,
    )


def _tool_calls(step: Told) -> list[Json]:
    calls = step.left.get("tool_calls")
    return calls if isinstance(calls, list) else []


def _done(step: Told, call: IncomingEvent) -> Iterator[IncomingEvent]:
    """Return what the step did, and how the environment was after it."""
    action, observation = step.text("action"), step.value("observation")
    calls = step.listing("tool_calls")
    step.skip("tool_call_ids")
    seconds = step.value("execution_time")
    if action or observation or calls:
        yield IncomingEvent(
            id=f"{call.id}-action",
            session=call.session,
            parent=call.id,
            kind="tool",
            name=_tool_name(action or "", calls),
            input=_input(action, calls),
            output=observation,
            extra=known({"execution_time": seconds, "tool_call": _call_id(calls)}) or None,
        )
    state = step.value("state")
    state = json_in_text(state) if isinstance(state, str) else state
    if state:
        yield IncomingEvent(
            id=f"{call.id}-state",
            session=call.session,
            parent=call.id,
            kind="state",
            name="environment",
            state=state,
        )


def _function(calls: list[Json]) -> Fields:
    first = calls[0] if calls and isinstance(calls[0], dict) else {}
    function = first.get("function")
    return function if isinstance(function, dict) else {}


def _tool_name(action: str, calls: list[Json]) -> str | None:
    """Return the function that was called, or the command: the first word of what was done."""
    words = action.split(maxsplit=1)
    return _word(_function(calls).get("name")) or (words[0][:200] if words else None)


def _input(action: str | None, calls: list[Json]) -> Json:
    asked = _function(calls).get("arguments")
    opened = json_in_text(asked) if isinstance(asked, str) else asked
    return known({"action": action, "arguments": opened}) or None


def _call_id(calls: list[Json]) -> Fields | None:
    first = calls[0] if calls and isinstance(calls[0], dict) else {}
    return {"id": first["id"]} if isinstance(first.get("id"), str) else None


def _submission(run: IncomingEvent) -> Iterator[IncomingEvent]:
    diff = (run.output or {}).get("submission")
    if isinstance(diff, str) and DIFF.search(diff):
        yield IncomingEvent(
            id="submission",
            session=run.session,
            parent=RUN,
            kind="code_change",
            name="submission",
            code_change={"diff": diff},
        )


def _in_order(events: list[IncomingEvent]) -> list[IncomingEvent]:
    for position, event in enumerate(events):
        event.position = position
    return events
