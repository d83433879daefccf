"""Decorators and functions by which an application says what its steps are."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from playhead import places
from playhead.calls import UNSET, Answer, Call, make_call
from playhead.failures import error_of, exception_of
from playhead.runs import Run
from playhead.typed import as_declared
from playhead.values import as_json

Json = Any
F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")

EFFECTS = ("none", "read", "write", "external")


def _decorator(kind: str, effects: str | None) -> Any:
    """Return the decorator of calls over a boundary of one kind."""

    def decorate(
        function: F | None = None,
        *,
        name: str | None = None,
        effects: str | None = effects,
        simulator: Callable[..., Any] | None = None,
        default: Any = UNSET,
    ) -> Any:
        """Decorate a function. ``effects`` says what it does to the world: none, read, write or
        external. In a replay ``simulator``, called as the function would be, or ``default``
        answers what the record does not, where ``on_divergence="stub"`` asks for it.
        """
        if effects is not None and effects not in EFFECTS:
            raise ValueError(f"effects must be one of {', '.join(EFFECTS)}, not {effects!r}.")
        if simulator is not None and default is not UNSET:
            raise ValueError("Give either simulator or default, not both.")
        known = {"effects": effects, "stub": default if simulator is None else simulator}
        if function is None:
            return lambda found: _recorded(found, kind, name or found.__name__, known)
        return _recorded(function, kind, name or function.__name__, known)

    return decorate


tool = _decorator("tool", None)
retriever = _decorator("retriever", "read")
memory = _decorator("memory", None)


def _recorded(function: F, kind: str, name: str, known: Mapping[str, Any]) -> F:
    signature = inspect.signature(function)

    def call_of(args: Any, kwargs: Any) -> Call:
        return make_call(kind, name, _named(signature, args, kwargs), **known)

    @functools.wraps(function)
    def sync(*args: Any, **kwargs: Any) -> Any:
        run = places.current_run()
        if run is None:
            return function(*args, **kwargs)
        call = call_of(args, kwargs)
        answer = run.begin(call)
        if answer is not None:
            return _given(answer, function)
        really = _standing_in(run, call, function)
        with _Live(run.finish, call) as live:
            return live.came_back_with(really(*args, **kwargs))

    @functools.wraps(function)
    async def asynchronous(*args: Any, **kwargs: Any) -> Any:
        run = places.current_run()
        if run is None:
            return await function(*args, **kwargs)
        call = call_of(args, kwargs)
        answer = run.begin(call)
        if answer is not None:
            return _given(answer, function)
        really = _standing_in(run, call, function)
        with _Live(run.finish, call) as live:
            return live.came_back_with(await really(*args, **kwargs))

    return asynchronous if inspect.iscoroutinefunction(function) else sync  # type: ignore[return-value]


def _standing_in(run: Run, call: Call, function: F) -> Callable[..., Any]:
    """Return what runs in the place of a function, awaited or not as the function is."""
    found = run.replaced(call)
    if found is None:
        return function
    is_awaited = inspect.iscoroutinefunction(function)
    if inspect.iscoroutinefunction(found) == is_awaited:
        return found

    def refused(*_: Any, **__: Any) -> Any:
        raise TypeError(f"What stands in for {call.name} is async, which {call.name} is not.")

    async def awaited(*args: Any, **kwargs: Any) -> Any:
        made = found(*args, **kwargs)
        return await made if inspect.isawaitable(made) else made

    return awaited if is_awaited else refused


def agent(function: F | None = None, *, name: str | None = None) -> Any:
    """Decorate a function as an agent: a step around whatever it does."""
    if function is None:
        return lambda found: agent(found, name=name)
    signature, called = inspect.signature(function), name or function.__name__

    @functools.wraps(function)
    def sync(*args: Any, **kwargs: Any) -> Any:
        with _around("agent", called, lambda: _named(signature, args, kwargs)) as step:
            return step.came_back_with(function(*args, **kwargs))

    @functools.wraps(function)
    async def asynchronous(*args: Any, **kwargs: Any) -> Any:
        with _around("agent", called, lambda: _named(signature, args, kwargs)) as step:
            return step.came_back_with(await function(*args, **kwargs))

    return asynchronous if inspect.iscoroutinefunction(function) else sync


def _around(kind: str, name: str, asked: Callable[[], Json]) -> _Live | _Nothing:
    run = places.current_run()
    if run is None:
        return _Nothing()
    return _Live(run.close, make_call(kind, name, asked(), extra={"agent": name}), covers=False)


def _named(signature: inspect.Signature, args: Any, kwargs: Any) -> dict[str, Any]:
    """Return the arguments by their names, so that how they were passed says nothing."""
    bound = signature.bind(*args, **kwargs)
    bound.apply_defaults()
    named = dict(bound.arguments)
    for parameter in signature.parameters.values():
        if parameter.name in ("self", "cls"):
            named.pop(parameter.name, None)
        elif parameter.kind is inspect.Parameter.VAR_KEYWORD:
            named |= named.pop(parameter.name, {})
    return named


def _given(answer: Answer, function: Callable[..., Any]) -> Any:
    if answer.error is not None:
        raise exception_of(answer.error)
    return as_declared(answer.output, function)


class _Live:
    """A step that runs for real: whatever comes of it is taken down."""

    def __init__(
        self, finish: Callable[[Call, Answer], None], call: Call, *, covers: bool = True
    ) -> None:
        self._finish, self._call = finish, call
        agent = call.name if call.kind == "agent" else None
        self._inside = places.inside(call.id, covers=covers, agent=agent)
        self._answer = Answer()

    def __enter__(self) -> _Live:
        self._inside.__enter__()
        return self

    def came_back_with(self, value: T) -> T:
        self._answer = Answer(as_json(value))
        return value

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        self._inside.__exit__(kind, error, trace)
        self._finish(self._call, Answer(error=error_of(error)) if error else self._answer)


class _Nothing:
    """Stands in for a step where no run listens."""

    def __enter__(self) -> _Nothing:
        return self

    def came_back_with(self, value: T) -> T:
        return value

    def __exit__(self, *_: object) -> None:
        return None


def record_decision(
    chosen: Json,
    alternatives: Sequence[Json] = (),
    reason: str | None = None,
    *,
    name: str = "decision",
) -> None:
    """Take down what was decided, what else could have been, and why."""
    decision = {"chosen": chosen, "alternatives": list(alternatives), "reason": reason}
    _note("decision", name, {"decision": as_json(decision)})


def set_state(state: Mapping[str, Any], *, name: str = "state") -> None:
    """Take down the whole state of the lane."""
    _note("state", name, {"state": as_json(dict(state))})


def patch_state(patch: Sequence[Mapping[str, Any]], *, name: str = "state") -> None:
    """Take down a change of the state, as a JSON patch (RFC 6902)."""
    _note("state", name, {"state_patch": as_json(list(patch))})


def record_code_change(path: str, diff: str, *, name: str | None = None) -> None:
    """Take down a change of a file, as a unified diff."""
    _note("code_change", name or path, {"code_change": {"path": path, "diff": diff}})


def record_snapshot(name: str, value: Any) -> None:
    """Take down what the world outside looked like at this step."""
    _note("event", name, {"output": as_json(value)})


def patched(marker: str) -> bool:
    """Tell whether code that was added later is to run: ``if playhead.patched("guard"): ...``

    True outside of replays, and at replays of sessions that were recorded with the code in
    place; false at replays of older ones, which never ran it.
    """
    run = places.current_run()
    return True if run is None else run.patched(marker)


def _note(kind: str, name: str, fields: Mapping[str, Json]) -> None:
    run = places.current_run()
    if run is not None:
        run.note(kind, name, fields)
