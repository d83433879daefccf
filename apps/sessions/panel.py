"""One step, laid out to be read: its content in sections, what it cost, where it came from."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from django.utils.safestring import SafeString

from apps.core.canonical import canonical_json
from apps.sessions.code_diff import diff_of
from apps.sessions.json_tree import (
    PAGE_NODES,
    SIZE_LIMIT,
    Budget,
    More,
    definition_rows,
    excerpt,
    json_tree,
    size_of,
)
from apps.sessions.layout import Place
from apps.sessions.messages import Message, common_start, read_messages

Json = Any

# What a decision is usually told by, in the order in which one wants to know it.
DECIDED = (("chosen", "Chosen"), ("reason", "Reason"), ("alternatives", "Alternatives"))
# Of a long history the last messages are shown, the others folded.
RECENT = 3
MESSAGES_AT_MOST = 60
SOURCES_AT_MOST = 20
HASH_DIGITS = 12

SAID = (
    ("input", "Input", "user"),
    ("reasoning", "Reasoning", "assistant"),
    ("output", "Output", "assistant"),
)
# Kinds of steps whose content may be messages.
SPOKEN = ("llm", "agent", "human", "chain")
LOOKED_UP = (
    ("metadata", "Metadata"),
    ("consent", "Consent"),
    ("replay", "Replay"),
    ("user", "User"),
    ("user_role", "Role of the user"),
    ("tags", "Tags"),
    ("outcome", "Outcome"),
    ("extra", "Raw attributes"),
)


class Before(NamedTuple):
    """An earlier call of the lane, and the history that it left."""

    seq: int
    id: str
    messages: Sequence[Message]


@dataclass
class Section:
    """One part of the panel: messages, a tree, a table of changes, a diff or an excerpt."""

    name: str
    title: str
    is_open: bool = True
    note: str = ""
    messages: list[Message] = field(default_factory=list)
    earlier: list[Message] = field(default_factory=list)
    left_out: int = 0
    # How many of the earlier messages an earlier call was sent or answered, and which call.
    repeated: int = 0
    since: Before | None = None
    # Bytes of what is too large for a page.
    size: int = 0
    tree: SafeString | None = None
    excerpt: str = ""
    # What is text, and nobody's message.
    text: str = ""
    # Rows of a <dl>.
    facts: SafeString | None = None
    # Steps whose output this one was given.
    sources: list[Place] = field(default_factory=list)


def sections(
    step: Mapping[str, Json], draw: Trees, before: Sequence[Before] = ()
) -> Iterator[Section]:
    """Yield what a step holds, the most telling first; nothing for what it does not hold."""
    if step.get("decision"):
        yield decision_section(step, draw)
    for name, title, role in SAID:
        if step.get(name) is not None and step[name] != "":
            calls = before if name == "input" else ()
            yield draw.said(name, title, step[name], step["kind"], role, calls)
    if step.get("memory"):
        yield draw.section("memory", "Memory", step["memory"])
    if step.get("code_change"):
        yield change_section(step["code_change"], draw)
    yield from folded_sections(step, draw)


def folded_sections(step: Mapping[str, Json], draw: Trees) -> Iterator[Section]:
    """Yield what is looked up rather than read."""
    if step.get("params"):
        yield draw.section("params", "Parameters", step["params"])
    if step.get("tools"):
        note = f"{len(step['tools'])}"
        yield draw.section("tools", "Tools offered", step["tools"], note=note, is_open=False)
    stamps = stamps_of(step)
    if stamps:
        yield Section("stamps", "Stamps", facts=definition_rows(stamps))
    if step.get("flags"):
        yield draw.section("flags", "Notes made on the way in", step["flags"])


def raw_sections(step: Mapping[str, Json], draw: Trees) -> Iterator[Section]:
    """Yield what the sender sent besides, under the names that it used."""
    for name, title in LOOKED_UP:
        if step.get(name):
            yield draw.section(name, title, step[name])


def stamps_of(step: Mapping[str, Json]) -> list[tuple[str, Json]]:
    """Return which version of what made the step: prompt, tools, configuration, release."""
    prompt, stamps = step.get("prompt") or {}, dict(step.get("stamps") or {})
    version = prompt.get("version")
    told: list[tuple[str, Json]] = []
    if prompt.get("name"):
        told.append(("Prompt", prompt["name"] + ("" if version is None else f" v{version}")))
    if prompt.get("variables"):
        told.append(("Prompt variables", prompt["variables"]))
    tools = stamps.pop("tools", None) or tools_hash(step)
    if tools:
        told.append(("Tools", tools))
    besides = {name: step[name] for name in ("release", "environment") if step.get(name)}
    return told + [(name.capitalize(), value) for name, value in (stamps | besides).items()]


def tools_hash(step: Mapping[str, Json]) -> str | None:
    """Return what is equal for calls that were offered the same tools."""
    if not step.get("tools"):
        return None
    digest = hashlib.sha256(canonical_json(step["tools"])).hexdigest()
    return f"sha256:{digest[:HASH_DIGITS]}"


@dataclass(frozen=True)
class Trees:
    """Makes sections of JSON: so much of it in all, whose rest can be had below an address."""

    bodies: str
    budget: Budget = field(default_factory=lambda: Budget(PAGE_NODES))

    def section(
        self, name: str, title: str, value: Json, *, note: str = "", is_open: bool = True
    ) -> Section:
        section, size = Section(name, title, is_open=is_open, note=note), size_of(value)
        if size > SIZE_LIMIT:
            section.size, section.excerpt = size, excerpt(value)
        else:
            section.tree = json_tree(value, More(f"{self.bodies}{name}/"), page=self.budget)
        return section

    def said(  # what is said, by whom and in answer to what
        self,
        name: str,
        title: str,
        value: Json,
        kind: str,
        role: str,
        before: Sequence[Before],
    ) -> Section:
        """Show messages as messages where they can be read as such, else the JSON."""
        size = size_of(value)
        section = Section(name, title, size=size if size > SIZE_LIMIT else 0)
        if kind not in SPOKEN and isinstance(value, str):
            section.text = value
            return section
        messages = read_messages(value, role) if kind in SPOKEN or name == "reasoning" else None
        if messages is None:
            return self.section(name, title, value)
        return _with_messages(section, messages, before)


def _with_messages(section: Section, messages: list[Message], before: Sequence[Before]) -> Section:
    """Fold what an earlier call holds already, or else all but the last messages."""
    known, section.since = _known(messages, before)
    section.repeated = known
    fold = known or max(0, len(messages) - RECENT)
    section.messages = _fitting(messages[fold:])
    section.earlier = _fitting(messages[:fold], SIZE_LIMIT // 4)
    section.left_out = len(messages) - len(section.messages) - len(section.earlier)
    return section


def _known(messages: list[Message], before: Sequence[Before]) -> tuple[int, Before | None]:
    """Return how many messages an earlier call holds already, and which of them holds most."""
    best: tuple[int, Before | None] = (0, None)
    for call in before:
        known = common_start(list(call.messages), messages)
        if known > best[0]:
            best = known, call
    return best


def _fitting(messages: list[Message], room: int = SIZE_LIMIT) -> list[Message]:
    """Return the last messages that a page has room for; one at least."""
    fitting: list[Message] = []
    for message in reversed(messages[-MESSAGES_AT_MOST:]):
        room -= message.size
        if room < 0 and fitting:
            break
        fitting.append(message)
    return fitting[::-1]


def change_section(change: Json, draw: Trees) -> Section:
    """Name a change of code, which the tab of changes shows."""
    path = str(change.get("path") or "") if isinstance(change, dict) else ""
    if diff_of(change) is None:
        return draw.section("code_change", "Code change", change, note=path)
    return Section("code_change", "Code change", note=path)


def decision_section(step: Mapping[str, Json], draw: Trees) -> Section:
    """Show what was chosen, how surely, why and instead of what; then whatever else was sent."""
    if not isinstance(step["decision"], dict) or size_of(step["decision"]) > SIZE_LIMIT:
        return draw.section("decision", "Decision", step["decision"])
    decision = dict(step["decision"])
    told = [(title, _words(decision.pop(name))) for name, title in DECIDED if name in decision]
    if step.get("confidence") is not None:
        told.insert(1, ("Confidence", step["confidence"]))
    rest = [(name, value) for name, value in decision.items() if name != "confidence"]
    return Section("decision", "Decision", facts=definition_rows(told + rest))


def _words(value: Json) -> Json:
    """Join a list of texts, which reads better than their numbers beside them."""
    are_words = isinstance(value, list) and all(isinstance(one, str) for one in value)
    return ", ".join(value) if are_words else value


def source_section(places: list[Place], count: int) -> Section:
    """Name the steps whose output was fed to a step, of all that its sender named."""
    shown = places[:SOURCES_AT_MOST]
    return Section("inputs", "Fed by", sources=shown, left_out=count - len(shown))
