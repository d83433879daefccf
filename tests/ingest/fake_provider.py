"""A provider of models on a local port, which speaks the protocols of OpenAI and Anthropic.

What it answers depends on what it is asked: with tools it asks for the weather of Oslo
until it is given a result; a user text with ``[400]`` or ``[429]`` gets that error.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ANSWER = "It rains in Oslo, 4 degrees."
ARGUMENTS = {"city": "Oslo", "unit": "celsius"}
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
ERRORS = {"[400]": (400, "invalid_request_error"), "[429]": (429, "rate_limit_error")}


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
        wants_tool = bool(asked.get("tools")) and asked["messages"][-1]["role"] == "user"
        called = {"name": "get_weather", "arguments": json.dumps(ARGUMENTS)}
        call = {"id": "call_1", "type": "function", "function": called}
        message: dict[str, Any] = {"role": "assistant", "content": None if wants_tool else ANSWER}
        if wants_tool:
            message["tool_calls"] = [call]
        finish = "tool_calls" if wants_tool else "stop"
        head = {"id": "chatcmpl-1", "created": 1_790_000_000, "model": "gpt-4o-2024-11-20"}
        if not asked.get("stream"):
            choice = {"index": 0, "message": message, "finish_reason": finish}
            whole = {"object": "chat.completion", "choices": [choice], "usage": CHAT_USAGE}
            return self._json(head | whole)
        head |= {"object": "chat.completion.chunk"}
        deltas = [message | {"content": None}] if wants_tool else []
        for delta in deltas:
            delta["tool_calls"] = [call | {"index": 0}]
        words = [] if wants_tool else [{"content": f"{word} "} for word in ANSWER.split()]
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
        item = {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "status": "completed",
            "content": [text],
        }
        answered = isinstance(asked["input"], list) and any(
            one.get("type") == "function_call_output" for one in asked["input"]
        )
        if asked.get("tools") and not answered:
            item = {
                "id": "fc_1",
                "type": "function_call",
                "call_id": "call_1",
                "name": "get_weather",
                "arguments": json.dumps(ARGUMENTS),
                "status": "completed",
            }
        whole = {
            "id": "resp_1",
            "object": "response",
            "created_at": 1_790_000_000,
            "status": "completed",
            "model": "gpt-4o-2024-11-20",
            "output": [item],
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
        answered = isinstance(last, list) and last[0].get("type") == "tool_result"
        block: dict[str, Any] = {"type": "text", "text": ANSWER}
        stop = "end_turn"
        if asked.get("tools") and not answered:
            block = {"type": "tool_use", "id": "toolu_1", "name": "get_weather", "input": ARGUMENTS}
            stop = "tool_use"
        whole = {
            "id": "msg_01",
            "type": "message",
            "role": "assistant",
            "model": "claude-sonnet-4-5-20250929",
            "content": [block],
            "stop_reason": stop,
            "stop_sequence": None,
            "usage": MESSAGES_USAGE,
        }
        if not asked.get("stream"):
            return self._json(whole)
        began = whole | {"content": [], "stop_reason": None}
        began["usage"] = MESSAGES_USAGE | {"output_tokens": 1}
        empty = {"type": "text", "text": ""}
        events: list[tuple[str, Any]] = [
            ("message_start", {"message": began}),
            ("content_block_start", {"index": 0, "content_block": empty}),
        ]
        events += [
            (
                "content_block_delta",
                {"index": 0, "delta": {"type": "text_delta", "text": f"{word} "}},
            )
            for word in ANSWER.split()
        ]
        ended = {"stop_reason": stop, "stop_sequence": None}
        events += [
            ("content_block_stop", {"index": 0}),
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
