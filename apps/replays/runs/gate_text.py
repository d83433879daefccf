"""The gate file of a repository as text: YAML, read safely.

No tags, no aliases that unfold, no name twice, and what is no YAML is refused with its line. What
its names mean is ``settings``' part: they are those of the API.
"""

from __future__ import annotations

from typing import Any

import yaml

from apps.core.errors import InvalidError

Json = Any

LONGEST_FILE = 1_500_000
EXAMPLE = "suite: refunds, candidates: [{name: v8, prompt: triage@8}]"


class _Loader(yaml.SafeLoader):
    """SafeLoader without aliases, which can unfold a small file to a huge one."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            event = self.peek_event()  # type: ignore[no-untyped-call]
            raise yaml.MarkedYAMLError(
                problem="aliases are not taken", problem_mark=event.start_mark
            )
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        names = [key.value for key, _ in node.value]
        if twice := sorted({str(name) for name in names if names.count(name) > 1}):
            raise yaml.MarkedYAMLError(
                problem=f"{twice[0][:64]} stands there twice", problem_mark=node.start_mark
            )
        return super().construct_mapping(node, deep=deep)


def parsed(text: str) -> dict[str, Json]:
    """Return the names of a gate file with their values, or raise InvalidError with the line."""
    if len(text) > LONGEST_FILE:
        raise InvalidError(f"A gate file has at most {LONGEST_FILE:,} characters.", "gate")
    try:
        told = yaml.load(text, _Loader)  # noqa: S506
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        message = f"This is no YAML that can be read: {where}{error.problem}."
        raise InvalidError(message, "gate") from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        message = f"This is no YAML that can be read: {str(error)[:200]}"
        raise InvalidError(message, "gate") from None
    if not isinstance(told, dict) or not all(isinstance(name, str) for name in told):
        raise InvalidError(f"A gate file names a suite and candidates: {EXAMPLE}", "gate")
    return told
