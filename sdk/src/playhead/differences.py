"""Differences of two values of JSON, place by place, and of long texts word by word."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from playhead.alignment import common_ends

Json = Any

# More of one call tell nobody anything new.
MOST = 200
# Characters of a value that are shown in a line, and that are kept.
LONGEST, KEPT = 200, 1000
# Texts from this many characters on are compared word by word; beyond the second they are not.
LONG, TOO_LONG = 40, 50_000
MOST_WORDS = 1_500
# Words around a change that are told with it.
AROUND = 6
SAME, ONLY_BEFORE, ONLY_NOW = "=", "-", "+"
Words = list[tuple[str, str]]


class Absent:
    """Stands for what one side does not have."""

    def __repr__(self) -> str:
        return "nothing"

    def __bool__(self) -> bool:
        return False


ABSENT = Absent()


@dataclass(frozen=True, slots=True)
class Difference:
    """One place at which two values differ, as a JSON pointer (RFC 6901)."""

    path: str
    expected: Json
    got: Json

    def __str__(self) -> str:
        if words := self.words():
            return f"{self.path or '/'}: {_marked(words)}"
        return f"{self.path or '/'}: expected {_short(self.expected)}, got {_short(self.got)}"

    def words(self) -> Words:
        """Return two long texts side by side; nothing for other values."""
        if not (isinstance(self.expected, str) and isinstance(self.got, str)):
            return []
        longest = max(len(self.expected), len(self.got))
        return word_changes(self.expected, self.got) if LONG < longest <= TOO_LONG else []

    def as_json(self) -> dict[str, Json]:
        """Return what the difference is; a side that has nothing there is left out."""
        told: dict[str, Json] = {"path": self.path}
        for name, value in (("expected", self.expected), ("got", self.got)):
            if value is not ABSENT:
                told[name] = _cut(value)
        if words := self.words():
            told["words"] = [[how, text] for how, text in words]
        return told

    @classmethod
    def from_json(cls, told: Mapping[str, Json]) -> Difference:
        return cls(told["path"], told.get("expected", ABSENT), told.get("got", ABSENT))


def _short(value: Json) -> str:
    text = repr(value)
    return text if len(text) <= LONGEST else text[:LONGEST] + "..."


def _cut(value: Json) -> Json:
    """Return a value no larger than what is kept of one."""
    if isinstance(value, str):
        return value if len(value) <= KEPT else value[:KEPT] + "…"
    if isinstance(value, dict | list) and len(repr(value)) > KEPT:
        return repr(value)[:KEPT] + "…"
    return value


def _marked(words: Words) -> str:
    marks = {SAME: "{}", ONLY_BEFORE: "[-{}-]", ONLY_NOW: "{{+{}+}}"}
    return " ".join(marks[how].format(text) for how, text in words)


def word_changes(before: str, now: str) -> Words:
    """Return two texts in one: what both say, only the first, only the second.

    Of long stretches that both say only the words around a change are told.
    """
    ours, theirs = before.split(), now.split()
    head, tail = common_ends(len(ours), len(theirs), lambda i, j: ours[i] == theirs[j])
    inner = ours[head : len(ours) - tail], theirs[head : len(theirs) - tail]
    found = [(SAME, _around(ours[:head], is_first=True))] if head else []
    found += _changes(*(side[:MOST_WORDS] for side in inner))
    if tail:
        found.append((SAME, _around(ours[len(ours) - tail :], is_last=True)))
    # Texts that differ in their spaces alone have no words to show.
    return found if any(how != SAME for how, _ in found) else []


def _changes(ours: list[str], theirs: list[str]) -> Words:
    found: Words = []
    matcher = SequenceMatcher(None, ours, theirs, autojunk=False)
    for how, i, until_i, j, until_j in matcher.get_opcodes():
        if how == "equal":
            found.append((SAME, _around(ours[i:until_i])))
            continue
        found += [(ONLY_BEFORE, " ".join(ours[i:until_i]))] if until_i > i else []
        found += [(ONLY_NOW, " ".join(theirs[j:until_j]))] if until_j > j else []
    return found


def _around(words: list[str], *, is_first: bool = False, is_last: bool = False) -> str:
    if len(words) <= 2 * AROUND:
        return " ".join(words)
    before = [] if is_first else words[:AROUND]
    after = [] if is_last else words[-AROUND:]
    return " ".join([*before, "…", *after])


def differences(expected: Json, got: Json) -> list[Difference]:
    """Return where two values differ, the first ones of many."""
    found = []
    for difference in _walk("", expected, got):
        found.append(difference)
        if len(found) == MOST:
            break
    return found


def _walk(path: str, expected: Json, got: Json) -> Iterator[Difference]:
    if expected == got and type(expected) is type(got):
        return
    if isinstance(expected, dict) and isinstance(got, dict):
        for name in [*expected, *(name for name in got if name not in expected)]:
            step = name.replace("~", "~0").replace("/", "~1")
            yield from _walk(f"{path}/{step}", expected.get(name, ABSENT), got.get(name, ABSENT))
    elif isinstance(expected, list) and isinstance(got, list):
        for at in range(max(len(expected), len(got))):
            left = expected[at] if at < len(expected) else ABSENT
            right = got[at] if at < len(got) else ABSENT
            yield from _walk(f"{path}/{at}", left, right)
    else:
        yield Difference(path, expected, got)
