"""Exceptions as recorded errors, and recorded errors as the exceptions that they were."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from playhead.values import as_json, from_json, is_whole

Json = Any


class RecordedError(Exception):
    """A recorded error whose class is not at hand; ``recorded_type`` names it."""

    def __init__(self, recorded_type: str, message: str) -> None:
        super().__init__(message)
        self.recorded_type = recorded_type


def error_of(error: BaseException) -> dict[str, Json]:
    """Return an exception as the error of an event."""
    kind = type(error)
    told: dict[str, Json] = {
        "type": kind.__qualname__,
        "module": kind.__module__,
        "message": str(error),
        "args": as_json(error.args),
    }
    code = getattr(error, "code", None) or getattr(error, "status_code", None)
    if isinstance(code, str | int):
        told["code"] = str(code)
    return told


def exception_of(error: Mapping[str, Json]) -> BaseException:
    """Return the exception that was recorded, of its own class where that is loaded.

    Nothing is imported for it, and no constructor runs: both would let a recording choose
    what code runs.
    """
    message = str(error.get("message") or "")
    kind = _class_of(error)
    if kind is None:
        return RecordedError(str(error.get("type") or "Error"), message)
    args = error.get("args")
    raised = kind.__new__(kind)
    raised.args = from_json(args) if args is not None and is_whole(args) else (message,)
    return raised


def _class_of(error: Mapping[str, Json]) -> type[Exception] | None:
    module = sys.modules.get(str(error.get("module") or ""))
    found: Any = module
    for name in str(error.get("type") or "").split("."):
        found = getattr(found, name, None)
    is_error = isinstance(found, type) and issubclass(found, Exception)
    return found if is_error else None
