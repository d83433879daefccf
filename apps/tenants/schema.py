"""How the OpenAPI document describes our ways to authenticate."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema


class ApiKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """A project's key as a bearer token, or as HTTP Basic."""

    target_class = "apps.tenants.authentication.ApiKeyAuthentication"
    name = ["apiKey", "apiKeyBasic"]

    def get_security_requirement(self, auto_schema: AutoSchema) -> list[dict[str, list[str]]]:
        # One way or the other; in one object they would both be asked for.
        return [{name: []} for name in self.name]

    def get_security_definition(self, auto_schema: AutoSchema) -> list[dict[str, Any]]:
        return [
            {"type": "http", "scheme": "bearer", "bearerFormat": "phk_..."},
            {
                "type": "http",
                "scheme": "basic",
                "description": "The key's id as the user name, the key as the password.",
            },
        ]


class BrowserSessionScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """The cookie of a signed-in browser."""

    target_class = "apps.tenants.authentication.BrowserSessionAuthentication"
    name = "browserSession"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        return {"type": "apiKey", "in": "cookie", "name": "playhead_session"}
