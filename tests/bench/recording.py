"""What recording costs an application: CPU and time of calls, and time to a stream's first token.

``python -m tests.bench.recording`` prints, for calls made in turn within a session and outside of
it, what each takes; then what an agent that waits for its model as agents do uses with and
without a session. Events go to a server in another process, compressed and sent as ever.
"""

from __future__ import annotations

import argparse
import contextlib
import contextvars
import gzip
import json
import multiprocessing
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import openai
import playhead

from tests.bench.replaying import Near, answered, client_of

# Of a stream: pieces, and seconds between them where it is as slow as a model.
PIECES, PAUSE = 100, 0.01
WORD = "It rains in Oslo, and the fjord lies quiet. "


class Both(BaseHTTPRequestHandler):
    """Streams answers like a provider, and takes events like Playhead."""

    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.path.startswith("/api/"):
            gzip.decompress(body)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"accepted": 0, "rejected": []}')
            return
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.end_headers()
        # Who asks for the first token alone hangs up after it.
        with contextlib.suppress(OSError):
            for at in range(PIECES):
                self.wfile.write(piece(at))
                if "slow" in self.path:
                    time.sleep(PAUSE)
            self.wfile.write(b"data: [DONE]\n\n")

    def log_message(self, *_: object) -> None:
        return None


def piece(at: int) -> bytes:
    choice = {"index": 0, "delta": {"content": f"{at} rains "}, "finish_reason": None}
    told = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    return b"data: " + json.dumps(told | {"choices": [choice]}).encode() + b"\n\n"


def serve(pipe: Any) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Both)
    pipe.send(server.server_port)
    server.serve_forever()


@contextmanager
def serving() -> Iterator[str]:
    """Let a server run in a process of its own, so that its CPU is not the application's."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(theirs,))
    process.start()
    try:
        yield f"http://127.0.0.1:{ours.recv()}"
    finally:
        process.terminate()
        process.join()


@dataclass(frozen=True)
class Took:
    """Milliseconds of the same call made many times, and CPU of its thread."""

    wall: list[float]
    cpu: list[float]

    def at(self, percent: int) -> float:
        return statistics.quantiles(self.wall, n=100)[percent - 1]

    def cpu_at(self, percent: int) -> float:
        return statistics.quantiles(self.cpu, n=100)[percent - 1]


def in_turn(act: Callable[[], object], times: int) -> tuple[Took, Took]:
    """Make a call outside of a session and within one, in turn, and return what each took."""
    outside = contextvars.copy_context()
    plain, recorded = Took([], []), Took([], [])
    with playhead.session("overhead"):
        inside = contextvars.copy_context()
        for at in range(times + 20):
            for context, took in ((outside, plain), (inside, recorded)):
                wall, cpu = context.run(timed, act)
                if at >= 20:
                    took.wall.append(wall)
                    took.cpu.append(cpu)
    return plain, recorded


def timed(act: Callable[[], object]) -> tuple[float, float]:
    wall, cpu = time.perf_counter_ns(), time.thread_time_ns()
    act()
    return (time.perf_counter_ns() - wall) / 1e6, (time.thread_time_ns() - cpu) / 1e6


def line_of(name: str, plain: Took, recorded: Took) -> str:
    cpu = [recorded.cpu_at(one) - plain.cpu_at(one) for one in (50, 95)]
    wall = [recorded.at(one) - plain.at(one) for one in (50, 95)]
    return (
        f"{name:<32} {plain.cpu_at(50):>6.2f} CPU ms alone; recording adds "
        f"{cpu[0]:.2f} CPU ms (p50), {cpu[1]:.2f} (p95); "
        f"{wall[0]:.2f} ms (p50), {wall[1]:.2f} (p95)\n"
    )


@playhead.tool(effects="read")
def look_up(city: str, days: list[int]) -> dict[str, Any]:
    return {"city": city, "degrees": [4, 5, 6], "sky": "rain", "days": days}


def history(kilobytes: int) -> list[dict[str, str]]:
    text = WORD * 22
    turns = max(1, kilobytes)
    return [
        {"role": ("user", "assistant")[at % 2], "content": f"{at} {text}"} for at in range(turns)
    ]


def calls(times: int) -> None:
    """Print what recording adds to calls of a tool and of a model that answers at once."""
    Near.handle_request = lambda self, request: answered(request)  # type: ignore[method-assign]
    sys.stdout.write(line_of("tool", *in_turn(lambda: look_up("Oslo", [1, 2]), times)))
    client = client_of(Near())
    playhead.wrap(client)
    for kilobytes in (1, 10, 30, 100):
        said = history(kilobytes)

        def ask(said: Any = said) -> object:
            return client.chat.completions.create(model="gpt-4o", messages=said)

        name = f"model, {kilobytes} KB asked"
        sys.stdout.write(line_of(name, *in_turn(ask, times)))


def first_tokens(url: str, times: int) -> None:
    """Print what recording adds to the time until a stream's first token, and until its end."""
    client = openai.OpenAI(base_url=f"{url}/fast", api_key="none")
    said: Any = history(10)

    def first() -> None:
        with client.chat.completions.create(model="m", messages=said, stream=True) as stream:
            next(iter(stream))

    def whole() -> None:
        for _ in client.chat.completions.create(model="m", messages=said, stream=True):
            pass

    sys.stdout.write(line_of("first token of a stream, 10 KB", *in_turn(first, times)))
    sys.stdout.write(line_of(f"whole stream of {PIECES} pieces", *in_turn(whole, times)))


def agent(url: str, turns: int) -> None:
    """Work as agents do: ask with a history that grows to 30 KB, read a stream, use tools."""
    client = openai.OpenAI(base_url=f"{url}/slow", api_key="none")
    said: Any = history(1)
    for turn in range(turns):
        stream = client.chat.completions.create(model="m", messages=said, stream=True)
        text = "".join(part.choices[0].delta.content or "" for part in stream if part.choices)
        for city in ("Oslo", "Bergen"):
            look_up(city, [turn])
        said += [
            {"role": "assistant", "content": text + WORD * 40},
            {"role": "user", "content": "And?"},
        ]


def agents(url: str, repeats: int, turns: int) -> None:
    """Print CPU of whole sessions with and without Playhead, in turn."""
    used: dict[str, list[float]] = {"alone": [], "recorded": []}
    lasted: list[float] = []
    for at in range(repeats):
        for kind in used:
            wall, cpu = time.perf_counter(), time.process_time()
            if kind == "recorded":
                with playhead.session(f"agent-{at}"):
                    agent(url, turns)
            else:
                agent(url, turns)
            lasted.append(time.perf_counter() - wall)
            playhead.flush()
            used[kind].append(time.process_time() - cpu)
    alone, recorded, seconds = (
        statistics.median(one) for one in (used["alone"], used["recorded"], lasted)
    )
    added = recorded - alone
    sys.stdout.write(
        f"an agent of {turns} turns, {seconds:.1f} s: {alone * 1000:.0f} CPU ms alone, "
        f"{recorded * 1000:.0f} recorded: {added / seconds:.2%} of a core more "
        f"({added / turns * 1000:.1f} CPU ms a turn of a streamed call and two tools), "
        f"{added / alone:.0%} of what it used itself\n"
    )


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--times", type=int, default=1_000)
    options.add_argument("--repeats", type=int, default=5)
    options.add_argument("--turns", type=int, default=15)
    chosen = options.parse_args()
    with serving() as url:
        playhead.init(url, "phk_bench")
        calls(chosen.times)
        first_tokens(url, chosen.times // 2)
        agents(url, chosen.repeats, chosen.turns)
        sys.stdout.write(f"{playhead.counts()}\n")


if __name__ == "__main__":
    main()
