"""Which category of a redaction policy a recorded value belongs to.

Where a value may belong to several, the strictest of them counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from apps.governance.choices import Category

Categories = tuple[Category, ...]

INPUT = (Category.INPUT,)
OUTPUT = (Category.OUTPUT,)
SYSTEM = (Category.SYSTEM,)
TOOL = (Category.TOOL,)
METADATA = (Category.METADATA,)
# What was asked and what was answered, in one value.
BOTH = (Category.INPUT, Category.OUTPUT)
EVERYTHING = tuple(Category)
# What a whole history may hold.
HISTORY = (Category.INPUT, Category.OUTPUT, Category.SYSTEM, Category.TOOL)

SYSTEM_ROLES = frozenset({"system", "developer"})
TOOL_ROLES = frozenset({"tool", "function", "ipython"})
ASSISTANTS = frozenset({"assistant", "ai", "model", "agent"})
USERS = frozenset({"user", "human"})

# Words in names of attributes, looked for in this order.
_SYSTEM_WORDS = ("system_instruction", "system_prompt", "system_message", "systemprompt")
_TOOL_WORDS = ("tool", "function_call", "functioncall")
_FAILURES = ("exception", "error", "stacktrace")
_ASKED_WORDS = (
    "input", "prompt", "message", "question", "query", "argument", "request.body", "llm_request",
    "content", "text", "document", "chat", "conversation.history", "instructions", "statement",
)  # fmt: skip
_ANSWERED_WORDS = (
    "output", "completion", "response.body", "response.text", "response.object", "llm_response",
    "answer", "result", "choice", "generation",
)  # fmt: skip


def of_kind(kind: str, field: tuple[Category, ...]) -> Categories:
    """Return what the input or output of an event is, which ``field`` says for most kinds."""
    if kind == "tool":
        return TOOL
    # They look at what others were asked and answered; people are asked by the application.
    return BOTH if kind in ("evaluator", "guardrail", "human") else field


def of_role(role: str, home: Categories) -> Categories:
    """Return what a message is that stands in a value of ``home``."""
    role = role.lower()
    if role in SYSTEM_ROLES:
        return SYSTEM
    if role in TOOL_ROLES or home == TOOL:
        return TOOL
    if role in ASSISTANTS:
        # In a history it is both: what was answered, and what is asked with.
        return (*home, *OUTPUT)
    return (*home, *INPUT) if role in USERS else HISTORY


@lru_cache(maxsize=4096)
def of_name(name: str) -> Categories:
    """Return what the value of an attribute is, by the attribute's name."""
    lowered = name.lower()
    for words, categories in (
        (_SYSTEM_WORDS, SYSTEM),
        (_TOOL_WORDS, TOOL),
        (_FAILURES, BOTH),
        (_ANSWERED_WORDS, (*OUTPUT, *TOOL)),
        (_ASKED_WORDS, HISTORY),
    ):
        if any(word in lowered for word in words):
            return categories
    return METADATA


def type_of(entry: Mapping[str, Any]) -> str:
    """Return the type that a part of a message says it is of."""
    told = entry.get("type")
    return told if isinstance(told, str) else ""


def is_tool_part(entry: Mapping[str, Any]) -> bool:
    """Whether a part of a message, or an item of a conversation, is a call or its result."""
    told = type_of(entry)
    return "tool" in told or "function" in told or told.endswith(("_call", "_call_output"))
