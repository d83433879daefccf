"""What a recorded call asks now: its own request, with what is another than recorded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec

from apps.core.errors import DomainError, InvalidError
from apps.prompts import queries as prompts
from apps.prompts import resolving
from apps.prompts.resolving import Resolved
from apps.providers.protocol import (
    Answer,
    Image,
    Message,
    Request,
    Text,
    ToolResult,
    UnsupportedError,
)
from apps.providers.reading import read_messages, request_of
from apps.providers.reading_params import with_params
from apps.replays.server.settings import AT_HOME, PromptOverride, Settings
from apps.tenants.models import Project

Json = Any
Event = Mapping[str, Json]
SYSTEM_ROLES = ("system", "developer")
NO_MODEL = "No model is recorded: name one in overrides.model"


class Questions:
    """Asks recorded calls as one replay's settings say; what they share is read once."""

    def __init__(self, project: Project, settings: Settings) -> None:
        self.overrides = settings.overrides
        # Who answers by the record or by a script needs to know of no model.
        self.needs_model = not (self.overrides.model or settings.provider in AT_HOME)
        self.prompt: Resolved | None = None
        self.stamp: Json = None
        if (wanted := self.overrides.prompt) is not None:
            number, self.prompt = _prompt(project, wanted)
            self.stamp = {"name": wanted.name, "version": number}

    def pinned(self, settings: Settings) -> Settings:
        """Return settings that name the version, so that a label may move meanwhile."""
        if self.stamp is None:
            return settings
        prompt = PromptOverride(name=self.stamp["name"], version=self.stamp["version"])
        overrides = msgspec.structs.replace(settings.overrides, prompt=prompt)
        return msgspec.structs.replace(settings, overrides=overrides)

    def of(self, event: Event) -> Request:
        """Return what a recorded call asks now. Raises UnsupportedError where it cannot be."""
        request = recorded_request(event, needs_model=self.needs_model, tools=self.overrides.tools)
        if self.overrides.system is not None:
            request = _with_system(request, self.overrides.system)
        if self.prompt is not None:
            request = self._with_prompt(request, self.prompt, event)
        gone = {name for name, value in self.overrides.params.items() if value is None}
        kept = {name: value for name, value in request.params.items() if name not in gone}
        request = with_params(replace(request, params=kept), self.overrides.params)
        return replace(request, model=self.overrides.model or request.model)

    def told_of(self, event: Event, request: Request | None = None) -> dict[str, Json]:
        """Return the fields of an event that are another than recorded, as they were asked."""
        told: dict[str, Json] = {}
        if request is not None or self.overrides.system is not None or self.prompt is not None:
            told["input"] = as_input(request or self.of(event))
        if self.overrides.params:
            both = {**(event.get("params") or {}), **self.overrides.params}
            told["params"] = {name: value for name, value in both.items() if value is not None}
        if self.overrides.tools is not None:
            told["tools"] = self.overrides.tools
        return told

    def stamp_of(self, event: Event) -> Json:
        """Return which prompt makes the question now; None where that is no prompt's."""
        if self.overrides.system is not None:
            return None
        return self.stamp or event.get("prompt")

    def _with_prompt(self, request: Request, resolved: Resolved, event: Event) -> Request:
        stamp = event.get("prompt") or {}
        values = stamp.get("variables") or {}
        known = {one["name"] for one in resolved.variables}
        try:
            body = resolving.fill(resolved, {k: v for k, v in values.items() if k in known})
        except DomainError as error:
            raise UnsupportedError("variables", f"The prompt cannot be filled: {error}") from None
        return _with_system(request, _system_in(body))


def recorded_request(
    event: Event, *, needs_model: bool = True, tools: Sequence[Json] | None = None
) -> Request:
    """Return the request that a call was recorded with; imported chats name no model."""
    if needs_model and not event.get("model"):
        raise UnsupportedError("model", NO_MODEL)
    return request_of(
        str(event.get("model") or ""),
        event.get("input"),
        params=event.get("params") or {},
        tools=tools if tools is not None else event.get("tools") or (),
    )


def recorded_answer(event: Event) -> Answer | None:
    """Return what a call was recorded to be answered; None where that cannot be read."""
    output = event.get("output")
    if output is None or event.get("status") == "error":
        return None
    if isinstance(output, Mapping) and isinstance(output.get("messages"), list):
        output = output["messages"]
    try:
        messages = read_messages(output)
    except UnsupportedError:
        return None
    spoken = [message for message in messages if message.role == "assistant"] or messages
    return Answer(spoken[0], model=str(event.get("model_returned") or "")) if spoken else None


def output_now(event: Event) -> Json:
    """Return what a recorded call came to, in the form in which answers are kept now."""
    answer = recorded_answer(event)
    return event.get("output") if answer is None else as_output(answer.message)


def as_output(message: Message) -> Json:
    """Return an answer as events have it: an assistant's message as OpenAI writes it."""
    calls = [
        {
            "id": call.id,
            "type": "function",
            "function": {"name": call.name, "arguments": call.arguments},
        }
        for call in message.tool_calls
    ]
    told: dict[str, Json] = {"role": "assistant", "content": message.text or None}
    return told | ({"tool_calls": calls} if calls else {})


def as_input(request: Request) -> Json:
    """Return what a request says as events have it: messages as OpenAI writes them."""
    return {"messages": [told for message in request.messages for told in _as_messages(message)]}


def _as_messages(message: Message) -> Iterator[Json]:
    if message.role == "assistant":
        yield as_output(message)
        return
    results = [part for part in message.parts if isinstance(part, ToolResult)]
    for result in results:
        told = {"role": "tool", "tool_call_id": result.call_id, "content": _content(result.parts)}
        yield told | ({"name": result.name} if result.name else {})
    said = tuple(part for part in message.parts if isinstance(part, Text | Image))
    if said or not results:
        yield {"role": message.role, "content": _content(said)}


def _content(parts: Sequence[Text | Image]) -> Json:
    if all(isinstance(part, Text) for part in parts):
        return "".join(part.text for part in parts if isinstance(part, Text))
    return [
        {"type": "text", "text": part.text}
        if isinstance(part, Text)
        else {"type": "image_url", "image_url": {"url": part.address}}
        for part in parts
    ]


def _with_system(request: Request, text: str) -> Request:
    rest = tuple(message for message in request.messages if message.role != "system")
    return replace(request, messages=(Message("system", (Text(text),)), *rest))


def _prompt(project: Project, wanted: PromptOverride) -> tuple[int, Resolved]:
    """Return which version is to take the system message's place, with includes put in."""
    prompt = prompts.find_prompt(project, wanted.name)
    version = "" if wanted.version is None else str(wanted.version)
    number = prompts.number_at(prompt, label=wanted.label or "", version=version)
    resolved = resolving.resolve_version(prompts.find_version(prompt, number))
    _system_in(resolved.body)
    return number, resolved


def _system_in(body: Json) -> str:
    if isinstance(body, str):
        return body
    others = [one for one in body if one.get("role") not in SYSTEM_ROLES]
    if others:
        message = "Only a text, or a chat of system messages, can take the system message's place."
        raise InvalidError(message, "overrides.prompt")
    return "\n\n".join(one["content"] for one in body)
