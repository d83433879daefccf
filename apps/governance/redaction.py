"""Taking personal data and secrets out of JSON values.

What holds nothing comes back as the same object, so that a caller sees at once that nothing
has changed and shared values stay shared. Nothing is changed in place.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Container, Mapping
from typing import Any, Protocol

from apps.core.secrets import derive
from apps.governance.choices import Action
from apps.governance.detection import RULE_PREFIX
from apps.governance.policies import Treatment

Json = Any

DROPPED = "[DROPPED]"
# A whole number from here on may be a card's or a telephone's.
LEAST_TELLING = 10**7
# Deeper JSON inside of JSON text is not opened again; what it holds is found as text.
DEEPEST_TEXT = 3
HASH_BYTES = 8
# A shorter value under a name such as "token" is a word of a text or a switch.
SHORTEST_SECRET = 6
MARK = re.compile(r"\[[A-Z0-9_]+(:[0-9a-f]{16})?\]|<[A-Z0-9_]+>")
# Half a character, which stands in JSON as an escape alone.
HALF = re.compile("[\ud800-\udfff]")


class Marks(Protocol):
    """Makes what stands in the place of a value that must be told from others."""

    def hashed(self, kind: str, value: str) -> str:
        """Return a mark that is the same for the same value in the whole project."""

    def pseudonym(self, kind: str, value: str) -> str:
        """Return a mark for which the value can be given back."""


class ProjectMarks:
    """Hashes keyed by the installation and the project; no value is given back."""

    def __init__(self, project_id: int) -> None:
        self._project_id = project_id

    def hashed(self, kind: str, value: str) -> str:
        told = f"{self._project_id}\0{kind}\0{_canonical(kind, value)}"
        data = told.encode("utf-8", "surrogatepass")
        digest = hashlib.blake2b(data, digest_size=HASH_BYTES, key=derive("redaction"))
        return f"[{word(kind)}:{digest.hexdigest()}]"

    def pseudonym(self, kind: str, value: str) -> str:
        return mask(kind)


def mask(kind: str) -> str:
    """Return the mark that tells only what was there."""
    return f"[{word(kind)}]"


def word(kind: str) -> str:
    """Return a kind as it stands in marks: ``EMAIL``, ``ORDER_NUMBER``."""
    return kind.removeprefix(RULE_PREFIX).upper().replace(" ", "_").replace("-", "_")


def _canonical(kind: str, value: str) -> str:
    """Return a value in the spelling under which it is the same as others of its kind."""
    folded = "".join(value.split()).casefold()
    return folded if kind == "email" else "".join(filter(str.isalnum, folded)) or folded


class Redactor:
    """Treats values, and counts what it found by kind and by what became of it."""

    def __init__(self, marks: Marks) -> None:
        self.marks = marks
        self.found: Counter[tuple[str, str]] = Counter()
        self._depth = 0

    def value(self, value: Json, how: Treatment) -> Json:
        """Return a value without what must not be kept; the same object if there is nothing."""
        if isinstance(value, str):
            return value if value in how.search.clean else self.text(value, how)
        if isinstance(value, dict):
            return self._mapping(value, how)
        if isinstance(value, list):
            return self._listing(value, how)
        if isinstance(value, int) and abs(value) >= LEAST_TELLING:
            return self._number(value, how)
        return value

    def text(self, text: str, how: Treatment) -> str:
        """Return a text with marks in the place of what was found. JSON in it stays JSON."""
        if text[:1] in ("{", "[") and self._depth < DEEPEST_TEXT:
            return self._json_text(text, how)
        return self.plain_text(text, how)

    def plain_text(self, text: str, how: Treatment) -> str:
        """Return a text with marks, whatever it is."""
        findings = how.search.findings(text)
        if not findings:
            return text
        parts, end = [], 0
        for finding in findings:
            parts.append(text[end : finding.start])
            parts.append(self.mark(finding.kind, text[finding.start : finding.end], how))
            end = finding.end
        return "".join([*parts, text[end:]])

    def mark(self, kind: str, value: str, how: Treatment) -> str:
        """Return what stands in the place of a value, and count it."""
        action = how.action_for(kind)
        self.found[kind, action.value] += 1
        if action is Action.HASH:
            return self.marks.hashed(kind, value)
        if action is Action.PSEUDONYMISE:
            return self.marks.pseudonym(kind, value)
        return mask(kind)

    def under(self, name: str, value: Json, how: Treatment) -> Json:
        """Return the value that stands under ``name``, which may tell what it is."""
        kind = how.search.named(name)
        return self.value(value, how) if kind is None else self._told(value, kind, how)

    def keys(self, value: dict[str, Json], how: Treatment) -> dict[str, Json]:
        """Return an object without findings in its names; the same if there are none."""
        is_plain = how.search.is_plain_name
        telling = [key for key in value if not is_plain(key)]
        return self._renamed(value, telling, how) if telling else value

    def _renamed(
        self, value: dict[str, Json], telling: Container[str], how: Treatment
    ) -> dict[str, Json]:
        result: dict[str, Json] = {}
        for key, inner in value.items():
            name = self.plain_text(key, how) if key in telling else key
            result[_free(name, result)] = inner
        return value if result.keys() == value.keys() else result

    def _mapping(self, value: dict[str, Json], how: Treatment) -> Json:
        changed: dict[str, Json] = {}
        telling: list[str] = []
        plain_names, is_plain = how.search.plain_names, how.search.is_plain_name
        for key, inner in value.items():
            if key in plain_names or is_plain(key):
                made = self.value(inner, how)
            else:
                telling.append(key)
                is_word = "logprob" in value and how.search.named(key) == "secret"
                made = self.value(inner, how) if is_word else self.under(key, inner, how)
            if made is not inner:
                changed[key] = made
        kept = {**value, **changed} if changed else value
        return self._renamed(kept, telling, how) if telling else kept

    def _told(self, value: Json, kind: str, how: Treatment) -> Json:
        """Return a value of which its name says what it is; whatever it looks like."""
        if isinstance(value, dict):
            return {key: self._told(inner, kind, how) for key, inner in value.items()}
        if isinstance(value, list):
            return [self._told(inner, kind, how) for inner in value]
        if not _is_telling(value, kind):
            return self.value(value, how)
        return self.mark(kind, str(value), how)

    def _listing(self, value: list[Json], how: Treatment) -> list[Json]:
        made, is_same = [], True
        # No comprehension: values may be nested as deep as half of what the stack holds.
        for inner in value:
            new = self.value(inner, how)
            is_same = is_same and new is inner
            made.append(new)
        return value if is_same else made

    def _number(self, value: int, how: Treatment) -> Json:
        text = str(value)
        made = self.plain_text(text, how)
        return value if made is text else made

    def _json_text(self, text: str, how: Treatment) -> str:
        """Look into JSON that is carried as text: its names tell, and escapes hide."""
        if how.search.is_clean_json(text):
            return text
        self._depth += 1
        try:
            opened = json.loads(text)
            made = self.value(opened, how)
        except (ValueError, RecursionError):
            return self.plain_text(text, how)
        finally:
            self._depth -= 1
        if made is opened:
            how.search.remember_clean_json(text)
            return text
        told = json.dumps(made, ensure_ascii=False)
        return json.dumps(made) if HALF.search(told) else told


def _is_telling(value: Json, kind: str) -> bool:
    """Whether a value under a telling name is one, and no count, switch or mark."""
    if kind == "secret":
        return isinstance(value, str) and len(value) >= SHORTEST_SECRET and not is_mark(value)
    return bool(value) and value is not True and not is_mark(value)


def is_mark(value: Json) -> bool:
    """Whether a value is what redaction left in the place of another."""
    return isinstance(value, str) and MARK.fullmatch(value) is not None


def _free(key: str, taken: Mapping[str, Json]) -> str:
    """Return a key that no other of the object has: two addresses have one mark."""
    number, free = 1, key
    while free in taken:
        number += 1
        free = f"{key} {number}"
    return free
