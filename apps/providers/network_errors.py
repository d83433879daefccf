"""What went wrong with a provider, in our words."""

from __future__ import annotations

import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any

import anthropic
import httpx2
import openai

from apps.core.outbound import BlockedError
from apps.providers.protocol import (
    ContentFilterError,
    CredentialError,
    InvalidRequestError,
    ProviderError,
    RateLimitedError,
    ServerError,
    TimeOutError,
)

Json = Any

LONGEST = 500
# Nobody waits longer for a provider that says to come again.
MOST_RETRY_AFTER = 3600.0
FILTERED = ("content_filter", "content_policy_violation", "invalid_prompt", "ResponsibleAIPolicy")
# They come as 429, and no waiting helps.
SPENT = ("insufficient_quota", "billing_hard_limit_reached", "credit_balance")


def told(error: Exception, key: str) -> ProviderError:
    """Return the error to raise for one of a client; nothing in it holds the key."""
    if isinstance(error, openai.APITimeoutError | anthropic.APITimeoutError):
        return TimeOutError("The provider did not answer in time.")
    if isinstance(error, openai.APIStatusError | anthropic.APIStatusError):
        return _of_status(error.status_code, error.response.headers, _said(error, key))
    return _of_connection(error)


def _of_connection(error: Exception) -> ProviderError:
    """Tell refusals of the guard, which will not change, from a provider that is away."""
    causes: list[BaseException] = [error]
    while (cause := causes[-1].__cause__ or causes[-1].__context__) and cause not in causes:
        causes.append(cause)
    for cause in causes:
        if isinstance(cause, BlockedError):
            return InvalidRequestError(str(cause))
        if isinstance(cause, httpx2.DecodingError):
            return ServerError(str(cause))
        if isinstance(cause, httpx2.TimeoutException):
            return TimeOutError("The provider did not answer in time.")
    return ServerError("The provider cannot be reached: no connection was made or it broke off.")


def _of_status(status: int, headers: Mapping[str, str], said: str) -> ProviderError:
    request_id = headers.get("x-request-id") or headers.get("request-id")
    kind = _kind_of(status, said)
    if kind is RateLimitedError:
        wait = retry_after(headers)
        return RateLimitedError(said, retry_after=wait, status=status, request_id=request_id)
    return kind(said, status=status, request_id=request_id)


def _kind_of(status: int, said: str) -> type[ProviderError]:
    if any(word in said for word in FILTERED):
        return ContentFilterError
    if status in (401, 402, 403) or any(word in said for word in SPENT):
        return CredentialError
    # 529 is Anthropic's word for being overloaded.
    if status in (429, 529):
        return RateLimitedError
    if status in (408, 504):
        return TimeOutError
    return ServerError if status >= 500 else InvalidRequestError


def _said(error: openai.APIStatusError | anthropic.APIStatusError, key: str) -> str:
    """Return what the provider said, shortly, and with the code by which it can be told apart."""
    if 300 <= error.status_code < 400:
        return "The provider answered with a redirect, which is not followed. Check the base URL."
    body: Mapping[str, Json] = error.body if isinstance(error.body, Mapping) else {}
    nested = body.get("error")
    inner = nested if isinstance(nested, Mapping) else body
    named = [inner.get("message"), inner.get("code"), inner.get("type")]
    words = [str(one) for one in dict.fromkeys(named) if isinstance(one, str | int)]
    text = " · ".join(words) or f"The provider answered with status {error.status_code}."
    return text.replace(key, "[key]")[:LONGEST]


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return how many seconds the provider asks to wait; None where it does not say."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            seconds = float(headers.get(name, "")) * unit
        except ValueError:
            continue
        return min(max(seconds, 0.0), MOST_RETRY_AFTER)
    return _until(headers.get("retry-after", ""))


def _until(date: str) -> float | None:
    try:
        seconds = parsedate_to_datetime(date).timestamp() - time.time()
    except (ValueError, TypeError):
        return None
    return min(max(seconds, 0.0), MOST_RETRY_AFTER)
