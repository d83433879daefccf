"""What an HTTP request asks of a model, and what its response says.

The answer that a replay serves is the response's own bytes. What is read here is for people,
and for the key of the call; the provider's client reads the bytes itself.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from playhead.answers import chat_answer, messages_answer, plain_answer, responses_answer

Json = Any
Told = dict[str, Json]
# Fields of a request that are no parameters: what is said, and what may be used.
_SAID = {"model", "messages", "input", "instructions", "system", "tools"}
LONGEST_END = 1_000_000
# How a client wants to be answered; changes nothing of what is asked.
_HOW = {"stream", "stream_options"}


@dataclass(frozen=True, slots=True)
class Protocol:
    """One way of asking a model."""

    name: str
    provider: str
    kind: str
    asked: Callable[[Mapping[str, Json]], Json]
    # Reads the response (a document, or the events of a stream) into fields of the event.
    answer: Callable[[list[Json]], Told]
    # What a stream ends with; clients stop reading there, before the connection ends.
    last: bytes = b"[DONE]"


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, read."""

    protocol: Protocol | None
    kind: str
    name: str
    asked: Json
    model: str | None = None
    params: Mapping[str, Json] | None = None
    tools: list[Json] | None = None
    provider: str | None = None
    # Whether the answer is to come in parts, and the last of them to count tokens.
    is_streamed: bool = False
    wants_usage: bool = False


def _messages(body: Mapping[str, Json]) -> Json:
    system = body.get("system")
    said = body.get("messages") or []
    return said if system is None else [{"role": "system", "content": system}, *said]


def _of_responses(body: Mapping[str, Json]) -> Json:
    instructions, said = body.get("instructions"), body.get("input")
    if isinstance(said, str):
        said = [{"role": "user", "content": said}]
    if instructions is None:
        return said
    return [{"role": "system", "content": instructions}, *(said or [])]


PROTOCOLS = {
    "/chat/completions": Protocol("chat", "openai", "llm", _messages, chat_answer),
    "/responses": Protocol(
        "responses", "openai", "llm", _of_responses, responses_answer, b"response.completed"
    ),
    "/embeddings": Protocol(
        "embeddings", "openai", "embedding", lambda body: body.get("input"), plain_answer
    ),
    "/messages": Protocol(
        "messages", "anthropic", "llm", _messages, messages_answer, b"message_stop"
    ),
}


def read_request(method: str, url: str, body: bytes) -> Asked:
    """Return what a request asks: of a model where it is one, otherwise plain HTTP."""
    parts = urlsplit(url)
    opened = opened_json(body)
    protocol = _protocol_of(method, parts.path, opened)
    if protocol is None:
        place = f"{parts.scheme}://{parts.netloc}{parts.path}"
        asked = {
            "method": method,
            "url": url,
            "body": opened if opened is not None else _text(body),
        }
        return Asked(None, "http", f"{method} {place}", asked)
    params = {name: value for name, value in opened.items() if name not in _SAID | _HOW}
    return Asked(
        protocol,
        protocol.kind,
        f"{protocol.provider}.{protocol.name}",
        protocol.asked(opened),
        model=opened.get("model"),
        params=params,
        tools=opened.get("tools"),
        provider=protocol.provider,
        is_streamed=bool(opened.get("stream")),
        wants_usage=bool((opened.get("stream_options") or {}).get("include_usage")),
    )


def _protocol_of(method: str, path: str, body: Json) -> Protocol | None:
    if method != "POST" or not isinstance(body, dict) or not isinstance(body.get("model"), str):
        return None
    found = (one for end, one in PROTOCOLS.items() if path.rstrip("/").endswith(end))
    return next(found, None)


def opened_json(body: bytes) -> Json:
    try:
        return json.loads(body) if body else None
    except ValueError:
        return None


def _text(body: bytes) -> Json:
    try:
        return body.decode() or None
    except UnicodeDecodeError:
        return {"bytes": len(body)}


def read_response(asked: Asked, status: int, body: bytes, content_type: str) -> Told:
    """Return the fields of an event that a whole response says: output, usage, error, ..."""
    if status >= 400:
        return {"error": _error(status, body)}
    if asked.protocol is None:
        opened = opened_json(body)
        return {"output": {"status": status, "body": opened if opened is not None else _text(body)}}
    events = server_sent(body) if "event-stream" in content_type else [opened_json(body)]
    return asked.protocol.answer([event for event in events if isinstance(event, dict)])


def server_sent(body: bytes) -> list[Json]:
    """Return the JSON of an event stream's messages (WHATWG HTML, section 9.2)."""
    found = []
    for line in body.decode("utf-8", "replace").splitlines():
        if line.startswith("data:"):
            found.append(opened_json(line[5:].strip().encode()))
    return found


def is_at_its_end(asked: Asked, body: bytes) -> bool:
    """Tell whether a stream has said all, though the connection was not read to its end."""
    return asked.protocol is not None and asked.protocol.last in body[-LONGEST_END:]


def _error(status: int, body: bytes) -> Told:
    opened = opened_json(body)
    inner = opened.get("error") if isinstance(opened, dict) else None
    inner = inner if isinstance(inner, dict) else {}
    message = inner.get("message") or body[:2000].decode("utf-8", "replace")
    return {"type": inner.get("type") or f"HTTP {status}", "code": str(status), "message": message}
