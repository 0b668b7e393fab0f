"""A bare program with our colours, to put single widgets into."""

from __future__ import annotations

from textual.app import App

from mlops_tui.themes.palettes import DARK, PALETTES, Palette


class PaletteApp(App[None]):
    """Textual's own program in one of our palettes."""

    def __init__(self, palette: Palette = DARK) -> None:
        super().__init__()
        self.animation_level = "none"
        for each in PALETTES:
            self.register_theme(each.theme())
        self.theme = palette.name
