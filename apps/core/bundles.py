"""Scripts that a page always loads together, sent as two files.

They are written as small modules. Fetched one by one, each import costs a page one more request,
and one more round trip for every import within an import. When static files are collected,
the modules that an entry imports are put into it: those that load others later into the entry
itself, all others into a file of parts beside it. A module that is loaded later and imports
one of the parts finds it under its own name, as the same module.

Only what our scripts use of the language is read: named imports and exports, one a line.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

# The entry, the name of its parts, and the modules that other pages have too.
ENTRY, PARTS = "player.js", "player-parts.js"
SHARED = frozenset({"core.js", "keys.js"})

IMPORT = re.compile(r'^import (?:\{(?P<names>[^}]*)\} from )?"\./(?P<module>[\w-]+\.js)";\n', re.M)
EXPORT = re.compile(r"^export (?=(?:async function|function|class|const) (?P<name>\w+))", re.M)
# Forms that would be left as they are, and would break the file.
UNREAD = re.compile(r"^(?:import|export)\b", re.M)
LATER = re.compile(r'\bimport\("\./')


def bundled(read: Callable[[str], str]) -> dict[str, str]:
    """Return the files to be sent instead of those that ``read`` gives, by name."""
    modules = _imported(ENTRY, read)
    heads = [name for name in modules if name == ENTRY or LATER.search(modules[name])]
    parts = [name for name in modules if name not in heads]
    files = {PARTS: _file(parts, modules, exported=parts), ENTRY: _file(heads, modules)}
    return files | {name: _stand_in(name, modules[name]) for name in parts}


def _imported(entry: str, read: Callable[[str], str]) -> dict[str, str]:
    """Return the texts of all modules behind an entry; each after those that it imports."""
    found: dict[str, str] = {}
    waiting: list[str] = []

    def visit(name: str) -> None:
        if name in found or name in SHARED:
            return
        if name in waiting:
            raise ValueError(f"{name} imports itself: {' '.join(waiting)}")
        waiting.append(name)
        text = read(name)
        for one in IMPORT.finditer(text):
            visit(one["module"])
        found[waiting.pop()] = text

    visit(entry)
    return found


def _file(names: list[str], modules: dict[str, str], exported: list[str] | None = None) -> str:
    said = "export " if exported else ""
    bodies = [f"{said}const {_variable(name)} = {_scope(name, modules[name])};" for name in names]
    used = {one["module"] for name in names for one in IMPORT.finditer(modules[name])}
    return "\n".join([*_imports(sorted(used - set(names))), *bodies, ""])


def _imports(names: list[str]) -> Iterator[str]:
    parts = [_variable(name) for name in names if name not in SHARED]
    for name in names:
        if name in SHARED:
            yield f'import * as {_variable(name)} from "./{name}";'
    if parts:
        yield f'import {{ {", ".join(parts)} }} from "./{PARTS}";'


def _scope(name: str, text: str) -> str:
    """Return a module as an expression: what it declares stays its own, what it exports is left."""
    exports = ", ".join(_exports(text))
    body = EXPORT.sub("", IMPORT.sub(_taken, text))
    if unread := UNREAD.search(body):
        line = body[unread.start() :].partition("\n")[0]
        raise ValueError(f"{name} has an import or export that is not read here: {line}")
    return f"(() => {{\n{body}return {{ {exports} }};\n}})()"


def _taken(one: re.Match[str]) -> str:
    if one["names"] is None:
        return ""
    return f"const {{{one['names'].replace(' as ', ': ')}}} = {_variable(one['module'])};\n"


def _stand_in(name: str, text: str) -> str:
    variable = _variable(name)
    taken = f"export const {{ {', '.join(_exports(text))} }} = {variable};\n"
    return f'import {{ {variable} }} from "./{PARTS}";\n{taken}'


def _exports(text: str) -> list[str]:
    return [one["name"] for one in EXPORT.finditer(text)]


def _variable(name: str) -> str:
    return "$" + name.removesuffix(".js").replace("-", "_")
