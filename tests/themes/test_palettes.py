"""Palettes: legible, and distinguishable for eyes with any of the three colour-vision deficiencies they promise."""

from __future__ import annotations

import math
from itertools import combinations

import pytest
from textual.color import Color

from mlops_tui.themes.palettes import (
    ANSI,
    BLUE_YELLOW_SAFE,
    DARK,
    HIGH_CONTRAST,
    LIGHT,
    PALETTES,
    RED_GREEN_SAFE,
    Palette,
    choose_palette,
    palette_named,
)
from mlops_tui.themes.tokens import STYLES, Token

TRUE_COLOUR = [palette for palette in PALETTES if not palette.is_ansi]

# Machado, Oliveira and Fernandes 2009, severity 1.0, on linear RGB.
DEUTERANOPIA = ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881))
PROTANOPIA = ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998))
TRITANOPIA = ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900))
Matrix = tuple[tuple[float, float, float], ...]
NORMAL: Matrix = ((1, 0, 0), (0, 1, 0), (0, 0, 1))


def linear(colour: str) -> list[float]:
    channels = Color.parse(colour).normalized
    return [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]


def luminance(colour: str) -> float:
    red, green, blue = linear(colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """WCAG 2.2, relative contrast."""
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def lab(colour: str, eyes: Matrix) -> tuple[float, float, float]:
    """CIELAB (D65) of a colour as such eyes see it."""
    rgb = linear(colour)
    seen = [min(1.0, max(0.0, sum(weight * c for weight, c in zip(row, rgb, strict=True)))) for row in eyes]
    rows = ((0.4124, 0.3576, 0.1805), (0.2126, 0.7152, 0.0722), (0.0193, 0.1192, 0.9505))
    xyz = [sum(weight * c for weight, c in zip(row, seen, strict=True)) for row in rows]
    white = (0.9505, 1.0, 1.089)
    f = [t ** (1 / 3) if (t := v / w) > 0.008856 else 7.787 * t + 16 / 116 for v, w in zip(xyz, white, strict=True)]
    return 116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])


def difference(one: str, other: str, eyes: Matrix) -> float:
    """CIE76; about 2.3 is just noticeable."""
    return math.dist(lab(one, eyes), lab(other, eyes))


@pytest.mark.parametrize("palette", TRUE_COLOUR, ids=lambda palette: palette.name)
def test_text_is_legible_on_every_background(palette: Palette) -> None:
    least = 7.0 if palette is HIGH_CONTRAST else 4.5
    for text in (palette.foreground, palette.ok, palette.warning, palette.error, palette.running, palette.production):
        for ground in (palette.background, palette.surface):
            assert contrast(text, ground) >= least, (text, ground)
    assert contrast(palette.muted, palette.background) >= 4.5
    assert contrast(palette.foreground, palette.cursor) >= 4.5


@pytest.mark.parametrize("palette", TRUE_COLOUR, ids=lambda palette: palette.name)
def test_the_current_row_stands_out_and_its_words_stay_legible(palette: Palette) -> None:
    assert difference(palette.cursor, palette.background, NORMAL) > 10
    for text in (palette.ok, palette.warning, palette.error, palette.running, palette.production, palette.muted):
        assert contrast(text, palette.cursor) >= 3.0, text


@pytest.mark.parametrize(
    ("palette", "eyes"),
    [
        *((palette, NORMAL) for palette in TRUE_COLOUR),
        (RED_GREEN_SAFE, DEUTERANOPIA),
        (RED_GREEN_SAFE, PROTANOPIA),
        (BLUE_YELLOW_SAFE, TRITANOPIA),
    ],
)
def test_states_and_lines_can_be_told_apart(palette: Palette, eyes: Matrix) -> None:
    states = (palette.ok, palette.warning, palette.error, palette.running)
    for one, other in combinations(states, 2):
        assert difference(one, other, eyes) > 20, (one, other)
    for one, other in combinations(palette.series, 2):
        assert difference(one, other, eyes) > 10, (one, other)


def test_a_common_palette_would_fail_the_same_test() -> None:
    assert difference(DARK.ok, DARK.error, DEUTERANOPIA) < difference(
        RED_GREEN_SAFE.ok, RED_GREEN_SAFE.error, DEUTERANOPIA
    )


@pytest.mark.parametrize("palette", PALETTES, ids=lambda palette: palette.name)
def test_defines_every_variable_that_the_meanings_use(palette: Palette) -> None:
    theme = palette.theme()
    known = theme.to_color_system().generate() | theme.variables
    used = {word.removeprefix("$") for style in STYLES.values() for word in style.split() if word.startswith("$")}
    assert used <= known.keys()
    assert set(STYLES) == set(Token)


def test_the_ansi_palette_names_only_the_terminals_own_colours() -> None:
    colours = [ANSI.background, ANSI.foreground, *ANSI.meanings.values()]
    assert all(colour.startswith("ansi_") for colour in colours)


@pytest.mark.parametrize(
    ("wanted", "environ", "low_bandwidth", "chosen"),
    [
        (None, {"COLORTERM": "truecolor", "TERM": "xterm"}, False, DARK),
        (None, {"TERM": "xterm-256color"}, False, DARK),
        (None, {"TERM": "linux"}, False, ANSI),
        ("light", {"TERM": "linux"}, False, LIGHT),
        ("mlops-high-contrast", {"TERM": "xterm-256color"}, False, HIGH_CONTRAST),
        ("no-such", {"TERM": "xterm-256color"}, False, DARK),
        ("light", {"NO_COLOR": "1", "COLORTERM": "truecolor"}, False, ANSI),
        (None, {"COLORTERM": "truecolor"}, True, ANSI),
        ("light", {"COLORTERM": "truecolor"}, True, LIGHT),
    ],
)
def test_chooses_what_the_terminal_can_show(
    wanted: str | None, environ: dict[str, str], low_bandwidth: bool, chosen: Palette
) -> None:
    assert choose_palette(wanted, environ, low_bandwidth=low_bandwidth) is chosen


def test_palettes_are_found_by_short_and_full_name() -> None:
    for palette in PALETTES:
        assert palette_named(palette.name) is palette_named(palette.name.removeprefix("mlops-")) is palette
