"""The palettes, and which one fits a terminal.

Every palette defines the variables that ``tokens`` uses. The two colour-blind safe ones differ in lightness as well as
in hue; the ANSI one names the terminal's own sixteen colours, so it follows the terminal's theme.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from textual.theme import Theme


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours by meaning, each as CSS writes it; ``series`` are the lines of a plot in their order."""

    name: str
    title: str
    is_dark: bool
    background: str
    surface: str
    panel: str
    foreground: str
    muted: str
    accent: str
    ok: str
    warning: str
    error: str
    running: str
    production: str
    cursor: str
    series: tuple[str, str, str, str, str, str]
    is_ansi: bool = False

    @property
    def meanings(self) -> dict[str, str]:
        """The colour of each variable that the token styles use."""
        return {
            "ok": self.ok,
            "running": self.running,
            "production": self.production,
            "better": self.ok,
            "worse": self.error,
            "muted": self.muted,
            "key": self.accent,
            "title": self.accent,
            **{f"series-{number}": colour for number, colour in enumerate(self.series, start=1)},
        }

    def theme(self) -> Theme:
        """The palette as Textual wants it."""
        variables = self.meanings | {"row-cursor": self.cursor, "production-ink": self.background}
        variables |= _ANSI_VARIABLES if self.is_ansi else self._plain_variables()
        return Theme(
            name=self.name,
            primary=self.accent,
            secondary=self.running,
            warning=self.warning,
            error=self.error,
            success=self.ok,
            accent=self.accent,
            foreground=self.foreground,
            background=self.background,
            surface=self.surface,
            panel=self.panel,
            dark=self.is_dark,
            ansi=self.is_ansi,
            variables=variables,
        )

    def _plain_variables(self) -> dict[str, str]:
        return {
            "border": self.accent,
            "border-blurred": self.panel,
            "block-cursor-background": self.cursor,
            "block-cursor-foreground": self.foreground,
            "block-cursor-blurred-background": self.panel,
            "block-cursor-blurred-foreground": self.foreground,
            "block-cursor-text-style": "bold",
            "input-selection-background": f"{self.accent} 40%",
            "scrollbar": self.muted,
            "scrollbar-background": self.surface,
            "scrollbar-corner-color": self.surface,
            "footer-background": self.panel,
            "footer-key-foreground": self.accent,
            "text-muted": self.muted,
        }


_ANSI_VARIABLES = {
    "production-ink": "ansi_black",
    "border": "ansi_blue",
    "border-blurred": "ansi_bright_black",
    "block-cursor-foreground": "ansi_black",
    "block-cursor-background": "ansi_white",
    "block-cursor-text-style": "reverse",
    "ansi-background": "ansi_default",
    "ansi-foreground": "ansi_default",
    "input-cursor-text-style": "reverse",
    "scrollbar": "ansi_bright_black",
    "scrollbar-background": "ansi_default",
    "footer-key-foreground": "ansi_blue",
}

DARK = Palette(
    name="mlops-dark",
    title="Dark",
    is_dark=True,
    background="#10141a",
    surface="#171c24",
    panel="#222a35",
    foreground="#dfe5ec",
    muted="#8b97a7",
    accent="#6cb6ff",
    ok="#57c785",
    warning="#e8b64c",
    error="#ff7b72",
    running="#56c8d8",
    production="#ff9e64",
    cursor="#2b3d55",
    series=("#6cb6ff", "#e8b64c", "#57c785", "#d58cff", "#ff7b72", "#56c8d8"),
)
LIGHT = Palette(
    name="mlops-light",
    title="Light",
    is_dark=False,
    background="#fbfcfd",
    surface="#f1f4f7",
    panel="#dfe5ec",
    foreground="#1b222c",
    muted="#5a6675",
    accent="#0b5cad",
    ok="#1a7340",
    warning="#8a5a00",
    error="#c0262d",
    running="#0a6c7d",
    production="#b3450c",
    cursor="#cfe0f3",
    series=("#0b5cad", "#8a5a00", "#1a7340", "#7d2fa8", "#c0262d", "#0a6c7d"),
)
HIGH_CONTRAST = Palette(
    name="mlops-high-contrast",
    title="High contrast",
    is_dark=True,
    background="#000000",
    surface="#000000",
    panel="#1c1c1c",
    foreground="#ffffff",
    muted="#c8c8c8",
    accent="#7fd4ff",
    ok="#5dff8f",
    warning="#ffe14d",
    error="#ff8f8f",
    running="#6ff3ff",
    production="#ffb347",
    cursor="#00458a",
    series=("#7fd4ff", "#ffe14d", "#5dff8f", "#f0a6ff", "#ff8f8f", "#ffffff"),
)
RED_GREEN_SAFE = Palette(
    name="mlops-red-green-safe",
    title="Safe for deuteranopia and protanopia",
    is_dark=True,
    background="#11131a",
    surface="#191c25",
    panel="#262b38",
    foreground="#e6e9ef",
    muted="#959dad",
    accent="#8fc7ff",
    ok="#4aa3f0",
    warning="#f5e663",
    error="#e8780c",
    running="#c3dcf5",
    production="#ffc04d",
    cursor="#2c3f63",
    series=("#4aa3f0", "#f5e663", "#e8780c", "#c3dcf5", "#e43c6c", "#fcfccc"),
)
BLUE_YELLOW_SAFE = Palette(
    name="mlops-blue-yellow-safe",
    title="Safe for tritanopia",
    is_dark=True,
    background="#12151a",
    surface="#1a1e25",
    panel="#272d37",
    foreground="#e8eaed",
    muted="#979ea8",
    accent="#5fd7e6",
    ok="#19a8b5",
    warning="#ffb7bd",
    error="#ff4545",
    running="#b8f1f5",
    production="#ff8a8a",
    cursor="#1f4650",
    series=("#19a8b5", "#ff4545", "#b8f1f5", "#ffb7bd", "#0f6d78", "#b04a52"),
)
ANSI = Palette(
    name="mlops-ansi",
    title="The terminal's own 16 colours",
    is_dark=True,
    background="ansi_default",
    surface="ansi_default",
    panel="ansi_default",
    foreground="ansi_default",
    muted="ansi_bright_black",
    accent="ansi_blue",
    ok="ansi_green",
    warning="ansi_yellow",
    error="ansi_red",
    running="ansi_cyan",
    production="ansi_magenta",
    cursor="ansi_default",
    series=("ansi_blue", "ansi_yellow", "ansi_green", "ansi_magenta", "ansi_red", "ansi_cyan"),
    is_ansi=True,
)

PALETTES: tuple[Palette, ...] = (DARK, LIGHT, HIGH_CONTRAST, RED_GREEN_SAFE, BLUE_YELLOW_SAFE, ANSI)

_SHORT_NAMES = {palette.name.removeprefix("mlops-"): palette for palette in PALETTES}
_FULL_COLOUR = frozenset({"truecolor", "24bit"})


def palette_named(name: str) -> Palette | None:
    """The palette with this name ("dark" or "mlops-dark"), or None."""
    return _SHORT_NAMES.get(name.removeprefix("mlops-"))


def choose_palette(wanted: str | None, environ: Mapping[str, str], *, low_bandwidth: bool = False) -> Palette:
    """The palette to open with.

    Without colour only the ANSI palette sends no colour codes at all, so ``NO_COLOR`` decides before anything else.
    Terminals that do not announce full colour get their own sixteen, unless a palette was asked for.
    """
    if "NO_COLOR" in environ or (low_bandwidth and wanted is None):
        return ANSI
    chosen = palette_named(wanted) if wanted else None
    if chosen is not None:
        return chosen
    has_many = environ.get("COLORTERM", "").lower() in _FULL_COLOUR or "256color" in environ.get("TERM", "")
    return DARK if has_many else ANSI
