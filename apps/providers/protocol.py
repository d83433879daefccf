"""One way of asking a model, whichever provider it is from, and one way of being answered.

Dialects (``apps.providers.dialects``) turn a ``Request`` into what goes over the wire and the
wire's answer into an ``Answer``. What a dialect or a model cannot do is an ``UnsupportedError``
that names it: nothing that was asked is left out in silence. What may be left out without
changing the question is said in ``Answer.notes``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol

from apps.core.canonical import canonical_json
from apps.providers.choices import Feature

Json = Any
Role = Literal["system", "user", "assistant", "tool"]


@dataclass(frozen=True, slots=True)
class Text:
    """Words."""

    text: str


@dataclass(frozen=True, slots=True)
class Image:
    """A picture: by its address (also ``data:``), or in base64 with its media type."""

    url: str = ""
    content: str = ""
    media_type: str = ""
    # OpenAI's low, high or auto.
    detail: str = ""

    @property
    def address(self) -> str:
        """The picture as one address."""
        return self.url or f"data:{self.media_type};base64,{self.content}"


@dataclass(frozen=True, slots=True)
class Thought:
    """What a model thought before it spoke; ``native`` is what its provider takes back."""

    text: str
    native: Json = None


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool that the model wants called. ``arguments`` is JSON, or the text that was no JSON."""

    id: str
    name: str
    arguments: Json


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a tool answered to a call."""

    call_id: str
    parts: tuple[Text | Image, ...]
    is_error: bool = False
    # Some recorders name the tool again.
    name: str = ""


Part = Text | Image | Thought | ToolCall | ToolResult


@dataclass(frozen=True, slots=True)
class Message:
    """Who speaks, and what they say."""

    role: Role
    parts: tuple[Part, ...]

    @property
    def text(self) -> str:
        """All words of the message."""
        return "".join(part.text for part in self.parts if isinstance(part, Text))

    @property
    def tool_calls(self) -> list[ToolCall]:
        return [part for part in self.parts if isinstance(part, ToolCall)]


@dataclass(frozen=True, slots=True)
class Tool:
    """A function that the model may ask for; ``schema`` is JSON Schema of its arguments."""

    name: str
    description: str = ""
    schema: Json = field(default_factory=lambda: {"type": "object", "properties": {}})
    is_strict: bool | None = None


@dataclass(frozen=True, slots=True)
class OutputSchema:
    """The JSON Schema that the answer must follow."""

    name: str
    schema: Json
    is_strict: bool = True


@dataclass(frozen=True, slots=True)
class Request:
    """One question to a model.

    ``params`` are sampling parameters by OpenAI's names (``max_tokens``, ``temperature``,
    ``top_p``, ``stop``, ...): each dialect has a list of those that it can say.
    """

    model: str
    messages: tuple[Message, ...]
    tools: tuple[Tool, ...] = ()
    # auto, none, required, or the name of a tool behind "tool:".
    tool_choice: str = ""
    params: Mapping[str, Json] = field(default_factory=dict)
    output_schema: OutputSchema | None = None
    # Any valid JSON, without a schema.
    is_json: bool = False
    seed: int | None = None

    @property
    def most_output(self) -> int | None:
        """The most tokens that the answer may have."""
        most = self.params.get("max_tokens")
        return most if isinstance(most, int) else None

    @property
    def features(self) -> frozenset[Feature]:
        """What the model must be able to do."""
        needed = {
            Feature.TOOLS: bool(self.tools),
            Feature.TOOL_CHOICE: self.tool_choice not in ("", "auto", "none"),
            Feature.IMAGES: any(_has_image(message) for message in self.messages),
            Feature.JSON_SCHEMA: self.output_schema is not None,
            Feature.SEED: self.seed is not None,
            Feature.SYSTEM: any(message.role == "system" for message in self.messages),
        }
        return frozenset(feature for feature, is_needed in needed.items() if is_needed)

    def canonical(self) -> bytes:
        """Return the one byte form: equal requests have equal forms.

        Ids of tool calls are random, so they are counted in the order in which they occur.
        """
        ids: dict[str, str] = {}
        return canonical_json(
            {
                "model": self.model,
                "messages": [
                    [message.role, [_plain(part, ids) for part in message.parts]]
                    for message in self.messages
                ],
                "tools": [
                    [tool.name, tool.description, tool.schema, tool.is_strict]
                    for tool in self.tools
                ],
                "tool_choice": self.tool_choice,
                "params": dict(self.params),
                "schema": _plain_schema(self.output_schema),
                "json": self.is_json,
                "seed": self.seed,
            }
        )


def _has_image(message: Message) -> bool:
    return any(
        isinstance(part, Image)
        or (isinstance(part, ToolResult) and any(isinstance(one, Image) for one in part.parts))
        for part in message.parts
    )


def _plain(part: Part, ids: dict[str, str]) -> Json:
    match part:
        case Text(text):
            return ["text", text]
        case Image():
            return ["image", part.address, part.detail]
        case Thought(text, native):
            return ["thought", text, native]
        case ToolCall(call_id, name, arguments):
            return ["call", ids.setdefault(call_id, f"call_{len(ids)}"), name, arguments]
        case ToolResult():
            said = [_plain(one, ids) for one in part.parts]
            number = ids.setdefault(part.call_id, f"call_{len(ids)}")
            return ["result", number, said, part.is_error]


def _plain_schema(schema: OutputSchema | None) -> Json:
    return None if schema is None else [schema.name, schema.schema, schema.is_strict]


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens; None is not told. ``input`` includes the cached, ``output`` the reasoning ones."""

    input: int | None = None
    output: int | None = None
    cache_read: int | None = None
    cache_write: int | None = None
    reasoning: int | None = None


# stop, length, tool_calls, content_filter, refusal; else what the provider said.
FINISHED = ("stop", "length", "tool_calls", "content_filter", "refusal")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model said."""

    message: Message
    usage: Usage = field(default_factory=Usage)
    finish_reason: str = ""
    # As the provider calls it: of a family, the very model that answered.
    model: str = ""
    system_fingerprint: str | None = None
    request_id: str | None = None
    latency_ms: float | None = None
    # The provider's own JSON.
    raw: Json = None
    # What was left out or changed on the way, in words.
    notes: tuple[str, ...] = ()

    @property
    def is_filtered(self) -> bool:
        """Whether the provider held it back, or the model would not answer."""
        return self.finish_reason in ("content_filter", "refusal")

    def noting(self, notes: Sequence[str]) -> Answer:
        """Return the answer with more notes."""
        return replace(self, notes=(*self.notes, *notes))


class Provider(Protocol):
    """Whoever answers: a provider over the network, the record, or a script."""

    @property
    def name(self) -> str:
        """As people read it."""
        ...

    def ask(self, request: Request, *, sample: int, seconds: float) -> Answer:
        """Answer, or raise a ``ProviderError``."""
        ...


class ProviderError(Exception):
    """A provider did not answer; the message is for people and holds no key."""

    kind = "error"
    # Whether the same request may succeed a little later.
    is_passing = False

    def __init__(
        self, message: str, *, status: int | None = None, request_id: str | None = None
    ) -> None:
        super().__init__(message)
        self.status, self.request_id = status, request_id


class RateLimitedError(ProviderError):
    """Too much was asked; ``retry_after`` is in seconds where the provider said so."""

    kind = "rate_limited"
    is_passing = True

    def __init__(
        self,
        message: str,
        *,
        retry_after: float | None = None,
        status: int | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(message, status=status, request_id=request_id)
        self.retry_after = retry_after


class InvalidRequestError(ProviderError):
    """The provider does not take this request; it never will."""

    kind = "invalid"


class CredentialError(ProviderError):
    """The key is wrong, or may not do this."""

    kind = "auth"


class UnsupportedError(ProviderError):
    """The target cannot do what the request needs: the case is skipped, with this reason."""

    kind = "unsupported"

    def __init__(self, feature: str, why: str) -> None:
        super().__init__(f"{why} (feature: {feature}).")
        self.feature = feature


class TimeOutError(ProviderError):
    """No whole answer came in time."""

    kind = "timeout"
    is_passing = True


class ContentFilterError(ProviderError):
    """The provider held the question or the answer back."""

    kind = "content_filter"


class ServerError(ProviderError):
    """The provider broke, or cannot be reached."""

    kind = "server"
    is_passing = True


class UnreadableAnswerError(ProviderError):
    """Something came back, was perhaps paid, and is no answer of the protocol."""

    kind = "unreadable"


class NotRecordedError(ProviderError):
    """History has no answer to this request."""

    kind = "not_recorded"
