"""What the OpenAPI document says about the endpoints that Langfuse's SDKs send to."""

from __future__ import annotations

from apps.ingest.openapi import TEXT, WHOLE, Schema

MOMENT: Schema = {"type": "string", "format": "date-time"}
ANY: Schema = {}


def _or_null(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def _object(required: Schema, optional: Schema | None = None) -> Schema:
    properties = {**required, **{name: _or_null(kind) for name, kind in (optional or {}).items()}}
    return {"type": "object", "properties": properties, "required": list(required)}


def score() -> Schema:
    """A score, of a trace or of a session."""
    value = {"anyOf": [{"type": "number"}, {"type": "boolean"}, TEXT]}
    words = "id traceId observationId sessionId comment environment dataType".split()
    optional = dict.fromkeys(words, TEXT) | {"timestamp": MOMENT, "metadata": ANY}
    return _object({"name": {"type": "string", "minLength": 1}, "value": value}, optional)


def scores_request() -> Schema:
    """One score, or a list of them."""
    return {"anyOf": [score(), {"type": "array", "items": score()}]}


def scores_answer() -> Schema:
    """That all is in the record; one score is told its id."""
    return {"anyOf": [_object({"message": TEXT}), _object({"id": TEXT})]}


def scores_partly() -> Schema:
    """How many scores were taken, and why the others were not."""
    errors = {"type": "array", "items": _object({"message": TEXT})}
    return _object({"accepted": WHOLE, "rejected": WHOLE, "errors": errors})


def ingestion_request() -> Schema:
    """A list of events of several types."""
    envelope = _object(
        {"type": TEXT, "body": {"type": "object"}}, {"id": TEXT, "timestamp": MOMENT}
    )
    return _object({"batch": {"type": "array", "items": envelope}})


def ingestion_answer() -> Schema:
    """What became of each event, by the id of its envelope."""
    done = _object({"id": TEXT, "status": WHOLE})
    failed = _object({"id": TEXT, "status": WHOLE, "message": TEXT, "error": TEXT})
    return _object(
        {
            "successes": {"type": "array", "items": done},
            "errors": {"type": "array", "items": failed},
        }
    )


def projects_answer() -> Schema:
    """The project of the key, in a list of one."""
    organization = _object({"id": TEXT, "name": TEXT})
    project = _object(
        {"id": TEXT, "name": TEXT, "organization": organization, "metadata": {"type": "object"}}
    )
    return _object({"data": {"type": "array", "items": project}})
