"""Match keys: by which hash a recorded call is found again when it is made once more.

The hash is SHA-256 over the canonical JSON (RFC 8785) of what was asked. Two requests that
differ only in what changes on every run (ids of tool calls, trace headers, idempotency keys)
have one hash. ``CANON`` is the version of these rules: a recorded hash is only ever compared
with one made by the same version.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import rfc8785

Json = Any

CANON = 1
# Headers and fields that are new on every run, whatever is asked.
VOLATILE = frozenset(
    "traceparent tracestate baggage idempotency_key idempotency-key request_id x-request-id "
    "x-client-request-id previous_response_id".split()
)
# Where a message names a call of a tool.
CALL_NAMES = frozenset({"tool_call_id", "tool_use_id", "call_id"})
CALL_TYPES = frozenset(
    "tool_call tool_call_response tool_use tool_result function function_call server_tool_use "
    "server_tool_call server_tool_call_response".split()
)
# Items of a conversation whose own ids the provider makes up.
NAMED_BY_PROVIDER = frozenset({"message", "reasoning", "function_call", "function_call_output"})
# Text in which JSON is carried.
JSON_TEXTS = frozenset({"arguments"})
LARGEST_EXACT = 2**53 - 1
MEDIA = "data:"
_NAMES = "|".join(sorted({*VOLATILE, *CALL_NAMES, *JSON_TEXTS, "function"}))
_TYPES = "|".join(sorted({*CALL_TYPES, *NAMED_BY_PROVIDER}))
_CHANGING = re.compile(
    rf'(?i:"(?:{_NAMES})":)|"type":"(?:{_TYPES})"|"data:[^"]{{0,200}};base64,'.encode()
)


@dataclass(frozen=True, slots=True)
class MatchHashes:
    """The exact hash of a request, and one that leaves out how the answer was to be sampled."""

    request: str
    loose: str


def match_hashes(
    asked: Json,
    *,
    model: str | None = None,
    params: Mapping[str, Json] | None = None,
    tools: Sequence[Json] | None = None,
) -> MatchHashes:
    """Return the hashes of one call, each as ``sha256:`` and 64 hex digits.

    ``asked`` is the call's input as in a recorded event: messages for a model, arguments for
    a tool. The loose hash takes ``asked`` alone. Raises ValueError for what JSON cannot hold
    (NaN, infinities).
    """
    plain = _Plain()
    # Written piece by piece, in the order of their names: both hashes begin with what was said.
    said = hashlib.sha256(b'{"input":' + _dumped(plain.value(asked)))
    loose = said.copy()
    loose.update(b"}")
    how = (model, plain.value(dict(params or {})), plain.value(list(tools or ())))
    said.update(b',"model":%b,"params":%b,"tools":%b}' % tuple(map(_dumped, how)))
    return MatchHashes("sha256:" + said.hexdigest(), "sha256:" + loose.hexdigest())


def canonical(value: Json) -> bytes:
    """Return the canonical bytes of what ``match_hashes`` compares; for showing a difference."""
    return _dumped(normalised(value))


def normalised(value: Json) -> Json:
    """Return a value without what changes on every run; what is left is what was said."""
    return take_out(value)[0]


def take_out(value: Json) -> tuple[Json, tuple[str, ...]]:
    """Return a value without what changes on every run, and the ids of calls that stood in it.

    The ids are in the order of the numbers that replace them: whoever takes a conversation
    apart can number them through.
    """
    plain = _Plain()
    return plain.value(value), tuple(plain.calls)


def may_change(text: bytes) -> bool:
    """Tell whether JSON could hold something that changes on every run.

    Much faster than taking it out. The text must have no spaces outside of strings.
    """
    return _CHANGING.search(text) is not None


def _dumped(value: Json) -> bytes:
    """Return canonical JSON, from the interpreter's own writer wherever that writes the same."""
    try:
        if not _is_plain(value):
            return rfc8785.dumps(value)
        told = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return told.encode()
    except (UnicodeEncodeError, rfc8785.CanonicalizationError):
        # Half a character stands somewhere, which JSON can name and UTF-8 cannot.
        return rfc8785.dumps(_without_halves(value))


def _without_halves(value: Json) -> Json:
    """Return a value with U+FFFD for halves of characters, as the server keeps it."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [_without_halves(inner) for inner in value]
    if isinstance(value, dict):
        return {_without_halves(name): _without_halves(inner) for name, inner in value.items()}
    return value


def _is_plain(value: Json) -> bool:
    """Tell whether a value has no floats, and no names that UTF-16 sorts in another order."""
    if isinstance(value, dict):
        return all(name.isascii() and _is_plain(inner) for name, inner in value.items())
    if isinstance(value, list):
        return all(map(_is_plain, value))
    return not isinstance(value, float)


@dataclass(slots=True)
class _Plain:
    """Takes out of a request what changes on every run."""

    # Random ids of tool calls by their order of appearance.
    calls: dict[str, str] = field(default_factory=dict)

    def value(self, value: Json) -> Json:
        if isinstance(value, Mapping):
            return self._mapping(value)
        if isinstance(value, list | tuple):
            return [self.value(inner) for inner in value]
        if isinstance(value, str):
            return _media(value)
        if isinstance(value, int) and abs(value) > LARGEST_EXACT:
            # RFC 8785 has doubles only; a larger number would lose digits.
            return str(value)
        return value

    def _mapping(self, value: Mapping[str, Json]) -> Json:
        kind = value.get("type")
        is_call = (isinstance(kind, str) and kind in CALL_TYPES) or "function" in value
        found = {}
        for name, inner in value.items():
            if name.lower() in VOLATILE:
                continue
            if name == "id" and not is_call and kind in NAMED_BY_PROVIDER:
                continue
            is_name = name in CALL_NAMES or (name == "id" and is_call)
            found[name] = self._call(inner) if is_name else self._inner(name, inner)
        return found

    def _call(self, name: Json) -> Json:
        if not isinstance(name, str):
            return name
        return self.calls.setdefault(name, f"call_{len(self.calls)}")

    def _inner(self, name: str, inner: Json) -> Json:
        if name in JSON_TEXTS and isinstance(inner, str):
            return self.value(_opened(inner))
        return self.value(inner)


def _opened(text: str) -> Json:
    try:
        return json.loads(text, parse_constant=str)
    except (ValueError, RecursionError):
        return text


def _media(text: str) -> str:
    """Return media by their hash, so that a request of megabytes stays cheap to compare."""
    if not text.startswith(MEDIA) or ";base64," not in text[:200]:
        return text
    return f"{text.partition(',')[0]},sha256:{hashlib.sha256(text.encode()).hexdigest()}"
