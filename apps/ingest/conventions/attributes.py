"""Reading single values out of a span's attributes, whatever type the sender gave them."""

from __future__ import annotations

import math
from decimal import Decimal, InvalidOperation
from typing import Any

from apps.ingest.otlp.spans import RawSpan
from apps.ingest.text import json_in_text

Json = Any
Attributes = dict[str, Json]
# The fields of an event that a convention found.
Fields = dict[str, Json]

# Indexes of flattened lists; a larger one is no list but an attack or a mistake.
MAX_INDEX = 1_000


class Reading:
    """A span being read. It remembers which attributes were understood: the rest is kept."""

    __slots__ = ("attributes", "parsed", "settled", "span", "used")

    def __init__(self, span: RawSpan) -> None:
        self.span = span
        self.attributes = span.attributes
        self.used: set[str] = set()
        # What was JSON in text, by the names of the attributes.
        self.parsed: dict[str, Json] = {}
        # Fields that a convention before this one has found.
        self.settled: set[str] = set()

    def text(self, *names: str) -> str | None:
        """Return the first of the attributes that has something to say, as text."""
        for name in names:
            value = self.attributes.get(name)
            if value is not None and (found := as_text(value)) is not None:
                self.used.add(name)
                return found
        return None

    def whole(self, *names: str) -> int | None:
        """Return the first of the attributes that is a count."""
        for name in names:
            value = self.attributes.get(name)
            if value is not None and (found := as_count(value)) is not None:
                self.used.add(name)
                return found
        return None

    def fraction(self, *names: str) -> float | None:
        """Return the first of the attributes that is a finite number and not negative."""
        for name in names:
            number = as_fraction(self.attributes.get(name))
            if number is not None:
                self.used.add(name)
                return number
        return None

    def money(self, *names: str) -> Decimal | None:
        """Return the first of the attributes that is an amount of US dollars."""
        for name in names:
            amount = as_money(self.attributes.get(name))
            if amount is not None:
                self.used.add(name)
                return amount
        return None

    def opened(self, *names: str) -> Json:
        """Return the first of the attributes that is there; JSON in text is read."""
        for name in names:
            if self.attributes.get(name) is not None:
                self.used.add(name)
                return self.value(name)
        return None

    def value(self, name: str) -> Json:
        """Return an attribute, read once where it is JSON in text; that makes it no used one."""
        value = self.attributes.get(name)
        if not isinstance(value, str):
            return value
        if name in self.parsed:
            return self.parsed[name]
        opened = json_in_text(value)
        if opened is not value:
            self.parsed[name] = opened
        return opened

    def words(self, *names: str) -> list[str] | None:
        """Return the first of the attributes that is a list of words, also as JSON or text."""
        for name in names:
            found = as_words(self.attributes.get(name))
            if found:
                self.used.add(name)
                return found
        return None

    def mapping(self, *names: str) -> Attributes | None:
        """Return the first of the attributes that is an object, or JSON text of one."""
        for name in names:
            value = self.value(name)
            if isinstance(value, dict):
                self.used.add(name)
                return value
        return None

    def listing(self, *names: str) -> list[Json] | None:
        """Return the first of the attributes that is a list, or JSON text of one."""
        for name in names:
            value = self.value(name)
            if isinstance(value, list):
                self.used.add(name)
                return value
        return None

    def under(self, prefix: str) -> Attributes:
        """Return the attributes below ``prefix`` by the rest of their names."""
        names = [name for name in self.attributes if name.startswith(prefix)]
        self.used.update(names)
        return {name[len(prefix) :]: self.attributes[name] for name in names}

    def indexed(self, prefix: str) -> list[Attributes]:
        """Return a list that was flattened to ``prefix`` + index + rest, in order."""
        names = [name for name in self.attributes if _has_index(name, prefix)]
        self.used.update(names)
        return indexed({name: self.attributes[name] for name in names}, prefix)

    def indexed_json(self, prefix: str) -> list[Attributes]:
        """Return a flattened list whose values may be JSON in text."""
        names = [name for name in self.attributes if _has_index(name, prefix)]
        self.used.update(names)
        return indexed({name: self.value(name) for name in names}, prefix)

    def skip(self, *names: str) -> None:
        """Pass over attributes that only repeat what others say."""
        self.used.update(names)


def says(span: RawSpan, *prefixes: str) -> bool:
    """Whether any attribute of a span begins with one of the prefixes, asked for every span."""
    names = "\n" + "\n".join(span.attributes)
    return any(f"\n{prefix}" in names for prefix in prefixes)


def as_text(value: Json) -> str | None:
    """Return a value as text, if it is one that stands for a word."""
    if isinstance(value, str):
        return value or None
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return None


def as_count(value: Json) -> int | None:
    """Return a value as a count, if it is one."""
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value[:20])
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if value >= 0 else None


def as_fraction(value: Json) -> float | None:
    """Return a value as a number, if it is a finite one and not negative."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) and value >= 0 else None


def as_money(value: Json) -> Decimal | None:
    """Return a value as US dollars, if it is an amount."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        amount = Decimal(str(value)[:40])
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and amount >= 0 else None


def as_words(value: Json) -> list[str]:
    """Return a value as words: a list, JSON text of one, or text with commas."""
    value = json_in_text(value) if isinstance(value, str) else value
    if isinstance(value, str):
        value = [word.strip() for word in value.split(",")]
    if not isinstance(value, list):
        return []
    return [word for word in value if isinstance(word, str) and word]


def indexed(attributes: Attributes, prefix: str) -> list[Attributes]:
    """Return a list that was flattened to ``prefix`` + index + rest, in the indexes' order."""
    items: dict[int, Attributes] = {}
    start = len(prefix)
    for name, value in attributes.items():
        if _has_index(name, prefix):
            index, _, rest = name[start:].partition(".")
            items.setdefault(int(index), {})[rest] = value
    return [items[index] for index in sorted(items)]


def _has_index(name: str, prefix: str) -> bool:
    if not name.startswith(prefix):
        return False
    index = name[len(prefix) :].partition(".")[0]
    return index.isascii() and index.isdigit() and len(index) <= 4 and int(index) < MAX_INDEX


def known(fields: Fields) -> Fields:
    """Return the fields that say something: unknown is never sent on."""
    return {name: value for name, value in fields.items() if value is not None and value != {}}
