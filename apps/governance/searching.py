"""Looking for personal data and secrets in texts that mostly were looked at before.

A client sends its whole history again with every call, so what a text holds is remembered:
by a digest, never by the text itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from apps.governance.detection import CompiledRule, Finding, find, find_by_key

Findings = tuple[Finding, ...]

NOTHING: Findings = ()
# The shortest text in which anything is looked for, and from which on a digest is cheaper
# to remember than the text.
SHORTEST = 5
LONG = 64
# Short texts and names that hold nothing, of one search.
MOST_CLEAN = 20_000
# Texts in one of the two generations of the memory; about 10 MB.
GENERATION = 40_000
# Marks what is remembered of a text that was opened as JSON.
OPENED = b"json"


class Memory:
    """What texts were found to hold. The half that was not used of late is forgotten."""

    def __init__(self) -> None:
        self._young: dict[bytes, Findings] = {}
        self._old: dict[bytes, Findings] = {}

    def get(self, key: bytes) -> Findings | None:
        """Return what the text of this digest holds, if it is remembered."""
        found = self._young.get(key)
        if found is None and (found := self._old.get(key)) is not None:
            self._young[key] = found
        return found

    def put(self, key: bytes, found: Findings) -> None:
        """Remember what the text of this digest holds."""
        if len(self._young) >= GENERATION:
            self._old, self._young = self._young, {}
        self._young[key] = found


_memory = Memory()


class Search:
    """What is looked for: kinds, rules of the project's own, and telling names."""

    def __init__(
        self, kinds: Iterable[str], rules: Iterable[CompiledRule], looks_at_names: bool
    ) -> None:
        self.kinds = frozenset(kinds)
        self.rules = tuple(rules)
        self.looks_at_names = looks_at_names
        patterns = [f"{rule.kind}\0{rule.expression.pattern}" for rule in self.rules]
        told = [*sorted(self.kinds), "", *patterns]
        self._key = hashlib.blake2b("\n".join(told).encode(), digest_size=16).digest()
        # Looked at by those who go through many values; words such as "user" and "text".
        self.clean: set[str] = set()
        self.plain_names: set[str] = set()

    def findings(self, text: str) -> Findings:
        """Return what is found in a text, in its order and without overlaps."""
        if len(text) < LONG:
            return self._in_short(text)
        key = self.digest(text)
        found = _memory.get(key)
        if found is None:
            found = tuple(find(text, self.kinds, self.rules))
            _memory.put(key, found)
        return found

    def _in_short(self, text: str) -> Findings:
        if len(text) < SHORTEST or text in self.clean:
            return NOTHING
        found = tuple(find(text, self.kinds, self.rules))
        if not found:
            _remember(self.clean, text)
        return found

    def is_telling(self, text: str) -> bool:
        """Tell whether anything is found in a text that will not be seen again."""
        return bool(find(text, self.kinds, self.rules))

    def digest(self, text: str) -> bytes:
        """Return the key under which is remembered what this search finds in a text."""
        data = text.encode("utf-8", "surrogatepass")
        return hashlib.blake2b(data, digest_size=16, key=self._key).digest()

    def is_clean_json(self, text: str) -> bool:
        """Tell whether it is remembered that the JSON in a text holds nothing."""
        return _memory.get(OPENED + self.digest(text)) is not None

    def remember_clean_json(self, text: str) -> None:
        """Remember that a text holds nothing where it is opened as JSON."""
        _memory.put(OPENED + self.digest(text), NOTHING)

    def named(self, name: str) -> str | None:
        """Return the kind of value that a key's name tells of, if it is looked for."""
        kind = find_by_key(name) if self.looks_at_names else None
        return kind if kind in self.kinds else None

    def is_plain_name(self, name: str) -> bool:
        """Tell whether a key's name neither tells of its value nor holds anything."""
        if name in self.plain_names:
            return True
        if self.named(name) is not None or self.findings(name):
            return False
        _remember(self.plain_names, name)
        return True


def _remember(clean: set[str], text: str) -> None:
    if len(clean) >= MOST_CLEAN:
        clean.clear()
    clean.add(text)
