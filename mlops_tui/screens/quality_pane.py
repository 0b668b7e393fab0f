"""The pane that shows one metric of a model's quality over time, or a figure of its traffic."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import ComposeResult

from mlops_tui.domain.quality import QualityMetric
from mlops_tui.screens.drift_choosing import first_measure, measure_choices
from mlops_tui.screens.drift_plots import TRAFFIC_MEASURES, quality_plot, traffic_plot
from mlops_tui.screens.drift_texts import quality_heading, traffic_heading
from mlops_tui.widgets.pace import Pace
from mlops_tui.widgets.pane import Pane
from mlops_tui.widgets.plot import Plot

if TYPE_CHECKING:
    from datetime import datetime

    from mlops_tui.domain.drift_windows import Stretch
    from mlops_tui.domain.quality import ModelQuality


class QualityPane(Pane):
    """Quality over time.

    Args:
        pace: Shared by the drawings of the screen.
    """

    def __init__(self, pace: Pace, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__("Quality", id=id)
        self._pace = pace
        self._quality: ModelQuality | None = None
        self._chosen: Stretch | None = None
        self._measure = ""

    def compose(self) -> ComposeResult:
        """The plot below the title."""
        yield from super().compose()
        yield Plot(pace=self._pace, id="quality-plot")

    def take(self, quality: ModelQuality, chosen: Stretch | None, now: datetime) -> None:
        """Draw newer figures."""
        is_first = self._quality is None
        self._quality, self._chosen = quality, chosen
        self._show(now, by_person=is_first)

    def look_at(self, chosen: Stretch | None, now: datetime, *, by_person: bool) -> None:
        """Mark another window."""
        if chosen != self._chosen:
            self._chosen = chosen
            self._show(now, by_person=by_person)

    def choose(self, now: datetime) -> None:
        """Ask which metric, or which figure of the traffic, is drawn."""
        from mlops_tui.widgets.chooser import Chooser

        if self._quality is None:
            self.notify("Nothing is known of the quality yet", markup=False)
            return

        def chosen(measure: str | None) -> None:
            if measure is not None:
                self._measure = measure
                self._show(now, by_person=True)

        self.app.push_screen(Chooser("Measure", measure_choices(self._quality), current=self._shown), chosen)

    @property
    def _shown(self) -> str:
        """The chosen measure, or the one that says most."""
        return self._measure or (first_measure(self._quality) if self._quality is not None else "")

    def _show(self, now: datetime, *, by_person: bool) -> None:
        quality = self._quality
        if quality is None:
            return
        plot = self.query_one(Plot)
        traffic = next((item for item in TRAFFIC_MEASURES if item.name == self._shown), None)
        if traffic is not None:
            plot.show(traffic_plot(quality, traffic, self._chosen, now), by_person=by_person)
            self.heading = traffic_heading(quality, self._chosen)
            return
        metric = QualityMetric(self._shown)
        plot.show(quality_plot(quality, metric, self._chosen, now), by_person=by_person)
        self.heading = quality_heading(quality, metric, self._chosen)
