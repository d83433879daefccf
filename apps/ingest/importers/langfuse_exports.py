"""Langfuse's exports: traces with their observations and scores, or each of them alone.

What its API answers (``GET /api/public/traces/{id}``, lists of observations and of scores),
what its pages export, and what it writes into a bucket, whose names have underscores.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from apps.ingest.batch import Batch, Rejection
from apps.ingest.checks import Refusal, check_event
from apps.ingest.conventions.attributes import as_fraction, as_money
from apps.ingest.importers.importer import Importer
from apps.ingest.importers.records import Record
from apps.ingest.importers.told import Fields, as_moment
from apps.ingest.langfuse.bodies import fit
from apps.ingest.langfuse.observations import observation_event, trace_event
from apps.ingest.langfuse.scores import score_event, trace_of
from apps.ingest.text import json_in_text
from apps.sessions.events import IncomingEvent, Json

UNDERSCORED = re.compile(r"_([a-z])")
CONTENT = ("input", "output", "metadata", "modelParameters", "usageDetails", "costDetails")
TIMES = ("timestamp", "startTime", "endTime", "completionStartTime")
# What an observation has from its trace, and a trace tells all of its observations.
OF_TRACE = ("sessionId", "userId", "tags", "environment", "release")
# Said by other fields, or of Langfuse's own housekeeping.
REPEATED = (
    "latency bookmarked public projectId createdAt updatedAt externalId htmlPath totalCost "
    "calculatedInputCost calculatedOutputCost calculatedTotalCost promptTokens completionTokens "
    "totalTokens unit inputPrice outputPrice totalPrice internalModelId modelId inputCost "
    "outputCost inputUsage outputUsage totalUsage isRootObservation promptId _deprecation "
    "providedUsageDetails providedCostDetails internalModel timeToFirstToken usagePricingTierName "
    "usagePricingTierId traceName configId queueId authorUserId source object trace "
    "toolDefinitions toolCalls toolCallNames"
).split()


class LangfuseExports(Importer):
    """Reads each trace, observation and score; what is wrong with one is told of that one."""

    def read(self, record: Record, batch: Batch, now: datetime) -> None:
        for path, fields in _things(record.value, ""):
            try:
                event = _event(fit(fields).fields, batch.unmapped)
                check_event(event, now)
            except Refusal as refusal:
                place = ".".join(part for part in (path, refusal.path) if part)
                told = Refusal(str(refusal), place, refusal.reason)
                batch.refuse(Rejection.of(record.index, told))
            else:
                batch.add(event, record.index)


def _things(value: Json, path: str) -> Iterator[tuple[str, Json]]:
    """Return what a record holds: pages of the API hold many, a trace its own parts."""
    if isinstance(value, dict) and isinstance(value.get("data"), list) and "id" not in value:
        for index, one in enumerate(value["data"]):
            yield from _things(one, f"data[{index}]")
        return
    if not _is_trace(value):
        yield path, value
        return
    fields = _camel(value)
    parts = {name: fields.pop(name, None) for name in ("observations", "scores")}
    yield path, fields
    of_trace = {name: fields[name] for name in OF_TRACE if fields.get(name) is not None}
    for name, given in parts.items():
        for index, one in enumerate(given if isinstance(given, list) else []):
            place = f"{path}.{name}[{index}]" if path else f"{name}[{index}]"
            if isinstance(one, dict):
                yield place, of_trace | {"traceId": fields.get("id")} | _said(_camel(one))


def _is_trace(value: Json) -> bool:
    return isinstance(value, dict) and not (_is_score(value) or _is_observation(value))


def _is_observation(value: Fields) -> bool:
    told = value.keys()
    return bool(told & {"startTime", "start_time", "parentObservationId", "parent_observation_id"})


def _is_score(value: Fields) -> bool:
    return "value" in value or "stringValue" in value or "string_value" in value


def _camel(fields: Fields) -> Fields:
    """Return the fields under the names that the API has."""
    return {UNDERSCORED.sub(lambda hit: hit[1].upper(), name): fields[name] for name in fields}


def _said(fields: Fields) -> Fields:
    return {name: value for name, value in fields.items() if value is not None}


def _event(told: Fields, unmapped: Counter[str]) -> IncomingEvent:
    fields = _read(_said(_camel(told)))
    if _is_score(fields):
        return _score(fields)
    event = _observation(fields) if _is_observation(fields) else _trace(fields)
    for home in ("trace", "observation"):
        unmapped.update(list((event.extra or {}).get(home, ())))
    return event


def _read(fields: Fields) -> Fields:
    """Open the JSON that stands in text, and read times without a zone, as in a bucket's files."""
    opened: Fields = {
        name: json_in_text(fields[name])
        for name in CONTENT
        if isinstance(fields.get(name), str) and fields[name]
    }
    times: Fields = {
        name: as_moment(fields[name], name).isoformat() for name in TIMES if fields.get(name)
    }
    return fields | opened | times


def _score(fields: Fields) -> IncomingEvent:
    """Return the event of a score. What a category is called says more than its number."""
    if isinstance(fields.get("stringValue"), str):
        fields["value"] = fields.pop("stringValue")
    kept = {name: value for name, value in fields.items() if name not in (*REPEATED, *OF_TRACE)}
    scope = {name: fields[name] for name in ("environment",) if name in fields}
    session = {} if fields.get("traceId") else {"sessionId": fields.get("sessionId")}
    return score_event(kept | scope | session)


def _trace(fields: Fields) -> IncomingEvent:
    if not isinstance(fields.get("id"), str):
        raise Refusal("Required.", "id")
    fields = {name: value for name, value in fields.items() if name not in REPEATED}
    fields.pop("observations", None)
    fields.pop("scores", None)
    return trace_event(fields, None)


def _observation(fields: Fields) -> IncomingEvent:
    if not isinstance(fields.get("id"), str):
        raise Refusal("Required.", "id")
    cost, waited = _total(fields), as_fraction(fields.get("timeToFirstToken"))
    fields["model"] = fields.get("model") or fields.pop("providedModelName", None)
    fields.pop("providedModelName", None)
    of_trace = {name: fields.pop(name, None) for name in OF_TRACE if name != "environment"}
    kept = {name: value for name, value in fields.items() if name not in REPEATED}
    event = observation_event("observation", kept, None, is_update=False)
    if event.cost is None and event.usage is not None:
        event.cost = cost
    if event.time_to_first_token_ms is None and waited is not None:
        event.time_to_first_token_ms = waited * 1000
    return _placed(event, of_trace)


def _total(fields: Fields) -> Any:
    return as_money(fields.get("totalCost", fields.get("calculatedTotalCost")))


def _placed(event: IncomingEvent, of_trace: Fields) -> IncomingEvent:
    for name, field in (("sessionId", "session"), ("userId", "user"), ("release", "release")):
        value = of_trace.get(name)
        if value is not None and not isinstance(value, str):
            raise Refusal("Must be text.", name)
        setattr(event, field, value or None)
    tags = of_trace.get("tags")
    event.tags = [str(tag) for tag in tags] or None if isinstance(tags, list) else None
    event.trace = trace_of(event.trace)
    return event
