"""A provider of models on a local port: speaks OpenAI's chat protocol and answers at random.

    python random_provider.py [--port 8080] [--busy 0.2]

It prints its address. Nothing that it says can be foreseen: words, tools' arguments, the order of
tool calls, ids, token counts, the pieces of a stream and the time between them. Now and then,
and always the first time, it is busy (429), so that whoever asks has to try again.

Of the tools that it is offered it calls each once, all in one answer; one whose name begins with
``transfer_to_`` hands over to another agent and comes last. Then it talks.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Json = Any

CHANCE = random.SystemRandom()
WORDS = "the fjord lies quiet, trains leave early; bring warm shoes or take a later boat".split()
HANDS_OVER = "transfer_to_"


class Provider(ThreadingHTTPServer):
    """Answers at random; ``busy`` is the share of requests that it turns away."""

    daemon_threads = True

    def __init__(self, port: int = 0, busy: float = 0.2) -> None:
        super().__init__(("127.0.0.1", port), Asked)
        self._busy, self._was_asked = busy, False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"

    def is_busy(self) -> bool:
        is_first, self._was_asked = not self._was_asked, True
        return self._busy > 0 and (is_first or CHANCE.random() < self._busy)


class Asked(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Provider

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        time.sleep(CHANCE.uniform(0, 0.02))
        if not self.path.endswith("/chat/completions"):
            self._say(404, error_of("not_found", f"There is nothing at {self.path}."))
        elif self.server.is_busy():
            later = {"Retry-After": "1", "Retry-After-Ms": str(CHANCE.randint(5, 50))}
            self._say(429, error_of("rate_limit_exceeded", "Try again a little later."), later)
        elif asked.get("stream"):
            self._stream(chunks_of(asked))
        else:
            self._say(200, whole_answer(asked))

    def _say(self, status: int, value: Json, headers: dict[str, str] | None = None) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        for name, text in (headers or {}).items():
            self.send_header(name, text)
        self.end_headers()
        self.wfile.write(body)

    def _stream(self, chunks: Iterator[Json]) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        for chunk in chunks:
            time.sleep(CHANCE.uniform(0, 0.003))
            self.wfile.write(f"data: {json.dumps(chunk)}\n\n".encode())
        self.wfile.write(b"data: [DONE]\n\n")

    def log_message(self, *_: object) -> None:
        """Be silent."""


def error_of(code: str, message: str) -> Json:
    return {"error": {"type": code, "code": code, "message": message, "param": None}}


def head_of(asked: Json, kind: str) -> Json:
    return {
        "id": f"chatcmpl-{CHANCE.getrandbits(64):016x}",
        "object": kind,
        "created": int(time.time()),
        "model": f"{asked['model']}-2026-11",
    }


def whole_answer(asked: Json) -> Json:
    message: Json = {"role": "assistant", "content": None}
    calls = tool_calls(asked)
    if calls:
        message["tool_calls"] = calls
    else:
        message["content"] = some_words(asked)
    choice = {"index": 0, "message": message, "finish_reason": finish(calls)}
    return head_of(asked, "chat.completion") | {"choices": [choice], "usage": usage()}


def chunks_of(asked: Json) -> Iterator[Json]:
    """Yield an answer in pieces of any length."""
    head = head_of(asked, "chat.completion.chunk")
    calls = tool_calls(asked)
    pieces = pieces_of_calls(calls) if calls else pieces_of_text(some_words(asked))
    yield chunk(head, {"role": "assistant", "content": None if calls else ""})
    for piece in pieces:
        yield chunk(head, piece)
    yield chunk(head, {}, finish(calls))
    if (asked.get("stream_options") or {}).get("include_usage"):
        yield head | {"choices": [], "usage": usage()}


def chunk(head: Json, delta: Json, reason: str | None = None) -> Json:
    return head | {"choices": [{"index": 0, "delta": delta, "finish_reason": reason}]}


def pieces_of_text(text: str) -> Iterator[Json]:
    while text:
        length = CHANCE.randint(1, 12)
        yield {"content": text[:length]}
        text = text[length:]


def pieces_of_calls(calls: list[Json]) -> Iterator[Json]:
    for index, call in enumerate(calls):
        arguments = call["function"]["arguments"]
        begun = call | {"index": index, "function": call["function"] | {"arguments": ""}}
        yield {"tool_calls": [begun]}
        for piece in pieces_of_text(arguments):
            function = {"arguments": piece["content"]}
            yield {"tool_calls": [{"index": index, "function": function}]}


def finish(calls: list[Json]) -> str:
    return "tool_calls" if calls else "stop"


def usage() -> Json:
    asked, given = CHANCE.randint(200, 900), CHANCE.randint(20, 200)
    return {"prompt_tokens": asked, "completion_tokens": given, "total_tokens": asked + given}


def some_words(asked: Json) -> str:
    if (asked.get("response_format") or {}).get("type") == "json_object":
        return json.dumps({"answer": CHANCE.choice(WORDS)})
    return " ".join(CHANCE.choices(WORDS, k=CHANCE.randint(8, 40)))


def tool_calls(asked: Json) -> list[Json]:
    """Return calls of the tools that were not called yet, with arguments made up."""
    tools = {tool["function"]["name"]: tool["function"] for tool in asked.get("tools") or ()}
    left = [name for name in tools if name not in called_before(asked)]
    chosen = [name for name in left if not name.startswith(HANDS_OVER)] or left[:1]
    CHANCE.shuffle(chosen)
    return [called(name, tools[name].get("parameters") or {}) for name in chosen]


def called_before(asked: Json) -> set[str]:
    calls = (call for said in asked["messages"] for call in said.get("tool_calls") or ())
    return {call["function"]["name"] for call in calls}


def called(name: str, schema: Json) -> Json:
    arguments = {field: made_up(kind) for field, kind in schema.get("properties", {}).items()}
    return {
        "id": f"call_{CHANCE.getrandbits(64):016x}",
        "type": "function",
        "function": {"name": name, "arguments": json.dumps(arguments)},
    }


def made_up(schema: Json) -> Json:
    """Return any value that a JSON schema allows, of the few forms that tools use."""
    if "enum" in schema:
        return CHANCE.choice(schema["enum"])
    kind = schema.get("type")
    if kind == "integer":
        return CHANCE.randint(schema.get("minimum", 1), schema.get("maximum", 9))
    if kind == "number":
        return round(CHANCE.uniform(0, 100), 2)
    if kind == "boolean":
        return CHANCE.random() < 0.5
    if kind == "array":
        return [made_up(schema.get("items", {})) for _ in range(CHANCE.randint(1, 3))]
    return CHANCE.choice(WORDS)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--port", type=int, default=0, help="0 takes any that is free")
    options.add_argument("--busy", type=float, default=0.2, help="share of requests turned away")
    chosen = options.parse_args()
    provider = Provider(chosen.port, chosen.busy)
    print(provider.url, flush=True)
    provider.serve_forever()


if __name__ == "__main__":
    main()
