"""What the OpenAPI document says about the ways in, made from the types that read them."""

from __future__ import annotations

from typing import Any

import msgspec

from apps.ingest.checks import MAX_EVENTS
from apps.ingest.native import NativeEvent

Schema = dict[str, Any]
WHOLE: Schema = {"type": "integer", "minimum": 0}
TEXT: Schema = {"type": "string"}


def events_request() -> Schema:
    """The body of the native API."""
    events = {"type": "array", "maxItems": MAX_EVENTS, "items": event_schema()}
    return _object({"events": events})


def events_answer() -> Schema:
    """What became of each event that was sent."""
    rejection = _object({"index": WHOLE, "path": TEXT, "message": TEXT})
    return _object(
        {
            "accepted": WHOLE,
            "duplicates": WHOLE,
            "rejected": {"type": "array", "items": rejection},
        }
    )


def event_schema() -> Schema:
    """The native event, with nothing left to look up elsewhere."""
    (schema,), parts = msgspec.json.schema_components([NativeEvent], ref_template="{name}")
    return dict(_inlined(schema, parts))


def otlp_request(message: str) -> dict[str, Schema]:
    """An OTLP request in both encodings."""
    described = {"type": "object", "description": f"{message} of OTLP, in its JSON form."}
    binary = {"type": "string", "format": "binary", "description": f"{message} of OTLP."}
    return {"application/x-protobuf": binary, "application/json": described}


def otlp_answers(message: str) -> dict[tuple[int, str], Schema]:
    """An OTLP answer in both encodings; refused parts are in ``partial_success``."""
    described = {"type": "object", "description": f"{message} of OTLP, in its JSON form."}
    binary = {"type": "string", "format": "binary", "description": f"{message} of OTLP."}
    return {(200, "application/json"): described, (200, "application/x-protobuf"): binary}


def health_answer() -> Schema:
    """The account of one day."""
    counts = {"type": "object", "additionalProperties": WHOLE}
    moment = {"type": "string", "format": "date-time"}
    client = _object(
        {
            "user_agent": TEXT,
            "version": TEXT,
            "source": TEXT,
            "last_seen": moment,
            "requests": WHOLE,
            "accepted": WHOLE,
            "duplicates": WHOLE,
            "rejected": WHOLE,
        }
    )
    names = ("accepted", "duplicates", "truncated", "unmapped", "late")
    return _object(
        {
            "since": moment,
            **dict.fromkeys(names, WHOLE),
            "refused": counts,
            "noted": counts,
            "lag_ms": {"type": ["integer", "null"]},
            "clients": {"type": "array", "items": client},
        }
    )


def _object(properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _inlined(schema: Any, parts: Schema) -> Any:
    if isinstance(schema, list):
        return [_inlined(inner, parts) for inner in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _inlined(parts[schema["$ref"]], parts)
    return {name: _inlined(inner, parts) for name, inner in schema.items()}
