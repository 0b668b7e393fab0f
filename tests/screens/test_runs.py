"""The view of runs in the running program, against a sandbox that answers over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from mlops_tui.analysis.run_pages import RunColumnsBuilder
from mlops_tui.domain.experiments import Experiment
from mlops_tui.domain.projects import ProjectRef
from mlops_tui.domain.snapshots import Snapshot
from mlops_tui.operations import run_feed
from mlops_tui.operations.run_feed import RESYNC_AFTER, RunFeed, RunTable
from mlops_tui.operations.session import Session
from mlops_tui.sandbox.clock import ManualClock as SandboxClock
from mlops_tui.sandbox.server import running
from mlops_tui.sandbox.settings import Settings, World
from mlops_tui.themes.glyphs import Sign
from mlops_tui.widgets.details import DetailsDialog
from mlops_tui.widgets.pane import Pane, PaneTitle
from tests.clocks import START, ManualClock
from tests.operations.company import Company
from tests.operations.training import Training, moment, own_training, training
from tests.sandbox.tracking import Tracking
from tests.screens.console import Console, console, until

__all__ = ["own_training", "training"]

NAME = 1
AGE = 3
NOWHERE = "http://127.0.0.1:9"


@asynccontextmanager
async def opened(
    company: Company, *, rows: int | None = 6, size: tuple[int, int] = (120, 40), **chosen: Any
) -> AsyncIterator[tuple[Console, Pilot[Any]]]:
    app = console(company, "runs", **chosen)
    async with app.run_test(size=size) as running_pilot:
        pilot: Pilot[Any] = running_pilot
        if rows is not None:
            await until(pilot, lambda: len(app.table("runs-table").source) == rows)
        yield app, pilot


def names(app: Console) -> list[str]:
    return [row[NAME] for row in app.rows("runs-table")]


def title(app: Console, pane: str = "runs") -> str:
    found = app.screen.query_one(f"#{pane}", Pane).query_one(PaneTitle)
    return f"{found.text.plain} | {found.stamp.plain}"


async def typed(pilot: Pilot[Any], text: str) -> None:
    await pilot.press("slash", *["space" if sign == " " else sign for sign in text], "enter")


async def test_the_newest_run_stands_on_top_with_what_it_logged(training: Training, tmp_path: Path) -> None:
    async with opened(training.company(tmp_path)) as (app, _):
        assert names(app) == ["xgb-now", "xgb-broken", "xgb-deep", "xgb-large", "xgb-small", "logit"]
        source = app.table("runs-table").source
        shown = dict(zip([column.key for column in source.columns], app.rows("runs-table")[3], strict=True))
        assert shown == {
            "status": f"{Sign.OK.glyph} finished",
            "name": "xgb-large",
            "experiment": "fraud-xgb",
            "age": "1d",
            "metrics.loss": "0.28125",
            "metrics.auc": "0.9275",
            "metrics.accuracy": "",
            "params.depth": "9",
            "params.lr": "0.01",
        }
        assert title(app) == "Runs  6 | as of 12:00"


async def test_experiments_stand_beside_the_runs_and_narrow_them(training: Training, tmp_path: Path) -> None:
    async with opened(training.company(tmp_path)) as (app, pilot):
        assert app.rows("experiments-table") == [["All", "6", "1"], ["churn", "1", ""], ["fraud-xgb", "5", "1"]]
        await pilot.press("e", "down", "enter")
        await pilot.pause()
        assert names(app) == ["logit"]
        assert title(app).startswith("Runs of churn  1 ")
        await pilot.press("escape")
        await pilot.pause()
        assert len(names(app)) == 6


async def test_on_a_narrow_terminal_experiments_are_chosen_from_a_list(training: Training, tmp_path: Path) -> None:
    async with opened(training.company(tmp_path), size=(80, 24)) as (app, pilot):
        assert not app.screen.query_one("#experiments").display
        await pilot.press("e", *"churn", "enter")
        await pilot.pause()
        assert names(app) == ["logit"]


async def test_a_filter_keeps_what_fits_and_escape_takes_it_away(training: Training, tmp_path: Path) -> None:
    async with opened(training.company(tmp_path)) as (app, pilot):
        await typed(pilot, "metrics.auc > 0.9")
        await pilot.pause()
        assert names(app) == ["xgb-deep", "xgb-large"]
        assert "2 of 6 · /metrics.auc > 0.9" in title(app)
        await pilot.press("escape")
        await typed(pilot, "large")
        await pilot.pause()
        assert names(app) == ["xgb-large"]
        await pilot.press("escape")
        await typed(pilot, "!xgb")
        await pilot.pause()
        assert names(app) == ["logit"]


async def test_a_filter_that_cannot_be_read_names_the_column_and_changes_nothing(
    training: Training, tmp_path: Path
) -> None:
    async with opened(training.company(tmp_path)) as (app, pilot):
        await typed(pilot, "metrics.auc >> 3")
        await pilot.pause()
        assert "column 14" in app.texts()
        assert len(names(app)) == 6


async def test_a_comparison_without_its_field_is_told_how_to_write_it(training: Training, tmp_path: Path) -> None:
    async with opened(training.company(tmp_path)) as (app, pilot):
        await typed(pilot, "auc>0.9")
        await pilot.pause()
        assert names(app) == []
        assert "A filter names its field: metrics.auc > 0.9" in app.texts()


async def test_runs_are_sorted_by_anything_that_was_logged(training: Training, tmp_path: Path) -> None:
    async with opened(training.company(tmp_path), size=(80, 24)) as (app, pilot):
        await pilot.press("s", *"metrics.auc", "enter")
        await pilot.pause()
        assert names(app) == ["xgb-now", "xgb-small", "xgb-deep", "xgb-large", "xgb-broken", "logit"]
        await pilot.press("s", *"metrics.auc", "enter")
        await pilot.pause()
        assert names(app)[:4] == ["xgb-large", "xgb-deep", "xgb-small", "xgb-now"]
        await pilot.press("s", *"tags.team", "enter")
        await pilot.pause()
        assert names(app)[0] == "xgb-large"
        assert app.rows("runs-table")[0][4] == "risk"


async def test_what_happens_is_drawn_without_being_asked_for(own_training: Training, tmp_path: Path) -> None:
    http = Tracking(own_training.server)
    async with opened(own_training.company(tmp_path)) as (app, pilot):
        http.post("runs/update", run_id=own_training.runs["xgb-now"], status="KILLED", end_time=moment(0))
        http.run(http.experiment(), run_name="newest", start_time=moment(0))
        await app.pass_time(15)
        await until(pilot, lambda: len(names(app)) == 7)
        assert names(app)[:2] == ["newest", "xgb-now"]
        assert app.rows("runs-table")[1][0] == f"{Sign.STOPPED.glyph} killed"
        assert len(app.rows("experiments-table")) == 4


async def test_the_cursor_and_the_marks_stay_with_their_runs(own_training: Training, tmp_path: Path) -> None:
    http = Tracking(own_training.server)
    async with opened(own_training.company(tmp_path)) as (app, pilot):
        await pilot.press("down", "space", "down")
        chosen = app.table("runs-table").cursor_key
        http.run(http.experiment(), run_name="newest", start_time=moment(0))
        await app.pass_time(15)
        await until(pilot, lambda: len(names(app)) == 7)
        table = app.table("runs-table")
        assert table.cursor_key == chosen == own_training.runs["xgb-large"]
        assert table.marks == {own_training.runs["xgb-broken"]}


async def test_ages_grow_although_nothing_is_asked_for(own_training: Training, tmp_path: Path) -> None:
    async with opened(own_training.company(tmp_path)) as (app, pilot):
        assert app.rows("runs-table")[0][AGE] == "4m"
        await pilot.press("p")
        await app.pass_time(600)
        app.screen.restamp()  # type: ignore[attr-defined]  # what the view's timer does every five seconds
        await pilot.pause()
        assert app.rows("runs-table")[0][AGE] == "14m"


async def test_a_run_is_described_and_its_id_is_copied(training: Training, tmp_path: Path) -> None:
    async with opened(training.company(tmp_path)) as (app, pilot):
        await pilot.press("down", "down", "down", "y")
        await pilot.pause()
        assert "Copied 36 characters" in app.notices()
        await pilot.press("d")
        await pilot.pause()
        assert isinstance(app.screen, DetailsDialog)
        assert "tags:" in app.texts()


async def test_a_project_without_runs_says_how_the_first_one_comes(tmp_path: Path) -> None:
    clock = SandboxClock(START)
    with running(Settings(world=World.EMPTY), clock) as server:
        async with opened(Company(server, clock, tmp_path), rows=None) as (app, pilot):
            await until(pilot, lambda: "No runs yet" in app.texts())
            assert "online" in app.texts()
            await pilot.press("enter", "m", "c", "l", "d", "y", "space", "B", "s", "escape")
            assert "There is no run to plot" in app.notices()


async def offline(app: Console, pilot: Pilot[Any]) -> None:
    """Let the retries of a request pass until the program has given it up; only its own clock moves."""
    clock = app.clock
    assert isinstance(clock, ManualClock)
    for _ in range(40):
        await clock.advance(1)
        await pilot.pause()
        # The header tells the first attempt that fails, the pane what the last one has left.
        if "offline" in app.texts() and any(words in title(app) for words in ("no data yet", "old")):
            return
    pytest.fail("the program never said that it is offline")


async def test_a_server_that_is_gone_is_told_and_asked_again(training: Training, tmp_path: Path) -> None:
    async with opened(training.company(tmp_path), rows=None, url=NOWHERE) as (app, pilot):
        await offline(app, pilot)
        assert "127.0.0.1:9" in app.texts()
        assert "no data yet" in title(app)


async def test_runs_seen_before_are_there_without_a_server(training: Training, tmp_path: Path) -> None:
    company = training.company(tmp_path)
    async with opened(company):
        pass
    async with opened(company, url=NOWHERE) as (app, pilot):
        await offline(app, pilot)
        assert names(app)[0] == "xgb-now"
        assert "1 min old" in title(app)
        await typed(pilot, "metrics.auc > 0.9")
        await pilot.pause()
        assert names(app) == ["xgb-deep", "xgb-large"]


async def test_a_reporter_sees_the_runs_that_graphql_tells(training: Training, tmp_path: Path) -> None:
    async with opened(training.company(tmp_path), role="reporter") as (app, pilot):
        assert set(names(app)) == set(training.runs)
        assert {row[AGE] for row in app.rows("runs-table")} == {"-"}
        await typed(pilot, "metrics.auc > 0.9")
        await pilot.pause()
        assert set(names(app)) == {"xgb-deep", "xgb-large"}


def many(count: int) -> RunTable:
    experiment = Experiment(ProjectRef(101, "sandbox/empty"), 1, "search", {})
    builder = RunColumnsBuilder()
    builder.append_page(
        [
            {
                "info": {
                    "run_id": f"id-{number}",
                    "run_name": f"run-{number}",
                    "status": "FINISHED",
                    "start_time": moment(number),
                },
                "data": {
                    "metrics": [{"key": "auc", "value": number / count}],
                    "params": [{"key": "depth", "value": str(number % 9)}],
                },
            }
            for number in range(count)
        ],
        experiment,
    )
    return RunTable(builder.build(), (experiment,), is_complete=True)


async def test_a_filter_on_runs_that_are_still_read_says_so(
    training: Training, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Reading(RunFeed):
        """A feed that has read some runs and goes on for ever."""

        def __init__(self, session: Session, progress: Callable[[RunTable], None]) -> None:
            super().__init__(session, progress=progress)
            self._tell, self._clock = progress, session.clock

        async def update(self, *_: object) -> Snapshot[RunTable]:
            while True:
                self._tell(replace(many(50), is_complete=False))
                await self._clock.sleep(1)

    monkeypatch.setattr(run_feed, "RunFeed", Reading)
    async with opened(training.company(tmp_path), rows=None) as (app, pilot):
        await until(pilot, lambda: len(app.table("runs-table").source) == 50, passing=1)
        await typed(pilot, "nothing")
        await until(pilot, lambda: "Nothing of the 50 runs read so far fits; reading goes on." in app.texts())


async def test_a_hundred_thousand_runs_open_filter_and_sort_without_a_server(
    training: Training, tmp_path: Path
) -> None:
    count = 100_000
    company = training.company(tmp_path)
    app = console(company, "runs", url=NOWHERE)
    async with company.session(url=NOWHERE) as session:
        feed = RunFeed(session)
        assert await feed.store(Snapshot(many(count), START - RESYNC_AFTER + timedelta(minutes=1), "gitlab"))
    async with app.run_test(size=(120, 40)) as running_pilot:
        pilot: Pilot[Any] = running_pilot
        table = app.table("runs-table")
        await until(pilot, lambda: len(table.source) == count)
        assert [table.source.cells(index)[NAME].text for index in (0, 1)] == ["run-0", "run-1"]
        await pilot.press("end")
        await pilot.pause()
        assert table.cursor_key == f"id-{count - 1}"
        await typed(pilot, "metrics.auc >= 0.9 and params.depth = 3")
        await pilot.pause()
        assert len(table.source) == sum(1 for number in range(count) if number >= count * 0.9 and number % 9 == 3)
        await pilot.press("s", *"metrics.auc", "enter", "s", *"metrics.auc", "enter")
        await pilot.pause()
        assert table.source.key(0) == f"id-{max(n for n in range(count) if n % 9 == 3)}"
