"""Expectations: what a case must show, written down beside it.

Each is a JSON object with ``kind``. They are checked when they are written, so that a run does
not fail at night over a misspelt pattern, and answer with what was expected and what came.
Patterns are RE2's, which take linear time whatever they are; schemas read nothing from outside.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
import re2

from apps.core.errors import InvalidError
from apps.replays.comparators import Comparison, exact
from apps.replays.comparators_json import Structure, Tolerance
from apps.replays.comparators_normal import normalised
from apps.replays.suite_schemas import check_schema, first_fault
from apps.replays.suite_subsets import subset

Json = Any

MOST_EXPECTATIONS = 20
LONGEST_EXPECTATION = 20_000
LONGEST_WORD = 2_000
MOST_WORDS = 50
# Texts are searched by patterns up to here.
LONGEST_SEARCHED = 1_000_000
KINDS = ("exact", "json", "schema", "contains", "absent", "regex", "tools", "judge")
FIELDS: Mapping[str, frozenset[str]] = {
    "exact": frozenset({"value", "normalised"}),
    "json": frozenset({"value", "ignore", "tolerance"}),
    "schema": frozenset({"schema"}),
    "contains": frozenset({"words", "any", "case"}),
    "absent": frozenset({"words", "case"}),
    "regex": frozenset({"pattern", "absent"}),
    "tools": frozenset({"names", "order"}),
    "judge": frozenset({"rubric"}),
}
NEEDED = {
    "exact": "value",
    "json": "value",
    "schema": "schema",
    "contains": "words",
    "absent": "words",
    "regex": "pattern",
    "tools": "names",
    "judge": "rubric",
}
ORDERS = ("exact", "within", "any")


@dataclass(frozen=True, slots=True)
class Produced:
    """What a case came to: the answer, its text, and the tools that were called, in order."""

    output: Json
    text: str
    tools: Sequence[str] = field(default_factory=tuple)


@dataclass(frozen=True, slots=True)
class Checked:
    """What became of one expectation. ``holds`` is None where it cannot be told here."""

    kind: str
    holds: bool | None
    says: str


def read_expectations(sent: Json, path: str = "expectations") -> list[dict[str, Json]]:
    """Return expectations that can be checked, or raise InvalidError naming which cannot."""
    if not isinstance(sent, list):
        raise InvalidError("Send a list of expectations.", path)
    if len(sent) > MOST_EXPECTATIONS:
        raise InvalidError(f"A case has at most {MOST_EXPECTATIONS} expectations.", path)
    return [_read(one, f"{path}.{at}") for at, one in enumerate(sent)]


def _read(sent: Json, path: str) -> dict[str, Json]:
    if not isinstance(sent, dict) or sent.get("kind") not in KINDS:
        raise InvalidError(f"kind must be one of {', '.join(KINDS)}.", f"{path}.kind")
    kind = sent["kind"]
    unknown = sorted(set(sent) - FIELDS[kind] - {"kind"})
    if unknown:
        raise InvalidError(f"{kind} has no field {unknown[0][:64]}.", f"{path}.{unknown[0][:64]}")
    if NEEDED[kind] not in sent:
        raise InvalidError(f"{kind} needs {NEEDED[kind]}.", f"{path}.{NEEDED[kind]}")
    _check_size(sent, path)
    READERS[kind](sent, path)
    return dict(sent)


def _check_size(sent: Json, path: str) -> None:
    try:
        size = len(orjson.dumps(sent))
    except (TypeError, ValueError):
        raise InvalidError("It holds something that is no JSON text.", path) from None
    if size > LONGEST_EXPECTATION:
        raise InvalidError(f"An expectation has at most {LONGEST_EXPECTATION:,} bytes.", path)
    if b"\\u0000" in orjson.dumps(sent):
        raise InvalidError("An expectation holds no NUL.", path)


def _is_flag(sent: Mapping[str, Json], name: str, path: str) -> None:
    if not isinstance(sent.get(name, False), bool):
        raise InvalidError(f"{name} must be true or false.", f"{path}.{name}")


def _check_exact(sent: Mapping[str, Json], path: str) -> None:
    _is_flag(sent, "normalised", path)


def _check_json(sent: Mapping[str, Json], path: str) -> None:
    structure_of(sent, path)


def _check_schema(sent: Mapping[str, Json], path: str) -> None:
    check_schema(sent["schema"], f"{path}.schema")


def _check_words(sent: Mapping[str, Json], path: str) -> None:
    words = sent["words"]
    is_right = isinstance(words, list) and 1 <= len(words) <= MOST_WORDS
    if not is_right or not all(_is_word(word) for word in words):
        message = f"words is a list of 1 to {MOST_WORDS} texts of 1 to {LONGEST_WORD:,} characters."
        raise InvalidError(message, f"{path}.words")
    _is_flag(sent, "any", path)
    _is_flag(sent, "case", path)


def _is_word(word: Json) -> bool:
    return isinstance(word, str) and 1 <= len(word) <= LONGEST_WORD


def _check_regex(sent: Mapping[str, Json], path: str) -> None:
    _is_flag(sent, "absent", path)
    compiled(sent["pattern"], f"{path}.pattern")


def _check_tools(sent: Mapping[str, Json], path: str) -> None:
    names = sent["names"]
    is_right = isinstance(names, list) and len(names) <= MOST_WORDS
    if not is_right or not all(_is_word(name) for name in names):
        message = f"names is a list of up to {MOST_WORDS} names of tools."
        raise InvalidError(message, f"{path}.names")
    if sent.get("order", "exact") not in ORDERS:
        raise InvalidError(f"order must be one of {', '.join(ORDERS)}.", f"{path}.order")


def _check_judge(sent: Mapping[str, Json], path: str) -> None:
    if not _is_word(sent["rubric"]) or not sent["rubric"].strip():
        message = f"rubric is a text of 1 to {LONGEST_WORD:,} characters."
        raise InvalidError(message, f"{path}.rubric")


READERS: Mapping[str, Callable[[Mapping[str, Json], str], None]] = {
    "exact": _check_exact,
    "json": _check_json,
    "schema": _check_schema,
    "contains": _check_words,
    "absent": _check_words,
    "regex": _check_regex,
    "tools": _check_tools,
    "judge": _check_judge,
}


def compiled(pattern: Json, path: str) -> Any:
    """Return a pattern of RE2, or raise InvalidError saying what is wrong in it."""
    if not _is_word(pattern):
        raise InvalidError(f"pattern is a text of 1 to {LONGEST_WORD:,} characters.", path)
    options = re2.Options()
    options.log_errors = False
    options.max_mem = 8 << 20
    try:
        return re2.compile(pattern, options)
    except (re2.error, UnicodeEncodeError) as error:
        raise InvalidError(f"This is no pattern that can be read: {_told(error)}.", path) from None


def _told(error: Exception) -> str:
    text = error.args[0] if error.args else error
    told = text.decode(errors="replace") if isinstance(text, bytes) else str(text)
    return told[:200].rstrip(".")


def structure_of(sent: Mapping[str, Json], path: str) -> Structure:
    """Return what a ``json`` expectation ignores and how near its numbers must be."""
    ignored = sent.get("ignore", [])
    if not isinstance(ignored, list) or not all(_is_pointer(one) for one in ignored):
        raise InvalidError("ignore is a list of paths such as /items/*/id.", f"{path}.ignore")
    near = sent.get("tolerance", {})
    if not isinstance(near, dict) or not all(_is_pointer(name) for name in near):
        message = 'tolerance names paths: {"/price": 0.01}.'
        raise InvalidError(message, f"{path}.tolerance")
    tolerances = {name: _tolerance(value, f"{path}.tolerance") for name, value in near.items()}
    return Structure(ignored=tuple(ignored), tolerances=tolerances)


def _is_pointer(value: Json) -> bool:
    return isinstance(value, str) and value.startswith("/") and value.count("**") <= 2


def _tolerance(value: Json, path: str) -> Tolerance:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not 0 <= value < 1e15:
        raise InvalidError("A tolerance is a number from 0 up.", path)
    return Tolerance(absolute=float(value))


def check(expectation: Mapping[str, Json], produced: Produced) -> Checked:
    """Say whether what a case came to is as expected; what was read before raises nothing."""
    kind = expectation["kind"]
    holds, says = CHECKS[kind](expectation, produced)
    return Checked(kind, holds, says)


Told = tuple[bool | None, str]


def _exact(expected: Mapping[str, Json], produced: Produced) -> Told:
    compare = normalised if expected.get("normalised") else exact
    return _said(compare(expected["value"], _answer(expected["value"], produced)))


def _json(expected: Mapping[str, Json], produced: Produced) -> Told:
    structure = structure_of(expected, "")
    return _said(subset(expected["value"], _answer(expected["value"], produced), structure))


def _schema(expected: Mapping[str, Json], produced: Produced) -> Told:
    answer, is_json = _parsed(produced)
    if not is_json:
        return False, "The answer is no JSON."
    fault = first_fault(expected["schema"], answer)
    return fault is None, fault or "It is as the schema asks."


def _said(found: Comparison) -> Told:
    first = f" First: {found.differences[0]}." if found.differences else ""
    return found.score == 1.0, f"{found.says}{first}"


def _answer(expected: Json, produced: Produced) -> Json:
    """Return the answer in the form in which it is expected: text, or the JSON in the text."""
    if isinstance(expected, str):
        return produced.text
    return _parsed(produced)[0]


def _parsed(produced: Produced) -> tuple[Json, bool]:
    if not isinstance(produced.output, str):
        return produced.output, True
    try:
        return orjson.loads(produced.output), True
    except orjson.JSONDecodeError:
        return produced.output, False


def _contains(expected: Mapping[str, Json], produced: Produced) -> Told:
    found, missing = _found(expected, produced)
    holds = bool(found) if expected.get("any") else not missing
    return holds, "It says all of that." if not missing else f"It does not say: {_listed(missing)}."


def _absent(expected: Mapping[str, Json], produced: Produced) -> Told:
    found, _ = _found(expected, produced)
    return not found, f"It says: {_listed(found)}." if found else "It says nothing of that."


def _found(expected: Mapping[str, Json], produced: Produced) -> tuple[list[str], list[str]]:
    is_exact = expected.get("case", False)
    text = produced.text if is_exact else produced.text.casefold()
    found = [word for word in expected["words"] if (word if is_exact else word.casefold()) in text]
    return found, [word for word in expected["words"] if word not in found]


def _listed(words: Sequence[str]) -> str:
    return ", ".join(repr(word[:60]) for word in words[:5])


def _regex(expected: Mapping[str, Json], produced: Produced) -> Told:
    text = produced.text[:LONGEST_SEARCHED].encode(errors="replace").decode()
    is_there = compiled(expected["pattern"], "pattern").search(text) is not None
    says = "The pattern is found." if is_there else "The pattern is not found."
    return is_there != expected.get("absent", False), says


def _tools(expected: Mapping[str, Json], produced: Produced) -> Told:
    names, called = expected["names"], list(produced.tools)
    told = f"Called: {', '.join(called[:20]) or 'none'}."
    order = expected.get("order", "exact")
    if order == "exact":
        return names == called, told
    if order == "any":
        return all(called.count(name) >= names.count(name) for name in names), told
    rest = iter(called)
    return all(any(name == other for other in rest) for name in names), told


def _judge(expected: Mapping[str, Json], produced: Produced) -> Told:
    return None, "A judge has to be asked."


CHECKS: Mapping[str, Callable[[Mapping[str, Json], Produced], Told]] = {
    "exact": _exact,
    "json": _json,
    "schema": _schema,
    "contains": _contains,
    "absent": _absent,
    "regex": _regex,
    "tools": _tools,
    "judge": _judge,
}
