"""A provider of models on a local port, which speaks the protocols of OpenAI and Anthropic.

What it answers depends on what it is asked: with tools it asks for the weather of Oslo
until it is given a result; a user text with ``[400]`` or ``[429]`` gets that error, one with
``[two]`` the weather of two cities, one with ``[lost]`` that of a city that is not there. A
tool that hands over to another agent is called first, one that takes the result last.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any

ANSWER = "It rains in Oslo, 4 degrees."
ARGUMENTS = {"city": "Oslo", "unit": "celsius"}
CITIES = ("Oslo", "Bergen", "Atlantis")
# Every answer and every call of a tool has an id of its own, as with real providers.
NUMBERS = count(1)
CHAT_USAGE = {
    "prompt_tokens": 840,
    "completion_tokens": 105,
    "total_tokens": 945,
    "prompt_tokens_details": {"cached_tokens": 128, "audio_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": 9, "audio_tokens": 0},
}
RESPONSES_USAGE = {
    "input_tokens": 840,
    "output_tokens": 105,
    "total_tokens": 945,
    "input_tokens_details": {"cached_tokens": 128},
    "output_tokens_details": {"reasoning_tokens": 9},
}
# Anthropic counts cached tokens apart: 712 + 128 are 840 in all.
MESSAGES_USAGE = {
    "input_tokens": 712,
    "output_tokens": 105,
    "cache_read_input_tokens": 128,
    "cache_creation_input_tokens": 0,
}
# Tools that some clients offer beside those of the application.
HANDOFF, RESULT = "transfer_to_", "final_result"
LAST_RESULT = {"temperature": 4, "sky": "rain"}
ERRORS = {"[400]": (400, "invalid_request_error"), "[429]": (429, "rate_limit_error")}


def calls_for(asked: Any, last: Any, *, is_answered: bool) -> list[tuple[str, str, Any]]:
    """Return the id, name and arguments of each tool call to ask for after the last message."""
    names = [one.get("name") or one["function"]["name"] for one in asked.get("tools") or []]
    handoff = next((name for name in names if name.startswith(HANDOFF)), None)
    wanted: list[tuple[str, Any]] = []
    if is_answered:
        wanted = [(RESULT, LAST_RESULT)] if RESULT in names else []
    elif handoff is not None:
        wanted = [(handoff, {})]
    elif "get_weather" in names:
        wanted = [("get_weather", ARGUMENTS | {"city": city}) for city in cities_in(last)]
    return [(f"call_{next(NUMBERS)}", name, arguments) for name, arguments in wanted]


def cities_in(last: Any) -> list[str]:
    """Return the cities that a message asks about."""
    text = json.dumps(last).replace("[two]", "Oslo, Bergen").replace("[lost]", "Atlantis")
    return [city for city in CITIES if city in text] or ["Oslo"]


def streamed_block(index: int, block: dict[str, Any]) -> list[tuple[str, Any]]:
    """Return the events by which Anthropic streams a block: a text, or a tool call."""
    if block["type"] == "tool_use":
        empty = block | {"input": {}}
        deltas = [{"type": "input_json_delta", "partial_json": json.dumps(block["input"])}]
    else:
        empty = {"type": "text", "text": ""}
        deltas = [{"type": "text_delta", "text": f"{word} "} for word in block["text"].split()]
    return [
        ("content_block_start", {"index": index, "content_block": empty}),
        *(("content_block_delta", {"index": index, "delta": delta}) for delta in deltas),
        ("content_block_stop", {"index": index}),
    ]


class Provider(BaseHTTPRequestHandler):
    """One request to the provider."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        """Be silent."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        for mark, (status, kind) in ERRORS.items():
            if mark in json.dumps(asked):
                message = f"The provider says {status}."
                error = {"type": kind, "message": message, "code": kind, "param": None}
                return self._json({"type": "error", "error": error}, status)
        speak = {
            "/v1/chat/completions": self._chat,
            "/v1/responses": self._responses,
            "/v1/messages": self._messages,
        }[self.path.partition("?")[0]]
        return speak(asked)

    def _json(self, value: Any, status: int = 200) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _stream(self, events: list[tuple[str, Any]], *, is_named: bool, end: str = "") -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        for name, value in events:
            head = f"event: {name}\n" if is_named else ""
            self.wfile.write(f"{head}data: {json.dumps(value)}\n\n".encode())
        self.wfile.write(end.encode())
        self.close_connection = True

    def _chat(self, asked: Any) -> None:
        last = asked["messages"][-1]
        is_answered = last["role"] == "tool"
        calls: list[dict[str, Any]] = [
            {
                "id": call_id,
                "type": "function",
                "function": {"name": name, "arguments": json.dumps(arguments)},
            }
            for call_id, name, arguments in calls_for(asked, last, is_answered=is_answered)
        ]
        message: dict[str, Any] = {"role": "assistant", "content": None if calls else ANSWER}
        if calls:
            message["tool_calls"] = calls
        finish = "tool_calls" if calls else "stop"
        head = {
            "id": f"chatcmpl-{next(NUMBERS)}",
            "created": 1_790_000_000,
            "model": "gpt-4o-2024-11-20",
        }
        if not asked.get("stream"):
            choice = {"index": 0, "message": message, "finish_reason": finish}
            whole = {"object": "chat.completion", "choices": [choice], "usage": CHAT_USAGE}
            return self._json(head | whole)
        head |= {"object": "chat.completion.chunk"}
        numbered = [call | {"index": index} for index, call in enumerate(calls)]
        deltas = [message | {"tool_calls": numbered}] if calls else []
        words = [] if calls else [{"content": f"{word} "} for word in ANSWER.split()]
        chunks = [
            head | {"choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
            for delta in [*(deltas or [{"role": "assistant"}]), *words]
        ]
        chunks.append(head | {"choices": [{"index": 0, "delta": {}, "finish_reason": finish}]})
        if (asked.get("stream_options") or {}).get("include_usage"):
            chunks.append(head | {"choices": [], "usage": CHAT_USAGE})
        return self._stream(
            [("", chunk) for chunk in chunks], is_named=False, end="data: [DONE]\n\n"
        )

    def _responses(self, asked: Any) -> None:
        text = {"type": "output_text", "text": ANSWER, "annotations": []}
        said = {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "status": "completed",
            "content": [text],
        }
        last = asked["input"]
        is_answered = isinstance(last, list) and last[-1].get("type") == "function_call_output"
        calls = [
            {
                "id": call_id.replace("call", "fc"),
                "type": "function_call",
                "call_id": call_id,
                "name": name,
                "arguments": json.dumps(arguments),
                "status": "completed",
            }
            for call_id, name, arguments in calls_for(asked, last, is_answered=is_answered)
        ]
        whole = {
            "id": f"resp_{next(NUMBERS)}",
            "object": "response",
            "created_at": 1_790_000_000,
            "status": "completed",
            "model": "gpt-4o-2024-11-20",
            "output": calls or [said],
            "parallel_tool_calls": True,
            "tool_choice": "auto",
            "tools": asked.get("tools") or [],
            "usage": RESPONSES_USAGE,
            "instructions": asked.get("instructions"),
        }
        if not asked.get("stream"):
            return self._json(whole)
        started = whole | {"status": "in_progress", "output": [], "usage": None}
        place = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
        events = [("response.created", {"response": started})]
        events += [
            ("response.output_text.delta", place | {"delta": f"{word} ", "logprobs": []})
            for word in ANSWER.split()
        ]
        events.append(("response.completed", {"response": whole}))
        numbered = [
            (name, {"type": name, "sequence_number": number} | value)
            for number, (name, value) in enumerate(events)
        ]
        return self._stream(numbered, is_named=True)

    def _messages(self, asked: Any) -> None:
        last = asked["messages"][-1]["content"]
        is_answered = isinstance(last, list) and last[0].get("type") == "tool_result"
        blocks: list[dict[str, Any]] = [
            {
                "type": "tool_use",
                "id": call_id.replace("call", "toolu"),
                "name": name,
                "input": arguments,
            }
            for call_id, name, arguments in calls_for(asked, last, is_answered=is_answered)
        ]
        stop = "tool_use" if blocks else "end_turn"
        blocks = blocks or [{"type": "text", "text": ANSWER}]
        whole = {
            "id": f"msg_{next(NUMBERS):02}",
            "type": "message",
            "role": "assistant",
            "model": "claude-sonnet-4-5-20250929",
            "content": blocks,
            "stop_reason": stop,
            "stop_sequence": None,
            "usage": MESSAGES_USAGE,
        }
        if not asked.get("stream"):
            return self._json(whole)
        began = whole | {"content": [], "stop_reason": None}
        began["usage"] = MESSAGES_USAGE | {"output_tokens": 1}
        events: list[tuple[str, Any]] = [("message_start", {"message": began})]
        for index, block in enumerate(blocks):
            events += streamed_block(index, block)
        ended = {"stop_reason": stop, "stop_sequence": None}
        events += [
            ("message_delta", {"delta": ended, "usage": {"output_tokens": 105}}),
            ("message_stop", {}),
        ]
        return self._stream(
            [(name, {"type": name} | value) for name, value in events], is_named=True
        )


@contextmanager
def running_provider() -> Iterator[str]:
    """Run the provider on a free port; yields its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Provider)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
