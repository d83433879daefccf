"""One step, laid out to be read: its content in sections, what it cost, where it came from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.safestring import SafeString

from apps.sessions.json_tree import SIZE_LIMIT, excerpt, json_tree, size_of
from apps.sessions.messages import Message, read_messages

Json = Any

# Of a long history the last messages are shown, the others folded.
RECENT = 3
MESSAGES_AT_MOST = 60


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


def sections(step: Mapping[str, Json]) -> Iterator[Section]:
    """Yield what a step holds, the most telling first; nothing for what it does not hold."""
    if step.get("decision"):
        yield tree_section("decision", "Decision", step["decision"])
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


def diff_section(change: Mapping[str, Json]) -> Section:
    """Show a unified diff line by line; anything else of the change as it came."""
    diff = change.get("diff")
    if not isinstance(diff, str) or len(diff) > SIZE_LIMIT:
        return tree_section("code_change", "Code change", dict(change))
    note = str(change.get("path") or "")
    return Section("code_change", "Code change", note=note, diff=list(diff_lines(diff)))


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
