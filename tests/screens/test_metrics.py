"""The plot of a metric in the running program, against a sandbox that answers over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from mlops_tui.screens.metrics import MetricsView
from mlops_tui.widgets.pace import INTERVAL
from mlops_tui.widgets.pane import Pane
from mlops_tui.widgets.plot import Plot
from mlops_tui.widgets.plot_figure import PlotData
from mlops_tui.widgets.table import Table
from tests.operations.training import AUC, LOSS, Training, make_nan, moment, old_training, own_training, training
from tests.sandbox.tracking import Tracking
from tests.screens.console import Console, console, until

__all__ = ["old_training", "own_training", "training"]


@asynccontextmanager
async def opened(
    training: Training, folder: Path, names: Sequence[str], metric: str = "", **chosen: Any
) -> AsyncIterator[tuple[Console, Pilot[Any]]]:
    app = console(training.company(folder), "runs", **chosen)
    async with app.run_test(size=(100, 30)) as running_pilot:
        pilot: Pilot[Any] = running_pilot
        await until(pilot, lambda: app.session)
        await app.push_screen(MetricsView([training.runs[name] for name in names], metric))
        await until(pilot, lambda: data(app).series)
        yield app, pilot


def data(app: Console) -> PlotData:
    return app.screen.query_one(Plot).data


def heading(app: Console) -> str:
    return app.screen.query_one("#plot-pane", Pane).heading


async def test_a_run_is_drawn_over_its_steps_to_the_digit(training: Training, tmp_path: Path) -> None:
    async with opened(training, tmp_path, ["xgb-large"]) as (app, pilot):
        (line,) = data(app).shown
        assert (line.name, line.xs, line.ys) == ("xgb-large", tuple(map(float, range(10))), AUC)
        assert (heading(app), data(app).note) == ("auc over step", "")
        await pilot.press("t")
        await pilot.pause()
        source = app.screen.query_one("Plot Table", Table).source
        assert [source.cells(index)[1].text for index in range(len(source))] == [f"{value:g}" for value in AUC]


async def test_several_runs_lie_over_each_other_and_one_without_the_metric_says_so(
    training: Training, tmp_path: Path
) -> None:
    async with opened(training, tmp_path, ["xgb-large", "xgb-small", "logit"], "auc") as (app, _):
        assert [(line.name, len(line.xs)) for line in data(app).shown] == [
            ("xgb-large", 10),
            ("xgb-small", 4),
            ("logit", 0),
        ]
        assert data(app).note == "3: not logged"
        assert heading(app) == "auc over step · 3 runs"


async def test_the_axis_goes_from_steps_to_time_to_elapsed_time(training: Training, tmp_path: Path) -> None:
    async with opened(training, tmp_path, ["xgb-large", "xgb-small"]) as (app, pilot):
        await pilot.press("x")
        start = moment(60 * 26) / 1000
        assert data(app).shown[0].xs[:2] == (start, start + 60)
        assert data(app).x_text(start) == "03-01 10:00"
        await pilot.press("x")
        assert data(app).shown[0].xs[:2] == data(app).shown[1].xs[:2] == (0.0, 60.0)
        assert [data(app).x_text(value) for value in (0.0, 90.0)] == ["0s", "1m30s"]
        await pilot.press("x")
        assert data(app).x_title == "step"


async def test_an_older_gitlab_tells_no_times_and_the_plot_says_so(old_training: Training, tmp_path: Path) -> None:
    async with opened(old_training, tmp_path, ["xgb-large"]) as (app, pilot):
        assert data(app).shown[0].ys == AUC
        await pilot.press("x")
        assert data(app).note == "0 points, 10 without a time"
        assert "No values to draw" in app.texts()


async def test_a_smoothed_line_has_the_raw_one_under_it(training: Training, tmp_path: Path) -> None:
    async with opened(training, tmp_path, ["xgb-large"]) as (app, pilot):
        await pilot.press("z")
        raw, smooth = data(app).series
        assert (raw.is_faint, raw.ys) == (True, AUC)
        assert smooth.ys[0] == AUC[0]
        assert smooth.ys[1] == pytest.approx((0.6 * AUC[0] + AUC[1]) / 1.6)
        assert "smoothed by 0.6, raw lines faint" in heading(app)
        await pilot.press("z", "z", "z")
        assert [line.is_faint for line in data(app).series] == [False]


async def test_what_a_logarithmic_scale_hides_is_counted(own_training: Training, tmp_path: Path) -> None:
    run_id = own_training.runs["xgb-large"]
    body = {"run_id": run_id, "key": "loss", "value": -1.0, "timestamp": moment(0), "step": 10}
    assert Tracking(own_training.server).post("runs/log-metric", **body).status_code == 200
    async with opened(own_training, tmp_path, ["xgb-large"], "loss") as (app, pilot):
        assert data(app).note == ""
        await pilot.press("v")
        await until(pilot, lambda: data(app).note)
        assert data(app).note == "10 points, 1 not above zero"
        assert heading(app).endswith("logarithmic")


async def test_nan_is_a_gap_that_is_counted(own_training: Training, tmp_path: Path) -> None:
    make_nan(own_training.server, own_training.runs["xgb-large"], "loss", 4)
    async with opened(own_training, tmp_path, ["xgb-large"], "loss") as (app, pilot):
        (line,) = data(app).shown
        assert (line.gaps, len(line.ys)) == (1, len(LOSS))
        assert data(app).note == "9 points, 1 not a number"
        await pilot.press("t")
        await pilot.pause()
        source = app.screen.query_one("Plot Table", Table).source
        assert source.cells(4)[1].text == "nan"


async def test_a_long_history_is_thinned_out_and_says_so(own_training: Training, tmp_path: Path) -> None:
    http = Tracking(own_training.server)
    values = [
        {"key": "noise", "value": (step * 7919) % 1000, "timestamp": moment(0), "step": step} for step in range(2000)
    ]
    http.post("runs/log-batch", run_id=own_training.runs["xgb-now"], metrics=values)
    async with opened(own_training, tmp_path, ["xgb-now"], "noise") as (app, _):
        (line,) = data(app).shown
        assert len(line.xs) < 500
        assert data(app).note == f"{len(line.xs)} of 2,000 points shown"
        assert {0.0, 999.0} <= set(line.ys)


async def test_another_metric_is_chosen_from_those_that_were_logged(training: Training, tmp_path: Path) -> None:
    async with opened(training, tmp_path, ["xgb-large", "xgb-broken"], "auc") as (app, pilot):
        await pilot.press("m")
        await pilot.pause()
        assert "1 of 2 runs" in app.texts()
        await pilot.press(*"loss", "enter")
        await app.pass_time(1)
        await until(pilot, lambda: heading(app).startswith("loss over step"))
        assert data(app).shown[1].ys == (0.7, 3.5)


async def test_the_curve_of_a_running_run_grows(own_training: Training, tmp_path: Path) -> None:
    async with opened(own_training, tmp_path, ["xgb-now"], "auc") as (app, pilot):
        assert heading(app) == "auc over step · 1 still running"
        body = {"run_id": own_training.runs["xgb-now"], "key": "auc", "value": 0.9, "timestamp": moment(0), "step": 3}
        Tracking(own_training.server).post("runs/log-metric", **body)
        await app.pass_time(INTERVAL + 15)
        await until(pilot, lambda: len(data(app).shown[0].xs) == 4)


async def test_runs_that_logged_nothing_leave_an_empty_plot_that_says_so(
    own_training: Training, tmp_path: Path
) -> None:
    http = Tracking(own_training.server)
    own_training.runs["bare"] = http.run(http.experiment(), run_name="bare")["run_id"]
    app = console(own_training.company(tmp_path), "runs")
    async with app.run_test(size=(80, 24)) as running_pilot:
        pilot: Pilot[Any] = running_pilot
        await until(pilot, lambda: app.session)
        await app.push_screen(MetricsView([own_training.runs["bare"]]))
        await until(pilot, lambda: "No metric was logged" in app.texts())
        await pilot.press("m", "x", "z", "t", "v", "d")
