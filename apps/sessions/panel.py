"""One step, laid out to be read: its content in sections, what it cost, where it came from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from difflib import unified_diff
from typing import Any

from django.utils.safestring import SafeString

from apps.sessions.json_tree import SIZE_LIMIT, definition_rows, excerpt, json_tree, size_of
from apps.sessions.layout import Place
from apps.sessions.messages import Message, read_messages

Json = Any

# What a decision is usually told by, in the order in which one wants to know it.
DECIDED = (("chosen", "Chosen"), ("reason", "Reason"), ("alternatives", "Alternatives"))
# Of a long history the last messages are shown, the others folded.
RECENT = 3
MESSAGES_AT_MOST = 60
SOURCES_AT_MOST = 20


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
    tree: SafeString | None = None
    excerpt: str = ""
    changes: list[dict[str, Json]] = field(default_factory=list)
    diff: list[tuple[str, str]] = field(default_factory=list)
    # Rows of a <dl>.
    facts: SafeString | None = None
    # Steps whose output this one was given.
    sources: list[Place] = field(default_factory=list)


def sections(step: Mapping[str, Json]) -> Iterator[Section]:
    """Yield what a step holds, the most telling first; nothing for what it does not hold."""
    if step.get("decision"):
        yield decision_section(step)
    if step.get("input") is not None:
        yield said_section("input", "Input", step["input"], step["kind"], "user")
    if step.get("reasoning"):
        yield said_section("reasoning", "Reasoning", step["reasoning"], step["kind"], "assistant")
    if step.get("output") is not None:
        yield said_section("output", "Output", step["output"], step["kind"], "assistant")
    if step.get("memory"):
        yield tree_section("memory", "Memory", step["memory"])
    if step.get("code_change"):
        yield diff_section(step["code_change"])
    yield from folded_sections(step)


def folded_sections(step: Mapping[str, Json]) -> Iterator[Section]:
    """Yield what is looked up rather than read."""
    if step.get("params"):
        yield tree_section("params", "Parameters", step["params"])
    if step.get("tools"):
        note = f"{len(step['tools'])}"
        yield tree_section("tools", "Tools offered", step["tools"], note=note, is_open=False)
    stamps = {**(step.get("stamps") or {})}
    if step.get("prompt"):
        stamps = {"prompt": step["prompt"], **stamps}
    if stamps:
        yield tree_section("stamps", "Stamps", stamps)
    for name, title in (
        ("metadata", "Metadata"),
        ("consent", "Consent"),
        ("replay", "Replay"),
        ("flags", "Notes made on the way in"),
        ("extra", "Raw attributes"),
    ):
        if step.get(name):
            yield tree_section(name, title, step[name], is_open=name == "flags")


def tree_section(
    name: str, title: str, value: Json, *, note: str = "", is_open: bool = True
) -> Section:
    section = Section(name, title, is_open=is_open, note=note)
    if size_of(value) > SIZE_LIMIT:
        section.excerpt = excerpt(value)
    else:
        section.tree = json_tree(value)
    return section


def said_section(name: str, title: str, value: Json, kind: str, role: str) -> Section:
    """Show messages as messages where they can be read as such, else the JSON."""
    is_said = kind in ("llm", "agent", "human", "chain") or isinstance(value, str)
    messages = read_messages(value, role) if is_said else None
    if size_of(value) > SIZE_LIMIT and not messages:
        return Section(name, title, excerpt=excerpt(value))
    if messages is None:
        return tree_section(name, title, value)
    recent, earlier = messages[-RECENT:], messages[:-RECENT][-MESSAGES_AT_MOST:]
    left_out = len(messages) - len(recent) - len(earlier)
    return Section(name, title, messages=recent, earlier=earlier, left_out=left_out)


def change_section(changes: list[dict[str, Json]]) -> Section:
    return Section("changes", "State changes", changes=changes, note=str(len(changes)))


def decision_section(step: Mapping[str, Json]) -> Section:
    """Show what was chosen, how surely, why and instead of what; then whatever else was sent."""
    if not isinstance(step["decision"], dict) or size_of(step["decision"]) > SIZE_LIMIT:
        return tree_section("decision", "Decision", step["decision"])
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


def diff_section(change: Json) -> Section:
    """Show a unified diff line by line, or one of the texts before and after."""
    diff = diff_of(change)
    if diff is None or len(diff) > SIZE_LIMIT:
        return tree_section("code_change", "Code change", change)
    rest = {**change}
    for name in ("path", "diff", "before", "after"):
        rest.pop(name, None)
    note = str(change.get("path") or "")
    facts = definition_rows(rest.items()) if rest else None
    lines = list(diff_lines(diff))
    return Section("code_change", "Code change", note=note, diff=lines, facts=facts)


def diff_of(change: Json) -> str | None:
    """Return the change as a unified diff, None where it is neither one nor two texts."""
    if not isinstance(change, dict):
        return None
    diff, before, after = (change.get(name) for name in ("diff", "before", "after"))
    if isinstance(diff, str):
        return diff
    sides = (before or "", after or "")
    if not any(sides) or not all(isinstance(side, str) for side in sides):
        return None
    if sum(map(len, sides)) > SIZE_LIMIT:
        return None
    lines = unified_diff(sides[0].splitlines(), sides[1].splitlines(), lineterm="")
    # Without the two lines that name no file.
    return "\n".join(list(lines)[2:])


def diff_lines(diff: str) -> Iterator[tuple[str, str]]:
    for line in diff.splitlines():
        if line.startswith("@@"):
            yield "hunk", line
        elif line.startswith("+") and not line.startswith("+++"):
            yield "ins", line
        elif line.startswith("-") and not line.startswith("---"):
            yield "del", line
        else:
            yield "same", line
