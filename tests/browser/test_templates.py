"""What the Content-Security-Policy would refuse is found before it is served."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings

TEMPLATES = sorted((Path(settings.BASE_DIR) / "templates").rglob("*.html"))
COMMENT = re.compile(r"{% comment %}.*?{% endcomment %}|{#.*?#}|<!--.*?-->", re.DOTALL)
FORBIDDEN = {
    "inline style": re.compile(r"<[^>]+\sstyle\s*=", re.IGNORECASE),
    "style element": re.compile(r"<style\b", re.IGNORECASE),
    "script with text": re.compile(r"<script\b(?![^>]*\ssrc=)", re.IGNORECASE),
    "event attribute": re.compile(r"<[^>]+\son[a-z]+\s*=", re.IGNORECASE),
    "hx-on": re.compile(r"\shx-on\b", re.IGNORECASE),
    "script in htmx": re.compile(r"hx-[a-z-]+=[\"']js:", re.IGNORECASE),
    "trigger filter": re.compile(r"hx-trigger=[\"'][^\"']*\[", re.IGNORECASE),
    "other site": re.compile(r"(?:src|href)=[\"'](?:https?:)?//", re.IGNORECASE),
    "text taken as safe": re.compile(r"\|\s*safe\b|{%\s*autoescape\s+off|mark_safe"),
}
# Django's own help texts of forms hold lists; none of it is recorded.
ALLOWED = {("components/field.html", "text taken as safe")}


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_templates_hold_nothing_that_the_policy_refuses(path):
    text = COMMENT.sub("", path.read_text())
    name = str(path.relative_to(Path(settings.BASE_DIR) / "templates"))

    found = {rule for rule, pattern in FORBIDDEN.items() if pattern.search(text)}

    assert {rule for rule in found if (name, rule) not in ALLOWED} == set()
