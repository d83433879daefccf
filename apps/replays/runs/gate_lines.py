"""Where in a gate file a field stands, so that what is wrong is named with its line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import yaml

from apps.core.errors import InvalidError

# Beyond it a file is no gate file, and nobody looks for its lines.
DEEPEST = 20


def lines_of(text: str) -> dict[str, int]:
    """Return the line, from 1, of each field of a YAML that was read before.

    Fields are named as errors name them: ``candidates.0.prompt``.
    """
    node = yaml.compose(text, yaml.SafeLoader)
    return dict(_lines(node, "", 0)) if node is not None else {}


def _lines(node: yaml.Node, path: str, depth: int) -> Iterator[tuple[str, int]]:
    if depth > DEEPEST:
        return
    start = f"{path}." if path else ""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            inner = f"{start}{key.value}"
            yield inner, key.start_mark.line + 1
            yield from _lines(value, inner, depth + 1)
    elif isinstance(node, yaml.SequenceNode):
        for at, value in enumerate(node.value):
            yield f"{start}{at}", value.start_mark.line + 1
            yield from _lines(value, f"{start}{at}", depth + 1)


def line_at(lines: Mapping[str, int], path: str) -> int | None:
    """Return the line of a field, or of what it lies in where it is not there itself."""
    while path and path not in lines:
        path = path.rpartition(".")[0]
    return lines.get(path)


def with_lines(error: InvalidError, lines: Mapping[str, int]) -> InvalidError:
    """Return an error whose fields have the line that they stand in."""
    for one in error.errors:
        if (line := line_at(lines, one["path"])) is not None:
            one["line"] = str(line)
    return error
