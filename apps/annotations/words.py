"""What people may write: how long, and without what no text can hold."""

from __future__ import annotations

from apps.core.errors import InvalidError
from apps.sessions.tagging import LONGEST_TAG


def read_words(text: str, *, path: str, longest: int, is_needed: bool = True) -> str:
    """Return a text as it is kept: ends of lines as \\n, without NUL and half characters."""
    clean = text.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "").strip()
    clean = clean.encode("utf-8", "replace").decode()
    if len(clean) > longest:
        raise InvalidError(f"{path} has at most {longest:,} characters.", path)
    if is_needed and not clean:
        raise InvalidError(f"{path} must say something.", path)
    return clean


def read_label(text: str, *, path: str) -> str:
    """Return a label: one line, as tags are."""
    clean = " ".join(text.split())
    if not 1 <= len(clean) <= LONGEST_TAG or not clean.isprintable():
        message = f"{path} has 1 to {LONGEST_TAG} characters, none of them invisible."
        raise InvalidError(message, path)
    return clean
