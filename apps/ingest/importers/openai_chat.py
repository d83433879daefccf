"""Chats in OpenAI's shape: each assistant message is a call of a model, each tool call a step.

A chat has no times and no tokens; they stay unknown, and the order of the messages is the
order of the events. What the model saw before it answered is the input of its event.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from apps.core.canonical import canonical_json
from apps.ingest.batch import Batch
from apps.ingest.checks import Refusal, check_bytes, check_event
from apps.ingest.importers.importer import Importer
from apps.ingest.importers.records import Record, is_message
from apps.ingest.text import UnfitError, check_json, json_in_text, read_json
from apps.sessions.events import IncomingEvent

Json = Any
Message = dict[str, Json]

MESSAGES = ("messages", "traj")
SESSION_IDS = ("session", "session_id", "conversation_id", "thread_id")
RESULTS = ("tool", "function")


class Chats(Importer):
    """Makes the events of one file's chats. Equal chats in a file stay apart."""

    def __init__(self) -> None:
        self.seen: Counter[str] = Counter()

    def read(self, record: Record, batch: Batch, now: datetime) -> None:
        events = [check_event(event, now) for event in self.events(record.value)]
        for event in events:
            batch.add(event, record.index)

    def pass_over(self, record: Record) -> None:
        try:
            _, about = self._taken_apart(record.value)
        except Refusal:
            return
        self._name(record.value, about)

    def events(self, record: Json) -> list[IncomingEvent]:
        """Return the events of one chat, or raise Refusal."""
        messages, about = self._taken_apart(record)
        session = self._name(record, about)
        events = list(chat_events(messages, session, about))
        events[-1].ends_session = True
        return events

    def _taken_apart(self, record: Json) -> tuple[list[Message], Message]:
        try:
            check_json(record)
        except UnfitError as error:
            raise Refusal(str(error), error.path) from None
        return _taken_apart(record)

    def _name(self, record: Json, about: Message) -> str:
        """Return the chat's own id, or one made of what it says: the same each time."""
        for name in SESSION_IDS:
            if isinstance(about.get(name), str) and about[name]:
                return str(about[name])
        digest = hashlib.blake2b(canonical_json(record), digest_size=8).hexdigest()
        self.seen[digest] += 1
        number = self.seen[digest]
        return f"import-{digest}" + (f"-{number}" if number > 1 else "")


def _taken_apart(record: Json) -> tuple[list[Message], Message]:
    """Return the messages of a record, and everything else that it says."""
    name, messages, about = "", record, {}
    if isinstance(record, dict):
        name = next((one for one in MESSAGES if isinstance(record.get(one), list)), "")
        messages = record.get(name)
        about = {key: value for key, value in record.items() if key != name}
    if not isinstance(messages, list) or not messages:
        raise Refusal("A session must be a list of chat messages, or hold one as `messages`.")
    for index, message in enumerate(messages):
        if not is_message(message):
            path = f"{name}[{index}]" if name else f"[{index}]"
            raise Refusal("A message must be an object with a `role`.", path)
    return messages, about


def chat_events(
    messages: Sequence[Message], session: str, about: Message
) -> Iterator[IncomingEvent]:
    """Return the events of a chat in OpenAI's shape; ``about`` it is metadata."""
    answered = 0
    position = 0
    for index, message in enumerate(messages):
        if message["role"] != "assistant":
            continue
        call = _model_call(messages, index, session, about)
        call.position = position
        if answered == 0:
            call.metadata = about or None
        answered = index + 1
        results = _results(messages, index)
        tools = list(_tool_calls(message, call, results))
        yield from [call, *tools]
        position += 1 + len(tools)
        # Results are said by the tools' own events.
        answered += len(results)
    for index, message in enumerate(messages[answered:], start=answered):
        # Nothing answered to these, so that no call shows them.
        event = _unanswered(message, f"m{index}", session, position)
        event.metadata = about if answered == 0 and index == 0 and about else None
        yield event
        position += 1


def _model_call(
    messages: Sequence[Message], index: int, session: str, about: Message
) -> IncomingEvent:
    tools = about.get("tools")
    asked = {"messages": list(messages[:index])}
    check_bytes(len(canonical_json(asked)))
    return IncomingEvent(
        id=f"m{index}",
        session=session,
        kind="llm",
        name="assistant",
        input=asked if index else None,
        output={"messages": [messages[index]]},
        model=about["model"] if isinstance(about.get("model"), str) else None,
        tools=tools if isinstance(tools, list) else None,
    )


def _results(messages: Sequence[Message], index: int) -> list[Message]:
    """Return the results that follow an assistant's message, up to the next message."""
    found: list[Message] = []
    for message in messages[index + 1 :]:
        if message["role"] not in RESULTS:
            break
        found.append(message)
    return found


def _tool_calls(
    message: Message, call: IncomingEvent, results: Sequence[Message]
) -> Iterator[IncomingEvent]:
    """Return an event for each call of a tool, with its result.

    Ids of calls are not unique in a chat, so a result belongs to a call of the message
    right before it: the one with its id, else the one at its place.
    """
    waiting = list(results)
    for number, asked in enumerate(_asked(message)):
        said = next((one for one in waiting if one.get("tool_call_id") == asked["id"]), None)
        said = said or next((one for one in waiting if not one.get("tool_call_id")), None)
        if said is not None:
            waiting.remove(said)
        yield _tool(call, number, asked, said)
    for number, said in enumerate(waiting, start=len(results)):
        yield _tool(call, number, {"id": said.get("tool_call_id"), "name": said.get("name")}, said)


def _asked(message: Message) -> Iterator[Message]:
    calls = message.get("tool_calls")
    for call in calls if isinstance(calls, list) else []:
        if isinstance(call, dict):
            function = call.get("function")
            yield {"id": call.get("id")} | (function if isinstance(function, dict) else {})
    if isinstance(message.get("function_call"), dict):
        yield {"id": None} | message["function_call"]


def _tool(call: IncomingEvent, number: int, asked: Message, said: Message | None) -> IncomingEvent:
    name = asked.get("name") or (said or {}).get("name")
    call_id = asked.get("id")
    content = said.get("content") if said is not None else None
    return IncomingEvent(
        id=f"{call.id}-t{number}",
        parent=call.id,
        session=call.session,
        kind="tool",
        name=name if isinstance(name, str) else None,
        input=_opened(asked.get("arguments")),
        output=json_in_text(content) if isinstance(content, str) else content,
        position=call.position + 1 + number,
        extra={"tool_call": {"id": call_id}} if call_id else None,
    )


def _opened(arguments: Json) -> Json:
    """Return arguments that are JSON in text as JSON."""
    if not isinstance(arguments, str):
        return arguments
    try:
        value = read_json(arguments)
        check_json(value)
    except ValueError:
        return arguments
    return value


def _unanswered(message: Message, event_id: str, session: str, position: int) -> IncomingEvent:
    is_person = message["role"] == "user"
    return IncomingEvent(
        id=event_id,
        session=session,
        kind="human" if is_person else "event",
        name=message["role"],
        output={"messages": [message]},
        position=position,
    )
