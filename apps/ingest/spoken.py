"""Redaction of messages: each by the category of who speaks, whatever value holds them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from apps.governance.policies import CompiledPolicy
from apps.governance.redaction import DROPPED, Redactor
from apps.ingest.categories import (
    HISTORY,
    SYSTEM,
    TOOL,
    Categories,
    is_tool_part,
    of_role,
    type_of,
)

Json = Any
Named = dict[str, Json]

# Under these names an object holds messages or parts of one.
HOLDERS = frozenset(
    "messages input contents history chat_history output choices message delta content parts "
    "items".split()
)
SYSTEM_NAMES = frozenset(
    "system instructions system_instruction system_instructions systemInstruction "
    "system_prompt".split()
)
TOOL_NAMES = frozenset(
    "tools functions tool_calls tool_call function_call functionCall function_response "
    "functionResponse tool_choice tool_result tool_results".split()
)
# They say what an entry is, not what was said in it, so they stay where the rest is dropped.
STRUCTURE = frozenset("role type id call_id tool_call_id tool_use_id status index".split())
# Deeper, an entry is no message any more.
DEEPEST = 12


class Spoken:
    """Treats values that may hold messages."""

    def __init__(self, policy: CompiledPolicy, redactor: Redactor) -> None:
        self._policy = policy
        self._redactor = redactor
        self._depth = 0

    def value(self, value: Json, home: Categories) -> Json:
        """Return a value of the category ``home``, its messages each by who speaks."""
        if self._depth >= DEEPEST:
            return self.plain(value, HISTORY)
        self._depth += 1
        made = self._value(value, home)
        self._depth -= 1
        return made

    def _value(self, value: Json, home: Categories) -> Json:
        if isinstance(value, list) and any(isinstance(entry, dict) for entry in value):
            return changed_list(value, lambda entry: self.value(entry, home))
        if not isinstance(value, dict):
            return self.plain(value, home)
        if isinstance(role := value.get("role"), str):
            return self._entry(value, of_role(role, home))
        if type_of(value):
            return self._entry(value, TOOL if is_tool_part(value) else home)
        if value.keys() & (HOLDERS | SYSTEM_NAMES | TOOL_NAMES):
            return self._parts(value, lambda name, inner: self._held(name, inner, home))
        return self.plain(value, home)

    def plain(self, value: Json, categories: Categories, name: str = "") -> Json:
        """Return a value that is of one piece; ``name`` is what it stands under."""
        how = self._policy.treatment(*categories)
        if not how.drops:
            return self._redactor.under(name, value, how)
        if value is None or isinstance(value, bool | float) or value in ("", DROPPED, [], {}):
            return value
        self._redactor.found["value", how.action.value] += 1
        return DROPPED

    def kept(self, value: Json, categories: Categories) -> Json:
        """Return a value that stays even where its category is dropped, without findings."""
        return self._redactor.value(value, self._policy.treatment(*categories))

    def _held(self, name: str, inner: Json, home: Categories) -> Json:
        if name in SYSTEM_NAMES:
            return self.value(inner, SYSTEM)
        if name in TOOL_NAMES:
            return self.value(inner, TOOL)
        return self.value(inner, home) if name in HOLDERS else self.plain(inner, home, name)

    def _entry(self, entry: Named, categories: Categories) -> Json:
        return self._parts(entry, lambda name, inner: self._told(name, inner, categories))

    def _told(self, name: str, inner: Json, categories: Categories) -> Json:
        if name in STRUCTURE or (name == "name" and categories == TOOL):
            return self.kept(inner, categories)
        if name in TOOL_NAMES or (name == "function" and categories == TOOL):
            return self._call(inner)
        if name in ("content", "parts", "summary") and isinstance(inner, list | dict):
            return self.value(inner, categories)
        return self.plain(inner, categories, name)

    def _call(self, value: Json) -> Json:
        """Return calls of tools: which tool, and its arguments as the policy says."""
        if isinstance(value, list):
            return changed_list(value, self._call)
        return self._entry(value, TOOL) if isinstance(value, dict) else self.plain(value, TOOL)

    def _parts(self, value: Named, treat: Callable[[str, Json], Json]) -> Json:
        """Return an object with each value treated, by the name of it and by what it tells."""
        how = self._policy.treatment(*HISTORY)
        made = changed_dict(value, treat)
        return self._redactor.keys(made, how)


def changed_list(value: list[Json], treat: Callable[[Json], Json]) -> list[Json]:
    """Return the list with each entry treated; the same list where nothing has changed."""
    made = [treat(entry) for entry in value]
    is_same = all(new is old for new, old in zip(made, value, strict=True))
    return value if is_same else made


def changed_dict(value: Named, treat: Callable[[str, Json], Json]) -> Named:
    """Return the object with each value treated; the same object where nothing has changed."""
    changed = {
        name: made for name, inner in value.items() if (made := treat(name, inner)) is not inner
    }
    return {**value, **changed} if changed else value
