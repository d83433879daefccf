"""What each kind of event in a log of Inspect says."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

from apps.ingest.conventions.attributes import as_count, as_money, as_text, known
from apps.ingest.importers.told import Fields, Told
from apps.sessions.events import ErrorInfo, IncomingEvent, Json, Usage

ATTACHMENT = "attachment://"
PATCHES = frozenset({"add", "remove", "replace", "move", "copy", "test"})
CACHE = ("input_tokens_cache_read", "input_tokens_cache_write")


class Resolver:
    """Puts back what a log keeps apart to be small: messages that come again, and long texts."""

    def __init__(
        self, messages: Sequence[Json] = (), attachments: Mapping[str, Json] | None = None
    ) -> None:
        self.pool = messages
        self.attachments = attachments or {}

    def value(self, value: Json) -> Json:
        """Return a value with its long texts, and its messages in OpenAI's shape."""
        if isinstance(value, str):
            name = value.removeprefix(ATTACHMENT)
            return self.attachments.get(name, value) if name != value else value
        if isinstance(value, list):
            return [self.value(inner) for inner in value]
        if isinstance(value, dict):
            return _message({name: self.value(inner) for name, inner in value.items()})
        return value

    def messages(self, said: list[Json], references: Sequence[Json] = ()) -> list[Json]:
        """Return messages, and those that are only referred to by ranges of the pool."""
        found = list(said)
        for one in references:
            if isinstance(one, list) and [type(edge) for edge in one] == [int, int]:
                found += self.pool[one[0] : one[1]]
        return [self.value(one) for one in found]


def _message(fields: Fields) -> Fields:
    calls = fields.get("tool_calls")
    if "role" not in fields or not isinstance(calls, list):
        return fields
    return fields | {"tool_calls": [_tool_call(one) for one in calls]}


def _tool_call(call: Json) -> Json:
    if not isinstance(call, dict) or not isinstance(call.get("function"), str):
        return call
    more = {name: value for name, value in call.items() if name not in ("function", "arguments")}
    function = {"name": call["function"], "arguments": call.get("arguments")}
    return more | {"type": "function", "function": function}


def error_of(error: Json) -> ErrorInfo | None:
    """Return what went wrong: a sentence, or an object with a message and perhaps a type."""
    if isinstance(error, str) and error:
        return ErrorInfo(message=error)
    if not isinstance(error, dict) or not error:
        return None
    return ErrorInfo(type=as_text(error.get("type")), message=as_text(error.get("message")))


def _fail(event: IncomingEvent, error: Json) -> None:
    event.error = error_of(error)
    if event.error is not None:
        event.status = "error"


def _model(event: IncomingEvent, told: Told, resolver: Resolver) -> None:
    output = told.inner("output")
    event.kind = "llm"
    event.model = told.text("model")
    event.name = event.model
    event.provider = (event.model or "").rpartition("/")[0].partition("/")[0] or None
    event.model_returned = output.text("model")
    asked = resolver.messages(told.listing("input"), told.listing("input_refs"))
    event.input = {"messages": asked} if asked else None
    event.output = _answers(output, resolver)
    event.tools = resolver.value(told.listing("tools")) or None
    event.params = (
        known(told.mapping("config") | {"tool_choice": told.value("tool_choice")}) or None
    )
    event.usage, event.cost = _usage(output.mapping("usage"), output.whole("input_context_tokens"))
    event.metadata = known({"role": told.value("role"), "cache": told.value("cache")}) or None
    _fail(event, told.value("error") or output.value("error"))
    # The provider's own request and answer say all of this again.
    told.skip("call", "traceback_ansi")
    output.skip("completion", "time")
    event.extra = known({"output": output.rest() or None}) or None


def _answers(output: Told, resolver: Resolver) -> Json:
    choices = output.listing("choices")
    messages = [
        known({"finish_reason": one.get("stop_reason")}) | resolver.value(one["message"])
        for one in choices
        if isinstance(one, dict) and isinstance(one.get("message"), dict)
    ]
    return {"messages": messages} if messages else None


def _usage(told: Fields, context: int | None) -> tuple[Usage | None, Decimal | None]:
    """Return the tokens. Cached ones stand beside the input, as the context or total shows."""
    asked, answered = as_count(told.get("input_tokens")), as_count(told.get("output_tokens"))
    read, wrote = (as_count(told.get(name)) for name in CACHE)
    is_apart = as_count(told.get("total_tokens")) != (asked or 0) + (answered or 0)
    if asked is not None:
        cached = (read or 0) + (wrote or 0)
        asked = context or asked + (cached if is_apart else 0)
    reasoning = as_count(told.get("reasoning_tokens"))
    usage = Usage(
        input=asked, output=answered, cache_read=read, cache_write=wrote, reasoning=reasoning
    )
    return None if usage == Usage() else usage, as_money(told.get("total_cost"))


def _tool(event: IncomingEvent, told: Told, resolver: Resolver) -> None:
    event.kind = "tool"
    event.name = told.text("function")
    event.input = resolver.value(told.mapping("arguments")) or None
    event.output = resolver.value(told.value("result"))
    event.agent = told.text("agent")
    event.extra = known({"tool_call": known({"id": told.text("id")}) or None}) or None
    _fail(event, told.value("error"))
    told.skip("type", "message_id", "view")


def _score(event: IncomingEvent, told: Told, resolver: Resolver) -> None:
    score = told.inner("score")
    event.kind = "evaluator"
    event.name = told.text("scorer") or "score"
    event.input = known({"target": told.value("target")}) or None
    event.output = resolver.value(score.rest())
    is_last = not told.value("intermediate")
    event.metadata = None if is_last else {"intermediate": True}
    told.skip("model_usage", "role_usage")


def _state(event: IncomingEvent, told: Told, resolver: Resolver) -> None:
    event.kind = "state"
    changes = [_patch(one, resolver) for one in told.listing("changes") if _is_patch(one)]
    event.state_patch = changes or None


def _is_patch(value: Json) -> bool:
    if not isinstance(value, dict) or not isinstance(value.get("op"), str):
        return False
    return value["op"] in PATCHES and isinstance(value.get("path"), str)


def _patch(change: Fields, resolver: Resolver) -> Fields:
    told = {name: value for name, value in change.items() if name != "replaced"}
    return {name: resolver.value(value) for name, value in told.items()}


def _store(event: IncomingEvent, told: Told, resolver: Resolver) -> None:
    event.kind = "memory"
    event.memory = {"changes": resolver.value(told.listing("changes"))}


def _started(event: IncomingEvent, told: Told, resolver: Resolver) -> None:
    event.kind = "state"
    event.state = resolver.value(told.value("state"))
    told.skip("sample")


def _error(event: IncomingEvent, told: Told, resolver: Resolver) -> None:
    error = told.mapping("error")
    event.kind = "error"
    _fail(event, error)
    event.extra = known({"traceback": resolver.value(error.get("traceback"))}) or None


def _limit(event: IncomingEvent, told: Told, resolver: Resolver) -> None:
    event.kind = "guardrail"
    event.name = f"{told.left.get('type') or 'sample'} limit"
    event.output = told.rest()
    told.left = {}


def _subtask(event: IncomingEvent, told: Told, resolver: Resolver) -> None:
    event.kind = "chain"
    event.name = told.text("name")
    event.input = resolver.value(told.mapping("input")) or None
    event.output = resolver.value(told.value("result"))
    event.metadata = known({"type": told.value("type")}) or None


def _logger(event: IncomingEvent, told: Told, resolver: Resolver) -> None:
    message = told.mapping("message")
    event.name = as_text(message.get("name")) or as_text(message.get("level")) or "log"
    event.output = resolver.value(message)


def _note(event: IncomingEvent, told: Told, resolver: Resolver) -> None:
    event.name = told.text("source") or "info"
    event.output = resolver.value(told.value("data"))


def _input(event: IncomingEvent, told: Told, resolver: Resolver) -> None:
    event.kind = "human"
    said = resolver.value(told.value("input"))
    event.output = {"messages": [{"role": "user", "content": said}]}
    told.skip("input_ansi")


def _approval(event: IncomingEvent, told: Told, resolver: Resolver) -> None:
    event.kind = "guardrail"
    event.name = told.text("approver", "reviewer") or "approval"
    event.input = resolver.value({"message": told.value("message"), "call": told.value("call")})
    names = ("decision", "modified", "explanation")
    event.output = known({name: told.value(name) for name in names}) or None
    told.skip("view")


def _sandbox(event: IncomingEvent, told: Told, resolver: Resolver) -> None:
    event.kind = "env"
    event.name = told.text("action")
    asked = {name: resolver.value(told.value(name)) for name in ("cmd", "file", "input", "options")}
    event.input = known(asked) or None
    answered = {name: resolver.value(told.value(name)) for name in ("result", "output")}
    event.output = known(answered) or None


Maker = Callable[[IncomingEvent, Told, Resolver], None]
MAKERS: dict[str, Maker] = {
    "approval": _approval,
    "error": _error,
    "info": _note,
    "input": _input,
    "logger": _logger,
    "model": _model,
    "review": _approval,
    "sample_init": _started,
    "sample_limit": _limit,
    "sandbox": _sandbox,
    "score": _score,
    "state": _state,
    "store": _store,
    "subtask": _subtask,
    "tool": _tool,
}
