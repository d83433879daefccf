"""A model by rules: the same question has the same answer for ever, without key or network.

For the demo, for CI and for trying a gate before it costs money. A script is a list of rules;
the first that fits answers, in its own words or in those of the record. What it says may
depend on chance, which is drawn from a hash of the script's seed, the question and the number of
the sample: repeats differ, runs do not.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import re2

from apps.core.errors import InvalidError
from apps.providers.protocol import (
    Answer,
    Message,
    Part,
    RateLimitedError,
    Request,
    ServerError,
    Text,
    TimeOutError,
    ToolCall,
    ToolResult,
    Usage,
)

Json = Any

LONGEST_PATTERN = 500
MOST_RULES = 500
FAILURES = {"rate_limited": RateLimitedError, "server": ServerError, "timeout": TimeOutError}
FIELDS = frozenset(
    {"model", "system", "text", "after", "chance", "say", "call", "fail", "recorded"}
)
MATCHED = ("model", "system", "text", "after")
DONE = ("say", "call", "fail")
# What is said where no rule fits.
NOTHING_FITS = "The script has no rule for this."


@dataclass(frozen=True, slots=True)
class Rule:
    """When it fits: patterns (RE2) that must be found; what is done: say, call, or fail.

    ``text`` is what was said last by the user or a tool, ``after`` is the name of the tool that
    was answered last. Of several things to say, one is drawn. ``is_recorded`` repeats what the
    record answers, and fits only where it does.
    """

    patterns: Mapping[str, Any] = field(default_factory=dict)
    chance: float = 1.0
    say: tuple[str, ...] = ()
    calls: tuple[tuple[str, Json], ...] = ()
    fail: str = ""
    is_recorded: bool = False


@dataclass(frozen=True, slots=True)
class Scripted:
    """Answers by rules."""

    rules: tuple[Rule, ...] = ()
    seed: int = 0
    name: str = "scripted"
    # What the record answers to the question that is to be asked.
    recorded: Answer | None = None

    def ask(self, request: Request, *, sample: int, seconds: float) -> Answer:
        """Answer by the first rule that fits."""
        drawn = _draws(self.seed, request, sample)
        told = _told(request)
        for number, rule in enumerate(self.rules):
            if rule.is_recorded and self.recorded is None:
                continue
            if _fits(rule, told) and drawn(f"chance {number}") < rule.chance:
                return self._answer(request, rule, drawn(f"say {number}"))
        return self._answer(request, Rule(say=(NOTHING_FITS,)), 0.0)

    def _answer(self, request: Request, rule: Rule, drawn: float) -> Answer:
        if rule.fail:
            raise FAILURES[rule.fail]("The script fails here.")
        if rule.is_recorded and self.recorded is not None:
            message = self.recorded.message
        else:
            message = Message("assistant", tuple(_parts(request, rule, drawn)))
        return Answer(
            message,
            Usage(_words_of(request), _words(message)),
            "tool_calls" if message.tool_calls else "stop",
            model=request.model,
            system_fingerprint=f"script-{self.seed}",
            latency_ms=0.0,
        )


def _parts(request: Request, rule: Rule, drawn: float) -> Iterator[Part]:
    if rule.say:
        yield Text(rule.say[int(drawn * len(rule.say))])
    before = sum(len(message.tool_calls) for message in request.messages)
    for number, (name, arguments) in enumerate(rule.calls):
        yield ToolCall(f"call_{before + number}", name, arguments)


def read_script(told: Json, *, seed: int = 0) -> Scripted:
    """Return the provider that a list of rules describes, or raise InvalidError with the place.

    A rule: ``{"text": "refund", "after": "find_order", "model": "...", "system": "...",
    "chance": 0.5, "say": "..." or [...], "call": {"name", "arguments"} or [...],
    "fail": "rate_limited | server | timeout", "recorded": true}``, every field optional.
    """
    if not isinstance(told, list) or len(told) > MOST_RULES:
        raise InvalidError(f"A script is a list of {MOST_RULES} rules at most.", "rules")
    return Scripted(tuple(_rule(rule, f"rules[{at}]") for at, rule in enumerate(told)), seed=seed)


def _rule(told: Json, path: str) -> Rule:
    if not isinstance(told, Mapping):
        raise InvalidError("A rule is an object.", path)
    if unknown := sorted(told.keys() - FIELDS):
        raise InvalidError(f"Known are {', '.join(sorted(FIELDS))}.", f"{path}.{unknown[0]}")
    chance = told.get("chance", 1.0)
    if isinstance(chance, bool) or not isinstance(chance, int | float) or not 0 <= chance <= 1:
        raise InvalidError("A chance is from 0 to 1.", f"{path}.chance")
    fail = told.get("fail", "")
    if fail not in ("", *FAILURES):
        raise InvalidError(f"Must be one of {', '.join(FAILURES)}.", f"{path}.fail")
    patterns = {name: _pattern(told[name], f"{path}.{name}") for name in MATCHED if told.get(name)}
    say = _listed(told.get("say"))
    if not all(isinstance(text, str) for text in say):
        raise InvalidError("Must be text, or a list of texts.", f"{path}.say")
    is_recorded = _repeats(told, path)
    return Rule(
        patterns, float(chance), tuple(say), _calls(told.get("call"), path), fail, is_recorded
    )


def _repeats(told: Mapping[str, Json], path: str) -> bool:
    is_recorded = told.get("recorded", False)
    if not isinstance(is_recorded, bool):
        raise InvalidError("Must be true or false.", f"{path}.recorded")
    if is_recorded and any(told.get(name) for name in DONE):
        raise InvalidError("A rule repeats the record, or says its own.", f"{path}.recorded")
    return is_recorded


def _calls(told: Json, path: str) -> tuple[tuple[str, Json], ...]:
    calls = _listed(told)
    for call in calls:
        if not isinstance(call, Mapping) or not isinstance(call.get("name"), str):
            raise InvalidError("A call has a name and arguments.", f"{path}.call")
        if not isinstance(call.get("arguments", {}), Mapping):
            raise InvalidError("Arguments are an object.", f"{path}.call")
    return tuple((call["name"], dict(call.get("arguments", {}))) for call in calls)


def _listed(told: Json) -> Sequence[Json]:
    if told is None:
        return ()
    return told if isinstance(told, list) else [told]


def _pattern(told: Json, path: str) -> Any:
    if not isinstance(told, str) or len(told) > LONGEST_PATTERN:
        raise InvalidError(f"A pattern is text of {LONGEST_PATTERN} characters at most.", path)
    options = re2.Options()
    options.log_errors = False
    options.case_sensitive = False
    try:
        return re2.compile(told, options=options)
    except re2.error as error:
        raise InvalidError(f"This is no pattern: {error}.", path) from None


def _fits(rule: Rule, told: Mapping[str, str]) -> bool:
    return all(pattern.search(told[name]) for name, pattern in rule.patterns.items())


def _told(request: Request) -> dict[str, str]:
    last = next((one for one in reversed(request.messages) if one.role in ("user", "tool")), None)
    system = "\n".join(one.text for one in request.messages if one.role == "system")
    said = "" if last is None else _text(last)
    return {"model": request.model, "system": system, "text": said, "after": _last_tool(request)}


def _text(message: Message) -> str:
    results = [part for part in message.parts if isinstance(part, ToolResult)]
    answered = [one.text for part in results for one in part.parts if isinstance(one, Text)]
    return "\n".join([message.text, *answered])


def _last_tool(request: Request) -> str:
    """Return which tool was answered last; empty where somebody spoke since then."""
    if not request.messages or request.messages[-1].role != "tool":
        return ""
    names = {call.id: call.name for one in request.messages for call in one.tool_calls}
    results = [part for part in request.messages[-1].parts if isinstance(part, ToolResult)]
    return names.get(results[-1].call_id, "") if results else ""


def _draws(seed: int, request: Request, sample: int) -> Any:
    start = hashlib.blake2b(request.canonical(), person=b"scripted")
    start.update(f"\0{seed}\0{sample}".encode())

    def drawn(purpose: str) -> float:
        state = start.copy()
        state.update(b"\0" + purpose.encode())
        return int.from_bytes(state.digest()[:6], "big") / 2**48

    return drawn


def _words_of(request: Request) -> int:
    return sum(map(_words, request.messages))


def _words(message: Message) -> int:
    """Return a number of tokens: a script has no tokenizer, so words are counted."""
    calls = sum(2 + len(str(call.arguments).split()) for call in message.tool_calls)
    return len(_text(message).split()) + calls
