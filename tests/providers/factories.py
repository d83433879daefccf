"""Makers of providers for tests."""

from __future__ import annotations

from typing import Any

from apps.audit.actors import SYSTEM
from apps.providers import services
from apps.providers.models import Credential
from apps.providers.protocol import Message, Request, Text
from apps.providers.services import Draft
from apps.tenants.models import Project

KEY = "sk-test-0123456789abcdef"


def make_credential(project: Project, base_url: str = "", **fields: Any) -> Credential:
    told = {"name": "local", "kind": "openai-compatible", "key": KEY, "base_url": base_url}
    return services.add_credential(project, Draft(**told | fields), actor=SYSTEM)


def ask(text: str = "Hello?", model: str = "gpt-4o", **fields: Any) -> Request:
    return Request(model, (Message("user", (Text(text),)),), **fields)
