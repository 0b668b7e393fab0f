"""The view of drift: the features of one model version, the worst first, and what became of each over time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical

from mlops_tui.domain.canonical import JsonValue
from mlops_tui.domain.snapshots import Snapshot
from mlops_tui.screens.actions import DRIFT_ACTIONS
from mlops_tui.screens.delivering import Aim, DeliveringView
from mlops_tui.screens.drift_texts import (
    COLUMNS,
    distribution_heading,
    feature_item,
    feature_value,
    features_heading,
    score_heading,
    summary,
    window_near,
)
from mlops_tui.screens.feeds import Feed, FeedFailed
from mlops_tui.screens.listing import Item, ListedView
from mlops_tui.screens.quality_pane import QualityPane
from mlops_tui.screens.retraining import RetrainingView
from mlops_tui.widgets.actions import NUMBERS, bindings
from mlops_tui.widgets.as_of import Freshness
from mlops_tui.widgets.pairs import PairCanvas, Pairs
from mlops_tui.widgets.pane import Pane
from mlops_tui.widgets.plot import Plot, PlotCanvas
from mlops_tui.widgets.plot_figure import PlotData
from mlops_tui.widgets.table import Table
from mlops_tui.widgets.text_lines import TextLines

if TYPE_CHECKING:
    from mlops_tui.domain.drift_windows import FeatureDistribution, FeatureDrift, ModelDrift, Stretch
    from mlops_tui.domain.quality import ModelQuality
    from mlops_tui.operations.drift_feed import DriftChoice, DriftFeed
    from mlops_tui.operations.session import Session

DRIFT_SECONDS = 15.0
QUALITY_SECONDS = 60.0
DETAILS = ("score", "distribution", "quality")


class DriftView(ListedView, DeliveringView, RetrainingView):
    """The features; the score and the distribution of the one under the cursor; the quality of the model.

    Args:
        model: The model to begin with, as NAME or GROUP/PROJECT:NAME; the busiest one where it is empty.
    """

    NAME = "drift"
    CSS_PATH = Path(__file__).with_suffix(".tcss")
    LIST = "features-table"
    COLUMNS = COLUMNS
    EMPTY = "No feature came with the requests of these windows."
    AUTO_FOCUS: ClassVar[str | None] = "#features-table"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (110, "-wide")]  # noqa: RUF012 - declared so by Textual
    VERTICAL_BREAKPOINTS = [(0, "-short"), (34, "-tall")]  # noqa: RUF012 - declared so by Textual
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(DRIFT_ACTIONS), *bindings((NUMBERS,))]

    def __init__(self, model: str = "") -> None:
        super().__init__()
        self._wanted = model
        self._feed: DriftFeed | None = None
        self._drift: ModelDrift | None = None
        self._chosen: Stretch | None = None
        self._compared: tuple[str, Stretch] | None = None
        self._detail = DETAILS[0]

    @property
    def crumb(self) -> str:
        """The model that is looked at."""
        return f"Drift of {self._drift.model}" if self._drift is not None else "Drift"

    def body(self) -> ComposeResult:
        """The summary, the features, and three panes of which a small terminal shows one."""
        pace = self.host.new_pace()
        yield TextLines(empty="Loading…", id="summary")
        with Vertical(id="panes", classes=f"-{self._detail}"):
            with Horizontal(id="upper"):
                with Pane("Features", id="features"):
                    yield self.list_table()
                with Pane("Score", id="score"):
                    yield Plot(pace=pace, id="score-plot")
            with Horizontal(id="lower"):
                with Pane("Distribution", id="distribution"):
                    yield Pairs(pace=pace, id="pairs")
                yield QualityPane(pace, id="quality")

    def feeds(self, session: Session) -> Iterable[Feed[Any]]:
        """Windows and labels come from the traces; models, policies and deployments from GitLab."""
        from mlops_tui.operations.drift_feed import DriftFeed

        feed = self._feed = self._feed or DriftFeed(session, self._wanted)
        interval = max(DRIFT_SECONDS, session.context.poll_interval)
        yield Feed(feed.drift, self._take_drift, "#features", interval)
        yield Feed(self._fetch_distribution, self._take_distribution, "#distribution", QUALITY_SECONDS, is_gitlab=False)
        yield Feed(feed.quality, self._take_quality, "#quality", QUALITY_SECONDS)

    def _freshness(self) -> dict[str, Freshness]:
        """The score is as old as the features are."""
        found = super()._freshness()
        return {**found, "#score": found["#features"]} if "#features" in found else found

    async def _fetch_distribution(self) -> Snapshot[FeatureDistribution | None]:
        compared, drift, feed = self._compared, self._drift, self._feed
        if compared is None or drift is None or feed is None:
            return Snapshot(None, self.host.clock.now(), "")
        found = await feed.distribution(drift.subject, *compared)
        return Snapshot(found.data, found.fetched_at, found.source)

    def _take_drift(self, snapshot: Snapshot[ModelDrift]) -> None:
        is_first = self._drift is None
        self._drift = snapshot.data
        now = self.host.clock.now()
        lines = self.query_one("#summary", TextLines)
        lines.wraps = True
        lines.show(summary(snapshot.data, now))
        self.query_one("#features", Pane).heading = features_heading(snapshot.data)
        self.relist()
        self.update_standing()
        self._show_feature(by_person=is_first)

    @on(FeedFailed)
    def _say_why(self, event: FeedFailed) -> None:
        """Until there is anything to show, the reason stands where the features would."""
        if event.feed.pane == "#features" and self._drift is None:
            self.listed.show_message("Nothing is known yet; the reason stands below.")
            self.query_one("#summary", TextLines).show([])

    def items(self, _now: datetime) -> Sequence[Item] | None:
        """One row for each feature, the worst first."""
        return None if self._drift is None else [feature_item(feature) for feature in self._drift.features]

    @property
    def _feature(self) -> FeatureDrift | None:
        key = self.listed.cursor_key
        return self._drift.feature(key) if self._drift is not None and key is not None else None

    @on(Table.Moved, "#features-table")
    def _moved(self) -> None:
        self._show_feature(by_person=True)

    def _show_feature(self, *, by_person: bool) -> None:
        """The score of the feature under the cursor, and its distribution in the window that is looked at."""
        drift, feature, now = self._drift, self._feature, self.host.clock.now()
        plot = self.query_one("#score-plot", Plot)
        if drift is None or feature is None:
            plot.show(PlotData(), by_person=by_person)
            return
        from mlops_tui.screens.drift_plots import score_plot

        plot.show(score_plot(drift, feature, self._chosen, now), by_person=by_person)
        self.query_one("#score", Pane).heading = score_heading(drift, feature, self._chosen, now)
        self.query_one(QualityPane).look_at(self._chosen, now, by_person=by_person)
        self._compare(feature)

    def _compare(self, feature: FeatureDrift) -> None:
        """Ask for the distribution of a feature in the window that is looked at."""
        window = self._chosen or (self._drift.current if self._drift is not None else None)
        if window is None:
            self.query_one(Pairs).say("No requests, so there is nothing to compare.")
            return
        heading = distribution_heading(feature, self._chosen, window, self.host.clock.now())
        self.query_one("#distribution", Pane).heading = heading
        if (feature.feature, window) != self._compared:
            self._compared = (feature.feature, window)
            self.refresh_pane("#distribution")

    def _take_distribution(self, snapshot: Snapshot[FeatureDistribution | None]) -> None:
        from mlops_tui.screens.drift_pairs import FittedPairs, whole_pairs

        found = snapshot.data
        if found is not None and self._compared == (found.feature, found.window):
            self.query_one(Pairs).show(whole_pairs(found), FittedPairs(found), by_person=True)

    def _take_quality(self, snapshot: Snapshot[ModelQuality]) -> None:
        self.query_one(QualityPane).take(snapshot.data, self._chosen, self.host.clock.now())

    def on_key(self, event: events.Key) -> None:
        """Left and right move the window wherever they have nothing else to move."""
        is_free = self.focused is self.listed or isinstance(self.focused, (PlotCanvas, PairCanvas))
        if is_free and event.key in {"left", "right"}:
            event.stop()
            self._move(-1 if event.key == "left" else 1)
            return
        super().on_key(event)

    def action_earlier(self) -> None:
        """Look at the window before."""
        self._move(-1)

    def action_later(self) -> None:
        """Look at the window after, and after the last one at what is there now."""
        self._move(1)

    def _move(self, steps: int) -> None:
        feature = self._feature
        if feature is None or not feature.windows:
            self.notify("There is no window to look at", markup=False)
            return
        self._chosen = window_near(feature, self._chosen, steps)
        self._show_feature(by_person=True)

    def action_numbers(self) -> None:
        """Show the numbers of all three panes as tables, or the plots again."""
        shown = (*self.query(Plot), self.query_one(Pairs))
        are_numbers = all(item.shows_numbers for item in shown)
        for item in shown:
            if item.shows_numbers is are_numbers:
                item.action_numbers()

    def action_pane(self) -> None:
        """Go on to the next pane; a small terminal shows it in the place of the one before."""
        self._detail = DETAILS[(DETAILS.index(self._detail) + 1) % len(DETAILS)]
        self.query_one("#panes").set_classes(f"-{self._detail}")
        if isinstance(self.focused, (PlotCanvas, PairCanvas)):
            self.query_one(f"#{self._detail}").query("PlotCanvas, PairCanvas").first().focus()

    def action_reach(self) -> None:
        """Look further back in wider windows, and after the widest at the newest again."""
        if self._feed is not None:
            self._choose(self._feed.choice.wider())

    def action_model(self) -> None:
        """Choose the model."""
        from mlops_tui.screens.drift_choosing import model_choices
        from mlops_tui.widgets.chooser import Chooser

        feed = self._feed
        if feed is None or not feed.models:
            self.notify("No model is known yet", markup=False)
            return
        current = feed.choice.model.name if feed.choice.model else None

        def choose(name: str | None) -> None:
            model = next((item for item in feed.models if item.name == name), None)
            if model is not None:
                self._choose(replace(feed.choice, model=model, version=None, arm=None, environment=None))

        self.app.push_screen(Chooser("Model", model_choices(feed.models), current=current), choose)

    def action_arm(self) -> None:
        """Choose whose requests of the model are looked at."""
        from mlops_tui.screens.drift_choosing import arm_choices, subject_numbered
        from mlops_tui.widgets.chooser import Chooser

        feed, drift = self._feed, self._drift
        if feed is None or drift is None or not drift.subjects:
            self.notify("No version of it had a request in these windows", markup=False)
            return

        def choose(number: str | None) -> None:
            if number is not None:
                self._choose(feed.choice.of(subject_numbered(drift, number)))

        self.app.push_screen(Chooser("Whose requests", arm_choices(drift, self.host.clock.now())), choose)

    def action_measure(self) -> None:
        """Choose what is drawn of the quality."""
        self.query_one(QualityPane).choose(self.host.clock.now())

    def _choose(self, choice: DriftChoice) -> None:
        if self._feed is not None:
            self._feed.choice = choice
        self._chosen = self._compared = None
        self.query_one("#features", Pane).heading = "Features (loading)"
        self.action_refresh()

    def aim(self) -> Aim | None:
        """The model that is looked at, in its environment."""
        model = self._feed.choice.model if self._feed is not None else None
        if model is None:
            return None
        return Aim(model.project, model.model, environment=self._drift.subject.environment if self._drift else "")

    def trained(self) -> tuple[str, str] | None:
        """The model that is looked at."""
        aim = self.aim()
        return (aim.project.ref.path, aim.model) if aim else None

    def describe(self) -> tuple[str, JsonValue] | None:
        """The feature under the cursor with all its statistics."""
        feature = self._feature
        return None if feature is None else (feature.feature, feature_value(feature))

    @on(Table.Opened, "#features-table")
    def _open(self) -> None:
        self.action_describe()
