from __future__ import annotations

import pytest

from apps.core.bundles import bundled
from apps.web.keyboard import script_folder

MODULES = {
    "player.js": 'import { onKeys } from "./keys.js";\nimport { a as first } from "./parts-a.js";\n'
    'import "./late.js";\nconst later = () => import("./marks.js");\nonKeys(first, later);\n',
    "late.js": 'import { b } from "./b.js";\nexport const l = () => import("./other.js") ?? b;\n',
    "parts-a.js": 'import { b } from "./b.js";\nexport function a() { return b; }\n',
    "b.js": "const own = 1;\nexport const b = own;\nexport class C {}\n",
}


def test_modules_that_load_others_later_are_in_the_entry_and_the_rest_beside_it():
    files = bundled(MODULES.__getitem__)

    assert files.keys() == {"player.js", "player-parts.js", "parts-a.js", "b.js"}
    assert 'import("./marks.js")' in files["player.js"]
    assert 'import("./' not in files["player-parts.js"]
    assert files["player-parts.js"].index("$b =") < files["player-parts.js"].index("$parts_a =")
    assert "const { a: first } = $parts_a;" in files["player.js"]


def test_a_part_that_is_imported_later_is_the_same_module():
    files = bundled(MODULES.__getitem__)

    assert files["b.js"] == (
        'import { $b } from "./player-parts.js";\nexport const { b, C } = $b;\n'
    )


def test_what_other_pages_have_too_stays_a_file_of_its_own():
    files = bundled(MODULES.__getitem__)

    assert 'import * as $keys from "./keys.js";' in files["player.js"]
    assert "keys.js" not in files["player-parts.js"]


@pytest.mark.parametrize(
    "text", ["export default 1;\n", 'import x from "./x.js";\n', "export { own };\n"]
)
def test_what_the_bundle_cannot_read_stops_it(text):
    with pytest.raises(ValueError, match=r"b\.js has an import or export that is not read here"):
        bundled((MODULES | {"b.js": text}).__getitem__)


def test_modules_that_import_each_other_stop_it():
    ring = {"b.js": 'import { a } from "./parts-a.js";\nexport const b = a;\n'}

    with pytest.raises(ValueError, match="imports itself"):
        bundled((MODULES | ring).__getitem__)


def test_our_own_scripts_can_be_bundled():
    files = bundled(lambda name: (script_folder() / name).read_text())

    assert {"spans.js", "minimap.js"} <= files.keys()
