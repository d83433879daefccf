"""What prompts and labels may be called: names stand in addresses, files and templates.

A prompt's name is a path, "support/triage": all but the last part are its folders.
"""

from __future__ import annotations

import re
import unicodedata

from django.urls.converters import StringConverter

from apps.core.errors import InvalidError

LONGEST_NAME = 200
LONGEST_PART = 64
MOST_PARTS = 8
LONGEST_LABEL = 36
LONGEST_TAG = 50
MOST_TAGS = 20
# Of the library itself: the newest version, which no one moves.
LATEST = "latest"
# Parts that addresses under a prompt's own address begin with.
RESERVED = frozenset({"versions", "labels", "diff", "v"})
LABEL = re.compile(r"[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?")
# Letters, marks and digits of any script; nothing that turns the direction of what follows.
CATEGORIES = frozenset("LMN")
SIGNS = frozenset(" ._-")

NAME_RULE = (
    f"A name has 1 to {MOST_PARTS} parts between slashes, each 1 to {LONGEST_PART} letters, "
    "digits, spaces, dots, hyphens or underscores that begin with a letter or digit; "
    f"at most {LONGEST_NAME} characters in all."
)
LABEL_RULE = (
    f"A label is 1 to {LONGEST_LABEL} lower-case letters, digits, dots, hyphens or underscores, "
    "with a letter or digit at both ends, and not a number."
)


class PromptNameConverter(StringConverter):
    """A prompt's name in an address, slashes and all. Whether there is one, the query says.

    No part begins with a hyphen, so that ``/-/`` ends a name.
    """

    regex = r"[^/\-][^/]{0,63}(?:/[^/\-][^/]{0,63}){0,7}"


def clean_name(text: str) -> str:
    """Return a prompt's name in the one form that is stored, or raise InvalidError."""
    name = unicodedata.normalize("NFC", text)
    parts = name.split("/")
    is_short = 1 <= len(name) <= LONGEST_NAME and len(parts) <= MOST_PARTS
    if not is_short or not all(map(_is_part, parts)):
        raise InvalidError(NAME_RULE, "name")
    if taken := RESERVED.intersection(parts):
        message = f"No part of a name may be {sorted(taken)[0]}: addresses of prompts use it."
        raise InvalidError(message, "name")
    return name


def clean_label(text: str, path: str = "label") -> str:
    """Return a label's name, or raise InvalidError; ``latest`` is nobody's to give."""
    if len(text) > LONGEST_LABEL or not LABEL.fullmatch(text) or text.isdigit():
        raise InvalidError(LABEL_RULE, path)
    if text == LATEST:
        raise InvalidError("latest is always the newest version: nobody moves it.", path)
    return text


def clean_tags(tags: list[str]) -> list[str]:
    """Return tags in order, each once."""
    if len(tags) > MOST_TAGS:
        raise InvalidError(f"A prompt has at most {MOST_TAGS} tags.", "tags")
    clean = sorted({" ".join(tag.split()) for tag in tags} - {""})
    for tag in clean:
        if len(tag) > LONGEST_TAG or any(unicodedata.category(sign)[0] == "C" for sign in tag):
            message = f"A tag has at most {LONGEST_TAG} characters, none of them invisible."
            raise InvalidError(message, "tags")
    return clean


def _is_part(part: str) -> bool:
    return (
        1 <= len(part) <= LONGEST_PART
        and unicodedata.category(part[0])[0] in "LN"
        and not part.endswith((" ", "."))
        and all(unicodedata.category(sign)[0] in CATEGORIES or sign in SIGNS for sign in part)
    )
