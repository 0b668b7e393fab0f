"""The view of alerts: what is shown of each, what the keys do, and what they refuse."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from textual.pilot import Pilot

from mlops_tui.operations.session import Session
from mlops_tui.screens.drift import DriftView
from mlops_tui.widgets.chooser import Chooser
from mlops_tui.widgets.confirm import ConfirmDialog
from mlops_tui.widgets.form import FormDialog
from tests.operations.alerting import ERRORS, Traffic, company, empty_data, write_policy
from tests.operations.company import Company
from tests.screens.console import Console, console, opened, until

__all__ = ["company", "empty_data"]

QUIET = "{name: slow, metric: latency_p95, above: 250, for: 5m}"
UNKNOWN = "{name: drifting, metric: drift.amount, above: 1}"


@pytest.fixture
async def traffic(company: Company) -> AsyncIterator[Traffic]:
    """Traffic that makes one of three alerts fire."""
    write_policy(company, ERRORS, QUIET, UNKNOWN)
    async with company.session() as session:
        made = await _failing(session)
        yield made
        await made.close()


async def _failing(session: Session) -> Traffic:
    made = Traffic(session)
    await made.minutes(0.0, 0.01, 0.0, 0.02, 0.2, 0.3)
    await made.judge()
    return made


async def choose(app: Console, pilot: Pilot[Any], name: str) -> None:
    rows = app.rows("alerts-table")
    table = app.table("alerts-table")
    table.go_to(table.source.key(next(place for place, row in enumerate(rows) if row[1] == name)))
    await until(pilot, lambda: name in app.texts().rsplit("This alert", 1)[1])


@pytest.mark.usefixtures("traffic")
async def test_what_fires_stands_first_with_its_value_limit_and_trend(company: Company) -> None:
    async with opened(company, "alerts", size=(140, 30)) as (app, pilot):
        rows = app.rows("alerts-table")
        assert [row[0] for row in rows] == ["✗ firing", "? insufficient", "✓ ok"]
        assert rows[0][1:6] == ["errors", "fraud", "PROD production", "0.3", "above 0.1 for 2m"]
        assert rows[0][6].strip()[-1] == "█"
        await until(pilot, lambda: "clears below 0.05" in app.texts())
        await choose(app, pilot, "drifting")
        assert "No value now" in app.texts()
        await pilot.press("A")
        await until(pilot, lambda: "does not fire" in app.notices())


@pytest.mark.usefixtures("traffic")
async def test_an_alert_is_taken_on_and_silenced_by_key(company: Company) -> None:
    async with opened(company, "alerts", size=(140, 30)) as (app, pilot):
        await pilot.press("A")
        await until(pilot, lambda: isinstance(app.screen, FormDialog))
        await pilot.press(*"on it", "enter")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        await pilot.press("tab", "enter")
        await until(pilot, lambda: "taken on by mona" in app.rows("alerts-table")[0][9], passing=5)
        await pilot.press("M")
        await until(pilot, lambda: isinstance(app.screen, Chooser))
        await pilot.press(*"1h", "enter")
        await until(pilot, lambda: isinstance(app.screen, FormDialog))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        await pilot.press("tab", "enter")
        await until(pilot, lambda: "silenced" in app.rows("alerts-table")[0][9], passing=5)
        await pilot.press("A")
        await until(pilot, lambda: "was taken on by mona" in app.notices())


async def test_an_alert_that_begins_to_fire_is_announced(company: Company, traffic: Traffic) -> None:
    async with opened(company, "alerts", size=(100, 30)) as (app, pilot):
        heard: list[str] = []
        app.announce = lambda title, text: heard.append(f"{title}: {text}")  # type: ignore[method-assign]  # what would ring
        await traffic.minutes(0.0, 0.2, 0.2)
        await until(pilot, lambda: heard, passing=20)
        assert heard == ["mlops-tui: fires: errors: fraud in production"]


async def test_without_a_rule_the_view_says_how_to_make_one(company: Company) -> None:
    app = console(company, "alerts")
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: "monitoring.alerts in .gitlab/mlops.yml" in app.texts())


@pytest.mark.usefixtures("traffic")
async def test_what_fires_stands_on_the_overview_and_leads_to_its_view(company: Company) -> None:
    app = console(company, "overview")
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: any("firing" in row[0] for row in app.rows("attention-table")))
        row = next(row for row in app.rows("attention-table") if "firing" in row[0])
        assert row[1] == "PROD errors: fraud in production"
        assert "error_rate above 0.1 for 2m: 0.3 share (n = 100)" in row[2]
        app.table("attention-table").go_to(app.table("attention-table").source.key(0))
        await pilot.pause()
        await pilot.press("enter")
        await until(pilot, lambda: app.rows("alerts-table"))


@pytest.mark.usefixtures("traffic")
async def test_enter_leads_to_what_the_figure_comes_from(company: Company) -> None:
    async with opened(company, "alerts", size=(120, 40)) as (app, pilot):
        await choose(app, pilot, "drifting")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, DriftView))
        await pilot.press("escape")
        await choose(app, pilot, "errors")
        await pilot.press("enter")
        await until(pilot, lambda: app.current_mode == "traces")
