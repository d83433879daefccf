"""What the OpenAPI document says of every operation: how it refuses."""

from __future__ import annotations

from typing import Any

METHODS = frozenset("get post put patch delete".split())
TEXT = {"type": "string"}
PROBLEM = {
    "type": "object",
    "description": "What went wrong (RFC 9457); `errors` names the fields.",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": TEXT,
        "title": TEXT,
        "status": {"type": "integer"},
        "detail": TEXT,
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["path", "message"],
                "properties": {"path": TEXT, "message": TEXT},
            },
        },
    },
}
REFUSALS = {
    "4XX": "The request was refused; the problem names the reason, the field or the limit.",
    "503": "A store cannot take this now. Come back after `Retry-After` seconds.",
}


def add_problems(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Add to each operation the answers that any of them may give."""
    result.setdefault("components", {}).setdefault("schemas", {})["Problem"] = PROBLEM
    schema = {"$ref": "#/components/schemas/Problem"}
    content = {"application/problem+json": {"schema": schema}}
    for path in result["paths"].values():
        for method, operation in path.items():
            if method in METHODS:
                for status, words in REFUSALS.items():
                    answer = {"description": words, "content": content}
                    operation["responses"].setdefault(status, answer)
    return result
