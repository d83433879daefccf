"""Histories of chats in whichever shape: who speaks and what is said, under any usual name.

ShareGPT's from and value, pairs of prompt and answer, content in Anthropic's blocks or in
Gemini's parts; each becomes a chat in OpenAI's shape, and is read as one.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from apps.ingest.batch import Batch
from apps.ingest.checks import Refusal, check_event
from apps.ingest.importers.blocks import messages_of_blocks
from apps.ingest.importers.openai_chat import Chats
from apps.ingest.importers.records import Record
from apps.ingest.importers.told import Fields, Told, check_fit
from apps.ingest.text import json_in_text
from apps.sessions.events import IncomingEvent, Json

LISTS = (
    "messages conversation conversations turns history chat dialog dialogue traj thread items"
).split()
SESSION_IDS = "session session_id conversation_id thread_id id uuid".split()
SPEAKERS = ("role", "from", "speaker", "author", "sender", "type")
CONTENTS = ("content", "value", "text", "message", "parts", "utterance")
TIMES = ("timestamp", "created_at", "create_time", "time", "date")
# One turn may hold both sides of it.
ASKED = ("user", "human", "prompt", "question", "instruction")
ANSWERED = ("assistant", "response", "answer", "bot", "gpt")
ROLES = {
    **dict.fromkeys(("user", "human", "prompter", "customer", "client", "person"), "user"),
    **dict.fromkeys(
        ("assistant", "gpt", "bot", "model", "ai", "chatgpt", "bing", "bard", "agent", "chatbot"),
        "assistant",
    ),
    **dict.fromkeys(("tool", "function", "observation", "function_response", "ipython"), "tool"),
    **dict.fromkeys(("system", "developer"), "system"),
    "function_call": "assistant",
}
DEEPEST = 3

# When messages were said, by the ids of their events.
Times = dict[str, datetime]


class Histories(Chats):
    """Makes a session of each chat in a record."""

    def read(self, record: Record, batch: Batch, now: datetime) -> None:
        events = [
            check_event(event, now)
            for chat, times in _chats(record.value)
            for event in self._timed(chat, times)
        ]
        for event in events:
            batch.add(event, record.index)

    def pass_over(self, record: Record) -> None:
        try:
            chats = list(_chats(record.value))
        except Refusal:
            return
        for chat, _ in chats:
            super().pass_over(Record(record.index, chat))

    def _timed(self, chat: Fields, times: Times) -> Iterator[IncomingEvent]:
        for event in self.events(chat):
            event.started_at = times.get(event.id)
            yield event

    def _name(self, record: Json, about: Fields) -> str:
        found = (about.get(name) for name in SESSION_IDS)
        named = next((one for one in found if type(one) in (str, int) and one != ""), None)
        return super()._name(record, about) if named is None else str(named)


def _chats(value: Json) -> Iterator[tuple[Fields, Times]]:
    check_fit(value)
    return (_chat(*found) for found in _found(value, "", {}, 0))


def _found(value: Json, path: str, about: Fields, depth: int) -> Iterator[tuple[Any, ...]]:
    """Return the lists of messages in a record, with what is known of each."""
    if isinstance(value, list) and value and not any(map(_holds_list, value)):
        yield value, path, about
        return
    if isinstance(value, list) and value and depth < DEEPEST:
        for index, one in enumerate(value):
            yield from _found(one, f"{path}[{index}]", about, depth + 1)
        return
    if isinstance(value, dict) and list(_sides(value)):
        said = {name: inner for name, inner in value.items() if name in (*ASKED, *ANSWERED)}
        more = {name: inner for name, inner in value.items() if name not in said}
        yield [said], path, about | more
        return
    name = _list_name(value)
    if name is None or depth >= DEEPEST:
        raise Refusal(f"A chat must be a list of messages, or hold one as {LISTS[0]}.", path)
    more = {key: inner for key, inner in value.items() if key != name}
    place = f"{path}.{name}" if path else name
    yield from _found(value[name], place, about | more, depth + 1)


def _holds_list(value: Json) -> bool:
    """Whether a value is no message but has some."""
    named = _list_name(value) is not None and _speaker(value) is None
    return named or isinstance(value, list)


def _list_name(value: Json) -> str | None:
    if not isinstance(value, dict):
        return None
    return next((name for name in LISTS if isinstance(value.get(name), list | dict)), None)


def _chat(said: list[Json], path: str, about: Fields) -> tuple[Fields, Times]:
    """Return a chat in OpenAI's shape, and the times of its messages by their events' ids."""
    messages: list[Json] = []
    times: Times = {}
    if about.get("system") and isinstance(about["system"], str):
        messages.append({"role": "system", "content": about["system"]})
        about = {name: value for name, value in about.items() if name != "system"}
    for index, one in enumerate(said):
        place = f"{path}[{index}]"
        first = len(messages)
        messages += _messages(one, place, index)
        at = _time(one, place)
        times |= {f"m{number}": at for number in range(first, len(messages)) if at is not None}
    return {**about, "messages": messages}, times


def _messages(one: Json, place: str, index: int) -> Iterator[Fields]:
    if isinstance(one, str):
        yield {"role": "assistant" if index % 2 else "user", "content": one}
        return
    if not isinstance(one, dict):
        raise Refusal("A message must be an object, or text.", place)
    speaker = _speaker(one)
    if speaker is None:
        yield from _pair(one, place)
        return
    name, said = speaker
    role = ROLES.get(said.lower(), said.lower())
    told = Told(one, place)
    told.skip(name)
    content = next((told.value(field) for field in CONTENTS if field in told), None)
    if said == "function_call":
        yield {"role": role, "content": None, "function_call": _call(content)}
        return
    yield from messages_of_blocks(role, content, told.left)


def _speaker(one: Json) -> tuple[str, str] | None:
    """Return who speaks, and the name of the field that says so."""
    for name in SPEAKERS if isinstance(one, dict) else ():
        said = one.get(name)
        if isinstance(said, dict):
            said = said.get("role")
        if isinstance(said, str) and (name == "role" or said.lower() in ROLES):
            return name, said
    return None


def _pair(one: Fields, place: str) -> Iterator[Fields]:
    found = list(_sides(one))
    if not found:
        raise Refusal("A message must say who speaks, as role or from.", place)
    yield from found


def _sides(one: Fields) -> Iterator[Fields]:
    """Return both messages of a turn that holds what was asked and what was answered."""
    for role, names in (("user", ASKED), ("assistant", ANSWERED)):
        for name in names:
            if isinstance(one.get(name), str):
                yield {"role": role, "content": one[name]}


def _call(content: Json) -> Fields:
    opened = json_in_text(content) if isinstance(content, str) else content
    return opened if isinstance(opened, dict) else {"name": None, "arguments": opened}


def _time(one: Json, place: str) -> datetime | None:
    return Told(one, place).moment(*TIMES) if isinstance(one, dict) else None
