"""The view of one run in the running program, against a sandbox that answers over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from mlops_tui.screens.job_log import JobLogView
from mlops_tui.screens.metrics import MetricsView
from mlops_tui.screens.run import RunView
from mlops_tui.themes.glyphs import Sign
from mlops_tui.widgets.log_view import LogView
from mlops_tui.widgets.text_dialog import TextDialog
from mlops_tui.widgets.text_lines import TextLines
from tests.operations.training import MODEL_CARD, WEIGHTS, Training, moment, own_training, training
from tests.sandbox.tracking import Tracking
from tests.screens.console import Console, console, until

__all__ = ["own_training", "training"]


@asynccontextmanager
async def opened(
    training: Training, folder: Path, name: str = "xgb-large", **chosen: Any
) -> AsyncIterator[tuple[Console, Pilot[Any]]]:
    app = console(training.company(folder), "runs", **chosen)
    async with app.run_test(size=(120, 40)) as running_pilot:
        pilot: Pilot[Any] = running_pilot
        await until(pilot, lambda: app.session)
        await app.push_screen(RunView(training.runs[name]))
        await until(pilot, lambda: app.rows("metrics-table"))
        yield app, pilot


def facts(app: Console) -> str:
    return app.screen.query_one("#facts-lines", TextLines).text


async def test_a_run_shows_what_it_logged_and_where_it_came_from(training: Training, tmp_path: Path) -> None:
    async with opened(training, tmp_path) as (app, _):
        assert app.rows("metrics-table") == [["auc", "0.9275"], ["loss", "0.28125"]]
        assert ["lr", "0.01"] in app.rows("logged-table")
        assert ["tags.team", "risk"] in app.rows("logged-table")
        assert [row[:2] for row in app.rows("artifacts-table")] == [
            ["card.md", f"{len(MODEL_CARD)}"],
            ["data/log.txt", "2"],
            ["model/weights.bin", f"{len(WEIGHTS):,}"],
        ]
        assert f"{Sign.OK.glyph} finished, began 2026-03-01 10:00, took 20m" in facts(app)
        assert training.sha[:8] in facts(app)
        assert f"train {training.job_id}" in facts(app)


async def test_what_is_missing_is_said(training: Training, tmp_path: Path) -> None:
    async with opened(training, tmp_path, "xgb-small") as (app, pilot):
        assert "No CI job is linked" in facts(app)
        assert "No commit is known" in facts(app)
        assert "No file was uploaded." in app.texts()
        await pilot.press("l")
        assert "No CI job is linked" in app.notices()


async def test_a_reporter_sees_the_same(training: Training, tmp_path: Path) -> None:
    async with opened(training, tmp_path, role="reporter") as (app, _):
        assert app.rows("metrics-table") == [["auc", "0.9275"], ["loss", "0.28125"]]
        assert len(app.rows("artifacts-table")) == 3


async def test_text_is_read_where_it_is_and_binary_is_not(training: Training, tmp_path: Path) -> None:
    async with opened(training, tmp_path) as (app, pilot):
        app.table("artifacts-table").focus()
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, TextDialog))
        assert "Trees, 200 of them." in app.texts()
        await pilot.press("escape", "end", "enter")
        await until(pilot, lambda: "is no text" in app.notices())


async def test_marked_files_are_saved_checked_and_never_overwritten(training: Training, tmp_path: Path) -> None:
    folder = tmp_path / "saved"
    async with opened(training, tmp_path) as (app, pilot):
        app.table("artifacts-table").focus()
        await pilot.press("space", "down", "space", "S")
        await until(pilot, lambda: app.screen.query("#field-folder"))
        field = app.screen.query_one("#field-folder", Input)
        assert field.value == "xgb-large"
        field.value = str(folder)
        await pilot.press("enter", "tab", "enter")
        await until(pilot, lambda: "Every checksum is the registry's" in app.notices())
        assert (folder / "card.md").read_bytes() == MODEL_CARD
        assert (folder / "model" / "weights.bin").read_bytes() == WEIGHTS


@pytest.mark.parametrize("way", ["key", "list"])
async def test_the_job_log_is_shown(training: Training, tmp_path: Path, way: str) -> None:
    async with opened(training, tmp_path) as (app, pilot):
        if way == "list":
            await pilot.press("escape", "down", "down", "down")
            await until(pilot, lambda: app.table("runs-table").cursor_key == training.runs["xgb-large"])
        await pilot.press("l")
        await until(pilot, lambda: "Job succeeded" in app.screen.query_one(LogView).text)
        assert isinstance(app.screen, JobLogView)
        assert "$ echo training" in app.texts()


async def test_enter_on_a_metric_plots_it(training: Training, tmp_path: Path) -> None:
    async with opened(training, tmp_path) as (app, pilot):
        await pilot.press("down", "enter")
        await until(pilot, lambda: isinstance(app.screen, MetricsView))
        assert app.screen.crumb == "loss"  # type: ignore[attr-defined]  # a view


async def test_a_long_value_is_shown_whole(own_training: Training, tmp_path: Path) -> None:
    text = "[/foo] " + "long " * 100 + "end"
    Tracking(own_training.server).post("runs/set-tag", run_id=own_training.runs["xgb-large"], key="note", value=text)
    async with opened(own_training, tmp_path) as (app, pilot):
        table = app.table("logged-table")
        table.focus()
        assert table.go_to("tags.note")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, TextDialog))
        assert app.screen.query_one(TextLines).text == text


async def test_a_running_run_is_followed_until_it_ends(own_training: Training, tmp_path: Path) -> None:
    http = Tracking(own_training.server)
    async with opened(own_training, tmp_path, "xgb-now") as (app, pilot):
        assert "running for 4m" in facts(app)
        run_id = own_training.runs["xgb-now"]
        http.post("runs/log-metric", run_id=run_id, key="auc", value=0.99, timestamp=moment(0), step=9)
        http.post("runs/update", run_id=run_id, status="FINISHED", end_time=moment(0))
        await app.pass_time(15)
        await until(pilot, lambda: app.rows("metrics-table")[0] == ["auc", "0.99"])
        assert f"{Sign.OK.glyph} finished" in facts(app)


async def test_a_filter_keeps_metrics_parameters_and_files_that_fit(training: Training, tmp_path: Path) -> None:
    async with opened(training, tmp_path) as (app, pilot):
        await pilot.press("slash", *"lo", "enter")
        await pilot.pause()
        assert app.rows("metrics-table") == [["loss", "0.28125"]]
        assert [row[0] for row in app.rows("artifacts-table")] == ["data/log.txt"]
