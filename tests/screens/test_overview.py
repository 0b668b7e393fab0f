"""The overview: what needs attention, each line the way to its place."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

import pytest

from mlops_tui.domain.attention import MatterKind
from mlops_tui.domain.errors import UnreachableError
from mlops_tui.domain.runs import RunStatus
from mlops_tui.operations.actions import run
from mlops_tui.operations.overview import RecentRun, failed_runs, read_overview
from mlops_tui.operations.promotions import prepare_promotion
from mlops_tui.sandbox.clock import ManualClock as SandboxClock
from mlops_tui.sandbox.server import running
from mlops_tui.sandbox.settings import Settings, World
from mlops_tui.screens.model import ModelView
from mlops_tui.screens.overview import OverviewView
from mlops_tui.screens.rollout import RolloutView
from mlops_tui.screens.run import RunView
from mlops_tui.screens.version import VersionView
from mlops_tui.widgets.header import Connection
from mlops_tui.widgets.pane import PaneTitle
from tests.clocks import START
from tests.operations.company import Company
from tests.operations.rolling import start
from tests.screens.console import Console, console, opened, until
from tests.screens.test_promotion import let_health_checks_fail

TABLES = ("attention-table", "production-table", "recent-table")


async def test_what_waits_comes_before_what_could_be_done(company: Company) -> None:
    async with opened(company, "overview", size=(120, 40)) as (app, _):
        rows = app.rows("attention-table")
        assert rows[0][:3] == ["◐ waiting", "PROD demand 1.2.0 → production", "waits for approval (dev)"]
        assert {"fraud 2.1.0 is newer", "churn 2.0.0 is newer"} <= {row[1] for row in rows[1:]}
        assert [row[:3] for row in app.rows("production-table")] == [
            ["churn", "PROD 1.1.0", "2.0.0"],
            ["demand", "PROD 1.1.1", "1.2.0"],
            ["fraud", "PROD 2.0.0", "2.1.0"],
        ]


async def test_opens_with_all_its_rows_and_their_age_while_nothing_answers(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(company, "overview", size=(120, 40)) as (app, pilot):
        await until(pilot, lambda: app.rows("production-table") and app.rows("recent-table"))
        shown = {name: app.rows(name) for name in ("attention-table", "production-table", "recent-table")}
    company.sandbox_clock.advance(7200)

    def refuse(*_: object, **__: object) -> NoReturn:
        raise UnreachableError("nothing is loaded, so that only the first frame is there")

    monkeypatch.setattr("mlops_tui.operations.session.open_session", refuse)
    app = console(company, "overview", url="http://127.0.0.1:9")
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "PROD 2.0.0" in app.texts())
        assert {name: app.rows(name) for name in shown} == shown
        stamps = [title.stamp.plain for title in app.screen.query(PaneTitle)]
        assert stamps == ["▲ 2 h old", "", "▲ 2 h old"]
        assert app.session is None


async def test_a_deployment_is_shown_while_it_runs_and_when_it_failed(company: Company) -> None:
    let_health_checks_fail(company)
    async with company.session() as session:
        action = await prepare_promotion(session, await company.project(session), "fraud", "2.1.0", "production")
        await run(session, action, "fraud")
    async with opened(company, "overview", size=(120, 40)) as (app, pilot):
        await until(
            pilot, lambda: ["● running", "PROD fraud 2.1.0 → production"] in _heads(app.rows("attention-table"))
        )
        await until(
            pilot,
            lambda: app.rows("attention-table")[0][:2] == ["✗ failed", "PROD fraud 2.1.0 → production"],
            passing=5,
        )


def _heads(rows: list[list[str]]) -> list[list[str]]:
    return [row[:2] for row in rows]


async def test_each_line_leads_to_its_place(company: Company) -> None:
    async with opened(company, "overview", size=(120, 40)) as (app, pilot):
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, VersionView) and app.screen.crumb == "1.2.0")
        await pilot.press("escape")
        app.table("production-table").focus()
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ModelView) and app.screen.crumb == "churn")
        await pilot.press("escape")
        await until(pilot, lambda: app.rows("recent-table"), passing=1)
        app.table("recent-table").focus()
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, RunView))


async def test_nothing_to_do_is_calm(tmp_path: Path) -> None:
    clock = SandboxClock()
    with running(Settings(world=World.EMPTY), clock) as server:
        app = console(Company(server, clock, tmp_path), "overview")
        async with app.run_test(size=(100, 30)) as pilot:
            await until(pilot, lambda: "✓ Nothing needs attention." in app.texts())
            assert "0 models, 0 environments in 1 project" in app.texts()


async def test_a_lost_connection_keeps_what_was_seen(company: Company) -> None:
    async with opened(company, "overview") as (app, _):
        seen = app.rows("attention-table")
    away = console(company, "overview", url="http://127.0.0.1:9")
    async with away.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: away.standing.connection is Connection.OFFLINE, passing=2)
        assert isinstance(away.screen, OverviewView)
        assert _heads(away.rows("attention-table")) == _heads(seen)


class NothingLoaded(Console):
    """The program as it stands until everything behind the first frame is loaded."""

    def _load(self) -> None:
        return


async def test_the_first_frame_has_all_rows_even_after_a_short_visit(company: Company) -> None:
    async with opened(company, "overview", size=(120, 40)) as (app, pilot):
        await until(pilot, lambda: app.rows("production-table") and app.rows("recent-table"))
        shown = {name: [row[:2] for row in app.rows(name)] for name in TABLES}
        launch = app.launch
    again = NothingLoaded(launch, company, {"TERM": "xterm-256color"})
    async with again.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        assert again.session is None
        assert {name: [row[:2] for row in again.rows(name)] for name in TABLES} == shown


def test_only_the_runs_that_failed_are_matters() -> None:
    runs = [
        RecentRun(status.value, "lean-1", "acme/fraud", "studies", status, START, START)
        for status in (RunStatus.FINISHED, RunStatus.FAILED, RunStatus.RUNNING)
    ]
    assert [(matter.kind, matter.run_id) for matter in failed_runs(runs)] == [(MatterKind.RUN_FAILED, "FAILED")]


async def test_matters_stand_in_the_order_of_their_urgency(company: Company) -> None:
    async with company.session() as session:
        overview = (await read_overview(session)).data
        kinds = [matter.kind for matter in overview.matters]
        assert kinds == sorted(kinds)
        assert overview.username == "mona"


async def test_a_rollout_is_told_and_opened(company: Company) -> None:
    async with company.session() as session:
        await start(company, session)
    async with opened(company, "overview", size=(120, 30)) as (app, pilot):
        await until(pilot, lambda: any("rollout" in row[0] for row in app.rows("attention-table")), passing=1)
        table = app.table("attention-table")
        keys = (table.source.key(index) for index in range(len(table.source)))
        table.go_to(next(key for key in keys if "ROLLOUT" in key))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, RolloutView) and "step 1/3" in app.texts(), passing=1)
