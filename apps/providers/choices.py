"""What providers are there, and which protocols they speak."""

from __future__ import annotations

from django.db import models


class Kind(models.TextChoices):
    """Whose models are asked."""

    OPENAI = "openai", "OpenAI"
    ANTHROPIC = "anthropic", "Anthropic"
    COMPATIBLE = "openai-compatible", "OpenAI-compatible"


class Dialect(models.TextChoices):
    """The protocol on the wire."""

    CHAT = "chat", "Chat completions"
    RESPONSES = "responses", "Responses"
    MESSAGES = "messages", "Messages"


class Feature(models.TextChoices):
    """What a request may need of a model, and some models lack."""

    TOOLS = "tools", "tools"
    TOOL_CHOICE = "tool_choice", "naming the tool to call"
    IMAGES = "images", "images"
    JSON_SCHEMA = "json_schema", "output by a JSON schema"
    SEED = "seed", "a seed"
    SYSTEM = "system", "system messages"


BASE_URLS = {
    Kind.OPENAI: "https://api.openai.com/v1",
    Kind.ANTHROPIC: "https://api.anthropic.com",
    Kind.COMPATIBLE: "",
}
DIALECTS = {
    Kind.OPENAI: (Dialect.CHAT, Dialect.RESPONSES),
    Kind.ANTHROPIC: (Dialect.MESSAGES,),
    Kind.COMPATIBLE: (Dialect.CHAT, Dialect.RESPONSES),
}
# What a request can do without and still be the same question.
SOFT = frozenset({Feature.SEED})
