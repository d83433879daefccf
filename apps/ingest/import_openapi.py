"""What the OpenAPI document says about imports."""

from __future__ import annotations

from typing import Any

from apps.ingest.importers.formats import FORMATS
from apps.ingest.models import ImportStatus

Schema = dict[str, Any]
WHOLE: Schema = {"type": "integer", "minimum": 0}
TEXT: Schema = {"type": "string"}
MOMENT: Schema = {"type": "string", "format": "date-time"}
COUNTS = "bytes_read records sessions accepted duplicates refused".split()


def import_request() -> Schema:
    """The form that brings a file."""
    file = {"type": "string", "format": "binary", "description": "At most 1 GiB; may be gzip."}
    environment = TEXT | {"maxLength": 64, "description": "For events that name none."}
    form = {"file": file, "format": {"enum": sorted(FORMATS)}, "environment": environment}
    return {"type": "object", "properties": form, "required": ["file", "format"]}


def import_answer(*, with_errors: bool = False) -> Schema:
    """One import."""
    properties: Schema = {
        "id": {"type": "string", "format": "uuid"},
        "status": {"enum": [status.value for status in ImportStatus]},
        **dict.fromkeys(("reason", "format", "file_name", "environment"), _or_null(TEXT)),
        "created_by": TEXT,
        **dict.fromkeys(("size", "percent"), _or_null(WHOLE)),
        **dict.fromkeys(COUNTS, WHOLE),
        "created_at": MOMENT,
        **dict.fromkeys(
            ("started_at", "ended_at", "waits_until", "resumable_until"), _or_null(MOMENT)
        ),
    }
    return _object(properties | ({"errors": _list(_error())} if with_errors else {}))


def imports_answer() -> Schema:
    """A page of imports."""
    return _object({"results": _list(import_answer()), "next": _or_null(TEXT)})


def import_errors_answer() -> Schema:
    """A page of what was refused."""
    return _object({"results": _list(_error()), "next": _or_null(TEXT)})


def _error() -> Schema:
    return _object({"index": WHOLE, "path": TEXT, "message": TEXT})


def _list(schema: Schema) -> Schema:
    return {"type": "array", "items": schema}


def _or_null(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def _object(properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, "required": list(properties)}
