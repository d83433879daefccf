"""How cases were chosen, said in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import QueryDict

from apps.sessions.filter_text import render

Json = Any


@dataclass(frozen=True, slots=True)
class ToldSource:
    """What chose the cases of a version: filters as typed, and what was done with the found."""

    filters: str
    # The same as a query of the session list.
    query: str
    says: str


def told_source(source: Json) -> ToldSource | None:
    if not source:
        return None
    query = QueryDict(mutable=True)
    query.update(source["filters"])
    filters = render(source["filters"])
    found = f"{source['found']:,} found"
    if source.get("is_cut"):
        found = f"the newest {source['found']:,} of more"
    sample = source.get("sample")
    if sample is None:
        return ToldSource(filters, query.urlencode(), found)
    by = f" by {', '.join(sample['by'])}" if sample["by"] else ""
    says = f"a sample of {sample['size']:,} of {found}{by}, seed {sample['seed']}"
    return ToldSource(filters, query.urlencode(), says)
