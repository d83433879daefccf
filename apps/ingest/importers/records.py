"""The JSON values of a file, one after the other, without holding the file in memory."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from apps.ingest.text import (
    clean_json,
    parse_constant,
    parse_fraction,
    parse_whole_number,
    read_json,
)

Json = Any

CHUNK = 1024 * 1024
LONGEST_LINE = 16 * CHUNK
SPACE = " \t\r\n"
# The same leniency as for a body: what one number spoils is told where it stands.
DECODER = json.JSONDecoder(
    parse_constant=parse_constant, parse_int=parse_whole_number, parse_float=parse_fraction
)


@dataclass(frozen=True, slots=True)
class Record:
    """One value of the file, or why it could not be read."""

    index: int
    value: Json = None
    message: str = ""


def read_records(path: Path) -> Iterator[Record]:
    """Return the records of a file: one JSON list of them, or one value a line.

    A line that is broken costs only itself. After a mistake inside of a single large list
    nothing can be told apart any more, so that ends the reading.
    """
    with path.open(encoding="utf-8", errors="surrogateescape") as file:
        is_lines = _has_lines(file)
        file.seek(0)
        values = _lines(file) if is_lines else _parts(file)
        index = 0
        for record in values:
            for value in _split(record):
                yield Record(index, value.value, value.message)
                index += 1


def is_message(value: Json) -> bool:
    """Whether a value is one message of a chat."""
    return isinstance(value, dict) and isinstance(value.get("role"), str)


def _has_lines(file: TextIO) -> bool:
    """Whether each line is a value of its own; one of the first two may be broken."""
    first, second = file.readline(LONGEST_LINE), file.readline(LONGEST_LINE)
    if _is_whole(first):
        return True
    return first.strip() not in ("", "[", "{") and _is_whole(second)


def _is_whole(line: str) -> bool:
    try:
        read_json(line)
    except ValueError:
        return False
    return True


def _lines(file: TextIO) -> Iterator[Record]:
    for line in file:
        if not line.strip():
            continue
        try:
            yield Record(0, clean_json(read_json(line)))
        except ValueError as error:
            yield Record(0, message=f"This line is not JSON: {error}.")


def _split(record: Record) -> Iterator[Record]:
    """Return the sessions of a value: a list of messages is one, any other list holds them."""
    value = record.value
    if not isinstance(value, list) or not value or is_message(value[0]):
        yield record
        return
    yield from (Record(0, one) for one in value)


def _parts(file: TextIO) -> Iterator[Record]:
    """Return the elements of one large list, or a file that is a single value."""
    window = Window(file)
    try:
        if window.peek() != "[":
            yield Record(0, window.value())
            return
        window.skip()
        yield from _elements(window)
    except ValueError as error:
        yield Record(0, message=f"The file is not JSON from here on: {error}.")


def _elements(window: Window) -> Iterator[Record]:
    first = None if window.peek() == "]" else window.value()
    if is_message(first):
        rest = [first]
        while window.peek() == ",":
            window.skip()
            rest.append(window.value())
        yield Record(0, rest)
        return
    if first is not None:
        # In a list of its own, so that a session that is a list is not taken apart.
        yield Record(0, [first])
    while window.peek() == ",":
        window.skip()
        yield Record(0, [window.value()])
    if window.peek() != "]":
        raise ValueError("a comma or the end of the list is missing")


class Window:
    """The part of a file that is needed to read its next value."""

    def __init__(self, file: TextIO) -> None:
        self.file = file
        self.text = ""
        self.at = 0

    def peek(self) -> str:
        """Return the next character that is no space; nothing at the end."""
        while True:
            while self.at < len(self.text) and self.text[self.at] in SPACE:
                self.at += 1
            if self.at < len(self.text) or not self._more(CHUNK):
                return self.text[self.at : self.at + 1]

    def skip(self) -> None:
        """Pass over one character."""
        self.at += 1

    def value(self) -> Json:
        """Return the next value, reading as much of the file as it takes."""
        self.peek()
        size = CHUNK
        while True:
            try:
                value, end = DECODER.raw_decode(self.text, self.at)
                # A number at the edge of the window may go on behind it.
                if end < len(self.text) or not self._more(size):
                    self.at = end
                    return clean_json(value)
            except ValueError:
                if not self._more(size):
                    raise
            except RecursionError:
                raise ValueError("it is nested too deeply") from None
            size *= 2

    def _more(self, size: int) -> bool:
        self.text = self.text[self.at :]
        self.at = 0
        read = self.file.read(size)
        self.text += read
        return bool(read)
