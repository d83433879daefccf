"""Tokens as Langfuse tells them: a provider's own counts, or parts that do not overlap."""

from __future__ import annotations

from apps.ingest.conventions.attributes import Attributes, as_count
from apps.sessions.events import Usage

# Where a provider counts cached and reasoning tokens within the sums.
DETAILED = (
    ("prompt_tokens", "completion_tokens", "prompt_tokens_details", "completion_tokens_details"),
    ("input_tokens", "output_tokens", "input_tokens_details", "output_tokens_details"),
)
ASKED = ("input", "prompt_tokens", "input_tokens", "promptTokens")
ANSWERED = ("output", "completion_tokens", "output_tokens", "completionTokens")
CACHE_READ = (
    "input_cached_tokens", "input_cache_read", "cache_read_input_tokens", "input_cached",
    "cache_read", "cached_tokens",
)  # fmt: skip
CACHE_WRITE = (
    "input_cache_creation", "cache_creation_input_tokens", "input_cache_write", "cache_write",
    "cache_creation",
)  # fmt: skip
REASONING = ("output_reasoning_tokens", "output_reasoning", "reasoning_tokens", "reasoning")
TOTAL = ("total", "total_tokens", "totalTokens")


def usage_of(told: Attributes) -> Usage | None:
    """Return the tokens of a call."""
    usage = _detailed(told) or _parts(told)
    return None if usage == Usage() else usage


def _detailed(told: Attributes) -> Usage | None:
    """Return the counts in the form of OpenAI, whose details are part of the sums."""
    for asked, answered, asked_details, answered_details in DETAILED:
        of_input, of_output = told.get(asked_details), told.get(answered_details)
        if isinstance(of_input, dict) or isinstance(of_output, dict):
            of_input = of_input if isinstance(of_input, dict) else {}
            of_output = of_output if isinstance(of_output, dict) else {}
            return Usage(
                input=as_count(told.get(asked)),
                output=as_count(told.get(answered)),
                cache_read=as_count(of_input.get("cached_tokens")),
                cache_write=as_count(of_input.get("cache_write_tokens")),
                reasoning=as_count(of_output.get("reasoning_tokens")),
            )
    return None


def _parts(told: Attributes) -> Usage:
    """Return counts that stand side by side: they are parts, unless the total says otherwise."""
    usage = Usage(
        input=_first(told, ASKED),
        output=_first(told, ANSWERED),
        cache_read=_first(told, CACHE_READ),
        cache_write=_first(told, CACHE_WRITE),
        reasoning=_first(told, REASONING),
    )
    if _first(told, TOTAL) == (usage.input or 0) + (usage.output or 0):
        return usage
    cached = (usage.cache_read or 0) + (usage.cache_write or 0)
    if usage.input is not None:
        usage.input += cached
    if usage.output is not None:
        usage.output += usage.reasoning or 0
    return usage


def _first(told: Attributes, names: tuple[str, ...]) -> int | None:
    found = (as_count(told.get(name)) for name in names)
    return next((count for count in found if count is not None), None)
