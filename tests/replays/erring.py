"""A model that answers as was recorded, but errs as often as its instructions lead it to.

It knows conversations by what was said before an answer, whoever the system message says it is,
and errs by chance at each call. Behind ``tests.providers.server.running`` it is a provider that
speaks like OpenAI and really reads the prompt.
"""

from __future__ import annotations

import hashlib
import json
import random
import threading
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tests.providers.server import Reply, Sent, chat

Json = Any
HAND_OVER = {"name": "transfer_to_human_agents", "arguments": '{"summary": "I cannot help."}'}
UNKNOWN = "I was never asked this."


class Erring:
    """Answers for a provider. ``rates`` are errors a call, by words of the system message."""

    def __init__(
        self, conversations: Iterable[Sequence[Json]], rates: Mapping[str, float], seed: int
    ) -> None:
        self.rates = rates
        self.chance = random.Random(seed)
        self.lock = threading.Lock()
        # By the system message: how often somebody asked, and was told something wrong.
        self.asked: Counter[str] = Counter()
        self.erred: Counter[str] = Counter()
        # By the whole question, to see what was paid twice.
        self.questions: Counter[str] = Counter()
        self.known: defaultdict[str, list[Json]] = defaultdict(list)
        for messages in conversations:
            self._learn(messages)

    def _learn(self, messages: Sequence[Json]) -> None:
        for at, message in enumerate(messages):
            if message["role"] == "assistant":
                self.known[said_before(messages[:at])].append(message)

    def __call__(self, sent: Sent) -> Reply:
        messages = sent.body["messages"]
        system = "\n".join(str(one["content"]) for one in messages if one["role"] == "system")
        question = said_before(messages)
        with self.lock:
            self.asked[system] += 1
            self.questions[f"{system} {question}"] += 1
            errs = self.chance.random() < self.rate_of(system)
            self.erred[system] += errs
            known = self.known.get(question)
            answer = self.chance.choice(known) if known else None
        if answer is None:
            return chat(UNKNOWN)
        return wrong(answer) if errs else right(answer)

    def rate_of(self, system: str) -> float:
        """Return how often it errs under these instructions: the last that it knows counts."""
        found = [rate for words, rate in self.rates.items() if words in system]
        return found[-1] if found else 0.0


def right(message: Json) -> Reply:
    """Return the recorded answer as a provider says it."""
    reply = chat(message.get("content"))
    if calls := message.get("tool_calls"):
        reply.body["choices"][0]["message"]["tool_calls"] = calls
        reply.body["choices"][0]["finish_reason"] = "tool_calls"
    return reply


def wrong(message: Json) -> Reply:
    """Give up where something else was to be done."""
    if any(one["function"]["name"] == HAND_OVER["name"] for one in message.get("tool_calls") or ()):
        return chat("Let me see.")
    call = {"id": "call_1", "type": "function", "function": HAND_OVER}
    return right({"content": None, "tool_calls": [call]})


def said_before(messages: Sequence[Json]) -> str:
    """Return one name of all that was said, whoever the model is told to be."""
    told = [plain(one) for one in messages if one["role"] != "system"]
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def plain(message: Json) -> Json:
    calls = [
        (one["function"]["name"], _opened(one["function"]["arguments"]))
        for one in message.get("tool_calls") or ()
    ]
    return message["role"], _opened(message.get("content") or ""), calls


def _opened(value: Json) -> Json:
    """Return what JSON in text holds, since it may be written anew on the way."""
    try:
        return json.loads(value)
    except (TypeError, ValueError):
        return value
