"""Three plots of plotext's own widget for Textual, drawn anew every fifteen seconds: the peer of the view of drift."""

from __future__ import annotations

import math
import random

from textual.app import App, ComposeResult
from textual.containers import Horizontal, Vertical
from textual_plotext import PlotextPlot

WINDOWS = 48
EVERY_SECONDS = 15.0


class Plots(App[None]):
    """What somebody writes who knows plotext."""

    BINDINGS = [("q", "quit", "Quit")]  # noqa: RUF012 - as in Textual's own tutorial

    def compose(self) -> ComposeResult:
        """Three quarters of the screen."""
        with Vertical():
            with Horizontal():
                yield PlotextPlot()
                yield PlotextPlot()
            yield PlotextPlot()

    def on_mount(self) -> None:
        """Draw, and draw again."""
        self._draw_all()
        self.set_interval(EVERY_SECONDS, self._draw_all)

    def _draw_all(self) -> None:
        for plot in self.query(PlotextPlot):
            values = [1 + math.sin(place / 5) + random.gauss(0, 0.1) for place in range(WINDOWS)]
            plot.plt.clear_data()
            plot.plt.plot(values, marker="braille")
            plot.plt.plot([1.0] * WINDOWS, marker="braille")
            plot.refresh()


if __name__ == "__main__":
    Plots().run()
