"""Five recorded sessions of a support desk, for people who have none of their own yet.

``demo_events`` is a pure function of the time: the same conversations under the same ids,
some hours before. They are sent over HTTP like any client's.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

Fields = dict[str, Any]

SEED = 20_260_101
GPT, CLAUDE = "gpt-4o", "claude-sonnet-4-5"
RETURNED = {GPT: "gpt-4o-2024-11-20", CLAUDE: "claude-sonnet-4-5-20250929"}
PROVIDERS = {GPT: "openai", CLAUDE: "anthropic"}
SYSTEM = (
    "You are the support agent of a shop for bicycles. Look orders up before you answer. "
    "Refunds above 100 USD need a person's approval. Be short and kind."
)
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": name,
            "description": text,
            "parameters": {
                "type": "object",
                "properties": {key: {"type": "string"} for key in keys},
                "required": list(keys),
            },
        },
    }
    for name, text, keys in (
        ("get_order", "Look an order up", ("order_id",)),
        ("refund_order", "Pay an order back", ("order_id", "amount", "currency")),
        ("change_address", "Change where an order goes", ("order_id", "address")),
        ("search_articles", "Search the help pages", ("query",)),
    )
]


@dataclass
class Recording:
    """One conversation as it is written down, step by step, on a clock of its own."""

    name: str
    user: str
    clock: datetime
    chance: random.Random
    model: str = GPT
    events: list[Fields] = field(default_factory=list)
    messages: list[Fields] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.messages.append({"role": "system", "content": SYSTEM})
        self.root = self.step("agent", "support desk", seconds=0, agent="support")
        self.root |= {"user": self.user, "environment": "production", "tags": ["demo"]}

    def step(self, kind: str, name: str, *, seconds: float, **fields: Any) -> Fields:
        """Write down a step that takes about so many seconds."""
        took = timedelta(seconds=round(seconds * self.chance.uniform(0.8, 1.3), 3))
        event: Fields = {
            "id": f"{self.name}-{len(self.events) + 1:02}",
            "session": self.name,
            "trace": f"{self.name}-trace",
            "kind": kind,
            "name": name,
            "started_at": self.clock.isoformat(),
            "ended_at": (self.clock + took).isoformat(),
            "status": "ok",
            "stamps": {"release": "2.4.0"},
        }
        if self.events:
            event["parent"] = self.events[0]["id"]
        self.clock += took + timedelta(milliseconds=self.chance.randint(4, 40))
        self.events.append(event | fields)
        return self.events[-1]

    def ask(self, text: str) -> None:
        """Let the customer say something, after some thought."""
        self.clock += timedelta(seconds=self.chance.uniform(8, 40) if len(self.events) > 1 else 0)
        self.messages.append({"role": "user", "content": text})
        self.root.setdefault("input", text)

    def answer(self, text: str) -> None:
        """Let the model speak to the customer."""
        self._complete({"role": "assistant", "content": text}, "stop")
        self.root["output"] = text

    def call(self, tool: str, arguments: Fields, result: Any, **fields: Any) -> None:
        """Let the model ask for a tool, and run it."""
        call_id = f"call_{self.chance.getrandbits(48):012x}"
        function = {"name": tool, "arguments": arguments}
        calls = [{"id": call_id, "type": "function", "function": function}]
        self._complete({"role": "assistant", "content": None, "tool_calls": calls}, "tool_calls")
        self.run(tool, arguments, result, **fields)
        self.messages.append({"role": "tool", "tool_call_id": call_id, "content": result})

    def run(
        self, tool: str, arguments: Fields, result: Any, seconds: float = 0.3, **fields: Any
    ) -> None:
        """Run a tool, or run it again."""
        fields = {"effects": "read", "input": arguments, "output": result} | fields
        self.step("tool", tool, seconds=seconds, **fields)

    def _complete(self, message: Fields, reason: str) -> None:
        size = sum(len(str(each)) for each in self.messages) // 4
        written = max(12, len(str(message)) // 4)
        self.step(
            "llm",
            "reply" if reason == "stop" else "plan",
            seconds=0.5 + written / 60,
            input=list(self.messages),
            output=message,
            model=self.model,
            model_returned=RETURNED[self.model],
            provider=PROVIDERS[self.model],
            params={"temperature": 0.2, "max_tokens": 512},
            tools=TOOLS,
            usage={"input": size + 260, "output": written, "cache_read": 256},
            time_to_first_token_ms=round(self.chance.uniform(180, 420), 1),
            prompt={"name": "support-desk", "version": 7},
            agent="support",
        )
        self.messages.append(message)

    def end(self, status: str, reason: str) -> list[Fields]:
        """Say how it ended, and return all steps."""
        self.root |= {"ended_at": self.clock.isoformat(), "ends_session": True}
        self.root["outcome"] = {"status": status, "reason": reason}
        return self.events


def _where_is_my_order(desk: Recording) -> list[Fields]:
    order = {"order_id": "B-1042", "state": "shipped", "carrier": "DHL", "arrives": "tomorrow"}
    desk.ask("Hello! Where is my order B-1042?")
    desk.call("get_order", {"order_id": "B-1042"}, order)
    desk.step("state", "order known", seconds=0.001, state={"order": order, "open": True})
    desk.answer("Your order B-1042 is with DHL and should be with you tomorrow.")
    desk.ask("Great, thank you!")
    desk.answer("You are welcome. Enjoy the ride!")
    patch = [{"op": "replace", "path": "/open", "value": False}]
    desk.step("state", "case closed", seconds=0.001, state_patch=patch)
    return desk.end("success", "Answered with the order's state")


def _refund_with_approval(desk: Recording) -> list[Fields]:
    order = {"order_id": "B-0977", "state": "delivered", "total": "349.00", "currency": "USD"}
    desk.ask("The frame of B-0977 came with a crack. I want my money back.")
    desk.call("get_order", {"order_id": "B-0977"}, order)
    desk.step("state", "order known", seconds=0.001, state={"order": order, "refund": None})
    desk.step(
        "decision",
        "how to make it good",
        seconds=0.01,
        confidence=0.86,
        decision={
            "chosen": "refund",
            "alternatives": ["replace the frame", "voucher", "hand over to a person"],
            "reason": "A crack is a safety matter and the customer asked for money.",
        },
    )
    question = {"question": "Refund 349.00 USD for B-0977?", "why": "above 100 USD"}
    yes = {"approved": True, "note": "Photo seen. Ask for the frame back."}
    desk.step("human", "approve refund", seconds=95, input=question, output=yes)
    asked = {"order_id": "B-0977", "amount": "349.00", "currency": "USD"}
    desk.call("refund_order", asked, {"refund": "R-311"}, effects="external", seconds=1.1)
    patch = [{"op": "replace", "path": "/refund", "value": "R-311"}]
    desk.step("state", "refunded", seconds=0.001, state_patch=patch)
    desk.answer("349.00 USD are on their way back (R-311). Please send us the frame; we pay.")
    return desk.end("success", "Refunded after approval")


def _address_after_a_timeout(desk: Recording) -> list[Fields]:
    asked = {"order_id": "B-1050", "address": "Hafenstrasse 12, 20457 Hamburg"}
    desk.ask("Can B-1050 go to Hafenstrasse 12, 20457 Hamburg instead?")
    error = {"type": "TimeoutError", "message": "The warehouse did not answer in time."}
    away: Fields = {"effects": "write", "seconds": 5, "status": "error", "error": error}
    desk.call("change_address", asked, None, **away)
    desk.run("change_address", asked, {"changed": True}, effects="write", seconds=0.9)
    desk.messages[-1]["content"] = {"changed": True}
    memory = {"op": "write", "store": "profile", "key": "city", "before": None, "after": "Hamburg"}
    desk.step("memory", "remember city", seconds=0.02, memory=memory, effects="write")
    desk.answer("Done: B-1050 now goes to Hafenstrasse 12 in Hamburg.")
    return desk.end("success", "Address changed at the second try")


def _a_question_for_the_manual(desk: Recording) -> list[Fields]:
    query = "tubeless tyre pressure gravel 40 mm"
    found: list[Fields] = [
        {"id": "help-88", "score": 0.91, "text": "40 mm tubeless: 2.2 to 2.8 bar, by weight."},
        {"id": "help-12", "score": 0.74, "text": "Never go above the number on the rim."},
    ]
    desk.ask("What pressure do I need in 40 mm tubeless gravel tyres? I weigh 80 kg.")
    desk.step("retriever", "search help pages", seconds=0.2, input=query, output=found)
    desk.messages[-1]["content"] += "\n\nFrom the help pages: " + found[0]["text"]
    desk.answer("Start with 2.5 bar at 80 kg, and never go above what the rim says.")
    return desk.end("success", "Answered from the help pages")


def _the_wrong_promise(desk: Recording) -> list[Fields]:
    order = {"order_id": "B-0871", "state": "delivered", "delivered_days_ago": 64}
    desk.ask("I would like to return the helmet from B-0871.")
    desk.answer("Of course, you can return it within 90 days.")
    desk.ask("Good, please start the return.")
    desk.call("get_order", {"order_id": "B-0871"}, order)
    rule = {"allowed": False, "reason": "Returns end after 30 days."}
    desk.step("guardrail", "return policy", seconds=0.05, input=order, output=rule)
    desk.answer("I am sorry: I was wrong. Returns end after 30 days, and yours came 64 days ago.")
    desk.ask("That is not what you said. I will complain.")
    desk.step(
        "handoff", "to a person", seconds=0.05, output={"queue": "complaints"}, effects="write"
    )
    return desk.end("failure", "Promised a return before looking the order up")


# How many hours ago, who, which model, what happened.
STORIES: tuple[tuple[str, float, str, str, Callable[[Recording], list[Fields]]], ...] = (
    ("demo-1-where-is-my-order", 6.5, "customer-17", GPT, _where_is_my_order),
    ("demo-2-refund-with-approval", 4.8, "customer-23", GPT, _refund_with_approval),
    ("demo-3-address-after-a-timeout", 3.1, "customer-40", GPT, _address_after_a_timeout),
    ("demo-4-a-question-for-the-manual", 1.7, "customer-52", CLAUDE, _a_question_for_the_manual),
    ("demo-5-the-wrong-promise", 0.6, "customer-08", GPT, _the_wrong_promise),
)


def demo_events(now: datetime) -> Iterator[tuple[str, list[Fields]]]:
    """Yield each session's name and its events."""
    for name, hours, user, model, story in STORIES:
        # The choice of times is for looks only.
        chance = random.Random(f"{SEED}-{name}")  # noqa: S311
        yield name, story(Recording(name, user, now - timedelta(hours=hours), chance, model))
