"""The JSON values of a file, one after the other, without holding the file in memory."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, TextIO

from apps.core.body_limit import MIB
from apps.ingest.text import (
    clean_json,
    parse_constant,
    parse_fraction,
    parse_whole_number,
    read_json,
)

Json = Any

# What is read at once, and the longest record, in characters.
CHUNK = 256 * 1024
LONGEST = 16 * MIB
TOO_LONG = f"The record is longer than the limit of {LONGEST // MIB} MiB"
TOO_DEEP = "it is nested too deeply"
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


def read_records(file: BinaryIO) -> Iterator[Record]:
    """Return the records of a file: one JSON list of them, or one value a line.

    A line that is broken costs only itself. After a mistake inside of a single large list
    nothing can be told apart any more, so that ends the reading.
    """
    text = io.TextIOWrapper(file, encoding="utf-8-sig", errors="surrogateescape")
    try:
        is_lines = _has_lines(text)
        text.seek(0)
        for index, record in enumerate(_split(_lines(text) if is_lines else _parts(text))):
            yield Record(index, record.value, record.message)
    finally:
        # The file stays open: it belongs to the caller.
        text.detach()


def is_message(value: Json) -> bool:
    """Whether a value is one message of a chat."""
    return isinstance(value, dict) and isinstance(value.get("role"), str)


def _has_lines(text: TextIO) -> bool:
    """Whether each line is a value of its own; one of the first two may be broken."""
    first, second = text.readline(LONGEST), text.readline(LONGEST)
    if _is_whole(first):
        return True
    return first.strip() not in ("", "[", "{") and _is_whole(second)


def _is_whole(line: str) -> bool:
    try:
        read_json(line)
    except ValueError:
        return False
    return True


def _lines(text: TextIO) -> Iterator[Record]:
    while line := text.readline(LONGEST):
        if len(line) == LONGEST and not line.endswith("\n"):
            _pass_line(text)
            yield Record(0, message=f"{TOO_LONG}.")
        elif line.strip():
            yield _line(line)


def _pass_line(text: TextIO) -> None:
    while (rest := text.readline(CHUNK)) and not rest.endswith("\n"):
        pass


def _line(line: str) -> Record:
    try:
        return Record(0, clean_json(read_json(line)))
    except ValueError as error:
        return Record(0, message=f"This line is not JSON: {error}.")
    except RecursionError:
        return Record(0, message=f"This line is not JSON: {TOO_DEEP}.")


def _split(records: Iterator[Record]) -> Iterator[Record]:
    """Return the sessions of each value: a list of messages is one, any other list holds them."""
    for record in records:
        value = record.value
        if not isinstance(value, list) or not value or is_message(value[0]):
            yield record
        else:
            yield from (Record(0, one) for one in value)


def _parts(text: TextIO) -> Iterator[Record]:
    """Return the elements of one large list, or a file that is a single value."""
    window = Window(text)
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
        yield Record(0, [first, *_messages(window)])
        return
    if first is not None:
        # In a list of its own, so that a session that is a list is not taken apart.
        yield Record(0, [first])
    while window.peek() == ",":
        window.skip()
        yield Record(0, [window.value()])
    if window.peek() != "]":
        raise ValueError("a comma or the end of the list is missing")


def _messages(window: Window) -> Iterator[Json]:
    """Return the other messages of a file that is one chat, as long as they are one record."""
    started = window.passed
    while window.peek() == ",":
        window.skip()
        yield window.value()
        if window.passed - started > LONGEST:
            raise ValueError(TOO_LONG)


class Window:
    """The part of a file that is needed to read its next value."""

    def __init__(self, text: TextIO) -> None:
        self.file = text
        self.text = ""
        self.at = 0
        # How many characters lie before the window.
        self.before = 0

    @property
    def passed(self) -> int:
        """How many characters were read and used."""
        return self.before + self.at

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
                raise ValueError(TOO_DEEP) from None
            size *= 2

    def _more(self, size: int) -> bool:
        self.before += self.at
        self.text = self.text[self.at :]
        self.at = 0
        if len(self.text) > LONGEST:
            raise ValueError(TOO_LONG)
        read = self.file.read(size)
        self.text += read
        return bool(read)
