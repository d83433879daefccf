"""The page of all keys, made from the one table that the scripts answer them by."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from django.conf import settings

ROW = re.compile(
    r'\{ where: "(?P<where>[a-z]+)", keys: \[(?P<keys>[^\n]+?)\], '
    r'(?:act: "[a-z-]+", )?says: "(?P<says>[^"\n]+)" \},'
)
WORD = re.compile(r'"((?:[^"\\]|\\.)+)"')
NAMED = re.compile(r'(?:(\w+)|"([^"]+)"): "([^"]+)"')
CAPITAL = re.compile(r"[A-Z]")
HEAD = """# Keys

<!-- Made by `manage.py keyboard_page` from static/ph/keys.js. -->

`?` shows the keys of the page that one is on. They do nothing while one types, while a dialog or
a menu is open, and together with Ctrl, Alt or Cmd, so that the browser's own stay as they are. A
control that has the focus comes first: Enter and Space press a button, arrows move a slider. Keys
that are single letters or signs can be switched off in that dialog, in each browser.
"""


class Key(NamedTuple):
    """A row of the table: where it holds, its keys, and what it does."""

    where: str
    keys: list[str]
    says: str


def script() -> str:
    return (script_folder() / "keys.js").read_text()


def script_folder() -> Path:
    return Path(settings.BASE_DIR) / "static/ph"


def page_path() -> Path:
    return Path(settings.BASE_DIR) / "docs/keyboard.md"


def read_keys(text: str) -> list[Key]:
    """Return the rows of the table in their order."""
    return [Key(row["where"], WORD.findall(row["keys"]), row["says"]) for row in ROW.finditer(text)]


def page(text: str) -> str:
    """Return the page: a table for each place, with the titles and signs of the dialog."""
    titles, signs = _named(text, "TITLES"), _named(text, "SIGNS")
    return "\n".join([HEAD, *_tables(read_keys(text), titles, signs)])


def _tables(keys: list[Key], titles: dict[str, str], signs: dict[str, str]) -> Iterator[str]:
    for where, title in titles.items():
        yield f"## {title}\n\n| key | does |\n|---|---|"
        for key in keys:
            if key.where == where:
                shown = " ".join(f"`{_sign(name, signs)}`" for name in key.keys)
                yield f"| {shown} | {key.says} |"
        yield ""


def _sign(name: str, signs: dict[str, str]) -> str:
    if name.startswith("Shift+"):
        return f"Shift {_sign(name.removeprefix('Shift+'), signs)}"
    return f"Shift {name.lower()}" if CAPITAL.fullmatch(name) else signs.get(name, name)


def _named(text: str, constant: str) -> dict[str, str]:
    line = next(line for line in text.splitlines() if line.startswith(f"const {constant} = "))
    return {word or quoted: says for word, quoted, says in NAMED.findall(line)}
