"""CPU of recording and replaying calls with the client, beside the provider's client alone.

``python -m tests.bench.replaying`` prints what a recorded and a replayed call of the openai
client cost, for records of 10 to 10,000 calls, and what recording adds to a call.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import httpx2
import openai
import playhead

COUNTS = (10, 100, 1_000, 10_000)
ANSWER = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "gpt-4o",
    "choices": [
        {
            "index": 0,
            "finish_reason": "stop",
            "message": {"role": "assistant", "content": "It rains in Oslo. " * 20},
        }
    ],
    "usage": {"prompt_tokens": 840, "completion_tokens": 105, "total_tokens": 945},
}
BODY = json.dumps(ANSWER).encode()


def answered(_: httpx2.Request) -> httpx2.Response:
    return httpx2.Response(200, content=BODY, headers={"content-type": "application/json"})


def ask(client: openai.OpenAI, count: int) -> None:
    for number in range(count):
        said = [{"role": "user", "content": f"{number}: what is the weather in Oslo?"}]
        client.chat.completions.create(model="gpt-4o", messages=said)


def each_ms(act: Callable[[], None], count: int) -> float:
    began = time.process_time()
    act()
    return (time.process_time() - began) * 1000 / count


def client_of(transport: httpx2.BaseTransport) -> openai.OpenAI:
    http = httpx2.Client(transport=transport)
    return openai.OpenAI(base_url="http://provider.test/v1", api_key="none", http_client=http)


class Near(httpx2.HTTPTransport):
    """Answers at once, at the place where the network would be."""


def main() -> None:
    Near.handle_request = lambda self, request: answered(request)  # type: ignore[method-assign]
    floor = statistics.median(each_ms(lambda: ask(client_of(Near()), 200), 200) for _ in range(5))
    sys.stdout.write(f"the client alone, answered at once: {floor:.2f} CPU ms a call\n")
    # What stands where the network would be is listened to like the network.
    httpx2.HTTPTransport.handle_request = Near.handle_request
    client = client_of(httpx2.HTTPTransport())
    with tempfile.TemporaryDirectory() as folder:
        for count in COUNTS:
            sys.stdout.write(line_of(client, count, Path(folder) / f"{count}.playhead"))


def line_of(client: openai.OpenAI, count: int, path: Path) -> str:
    """Return what recording and replaying so many calls cost."""
    with playhead.session(file=path):
        recorded = each_ms(lambda: ask(client, count), count)
    began = time.process_time()
    with playhead.replay(path):
        loaded = (time.process_time() - began) * 1000 / count
        replayed = each_ms(lambda: ask(client, count), count)
    return (
        f"{count:>6} calls: recorded {recorded:.2f}, replayed {replayed:.2f}, "
        f"loading the record {loaded:.2f} CPU ms a call\n"
    )


if __name__ == "__main__":
    main()
