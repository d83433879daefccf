"""How alike two recorded values are, from 0 to 1: texts, JSON, calls of tools, errors.

All of them are symmetric, give 1 for values that are the same and nothing more than 1, and
take no longer for hostile text than their bounds say.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from playhead.matching import normalised

Json = Any

# Characters of a text that are compared; the rest counts as one more word.
LONGEST = 20_000
# Places of a JSON value that are compared.
MOST_LEAVES = 5_000
# Character n-grams as in chrF (Popovic 2015), without its weighing of recall.
GRAMS = (1, 2, 3, 4, 5, 6)


def text_likeness(left: str, right: str) -> float:
    """Return how alike two texts are: the mean of shared words and shared runs of characters."""
    if left == right:
        return 1.0
    ours, theirs = left[:LONGEST], right[:LONGEST]
    words = _shared(Counter(_words(left)), Counter(_words(right)))
    grams = [_shared(_grams(ours, size), _grams(theirs, size)) for size in GRAMS]
    # Equal words in another order are alike, and no more than nearly the same.
    return min(0.99, (words + sum(grams) / len(grams)) / 2)


def _words(text: str) -> list[str]:
    rest = [text[LONGEST:]] if len(text) > LONGEST else []
    return text[:LONGEST].split() + rest


def _grams(text: str, size: int) -> Counter[str]:
    plain = "".join(text.split())
    return Counter(plain[at : at + size] for at in range(len(plain) - size + 1))


def _shared(left: Counter[str], right: Counter[str]) -> float:
    whole = left.total() + right.total()
    return 2 * (left & right).total() / whole if whole else 1.0


def json_likeness(left: Json, right: Json) -> float:
    """Return the F1 of two values over their places: the same place with the same value counts.

    Texts at the same place count by how alike they are, values of other types not at all.
    """
    if _is_same(left, right):
        return 1.0
    ours, theirs = dict(_leaves(left)), dict(_leaves(right))
    both = ours.keys() & theirs.keys()
    scored = sum(_leaf_likeness(ours[place], theirs[place]) for place in both)
    return min(0.999, 2 * scored / (len(ours) + len(theirs)))


def _is_same(left: Json, right: Json) -> bool:
    return type(left) is type(right) and bool(left == right)


def _leaves(value: Json) -> Iterator[tuple[str, Json]]:
    found = 0
    waiting = [("", value)]
    while waiting and found < MOST_LEAVES:
        path, inner = waiting.pop()
        if isinstance(inner, Mapping) and inner:
            waiting += [(f"{path}/{name}", one) for name, one in inner.items()]
        elif isinstance(inner, list) and inner:
            waiting += [(f"{path}/{at}", one) for at, one in enumerate(inner)]
        else:
            found += 1
            yield path, inner


def _leaf_likeness(left: Json, right: Json) -> float:
    if isinstance(left, str) and isinstance(right, str):
        return text_likeness(left, right)
    return 1.0 if _is_same(left, right) else 0.0


def output_likeness(left: Json, right: Json) -> float:
    """Return how alike two answers are, whatever they are."""
    if isinstance(left, str) and isinstance(right, str):
        return text_likeness(left, right)
    return json_likeness(normalised(left), normalised(right))


def error_likeness(left: Mapping[str, Json] | None, right: Mapping[str, Json] | None) -> float:
    """Return 1 for errors of one type and status, half for one of both, 0 where one is none."""
    if left is None or right is None:
        return 1.0 if left is right else 0.0
    same = [bool(left.get(name) == right.get(name)) for name in ("type", "code")]
    return sum(same) / len(same)


def calls_likeness(left: list[tuple[str, Json]], right: list[tuple[str, Json]]) -> float:
    """Return how alike two lists of calls of tools are: name, then arguments, each paired once."""
    if not left and not right:
        return 1.0
    waiting, scored = list(right), 0.0
    for name, arguments in left:
        offers = [
            (json_likeness(arguments, theirs), at)
            for at, (their_name, theirs) in enumerate(waiting)
            if their_name == name
        ]
        if offers:
            best, at = max(offers, key=lambda offer: (offer[0], -offer[1]))
            scored += float(best)
            del waiting[at]
    return scored / max(len(left), len(right))


def tool_calls(output: Json) -> list[tuple[str, Json]]:
    """Return the calls of tools in a model's answer, by name and arguments, in any wire form."""
    if isinstance(output, list):
        return [call for inner in output for call in tool_calls(inner)]
    if not isinstance(output, Mapping):
        return []
    if output.get("type") in ("tool_use", "function_call", "tool_call"):
        name = output.get("name", output.get("tool_call.function.name"))
        given = (output.get(key) for key in ("arguments", "input", "tool_call.function.arguments"))
        return [(str(name), _opened(next((one for one in given if one is not None), None)))]
    said = [output.get(name) for name in ("messages", "content", "parts")]
    calls = [call.get("function") or {} for call in output.get("tool_calls") or ()]
    if calls:
        # Some senders say their calls among the content once more.
        return [(str(call.get("name")), _opened(call.get("arguments"))) for call in calls]
    return [call for inner in said for call in tool_calls(inner)]


def _opened(arguments: Json) -> Json:
    if not isinstance(arguments, str):
        return normalised(arguments)
    try:
        return normalised(json.loads(arguments or "{}", parse_constant=str))
    except (ValueError, RecursionError):
        return arguments


def texts_in(output: Json) -> str:
    """Return what a model's answer says in words, without its calls of tools."""
    return "\n".join(_texts(output))


def _texts(output: Json) -> Iterator[str]:
    if isinstance(output, str):
        yield output
    elif isinstance(output, list):
        for inner in output:
            yield from _texts(inner)
    elif isinstance(output, Mapping):
        for name in ("messages", "content", "parts", "text", "refusal"):
            yield from _texts(output.get(name))
