"""One byte form for each JSON value: keys sorted, no spaces, UTF-8.

Content is stored under the digest of this form, so equal values are stored once.
It follows RFC 8785 but for two things that the RFC refuses or changes: whole numbers
keep all their digits up to 64 bits, and keys sort by code point.
"""

from __future__ import annotations

from typing import Any

import orjson

OPTIONS = orjson.OPT_SORT_KEYS


def canonical_json(value: Any) -> bytes:
    """Return the canonical bytes of a JSON value."""
    return orjson.dumps(value, option=OPTIONS)
