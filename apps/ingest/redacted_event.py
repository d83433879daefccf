"""One event without what its project does not keep."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from apps.governance.choices import Action, Category
from apps.governance.policies import CompiledPolicy, Treatment
from apps.governance.redaction import DROPPED, Marks, Redactor, word
from apps.ingest import categories as of
from apps.ingest.checks import MAX_WORD
from apps.ingest.match_hashes import add_match_hashes
from apps.ingest.spoken import Spoken, changed_dict, changed_list
from apps.ingest.streams import redacted_stream
from apps.sessions.events import IncomingEvent

Json = Any
Changes = dict[str, Json]
Counts = Counter[tuple[str, str]]

# Words by which events are found. They lie in the clear, so findings in them are always
# replaced where anything is, and they are never dropped: structure stays.
LABELS = (
    "name agent model model_returned provider environment release user_role response_id "
    "request_id lane"
).split()
# What holds events together. The same id must stay the same id, so findings are hashed.
IDENTITIES = ("id", "parent", "session", "trace")
RANDOM_ID = re.compile(r"[0-9a-fA-F-]{16,36}")
HASHED = ("input", "model", "params", "tools")
# Entries of ``replay`` that are made of the request or count it; never redacted.
MATCHING = frozenset({"canon", "request_hash", "loose_hash", "ordinal", "finish", "seed"})
# Raw parts of a span that hold ids, names and versions of software alone.
PLAIN_EXTRA = frozenset({"scope", "links"})
VERBS = {
    Action.MASK.value: "masked",
    Action.HASH.value: "hashed",
    Action.PSEUDONYMISE.value: "pseudonymised",
}


class EventRedactor:
    """Applies one policy to one event after the other."""

    def __init__(self, policy: CompiledPolicy, marks: Marks) -> None:
        self._policy = policy
        self._marks = marks
        self._redactor = Redactor(marks)
        self._spoken = Spoken(policy, self._redactor)
        self._labelled = policy.treatment(*of.METADATA)

    def redacted(self, event: IncomingEvent) -> IncomingEvent:
        """Return the event as it may be kept: itself where nothing of it changes."""
        changes, notes = self._identities(event), dict[str, Counts]()
        self._take(notes, "id")
        for field, made in self._fields(event):
            changes[field] = made
            self._take(notes, field)
        if changes.keys() & set(HASHED):
            event = msgspec.structs.replace(event)
            add_match_hashes(event)
        if event.replay is not None:
            self._settle("replay", event.replay, self._replay(event.replay), changes)
            self._take(notes, "replay")
        flags = self._flags(event.flags or [])
        if not changes and flags is (event.flags or flags):
            return event
        return msgspec.structs.replace(event, **changes, flags=[*flags, *self._notes(notes)])

    def _fields(self, event: IncomingEvent) -> Iterator[tuple[str, Json]]:
        """Yield the fields that change, each with what becomes of it."""
        yield from self._labels(event).items()
        for field, treat in FIELDS.items():
            value = getattr(event, field)
            if value is None:
                continue
            made = treat(self, event, value)
            if made is not value:
                yield field, made
                if field == "user":
                    yield "sent_user", value

    def _take(self, notes: dict[str, Counts], field: str) -> None:
        """Note under ``field`` what was found since the last time."""
        if self._redactor.found:
            notes.setdefault(field, Counter()).update(self._redactor.found)
            self._redactor.found = Counter()

    def _settle(self, field: str, value: Json, made: Json, changes: Changes) -> None:
        if made is not value:
            changes[field] = made

    def _notes(self, notes: Mapping[str, Counts]) -> Iterator[dict[str, str]]:
        for field, found in notes.items():
            yield {
                "field": field,
                "reason": _sentence(found),
                "by": "redaction",
                "policy": str(self._policy.version),
            }

    # What becomes of a value

    def whole(self, value: Json, categories: of.Categories) -> Json:
        """Return a value of one piece; None where its category is dropped."""
        how = self._policy.treatment(*categories)
        return self._dropped(how) if how.drops else self._redactor.value(value, how)

    def said(self, value: Json, home: of.Categories) -> Json:
        """Return a value that may hold messages; None where nothing of it is left."""
        if self._policy.is_uniform:
            return self.whole(value, home)
        made = self._spoken.value(value, home)
        return None if made == DROPPED else made

    def named(self, values: Mapping[str, Json], default: of.Categories | None = None) -> Json:
        """Return attributes, each by what its name says that it is."""
        if self._policy.is_uniform and not self._labelled.drops:
            return self._redactor.value(values, self._labelled)
        made = changed_dict(
            dict(values) if not isinstance(values, dict) else values,
            lambda name, value: self._attribute(name, value, default),
        )
        kept = made if DROPPED not in made.values() else _without_dropped(made)
        return self._redactor.keys(kept, self._labelled)

    def _attribute(self, name: str, value: Json, default: of.Categories | None) -> Json:
        categories = of.of_name(name)
        if default is not None and categories == of.METADATA:
            categories = default
        if isinstance(value, bool | int | float):
            return self._redactor.under(name, value, self._policy.treatment(*categories))
        if isinstance(value, list | dict) and categories == of.HISTORY:
            return self._spoken.value(value, categories)
        return self._spoken.plain(value, categories, name)

    def _dropped(self, how: Treatment) -> None:
        self._redactor.found["value", how.action.value] += 1

    # Words and ids, which lie in the clear

    def label(self, text: str) -> str:
        """Return a word that stays whatever is dropped, without findings."""
        return self._redactor.plain_text(text, self._labelled)

    def _labels(self, event: IncomingEvent) -> Changes:
        words = {name: word for name in LABELS if (word := getattr(event, name))}
        # Most events hold nothing in any of them: one look instead of eleven.
        if not self._labelled.search.is_telling("\n".join(words.values())):
            return {}
        made = {name: self.label(word) for name, word in words.items()}
        return {name: word for name, word in made.items() if word is not words[name]}

    def _identities(self, event: IncomingEvent) -> Changes:
        changes: Changes = {}
        for name in IDENTITIES:
            value = getattr(event, name)
            if value is not None:
                self._settle(name, value, self.identity(value), changes)
        if event.inputs:
            made = changed_list(event.inputs, self.identity)
            self._settle("inputs", event.inputs, made, changes)
        return changes

    def identity(self, text: str) -> str:
        """Return an id with hashes in the place of findings; the same for the same id."""
        if RANDOM_ID.fullmatch(text):
            return text
        findings = self._labelled.search.findings(text)
        if not findings:
            return text
        parts, end = [], 0
        for finding in findings:
            parts.append(text[end : finding.start])
            parts.append(self._marks.hashed(finding.kind, text[finding.start : finding.end]))
            self._redactor.found[finding.kind, Action.HASH.value] += 1
            end = finding.end
        made = "".join([*parts, text[end:]])
        return made if len(made) <= MAX_WORD else self._marks.hashed("id", text)

    # Fields with an inside of their own

    def _struct(self, value: Any, **treat: Callable[[Json], Json]) -> Any:
        changes = {}
        for name, treated in treat.items():
            inner = getattr(value, name)
            if inner is not None and (made := treated(inner)) is not inner:
                changes[name] = made
        return msgspec.structs.replace(value, **changes) if changes else value

    def _error(self, event: IncomingEvent, error: Any) -> Any:
        categories = of.of_kind(event.kind, of.BOTH)
        return self._struct(
            error,
            type=self.label,
            code=self.label,
            message=lambda text: self.whole(text, categories),
        )

    def _outcome(self, event: IncomingEvent, outcome: Any) -> Any:
        return self._struct(outcome, code=self.label, reason=lambda text: self.whole(text, of.BOTH))

    def _prompt(self, event: IncomingEvent, prompt: Any) -> Any:
        categories = (*of.INPUT, *of.SYSTEM)
        return self._struct(
            prompt,
            name=self.label,
            version=lambda version: self.label(version) if isinstance(version, str) else version,
            variables=lambda variables: self.whole(variables, categories),
        )

    def _stamps(self, event: IncomingEvent, stamps: dict[str, str]) -> Json:
        return self._redactor.value(stamps, self._labelled)

    def _replay(self, replay: dict[str, Json]) -> Json:
        return changed_dict(replay, self._replay_entry)

    def _replay_entry(self, name: str, value: Json) -> Json:
        if name in MATCHING:
            return value
        if name == "stream":
            return self._stream(value)
        return self._spoken.plain(value, of.EVERYTHING, name)

    def _stream(self, value: Json) -> Json:
        how = self._policy.treatment(*of.OUTPUT, *of.TOOL)
        return self._dropped(how) if how.drops else redacted_stream(value, self._redactor, how)

    def _extra(self, event: IncomingEvent, extra: dict[str, Json]) -> Json:
        made = changed_dict(extra, self._extra_entry)
        if DROPPED in made.values():
            made = _without_dropped(made)
        return self._redactor.keys(made, self._labelled) or None

    def _extra_entry(self, name: str, value: Json) -> Json:
        if name in PLAIN_EXTRA:
            return value
        if name in ("attributes", "resource", "log") and isinstance(value, dict):
            return self.named(value)
        if name == "events" and isinstance(value, list):
            return changed_list(value, self._span_event)
        if name == "original" and isinstance(value, dict):
            return changed_dict(value, lambda _, kept: self._original(kept))
        return self._attribute(name, value, None)

    def _original(self, value: Json) -> Json:
        """Return what was set right on the way in as it was: times and ids."""
        if isinstance(value, str):
            return self.identity(value)
        return self._redactor.value(value, self._policy.strictest)

    def _span_event(self, event: Json) -> Json:
        if not isinstance(event, dict):
            return self._spoken.plain(event, of.EVERYTHING)
        return changed_dict(event, self._span_event_entry)

    def _span_event_entry(self, name: str, value: Json) -> Json:
        if name == "attributes" and isinstance(value, dict):
            return self.named(value)
        return value if name == "at" else self._spoken.kept(value, of.METADATA)

    def _sent(self, event: IncomingEvent, sent: list[dict[str, Json]]) -> Json:
        return changed_list(sent, lambda entry: changed_dict(entry, self._sent_entry))

    def _sent_entry(self, name: str, value: Json) -> Json:
        """Return a part of the span or record as it came; paths and numbers are no content."""
        if name == "attributes" and isinstance(value, dict):
            return self.named(value)
        if name == "name" and isinstance(value, str):
            return self.label(value)
        if name == "message":
            return self.whole(value, of.BOTH)
        return self._spoken.value(value, of.BOTH) if name == "body" else value

    def _flags(self, flags: list[dict[str, str]]) -> list[dict[str, str]]:
        """Return the notes so far, which may quote what was sent."""
        how = self._policy.strictest
        made = changed_list(flags, lambda note: self._redactor.value(note, how))
        self._redactor.found = Counter()
        return made


def _without_dropped(values: Mapping[str, Json]) -> dict[str, Json]:
    return {name: value for name, value in values.items() if value != DROPPED}


def _sentence(found: Counts) -> str:
    """Return what was done, for a person: "2 EMAIL masked, 1 CARD hashed."."""
    told = [
        f"{count} {word(kind)} {VERBS[action]}"
        for (kind, action), count in sorted(found.items())
        if action in VERBS
    ]
    dropped = sum(count for (_, action), count in found.items() if action not in VERBS)
    if dropped:
        told.append("content not kept" if dropped == 1 else f"{dropped} values not kept")
    return f"By the project's policy: {', '.join(told)}."


def _said(field: of.Categories) -> Callable[[EventRedactor, IncomingEvent, Json], Json]:
    return lambda redactor, event, value: redactor.said(value, of.of_kind(event.kind, field))


def _whole(*categories: Category) -> Callable[[EventRedactor, IncomingEvent, Json], Json]:
    return lambda redactor, event, value: redactor.whole(value, categories)


FIELDS: dict[str, Callable[[EventRedactor, IncomingEvent, Any], Any]] = {
    "input": _said(of.INPUT),
    "output": _said(of.OUTPUT),
    "error": EventRedactor._error,
    "params": lambda redactor, event, params: redactor.named(params, of.INPUT) or None,
    "tools": _whole(*of.TOOL),
    "prompt": EventRedactor._prompt,
    "stamps": EventRedactor._stamps,
    "decision": _whole(*of.OUTPUT),
    "state_patch": _whole(*of.EVERYTHING),
    "state": _whole(*of.EVERYTHING),
    "code_change": _whole(*of.OUTPUT, *of.TOOL),
    "reasoning": _whole(*of.OUTPUT),
    "memory": _whole(*of.EVERYTHING),
    "outcome": EventRedactor._outcome,
    "user": _whole(*of.METADATA),
    "tags": _whole(*of.METADATA),
    "metadata": _whole(*of.METADATA),
    "consent": _whole(*of.METADATA),
    "extra": EventRedactor._extra,
    "sent": EventRedactor._sent,
}
