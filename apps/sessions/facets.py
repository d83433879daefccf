"""What a session can be found by: the values that its events publish."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from apps.sessions.counting import tool_of
from apps.sessions.models import Facet
from apps.sessions.rows import EventRow

# Longer values would not fit an index; they are found by their beginning and a hash.
LONGEST = 200
# Beside its type, every error is published as this.
ANY_ERROR = "*"


def facet_value(text: str) -> str:
    """Return the form in which a value is published and looked up."""
    if len(text) <= LONGEST:
        return text
    tail = hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
    return f"{text[: LONGEST - 20]}...{tail}"


def facets_of(row: EventRow, tags: Iterable[str] | None) -> set[tuple[str, str]]:
    """Return the (facet, value) pairs that one event publishes."""
    found = {
        (Facet.KIND.value, row.kind),
        (Facet.MODEL.value, row.model),
        (Facet.MODEL.value, row.model_returned),
        (Facet.PROVIDER.value, row.provider),
        (Facet.AGENT.value, row.agent),
        (Facet.RELEASE.value, row.release),
        (Facet.ENVIRONMENT.value, row.environment),
        (Facet.USER.value, row.user_ref),
        (Facet.PROMPT.value, row.prompt_name),
        (Facet.TOOL.value, tool_of(row) if row.kind == "tool" else None),
        (Facet.ERROR.value, row.error_type),
        *((Facet.TAG.value, tag) for tag in tags or ()),
    }
    if row.prompt_name and row.prompt_version:
        found.add((Facet.PROMPT.value, f"{row.prompt_name}@{row.prompt_version}"))
    if row.status == "error":
        found.add((Facet.ERROR.value, ANY_ERROR))
    return {(facet, facet_value(value)) for facet, value in found if value}
