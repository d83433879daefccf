"""Guesses at a span that no convention claims: what was asked, answered, used, and by what.

Only names that can hardly mean something else are taken. What was guessed from stays beside
the event, so a wrong guess costs a field and never what was sent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from apps.ingest.conventions.attributes import Fields, Json, Reading, as_text, known
from apps.ingest.otlp.spans import RawSpan
from apps.sessions.events import Usage

# Attributes by which libraries name the kind of a step.
KIND_NAMES = (
    "span.type", "span_type", "span.kind", "type", "kind", "operation.type", "observation.type",
    "run_type", "step.type",
)  # fmt: skip
PLAIN_KINDS = (
    "llm tool agent chain retriever embedding reranker guardrail evaluator memory handoff"
).split()
KIND_WORDS = {kind: kind for kind in PLAIN_KINDS} | {
    "generation": "llm",
    "completion": "llm",
    "chat": "llm",
    "chat_completion": "llm",
    "model": "llm",
    "function": "tool",
    "tool_call": "tool",
    "function_call": "tool",
    "retrieval": "retriever",
    "embeddings": "embedding",
    "rerank": "reranker",
    "evaluation": "evaluator",
    "workflow": "chain",
    "task": "chain",
}
MODEL_NAMES = ("llm.model", "llm.model_name", "ai.model.id", "model.name", "model_name", "model")
TOOL_NAMES = ("tool.name", "tool_name", "ai.toolCall.name", "function.name")
AGENT_NAMES = ("agent.name", "agent_name")
SESSION_NAMES = (
    "session_id", "sessionId", "conversation.id", "conversation_id", "thread_id", "chat_id",
)  # fmt: skip
# The last word of a name, without case and underscores; the first that is there is taken.
ASKED = (
    "messages", "input", "inputs", "prompt", "prompts", "query", "question", "arguments", "args",
    "request",
)  # fmt: skip
ANSWERED = (
    "output", "outputs", "completion", "answer", "result", "results", "returnvalue", "text",
    "response",
)  # fmt: skip
TOKENS_ASKED = ("inputtokens", "prompttokens")
TOKENS_ANSWERED = ("outputtokens", "completiontokens")


class Words:
    """The attributes of a span by the last words of their names."""

    def __init__(self, attributes: Mapping[str, Json], left_out: tuple[str, ...]) -> None:
        self.names: dict[str, str] = {}
        for name in sorted(attributes, key=len):
            if not name.startswith(left_out):
                self.names.setdefault(last_word(name), name)

    def first(self, words: Iterable[str]) -> str | None:
        """Return the shortest name that ends with the first of the words that any ends with."""
        return next((self.names[word] for word in words if word in self.names), None)


def last_word(name: str) -> str:
    """Return what stands after the last dot, as one word."""
    return name.rpartition(".")[2].replace("_", "").lower()


def guess(reading: Reading, left_out: tuple[str, ...]) -> Fields:
    """Return the fields of an event that the names of a span's attributes suggest.

    Names that begin with one of ``left_out`` are known to mean something else.
    """
    words = Words(reading.attributes, left_out)
    model = reading.text(*MODEL_NAMES)
    tool = reading.text(*TOOL_NAMES)
    usage = _usage(reading, words)
    fields = {
        "kind": _kind(reading) or _plain_kind(tool, model, usage),
        "name": tool,
        "model": model,
        "usage": usage,
        "agent": reading.text(*AGENT_NAMES),
        "conversation": reading.text(*SESSION_NAMES),
        "user": reading.text("user_id", "userId"),
        "input": _said(reading, words.first(ASKED)),
        "output": _said(reading, words.first(ANSWERED)),
    }
    return known(fields)


def _kind(reading: Reading) -> str | None:
    for name in KIND_NAMES:
        word = as_text(reading.attributes.get(name))
        if word is not None and (kind := KIND_WORDS.get(word.lower())) is not None:
            reading.used.add(name)
            return kind
    return None


def _plain_kind(tool: str | None, model: str | None, usage: Usage | None) -> str | None:
    if tool is not None:
        return "tool"
    return "llm" if model is not None and usage is not None else None


def _usage(reading: Reading, words: Words) -> Usage | None:
    asked, answered = words.first(TOKENS_ASKED), words.first(TOKENS_ANSWERED)
    usage = Usage(
        input=reading.whole(asked) if asked else None,
        output=reading.whole(answered) if answered else None,
    )
    return None if usage == Usage() else usage


def _said(reading: Reading, name: str | None) -> Json:
    """Return what was said: text, an object or a list. Numbers and marks are no content."""
    value = reading.value(name) if name else None
    if name is None or not isinstance(value, str | dict | list) or not value:
        return None
    reading.used.add(name)
    is_chat = isinstance(value, list) and last_word(name) == "messages"
    return {"messages": value} if is_chat else value


def exchange(span: RawSpan) -> Fields:
    """Return what a request over HTTP or to a database asked for and how it was answered."""
    attributes = span.attributes
    asked = {
        "method": attributes.get("http.request.method", attributes.get("http.method")),
        "url": attributes.get("url.full", attributes.get("http.url")),
    }
    status = attributes.get("http.response.status_code", attributes.get("http.status_code"))
    query = attributes.get("db.query.text", attributes.get("db.statement"))
    return known({"input": known(asked) or query, "output": known({"status": status})})
