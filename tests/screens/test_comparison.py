"""The comparison of runs in the running program, against a sandbox that answers over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from textual.pilot import Pilot

from mlops_tui.screens.comparison import ComparisonView
from mlops_tui.screens.metrics import MetricsView
from mlops_tui.themes.glyphs import Sign
from mlops_tui.widgets.pane import Pane
from tests.operations.training import Training, moment, own_training, training
from tests.sandbox.tracking import Tracking
from tests.screens.console import Console, console, until

__all__ = ["own_training", "training"]


@asynccontextmanager
async def opened(training: Training, folder: Path) -> AsyncIterator[tuple[Console, Pilot[Any]]]:
    app = console(training.company(folder), "runs")
    async with app.run_test(size=(120, 40)) as running_pilot:
        pilot: Pilot[Any] = running_pilot
        await until(pilot, lambda: len(app.rows("runs-table")) == 6)
        yield app, pilot


def lines(app: Console) -> dict[str, list[str]]:
    return {row[0]: row[1:] for row in app.rows("comparison-table")}


async def test_marked_runs_are_compared_with_the_first_of_them(training: Training, tmp_path: Path) -> None:
    async with opened(training, tmp_path) as (app, pilot):
        await pilot.press("down", "space", "space", "space", "c")
        await until(pilot, lambda: isinstance(app.screen, ComparisonView) and lines(app))
        shown = lines(app)
        assert "seed" not in shown
        assert shown["lr"] == ["10", "0.01", "0.01"]
        assert app.screen.query_one("#comparison", Pane).heading.endswith("1 equal parameter left out")


async def test_differences_have_a_number_a_sign_and_a_word(training: Training, tmp_path: Path) -> None:
    async with opened(training, tmp_path) as (app, pilot):
        await app.push_screen(
            ComparisonView([training.runs[name] for name in ("xgb-small", "xgb-large", "xgb-broken")])
        )
        await until(pilot, lambda: lines(app))
        assert lines(app)["auc"] == ["0.85", f"0.9275 +0.0775 {Sign.BETTER.glyph} better", "not logged"]
        assert lines(app)["loss"][1:] == [
            f"0.28125 -0.07875 {Sign.BETTER.glyph} better",
            f"3.5 +3.14 {Sign.WORSE.glyph} worse",
        ]
        assert lines(app)["depth"] == ["3", "9", "3"]


async def test_a_pinned_baseline_is_what_the_others_are_held_against(training: Training, tmp_path: Path) -> None:
    async with opened(training, tmp_path) as (app, pilot):
        await pilot.press("down", "down", "down", "B", "down")
        await pilot.pause()
        assert app.rows("runs-table")[3][1] == f"{Sign.CRUMB.glyph} xgb-large"
        assert app.screen.query_one("#runs", Pane).heading == f"Runs, baseline {Sign.CRUMB.glyph} xgb-large"
        await pilot.press("c")
        await until(pilot, lambda: isinstance(app.screen, ComparisonView) and lines(app))
        titles = [column.title for column in app.table("comparison-table").source.columns]
        assert titles == ["WHAT", "xgb-large (baseline)", "xgb-small"]
        assert lines(app)["auc"] == ["0.9275", f"0.85 -0.0775 {Sign.WORSE.glyph} worse"]
        await pilot.press("B", *"small", "enter")
        await app.pass_time(1)
        await until(pilot, lambda: lines(app)["auc"][1] == "0.85")
        assert lines(app)["auc"][0] == f"0.9275 +0.0775 {Sign.BETTER.glyph} better"


async def test_one_run_alone_is_told_what_is_missing(training: Training, tmp_path: Path) -> None:
    async with opened(training, tmp_path) as (app, pilot):
        await pilot.press("c")
        assert "Mark two runs or more with space" in app.notices()


async def test_enter_on_a_metric_plots_it_for_all(training: Training, tmp_path: Path) -> None:
    async with opened(training, tmp_path) as (app, pilot):
        await app.push_screen(ComparisonView([training.runs["xgb-small"], training.runs["xgb-large"]]))
        await until(pilot, lambda: lines(app))
        assert app.table("comparison-table").go_to("metrics.loss")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, MetricsView))
        assert app.screen.crumb == "loss"  # type: ignore[attr-defined]  # a view


async def test_a_run_that_goes_on_is_compared_anew(own_training: Training, tmp_path: Path) -> None:
    async with opened(own_training, tmp_path) as (app, pilot):
        await app.push_screen(ComparisonView([own_training.runs["xgb-large"], own_training.runs["xgb-now"]]))
        await until(pilot, lambda: lines(app))
        body = {"run_id": own_training.runs["xgb-now"], "key": "auc", "value": 0.99, "timestamp": moment(0), "step": 9}
        Tracking(own_training.server).post("runs/log-metric", **body)
        await app.pass_time(15)
        await until(pilot, lambda: lines(app)["auc"][1].startswith("0.99 "))
