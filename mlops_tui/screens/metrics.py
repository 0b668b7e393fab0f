"""The view of metrics: one metric of one run or of several, drawn over each other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType

from mlops_tui.domain.canonical import JsonValue
from mlops_tui.domain.snapshots import Snapshot
from mlops_tui.screens.actions import METRICS_ACTIONS
from mlops_tui.screens.feeds import Feed
from mlops_tui.screens.metric_lines import SMOOTHINGS, Look, plot_data
from mlops_tui.screens.view import View
from mlops_tui.widgets.actions import bindings
from mlops_tui.widgets.pane import Pane
from mlops_tui.widgets.plot import Plot, PlotCanvas
from mlops_tui.widgets.plot_figure import PlotData

if TYPE_CHECKING:
    from mlops_tui.operations.metrics import CurveFeed, MetricCurves
    from mlops_tui.operations.session import Session


class MetricsView(View):
    """The history of a metric.

    Args:
        run_ids: The runs, in the order in which they are drawn.
        metric: The metric; the one that says most when it is empty.
    """

    NAME: ClassVar[str] = "metrics"
    AUTO_FOCUS: ClassVar[str | None] = "PlotCanvas"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(METRICS_ACTIONS)]

    def __init__(self, run_ids: Sequence[str], metric: str = "") -> None:
        super().__init__()
        self._run_ids = tuple(run_ids)
        self._metric = metric
        self._look = Look()
        self._curves: MetricCurves | None = None
        self._feed: CurveFeed | None = None

    @property
    def crumb(self) -> str:
        """The metric's name."""
        return self._metric or "Metrics"

    def body(self) -> ComposeResult:
        """The plot."""
        with Pane("Metrics", id="plot-pane"):
            yield Plot(pace=self.host.new_pace(), id="plot")

    def on_mount(self) -> None:
        """Count anew what a logarithmic scale hides, whenever it is switched."""
        self.watch(self.query_one(Plot), "is_logarithmic", self._scale_changed, init=False)

    def feeds(self, session: Session) -> Iterable[Feed[Any]]:
        """The curves; those of runs that have ended are read once."""
        from mlops_tui.operations.metrics import CurveFeed

        feed = self._feed = CurveFeed(session, self._run_ids)

        async def fetch() -> Snapshot[MetricCurves]:
            return await feed.read(self._metric)

        yield Feed(fetch, self._take, "#plot-pane", session.context.poll_interval)

    def _take(self, snapshot: Snapshot[MetricCurves]) -> None:
        by_person = self._curves is None or self._curves.metric != snapshot.data.metric
        self._curves = snapshot.data
        self._metric = snapshot.data.metric
        self.update_standing()
        self._draw_curves(by_person=by_person)

    def _draw_curves(self, *, by_person: bool) -> None:
        curves, plot = self._curves, self.query_one(Plot)
        if curves is None:
            return
        look = replace(self._look, columns=max(20, plot.size.width), is_logarithmic=plot.is_logarithmic)
        plot.show(plot_data(curves, look), by_person=by_person)
        self.query_one("#plot-pane", Pane).heading = self._heading(curves, look)

    def _heading(self, curves: MetricCurves, look: Look) -> str:
        if not curves.metric:
            return "No metric was logged"
        live = sum(run.status.is_live for run in curves.runs)
        words = [
            f"{curves.metric} over {look.axis.value}",
            f"{len(curves.runs)} runs" if len(curves.runs) > 1 else "",
            f"{live} still running" if live else "",
            f"smoothed by {look.smoothing:g}, raw lines faint" if look.smoothing else "",
            "logarithmic" if look.is_logarithmic else "",
        ]
        return " · ".join(word for word in words if word)

    def _scale_changed(self) -> None:
        self._draw_curves(by_person=True)

    def on_resize(self, _event: events.Resize) -> None:
        """Thin the lines out for another width."""
        self.call_after_refresh(self._draw_curves, by_person=True)

    def describe(self) -> tuple[str, JsonValue] | None:
        """Which runs are drawn, and what is known of their curves."""
        if self._curves is None:
            return None
        runs: list[JsonValue] = [
            {"run_id": run.id, "name": run.name, "status": run.status.value, "points": len(history.points)}
            for run, history in zip(self._curves.runs, self._curves.histories, strict=True)
        ]
        return self.crumb, {"metric": self._curves.metric, "runs": runs}

    def copy_text(self) -> str | None:
        """The metric's name."""
        return self._metric or None

    def action_axis(self) -> None:
        """Draw over steps, over time, or over the time since each run began."""
        self._look = replace(self._look, axis=self._look.axis.next())
        self._draw_curves(by_person=True)

    def action_smooth(self) -> None:
        """Smooth more, and after the most not at all."""
        following = SMOOTHINGS[(SMOOTHINGS.index(self._look.smoothing) + 1) % len(SMOOTHINGS)]
        self._look = replace(self._look, smoothing=following)
        self._draw_curves(by_person=True)

    def action_metric(self) -> None:
        """Choose another metric of these runs."""
        from mlops_tui.widgets.chooser import Choice, Chooser

        curves = self._curves
        if curves is None or not curves.metrics:
            self.notify("No metric was logged", markup=False)
            return
        choices = [Choice(name, name, self._coverage(name)) for name in curves.metrics]
        self.app.push_screen(Chooser("Metric", choices, current=curves.metric), self._choose)

    def _coverage(self, metric: str) -> str:
        runs = self._curves.runs if self._curves is not None else ()
        having = sum(metric in run.metrics for run in runs)
        return "" if having == len(runs) else f"{having} of {len(runs)} runs"

    def _choose(self, metric: str | None) -> None:
        if metric is None or metric == self._metric:
            return
        self._metric = metric
        self.query_one("#plot-pane", Pane).heading = f"{metric} (loading)"
        self.query_one(Plot).show(PlotData(), by_person=True)
        self.query_one(PlotCanvas).focus()
        self.action_refresh()
