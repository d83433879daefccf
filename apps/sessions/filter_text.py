"""The text of the filter box: ``status:error model:claude cost>0.10 "late order" refund``.

One reading, and one writing, of the same filters that the address holds: ``parse`` returns
the parameters of ``SessionFilters.from_query``, and ``render`` the text that reads as them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from apps.core.errors import InvalidError
from apps.sessions.filters import READERS, TEXT_LIMIT, read_text

FIELD = "filter"
LONGEST = 4096
SHOWN = 64
MOST_DIGITS = 15

# What stands before a colon: each is a parameter of the same name.
KEYS: Mapping[str, str] = {
    "status": "open, closed, ok or error",
    "model": "a model that was called",
    "tool": "a tool that was called",
    "agent": "an agent that took part",
    "agent_version": "agent@version",
    "tag": "a tag",
    "error": "a type of error",
    "environment": "such as production",
    "user": "your own id of a person",
    "kind": "a kind of step",
    "provider": "a provider of models",
    "prompt": "a prompt of the library",
    "prompt_version": "name@version",
    "release": "a release of your application",
    "origin": "live, import, replay, fork or demo",
    "outcome": "success, failure or abandoned",
    "fidelity": "how far it can be replayed: E0 to E3",
    "external_id": "your own id of a session",
    "has_ticket": "true or false",
    "score": "a score, or name=yes",
}
# What stands before > or <: the parameters for "from" and "to".
COMPARED: Mapping[str, tuple[str, str]] = {
    "cost": ("min_cost", "max_cost"),
    "duration": ("min_duration_ms", "max_duration_ms"),
    "started": ("started_after", "started_before"),
}
COMPARED_BY: Mapping[str, tuple[str, str]] = {
    parameter: (key, sign)
    for key, pair in COMPARED.items()
    for parameter, sign in zip(pair, "><", strict=True)
}
EXAMPLES: Mapping[str, tuple[str, ...]] = {
    "cost": ("cost>0.10", "cost<1"),
    "duration": ("duration>10s", "duration<1m"),
    "started": ("started>-24h", "started<2026-11-20"),
}
# What stands in the box, and what it asks for.
EXPLAINED = (
    *((f"{key}:", says) for key, says in KEYS.items()),
    *zip(EXAMPLES["cost"], ("from ten cents", "up to a dollar"), strict=True),
    *zip(EXAMPLES["duration"], ("from ten seconds", "up to a minute"), strict=True),
    *zip(EXAMPLES["started"], ("in the last 24 hours", "before a day or a time"), strict=True),
    ('refund "late order"', "words and phrases in what was said"),
)
# In which the box shows its filters.
ORDER = (*KEYS, *COMPARED_BY, "q")
ALIASES = {
    "env": "environment",
    "id": "external_id",
    "session": "external_id",
    "version": "prompt_version",
    "ticket": "has_ticket",
}
ALLOWED = ", ".join([*KEYS, *(f"{key}>" for key in COMPARED), *(f"{key}<" for key in COMPARED)])

TOKEN = re.compile(
    r'(?P<key>-?[A-Za-z_]+)(?P<sign>:|>=|<=|>|<)(?P<value>"(?:[^"\\]|\\.)*"?|\S*)'
    r'|(?P<phrase>"[^"]*"?)'
    r"|(?P<word>\S+)",
    re.DOTALL,
)
BLANKS = re.compile(r"\s*")
ESCAPED = re.compile(r"\\(.)", re.DOTALL)
ESCAPES = {"n": "\n", "r": "\r"}
SECONDS = {"ms": Decimal("0.001"), "s": Decimal(1), "m": Decimal(60), "min": Decimal(60)}
SECONDS |= {"h": Decimal(3600), "d": Decimal(86_400)}
DURATION = re.compile(r"([0-9]{1,24}(?:\.[0-9]{1,24})?)(ms|s|min|m|h|d)")
DAY = re.compile(r"\d{4}-\d\d-\d\d")
WITHOUT_ZONE = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?")
MIDNIGHT = re.compile(r"(\d{4}-\d\d-\d\d)T00:00(:00(\.0+)?)?(Z|\+00:00)")


class FilterTextError(InvalidError):
    """A word of the filter box cannot be read; the message names the word."""

    def __init__(self, word: str, message: str) -> None:
        shown = word if len(word) <= SHOWN else f"{word[:SHOWN]}…"
        super().__init__(f"{shown} - {message}", FIELD)


@dataclass(frozen=True)
class Token:
    """One word of the box: a filter, or something to search for."""

    text: str
    key: str = ""
    sign: str = ""
    value: str = ""


def parse(text: str) -> dict[str, str]:
    """Return the filters that ``text`` asks for, by the names of their parameters."""
    if len(text) > LONGEST or "\x00" in text:
        raise InvalidError(f"A filter is at most {LONGEST:,} characters, without NUL.", FIELD)
    found: dict[str, str] = {}
    words: list[str] = []
    for token in tokens(text):
        if not token.key:
            words.append(token.text)
            continue
        name, value = parameter(token)
        if name in found:
            raise FilterTextError(token.text, f"{token.key} can stand there once only.")
        found[name] = value
    if words:
        if "q" in found:
            raise FilterTextError(words[0], "words to search for stand beside q: or in it.")
        found["q"] = _searched(" ".join(words))
    return found


def _searched(words: str) -> str:
    if len(words) > TEXT_LIMIT:
        message = f"The words to search for are at most {TEXT_LIMIT} characters."
        raise InvalidError(message, FIELD)
    return words


def tokens(text: str) -> list[Token]:
    """Cut ``text`` at its blanks, but not within quotation marks."""
    found = []
    at = _skip(text, 0)
    while match := TOKEN.match(text, at):
        at = match.end()
        if match["key"]:
            found.append(Token(match[0], match["key"], match["sign"], _value(match, text)))
        else:
            if match["phrase"] and (len(match["phrase"]) < 2 or match["phrase"][-1] != '"'):
                raise FilterTextError(match[0], "the quotation mark is not closed.")
            found.append(Token(match[0]))
        at = _skip(text, at)
    return found


def _skip(text: str, at: int) -> int:
    blanks = BLANKS.match(text, at)
    return blanks.end() if blanks else at


def _value(match: re.Match[str], text: str) -> str:
    value = match["value"]
    if not value.startswith('"'):
        return value
    if not re.fullmatch(r'"(?:[^"\\]|\\.)*"', value, re.DOTALL):
        raise FilterTextError(match[0], "the quotation mark is not closed.")
    if match.end() < len(text) and not text[match.end()].isspace():
        raise FilterTextError(match[0], "a blank must follow the closing quotation mark.")
    return ESCAPED.sub(lambda found: ESCAPES.get(found[1], found[1]), value[1:-1])


def parameter(token: Token) -> tuple[str, str]:
    """Return a filter's parameter and its value as the address has it."""
    key = token.key.lower()
    if key.startswith("-"):
        raise FilterTextError(token.text, "there are no filters that leave something out.")
    key = ALIASES.get(key, key)
    if key in COMPARED:
        return _compared(token, key)
    if key not in KEYS and key != "q":
        raise FilterTextError(token.text, _unknown(token))
    if token.sign != ":":
        raise FilterTextError(token.text, f"{key} takes a colon: {key}:{token.value or '...'}")
    return key, _checked(token, key, token.value)


def _unknown(token: Token) -> str:
    searched = f'"{token.text}"'.replace('""', '"')
    return (
        f"there is no filter {token.key[:SHOWN]}; there are {ALLOWED}. "
        f"To search for it as words, put it in quotation marks: {searched[:SHOWN]}"
    )


def _compared(token: Token, key: str) -> tuple[str, str]:
    if token.sign == ":":
        raise FilterTextError(token.text, f"{key} takes > or <, as in {EXAMPLES[key][0]}")
    name = COMPARED[key][0 if token.sign.startswith(">") else 1]
    written = {"cost": _dollars, "duration": _milliseconds, "started": _moment}[key]
    return name, _checked(token, name, written(token))


def _dollars(token: Token) -> str:
    return token.value.removeprefix("$")


def _milliseconds(token: Token) -> str:
    match = DURATION.fullmatch(token.value)
    if match is None:
        raise FilterTextError(token.text, "a duration has a unit: 250ms, 10s, 5m or 2h.")
    return plain(Decimal(match[1]) * SECONDS[match[2]] * 1000)


def _moment(token: Token) -> str:
    value = token.value
    if DAY.fullmatch(value):
        return f"{value}T00:00Z"
    if WITHOUT_ZONE.fullmatch(value):
        return f"{value.replace(' ', 'T')}Z"
    return value


def _checked(token: Token, name: str, value: str) -> str:
    if not value:
        raise FilterTextError(token.text, "a value must follow, without a blank between.")
    read = READERS.get(name, read_text)
    try:
        read(token.key, value)
    except InvalidError as error:
        raise FilterTextError(token.text, str(error)) from None
    return value


def plain(number: Decimal) -> str:
    """Return a number without an exponent and without noughts at its end."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def render(parameters: Mapping[str, str]) -> str:
    """Return the text that reads as these parameters; what is no filter is left out."""
    given = [name for name in ORDER if parameters.get(name)]
    return " ".join(word(name, parameters[name]) for name in given)


def word(name: str, value: str) -> str:
    """Return one filter as a word of the box, whatever its value is."""
    if name == "q":
        return value if _reads_as_words(value) else f"q:{quoted(value)}"
    if name not in COMPARED_BY:
        return f"{name}:{value if _is_plain(value) else quoted(value)}"
    key, sign = COMPARED_BY[name]
    shown = SHOWN_AS[key](value)
    return f"{key}{sign}{shown if _is_plain(shown) else quoted(shown)}"


def _reads_as_words(value: str) -> bool:
    try:
        return parse(value) == {"q": value}
    except InvalidError:
        return False


def _is_plain(value: str) -> bool:
    return re.search(r'[\s"\\]', value) is None


def quoted(value: str) -> str:
    """Return a value in quotation marks, on one line."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + escaped.replace("\n", "\\n").replace("\r", "\\r") + '"'


def _with_unit(value: str) -> str:
    try:
        number = Decimal(value)
    except InvalidOperation:
        return value
    if not number.is_finite() or number.adjusted() > MOST_DIGITS:
        return value
    for unit in ("h", "m", "s"):
        if number and number % (SECONDS[unit] * 1000) == 0:
            return f"{plain(number / (SECONDS[unit] * 1000))}{unit}"
    return f"{plain(number)}ms"


def _shortened(value: str) -> str:
    # A plus sign that was not URL-encoded arrives as a space.
    value = value.replace(" ", "+")
    midnight = MIDNIGHT.fullmatch(value)
    return midnight[1] if midnight else value


SHOWN_AS: Mapping[str, Callable[[str], str]] = {
    "cost": str,
    "duration": _with_unit,
    "started": _shortened,
}
