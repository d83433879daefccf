"""JSON bodies of the API: packed or plain, and never deeper than the limit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

from apps.core.bodies import check_depth, read_body


class PackedJSONParser(BaseParser):
    """Reads JSON as every way in does: limits first, then the text."""

    media_type = "application/json"

    def parse(
        self,
        stream: Any,
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        request = (parser_context or {})["request"]
        body = read_body(request._request)
        check_depth(body)
        try:
            return orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise ParseError(f"The body is not JSON: {error}.") from None
