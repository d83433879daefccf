"""Contrast and colour-blind distance, recomputed from the tokens that are shipped."""

from __future__ import annotations

import re
from itertools import combinations
from pathlib import Path

import pytest
from django.conf import settings

TOKENS = (Path(settings.BASE_DIR) / "static/css/tokens.css").read_text()
PAIR = re.compile(r"--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)")
COLOURS = {name: (light, dark) for name, light, dark in PAIR.findall(TOKENS)}
TEXTS = ("text", "muted", "link", "ok", "warn", "error")
KINDS = [name for name in COLOURS if name.startswith("kind-")]
# How people without one sort of cones see linear RGB (Machado, Oliveira, Fernandes 2009).
VISIONS = {
    "full": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "protanopia": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "tritanopia": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}


def linear(colour: str) -> list[float]:
    parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    return [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]


def contrast(one: str, other: str) -> float:
    lights = [
        sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear(c), strict=True))
        for c in (one, other)
    ]
    return (max(lights) + 0.05) / (min(lights) + 0.05)


def times(matrix, vector):
    return [sum(a * b for a, b in zip(row, vector, strict=True)) for row in matrix]


def oklab(colour: str, vision: str) -> list[float]:
    seen = [min(max(part, 0), 1) for part in times(VISIONS[vision], linear(colour))]
    cones = times(
        (
            (0.4122214708, 0.5363325363, 0.0514459929),
            (0.2119034982, 0.6806995451, 0.1073969566),
            (0.0883024619, 0.2817188376, 0.6299787005),
        ),
        seen,
    )
    return times(
        (
            (0.2104542553, 0.7936177850, -0.0040720468),
            (1.9779984951, -2.4285922050, 0.4505937099),
            (0.0259040371, 0.7827717662, -0.8086757660),
        ),
        [cone ** (1 / 3) for cone in cones],
    )


def distance(one: str, other: str, vision: str) -> float:
    pairs = zip(oklab(one, vision), oklab(other, vision), strict=True)
    return 100 * sum((a - b) ** 2 for a, b in pairs) ** 0.5


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("ground", ["bg", "surface", "raised", "hover", "selected"])
def test_text_can_be_read_on_every_ground(theme, text, ground):
    assert contrast(COLOURS[text][theme], COLOURS[ground][theme]) >= 4.5


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(
    ("text", "ground"),
    [
        ("on-primary", "primary"),
        ("text", "diff-ins"),
        ("text", "diff-del"),
        ("text", "ok-bg"),
        ("text", "warn-bg"),
        ("text", "error-bg"),
    ],
)
def test_text_can_be_read_on_coloured_grounds(theme, text, ground):
    assert contrast(COLOURS[text][theme], COLOURS[ground][theme]) >= 4.5


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("name", [*KINDS, "control"])
def test_fills_and_borders_stand_out_from_the_ground(theme, name):
    assert contrast(COLOURS[name][theme], COLOURS["bg"][theme]) >= 3.0


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("vision", list(VISIONS))
def test_kinds_are_told_apart_by_everybody(theme, vision):
    close = {
        pair: distance(COLOURS[pair[0]][theme], COLOURS[pair[1]][theme], vision)
        for pair in combinations(KINDS, 2)
    }

    assert {pair: near for pair, near in close.items() if near < 10} == {}
