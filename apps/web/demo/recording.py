"""Writing one session down, step by step, on a clock of its own."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from apps.web.demo.prompts import NAME, Version
from apps.web.demo.tools import GPT, TOOLS, Fields, Model


@dataclass(frozen=True)
class Setting:
    """Under which circumstances a session ran."""

    name: str
    user: str
    begins: datetime
    version: Version
    model: Model = GPT
    agent: str = "support"
    language: str = "en"
    environment: str = "production"
    tags: tuple[str, ...] = ()


@dataclass
class Recording:
    """One session as it is written down."""

    setting: Setting
    chance: random.Random
    events: list[Fields] = field(default_factory=list)
    messages: list[Fields] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.clock = self.setting.begins
        self.agent = self.setting.agent
        self.parents: list[str] = []
        # Fields of the case's state.
        self.known: set[str] = set()
        self.messages.append({"role": "system", "content": self.setting.version.text})
        self.root = self.step("agent", f"{self.agent} desk", seconds=0)
        self.root |= {
            "user": self.setting.user,
            "environment": self.setting.environment,
            "tags": list(self.setting.tags),
            "metadata": {"language": self.setting.language, "channel": "chat"},
        }
        self.parents.append(self.root["id"])

    def step(self, kind: str, name: str, *, seconds: float = 0.002, **fields: Any) -> Fields:
        """Write down a step that takes about so many seconds."""
        took = timedelta(seconds=round(seconds * self.chance.uniform(0.8, 1.3), 3))
        event: Fields = {
            "id": f"{self.setting.name}-{len(self.events) + 1:02}",
            "session": self.setting.name,
            "trace": f"{self.setting.name}-trace",
            "kind": kind,
            "name": name,
            "agent": self.agent,
            "started_at": self.clock.isoformat(),
            "ended_at": (self.clock + took).isoformat(),
            "status": "ok",
            "stamps": {"release": self.setting.version.release},
        }
        if self.parents:
            event["parent"] = self.parents[-1]
        self.clock += took + timedelta(milliseconds=self.chance.randint(4, 40))
        self.events.append(event | fields)
        return self.events[-1]

    @contextmanager
    def within(self, name: str, agent: str, task: str) -> Iterator[Fields]:
        """Let another agent do a part; it speaks with the model about its own task alone."""
        outer = (self.agent, self.messages)
        self.agent = agent
        self.messages = [
            {"role": "system", "content": f"You are the {agent} agent. Answer with facts only."},
            {"role": "user", "content": task},
        ]
        part = self.step("agent", name, seconds=0, input=task)
        self.parents.append(part["id"])
        yield part
        part["ended_at"] = self.clock.isoformat()
        self.parents.pop()
        self.agent, self.messages = outer

    def ask(self, text: str) -> None:
        """Let the customer say something, after some thought."""
        self.clock += timedelta(seconds=self.chance.uniform(8, 70) if len(self.events) > 1 else 0)
        self.messages.append({"role": "user", "content": text})
        self.root.setdefault("input", text)

    def answer(self, text: str, **fields: Any) -> Fields:
        """Let the model speak."""
        said = self._complete({"role": "assistant", "content": text}, "reply", fields)
        if len(self.parents) == 1:
            self.root["output"] = text
        return said

    def call(self, tool: str, arguments: Fields, result: Any, **fields: Any) -> Fields:
        """Let the model ask for a tool, and run it."""
        call_id = self._ask_for(tool, arguments)
        ran = self.run(tool, arguments, result, **fields)
        told = result if result is not None else {"error": fields.get("error")}
        self.messages.append({"role": "tool", "tool_call_id": call_id, "content": told})
        return ran

    def call_twice(self, tool: str, arguments: Fields, error: Fields, result: Any) -> Fields:
        """Let the model ask for a tool that fails at first and is run again."""
        call_id = self._ask_for(tool, arguments)
        away = 5.0 if error["type"] == "TimeoutError" else 0.4
        fields: Fields = {"effects": "write", "status": "error", "error": error}
        self.run(tool, arguments, None, seconds=away, **fields)
        self.clock += timedelta(seconds=1)
        ran = self.run(tool, arguments, result, effects="write", metadata={"attempt": 2})
        self.messages.append({"role": "tool", "tool_call_id": call_id, "content": result})
        return ran

    def run(
        self, tool: str, arguments: Fields, result: Any, seconds: float = 0.4, **fields: Any
    ) -> Fields:
        """Run a tool."""
        fields = {"effects": "read", "input": arguments, "output": result} | fields
        return self.step("tool", tool, seconds=seconds, **fields)

    def open_case(self, **state: Any) -> None:
        """Say how the case stands at first."""
        self.known = set(state)
        self.step("state", "case opened", state=state)

    def patch(self, name: str, **changes: Any) -> None:
        """Change the case's state, field by field."""
        operations = [
            {"op": "replace" if key in self.known else "add", "path": f"/{key}", "value": value}
            for key, value in changes.items()
        ]
        self.known |= set(changes)
        self.step("state", name, state_patch=operations)

    def score(self, name: str, value: float, comment: str) -> None:
        """Let an evaluator judge the session."""
        output = {"value": round(value, 2), "data_type": "NUMERIC", "comment": comment}
        self.step("evaluator", name, seconds=0.9, output=output)

    def end(self, status: str, reason: str) -> list[Fields]:
        """Say how it ended, and return all steps."""
        self.root |= {"ended_at": self.clock.isoformat(), "ends_session": True}
        self.root["outcome"] = {"status": status, "reason": reason}
        return self.events

    def _ask_for(self, tool: str, arguments: Fields) -> str:
        call_id = f"call_{self.chance.getrandbits(48):012x}"
        function = {"name": tool, "arguments": arguments}
        calls = [{"id": call_id, "type": "function", "function": function}]
        self._complete({"role": "assistant", "content": None, "tool_calls": calls}, "plan", {})
        return call_id

    def _complete(self, message: Fields, name: str, fields: Fields) -> Fields:
        setting, model = self.setting, self.setting.model
        size = sum(len(str(each)) for each in self.messages) // 4
        written = max(12, len(str(message)) // 4)
        said = self.step(
            "llm",
            name,
            seconds=0.5 + written / model.tokens_per_second,
            input=list(self.messages),
            output=message,
            model=model.name,
            model_returned=model.returned,
            provider=model.provider,
            params={"temperature": 0.2, "max_tokens": 1024},
            tools=TOOLS,
            usage={"input": size + 620, "output": written, "cache_read": 512},
            time_to_first_token_ms=round(self.chance.uniform(180, 420), 1),
            prompt={"name": NAME, "version": setting.version.number},
        )
        said |= fields
        self.messages.append(message)
        return said
