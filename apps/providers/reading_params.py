"""Recorded parameters of a call, whichever protocol named them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from apps.providers.protocol import OutputSchema, Request, UnsupportedError

Json = Any

RENAMED = {
    "max_completion_tokens": "max_tokens",
    "max_output_tokens": "max_tokens",
    "max_new_tokens": "max_tokens",
    "stop_sequences": "stop",
}
# They change how a call is kept, billed or sent, not what is asked.
BESIDES = frozenset(
    {
        "model", "messages", "stream", "stream_options", "user", "metadata", "store", "timeout",
        "service_tier", "safety_identifier", "prompt_cache_key", "prompt_cache_retention",
        "extra_headers", "include", "truncation", "background",
    }
)  # fmt: skip
# What they are where nobody chose.
NEUTRAL: Mapping[str, Json] = {
    "n": 1,
    "presence_penalty": 0,
    "frequency_penalty": 0,
    "logprobs": False,
    "top_logprobs": 0,
    "logit_bias": {},
}


def with_params(request: Request, params: Mapping[str, Json]) -> Request:
    """Return the request with what was recorded beside its messages."""
    plain: dict[str, Json] = {}
    for name, value in params.items():
        if value is None or name in BESIDES or (name in NEUTRAL and value == NEUTRAL[name]):
            continue
        if name in STRUCTURED:
            request = STRUCTURED[name](request, value)
        else:
            plain[RENAMED.get(name, name)] = value
    if isinstance(plain.get("stop"), str):
        plain["stop"] = [plain["stop"]]
    return replace(request, params={**request.params, **plain})


def _tool_choice(request: Request, value: Json) -> Request:
    if isinstance(value, str):
        return replace(request, tool_choice="required" if value == "any" else value)
    kind = value.get("type") if isinstance(value, Mapping) else None
    if kind in ("auto", "none"):
        chosen = kind
    elif kind in ("any", "required"):
        chosen = "required"
    else:
        chosen = f"tool:{_named_tool(value)}"
    if isinstance(value, Mapping) and value.get("disable_parallel_tool_use"):
        request = replace(request, params={**request.params, "parallel_tool_calls": False})
    return replace(request, tool_choice=chosen)


def _named_tool(value: Json) -> str:
    function = value.get("function") if isinstance(value, Mapping) else None
    named = function if isinstance(function, Mapping) else value
    if not isinstance(named, Mapping) or not isinstance(named.get("name"), str):
        raise UnsupportedError("tool_choice", "The recorded choice of a tool cannot be read")
    return str(named["name"])


def _response_format(request: Request, value: Json) -> Request:
    kind = value.get("type") if isinstance(value, Mapping) else None
    if kind == "text":
        return request
    if kind == "json_object":
        return replace(request, is_json=True)
    if kind != "json_schema":
        raise UnsupportedError("response_format", "The recorded form of the answer cannot be read")
    # Chat completions put it one level deeper than the others.
    inner = value.get("json_schema")
    told = inner if isinstance(inner, Mapping) else value
    schema = OutputSchema(
        str(told.get("name") or "answer"), told.get("schema"), told.get("strict") is not False
    )
    return replace(request, output_schema=schema)


def _text(request: Request, value: Json) -> Request:
    if not isinstance(value, Mapping):
        return request
    if isinstance(value.get("verbosity"), str):
        params = {**request.params, "verbosity": value["verbosity"]}
        request = replace(request, params=params)
    return _response_format(request, value["format"]) if value.get("format") else request


def _output_config(request: Request, value: Json) -> Request:
    if not isinstance(value, Mapping):
        return request
    if isinstance(value.get("effort"), str):
        request = _effort(request, value["effort"])
    return _response_format(request, value["format"]) if value.get("format") else request


def _reasoning(request: Request, value: Json) -> Request:
    effort = value.get("effort") if isinstance(value, Mapping) else value
    return _effort(request, effort) if isinstance(effort, str) else request


def _effort(request: Request, effort: str) -> Request:
    return replace(request, params={**request.params, "reasoning_effort": effort})


def _seed(request: Request, value: Json) -> Request:
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return replace(request, seed=value if is_number else None)


STRUCTURED = {
    "tool_choice": _tool_choice,
    "response_format": _response_format,
    "text": _text,
    "output_config": _output_config,
    "reasoning": _reasoning,
    "seed": _seed,
}
