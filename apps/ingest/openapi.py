"""What the OpenAPI document says about the ways in, made from the types that read them."""

from __future__ import annotations

from typing import Any

import msgspec

from apps.ingest.checks import MAX_EVENTS
from apps.ingest.libraries import FIELDS
from apps.ingest.native import NativeEvent
from apps.ingest.reasons import Effect

Schema = dict[str, Any]
WHOLE: Schema = {"type": "integer", "minimum": 0}
TEXT: Schema = {"type": "string"}
COUNTS: Schema = {"type": "object", "additionalProperties": WHOLE}
MOMENT: Schema = {"type": "string", "format": "date-time"}
SUMMED = "requests refused_requests sent accepted duplicates rejected late".split()


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
    """The account of the last hours."""
    names = (
        "hours requests sent accepted duplicates rejected truncated unmapped conflicting set_right "
        "redacted late"
    ).split()
    lag = ("newest_event_age_ms", "p50_within_ms", "p95_within_ms")
    return _object(
        {
            "state": {"enum": ["ok", "warn", "error", "none"]},
            "headline": TEXT,
            "since": MOMENT,
            "until": MOMENT,
            **dict.fromkeys(names, WHOLE),
            **dict.fromkeys(("refused", "refused_requests", "noted"), COUNTS),
            "unmapped_names": _or_null(_list(TEXT)),
            "lag_ms": _or_null(WHOLE),
            "lag": _object(dict.fromkeys(lag, _or_null(WHOLE))),
            "sources": _list(_object({"source": TEXT} | _summed())),
            "series": _list(_object({"hour": MOMENT} | _summed())),
            "clients": _list(_client()),
            "libraries": _list(_library()),
            "reasons": _list(_reason()),
            "advice": _list(
                _object(dict.fromkeys("library version missing sentence fix".split(), TEXT))
            ),
            "quotas": quotas_answer(),
            "quota_is_counted": {"type": "boolean"},
        }
    )


def quotas_answer() -> Schema:
    """What a project may send, and how much of it is used."""
    use = {
        "period": {"enum": ["minute", "month"]},
        **dict.fromkeys(("limit", "used", "remaining"), WHOLE),
        "reset_seconds": {"type": "number"},
        "state": {"enum": ["ok", "warn", "blocked"]},
    }
    limits = dict.fromkeys(("events_per_minute", "events_per_month"), _or_null(WHOLE))
    return _object({**limits, "uses": _list(_object(use))})


def _summed() -> Schema:
    return dict.fromkeys(SUMMED, WHOLE)


def _client() -> Schema:
    seen = {"first_seen": _or_null(MOMENT), "last_seen": MOMENT}
    return _object(dict.fromkeys(("user_agent", "version", "source"), TEXT) | seen | _summed())


def _library() -> Schema:
    named = dict.fromkeys(("name", "version", "package"), TEXT)
    return _object(named | {"last_seen": MOMENT} | dict.fromkeys(FIELDS, WHOLE))


def _reason() -> Schema:
    told = dict.fromkeys("reason source title meaning fix".split(), TEXT)
    seen = {"first_seen": MOMENT, "last_seen": MOMENT}
    effect = {"enum": [effect.value for effect in Effect]}
    return _object(told | seen | {"effect": effect, "count": WHOLE, "sample": _or_null(TEXT)})


def _list(schema: Schema) -> Schema:
    return {"type": "array", "items": schema}


def _or_null(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


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
