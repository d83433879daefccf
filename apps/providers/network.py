"""Asking providers over the network, through their own clients and the guard.

The clients retry nothing: ``calling`` does, in one place, where waiting and money are known.
They read headers and keys of the server's environment, which are not a tenant's to send, so
each request is stripped to what the protocol needs and given the tenant's key again.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import anthropic
import httpx2
import openai
import orjson

from apps.core.outbound import BlockedError
from apps.core.outbound_http import guarded_client
from apps.providers.choices import Dialect
from apps.providers.network_errors import told
from apps.providers.protocol import UnreadableAnswerError

Json = Any

MEBIBYTES = 16
SENT_HEADERS = frozenset(
    {
        "host", "accept", "accept-encoding", "connection", "content-type", "content-length",
        "user-agent", "anthropic-version", "transfer-encoding",
    }
)  # fmt: skip
REQUEST_IDS = ("x-request-id", "request-id")
FAILURES = (openai.OpenAIError, anthropic.AnthropicError, httpx2.HTTPError, BlockedError)
PATHS = {
    Dialect.CHAT: "/chat/completions",
    Dialect.RESPONSES: "/responses",
    Dialect.MESSAGES: "/v1/messages",
}
# The clients give the answer as it came.
ANSWER = httpx2.Response
# A local server may want none; the clients insist on one.
NO_KEY = "none"


class Line:
    """One provider's protocol, spoken to one base URL with one key."""

    def __init__(self, dialect: str, base_url: str, key: str, *, seconds: float) -> None:
        self._dialect, self._key = dialect, key or NO_KEY
        http = guarded_client(seconds=seconds, mebibytes=MEBIBYTES, headers=self._headers)
        common: dict[str, Any] = {
            "api_key": self._key,
            "base_url": base_url,
            "max_retries": 0,
            "timeout": seconds,
            "http_client": http,
        }
        self._openai = openai.OpenAI(**common) if dialect != Dialect.MESSAGES else None
        self._anthropic = (
            anthropic.Anthropic(open_telemetry=False, **common)
            if dialect == Dialect.MESSAGES
            else None
        )

    def send(self, body: Mapping[str, Json]) -> tuple[Json, Mapping[str, str], float]:
        """Return the answer's JSON, its headers and how many milliseconds it took.

        The body is a dialect's, so it needs none of the client's shaping, which takes longer than
        all else for a long conversation. What a client does not name (sampling of newer models,
        knobs of compatible servers) goes along; the provider says what it thinks of it.
        """
        client: Any = self._openai or self._anthropic
        began = time.monotonic()
        try:
            response = client.post(PATHS[Dialect(self._dialect)], cast_to=ANSWER, body=dict(body))
        except FAILURES as error:
            raise told(error, self._key) from None
        return self._opened(response), response.headers, (time.monotonic() - began) * 1000

    def models(self) -> list[str]:
        """Return the names of the models that the provider lists: the cheapest true call."""
        try:
            source: Any = self._openai or self._anthropic
            raw = source.models.with_raw_response.list()
        except FAILURES as error:
            raise told(error, self._key) from None
        listed = self._opened(raw.http_response)
        found = listed.get("data") if isinstance(listed, Mapping) else None
        if not isinstance(found, list):
            raise UnreadableAnswerError("What came back is no list of models. Check the base URL.")
        names = [one.get("id") for one in found if isinstance(one, Mapping)]
        return sorted(name for name in names if isinstance(name, str))

    def _opened(self, response: httpx2.Response) -> Json:
        # Nothing that is kept or shown may hold the key, whatever the other side says back.
        content = response.content.replace(self._key.encode(), b"[key]")
        try:
            return orjson.loads(content)
        except orjson.JSONDecodeError:
            raise UnreadableAnswerError(
                "What came back is not JSON. Check the base URL.", status=response.status_code
            ) from None

    def _headers(self, headers: httpx2.Headers) -> Mapping[str, str]:
        sent = {name: value for name, value in headers.items() if name.lower() in SENT_HEADERS}
        if self._dialect == Dialect.MESSAGES:
            return sent | {"x-api-key": self._key}
        return sent | {"authorization": f"Bearer {self._key}"}


def request_id(headers: Mapping[str, str]) -> str | None:
    """Return the provider's own name of a request, by which its support finds it."""
    return next((headers[name][:200] for name in REQUEST_IDS if headers.get(name)), None)
