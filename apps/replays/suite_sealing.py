"""What is expected of a case, under the key of its session; how cases were chosen, under the
project's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from apps.core.canonical import canonical_json
from apps.replays.suite_models import SuiteVersion
from apps.sessions.keys import ProjectKeys, SessionCipher

Json = Any

EXPECTATIONS = b"case expectations"
SOURCE = b"suite source"


def seal_expectations(cipher: SessionCipher, expectations: Sequence[Json]) -> bytes | None:
    if not expectations:
        return None
    return cipher.seal(canonical_json(list(expectations)), EXPECTATIONS)


def open_expectations(cipher: SessionCipher, sealed: bytes | memoryview) -> list[dict[str, Json]]:
    found: list[dict[str, Json]] = orjson.loads(cipher.open(bytes(sealed), EXPECTATIONS))
    return found


def seal_source(keys: ProjectKeys, source: Json) -> bytes | None:
    return keys.seal_apart(canonical_json(source), SOURCE) if source else None


def open_source(keys: ProjectKeys, version: SuiteVersion) -> Json:
    if version.sealed_source is None:
        return None
    return orjson.loads(keys.open_apart(bytes(version.sealed_source), SOURCE))
