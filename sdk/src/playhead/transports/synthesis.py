"""Responses of HTTP made from what was answered, where the bytes of the provider are not known.

So it is for answers of stubs, for those that a person typed, and for sessions that others than
this client recorded. The provider's own client reads them, in the form that the request wants.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from playhead.calls import Answer
from playhead.conversations import CALL, TEXT, Utterance, conversation_in
from playhead.responses import COMPLETE
from playhead.transports.synthetic_streams import chat_chunks, messages_events, responses_events
from playhead.wire import Asked

Json = Any
Told = dict[str, Json]

JSON, EVENTS = "application/json", "text/event-stream"
# By which key a value is known as a whole document of a protocol.
WHOLE = {"chat": "choices", "responses": "output", "messages": "content"}
# Clients name their errors by status.
STATUSES = {
    "BadRequestError": 400,
    "AuthenticationError": 401,
    "PermissionDeniedError": 403,
    "NotFoundError": 404,
    "ConflictError": 409,
    "UnprocessableEntityError": 422,
    "RateLimitError": 429,
    "InternalServerError": 500,
    "OverloadedError": 529,
}
# Why an answer ended, in the words of different providers, where it was not at its end.
CUT = frozenset({"length", "max_tokens", "max_output_tokens", "incomplete"})
_CODE = re.compile(r"Error code: ([45][0-9]{2})\b")


def response_of(asked: Asked, answer: Answer) -> Told | None:
    """Return the response by which a client is told an answer; None for what was no response."""
    if answer.error is not None:
        return _error(answer.error)
    if asked.protocol is None or asked.protocol.name not in WHOLE:
        return _plain(answer.output)
    if asked.is_streamed:
        return _response(200, _stream(asked, answer), EVENTS)
    return _response(200, json.dumps(_document(asked, answer)), JSON)


def _response(status: int, body: str, kind: str, headers: Mapping[str, str] | None = None) -> Told:
    return {
        "status": status,
        "headers": {"content-type": kind, **(headers or {})},
        "stream": [[0.0, body]],
        "finish": COMPLETE,
    }


def _plain(output: Json) -> Told:
    is_told = isinstance(output, dict) and isinstance(output.get("status"), int)
    status, body = (output["status"], output.get("body")) if is_told else (200, output)
    is_text = is_told and isinstance(body, str)
    return _response(
        status, body if is_text else json.dumps(body), "text/plain" if is_text else JSON
    )


def _error(error: Mapping[str, Json]) -> Told | None:
    status = status_of(error)
    if status is None:
        # It never came to a response: the connection failed.
        return None
    kind = str(error.get("type") or "error")
    inner = {"message": error.get("message"), "type": kind, "code": error.get("code")}
    body = json.dumps({"type": "error", "error": inner})
    # What was recorded is one call of the client, whatever it had tried.
    return _response(status, body, JSON, {"x-should-retry": "false"})


def status_of(error: Mapping[str, Json]) -> int | None:
    """Return the status with which a recorded error came; None where there was none."""
    code = str(error.get("code") or "")
    if code.isdigit() and 400 <= int(code) < 600:
        return int(code)
    told = _CODE.search(str(error.get("message") or ""))
    if told:
        return int(told[1])
    return STATUSES.get(str(error.get("type") or "").rpartition(".")[2])


def _document(asked: Asked, answer: Answer) -> Told:
    whole = whole_of(asked, answer.output)
    if whole is not None:
        return whole
    name = asked.protocol.name if asked.protocol else ""
    usage = answer.extra.get("usage") or {}
    model = str(answer.extra.get("model_returned") or asked.model)
    return _MAKERS[name](Said(_said(answer.output), model, usage, _is_cut(answer.output)))


def whole_of(asked: Asked, output: Json) -> Told | None:
    """Return a value that is a document of the protocol as it is; None for what only says it."""
    if not isinstance(output, dict) or asked.protocol is None:
        return None
    is_message = asked.protocol.name != "messages" or output.get("type") == "message"
    return output if WHOLE[asked.protocol.name] in output and is_message else None


def _stream(asked: Asked, answer: Answer) -> str:
    document = _document(asked, answer)
    name = asked.protocol.name if asked.protocol else ""
    if name == "chat":
        chunks = chat_chunks(document, wants_usage=asked.wants_usage)
        return "".join(f"data: {json.dumps(one)}\n\n" for one in chunks) + "data: [DONE]\n\n"
    events = responses_events(document) if name == "responses" else messages_events(document)
    return "".join(f"event: {one['type']}\ndata: {json.dumps(one)}\n\n" for one in events)


@dataclass(frozen=True, slots=True)
class Said:
    """What a model answered, apart from the form of any protocol."""

    utterances: list[Utterance]
    model: str
    usage: Mapping[str, Json]
    # The model had not come to its end.
    is_cut: bool

    @property
    def text(self) -> str:
        return "".join(str(one.value) for one in self.utterances if one.form == TEXT)

    @property
    def calls(self) -> list[tuple[str, str, Json]]:
        """The id, name and arguments of each tool that is called."""
        calls = [one for one in self.utterances if one.form == CALL]
        return [
            (one.call_id or f"call_{at}", str(one.name), one.value) for at, one in enumerate(calls)
        ]


def _said(output: Json) -> list[Utterance]:
    """Return what an answer says: words and calls of tools. What it is else, is told as JSON."""
    found = conversation_in(output, "assistant") if output is not None else None
    said = [one for one in found.utterances if one.form in (TEXT, CALL)] if found else []
    if said:
        return said
    return [Utterance("assistant", TEXT, "" if output is None else json.dumps(output))]


def _is_cut(output: Json) -> bool:
    """Tell whether an answer, in whichever form, says that its tokens did not suffice."""
    if isinstance(output, list):
        return any(_is_cut(one) for one in output)
    if not isinstance(output, dict):
        return False
    reasons = (output.get("finish_reason"), output.get("stop_reason"))
    return any(reason in CUT for reason in reasons) or _is_cut(output.get("messages"))


def _arguments(value: Json) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def chat_document(said: Said) -> Told:
    calls = [
        {"id": at, "type": "function", "function": {"name": name, "arguments": _arguments(given)}}
        for at, name, given in said.calls
    ]
    message: Told = {"role": "assistant", "content": said.text or (None if calls else "")}
    if calls:
        message["tool_calls"] = calls
    finish = "length" if said.is_cut else "tool_calls" if calls else "stop"
    return {
        "id": "chatcmpl-playhead",
        "object": "chat.completion",
        "created": 0,
        "model": said.model,
        "choices": [{"index": 0, "message": message, "finish_reason": finish}],
        "usage": _tokens(said.usage, "prompt_tokens", "completion_tokens"),
    }


def _tokens(usage: Mapping[str, Json], asked: str, given: str) -> Told | None:
    if not usage:
        return None
    counts = {asked: usage.get("input") or 0, given: usage.get("output") or 0}
    return counts | {"total_tokens": sum(counts.values())}


def responses_document(said: Said) -> Told:
    text, output = said.text, list[Told]()
    if text or not said.calls:
        part = {"type": "output_text", "text": text, "annotations": []}
        message = {"id": "msg_playhead", "type": "message", "role": "assistant"}
        output.append({**message, "status": "completed", "content": [part]})
    for at, name, given in said.calls:
        call = {"id": f"fc_{at}", "type": "function_call", "call_id": at, "name": name}
        output.append({**call, "arguments": _arguments(given), "status": "completed"})
    return {
        "id": "resp_playhead",
        "object": "response",
        "created_at": 0,
        "status": "incomplete" if said.is_cut else "completed",
        "incomplete_details": {"reason": "max_output_tokens"} if said.is_cut else None,
        "model": said.model,
        "output": output,
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": _tokens(said.usage, "input_tokens", "output_tokens"),
    }


def messages_document(said: Said) -> Told:
    text = said.text
    blocks: list[Told] = [{"type": "text", "text": text}] if text or not said.calls else []
    blocks += [
        {"type": "tool_use", "id": at, "name": name, "input": given}
        for at, name, given in said.calls
    ]
    usage, stop = said.usage, "tool_use" if said.calls else "end_turn"
    # Its client adds the counts up, and takes nothing but numbers.
    counts = {"input_tokens": usage.get("input") or 0, "output_tokens": usage.get("output") or 0}
    return {
        "id": "msg_playhead",
        "type": "message",
        "role": "assistant",
        "model": said.model,
        "content": blocks,
        "stop_reason": "max_tokens" if said.is_cut else stop,
        "stop_sequence": None,
        "usage": counts,
    }


_MAKERS: dict[str, Callable[[Said], Told]] = {
    "chat": chat_document,
    "responses": responses_document,
    "messages": messages_document,
}
