"""The models, one model, one version: what is shown of them, and what is changed in the registry."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import TextArea

from mlops_tui.screens.model import ModelView
from mlops_tui.screens.models import ModelsView
from mlops_tui.screens.moments import read_moment
from mlops_tui.screens.version import VersionView
from mlops_tui.themes.tokens import Token
from mlops_tui.widgets.confirm import ConfirmDialog
from mlops_tui.widgets.footer import Footer
from mlops_tui.widgets.form import FormDialog
from mlops_tui.widgets.header import Connection
from mlops_tui.widgets.tree import Tree
from tests.clocks import START
from tests.operations.company import Company
from tests.sandbox.factory import client
from tests.screens.console import Console, console, opened, until

DEAD = "http://127.0.0.1:9"


async def test_every_model_with_its_true_latest_version_and_production_marked(company: Company) -> None:
    async with opened(company, "models") as (app, _):
        rows = {row[0]: row for row in app.rows("models-table")}
        assert rows["fraud"][1:5] == ["2.1.0", "PROD 2.0.0", "staging 2.1.0", "7"]
        assert rows["churn"][2] == "PROD 1.1.0"
        table = app.table("models-table")
        assert table.source.cells(0)[2].token is Token.PRODUCTION


async def test_filter_and_sort(company: Company) -> None:
    async with opened(company, "models") as (app, pilot):
        await pilot.press("slash", *"^(c|d)", "enter")
        assert [row[0] for row in app.rows("models-table")] == ["churn", "demand"]
        await pilot.press("slash", "home", "exclamation_mark", "enter")
        assert [row[0] for row in app.rows("models-table")] == ["fraud"]
        await pilot.press("escape")
        await pilot.press("s", *"VERSIONS", "enter")
        await until(pilot, lambda: [row[4] for row in app.rows("models-table")] == ["4", "5", "7"])
        await pilot.press("s", *"VERSIONS", "enter")
        await until(pilot, lambda: [row[4] for row in app.rows("models-table")] == ["7", "5", "4"])


async def test_a_filter_for_runs_is_refused_with_a_reason(company: Company) -> None:
    async with opened(company, "models") as (app, pilot):
        await pilot.press("slash", *"name", "space", "equals_sign", "space", *"fraud", "enter")
        assert "Only runs and traces are filtered by fields" in app.texts()
        assert len(app.rows("models-table")) == 3


async def test_what_was_seen_last_is_there_when_gitlab_is_away(company: Company) -> None:
    async with opened(company, "models") as (app, pilot):
        assert len(app.rows("models-table")) == 3
    async with console(company, "models", url=DEAD).run_test(size=(100, 30)) as pilot:
        again = pilot.app
        assert isinstance(again, Console)
        await until(pilot, lambda: again.standing.connection is Connection.OFFLINE, passing=2)
        assert [row[2] for row in again.rows("models-table")] == ["PROD 1.1.0", "PROD 1.1.1", "PROD 2.0.0"]
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(again.screen, ModelView) and again.rows("versions-table"))


async def open_fraud(app: Console, pilot: Pilot[Any]) -> None:
    app.table("models-table").go_to("acme/fraud:fraud")
    await until(pilot, lambda: app.table("models-table").cursor_key == "acme/fraud:fraud")
    await pilot.press("enter")
    await until(pilot, lambda: isinstance(app.screen, ModelView) and app.rows("history-table"))


async def test_versions_stand_in_semantic_order_with_where_they_are_live(company: Company) -> None:
    async with opened(company, "models") as (app, pilot):
        await open_fraud(app, pilot)
        rows = app.rows("versions-table")
        numbers = [row[0] for row in rows]
        assert numbers == ["2.1.0", "2.0.0", "2.0.0-rc.1", "1.2.1", "1.2.0", "1.1.0", "1.0.0"]
        assert [row[1] for row in rows[:3]] == ["staging", "PROD production", ""]
        await pilot.press("s", *"VERSION", "enter")
        await until(pilot, lambda: [row[0] for row in app.rows("versions-table")] == numbers[::-1])


async def test_what_was_live_at_a_past_moment(company: Company) -> None:
    async with opened(company, "models") as (app, pilot):
        await open_fraud(app, pilot)
        assert app.rows("history-table")[0][:2] == ["staging", "2.1.0"]
        await pilot.press("a")
        await until(pilot, lambda: isinstance(app.screen, FormDialog))
        await pilot.press(*"2026-05-02", "space", *"14:00", "enter")
        await until(pilot, lambda: "Live at 2026-05-02 14:00" in app.texts())
        live = {row[0]: row[1] for row in app.rows("history-table")}
        assert live == {"PROD production": "1.2.1", "staging": "1.2.1"}
        await pilot.press("escape")
        assert len(app.rows("history-table")) > 2
        assert isinstance(app.screen, ModelView)


@pytest.mark.parametrize(("text", "expected"), [("3d", "2026-02-27T12:00"), ("2026-01-05", "2026-01-05T00:00")])
def test_moments_as_people_write_them(text: str, expected: str) -> None:
    assert read_moment(text, START).isoformat().startswith(expected)


async def test_a_version_with_its_measures_files_and_lineage(company: Company) -> None:
    async with opened(company, "models") as (app, pilot):
        await open_fraud(app, pilot)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, VersionView) and len(app.rows("lineage-tree")) > 1)
        tree = [row[0] for row in app.rows("lineage-tree")]
        assert [line.lstrip("└├─│ ").split()[0] for line in tree[:6]] == [
            "commit",
            "pipeline",
            "job",
            "run",
            "dataset",
            "version",
        ]
        assert any("staging" in line for line in tree[6:])
        assert ["metric", "auc"] in [row[:2] for row in app.rows("measured-table")]
        assert all(len(row[2]) == 64 for row in app.rows("files-table"))
        app.screen.query_one(Tree).focus()
        await pilot.press("o")
        await until(pilot, lambda: app.screen.query("#metrics-table"))


async def test_files_arrive_with_the_sum_that_was_shown(company: Company, tmp_path: Path) -> None:
    async with opened(company, "models") as (app, pilot):
        app.push_screen(VersionView("acme/fraud:fraud", "2.1.0"))
        await until(pilot, lambda: app.rows("files-table"))
        shown = {row[0]: row[2] for row in app.rows("files-table")}
        await pilot.press("S")
        await until(pilot, lambda: isinstance(app.screen, FormDialog))
        await pilot.press("ctrl+u", *str(tmp_path / "here"), "enter")
        await until(pilot, lambda: "Every checksum" in app.notices())
        saved = {
            str(path.relative_to(tmp_path / "here")): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in (tmp_path / "here").rglob("*")
            if path.is_file()
        }
        assert saved == shown


async def test_a_card_is_edited_previewed_and_kept(company: Company) -> None:
    async with opened(company, "models") as (app, pilot):
        await open_fraud(app, pilot)
        await pilot.press("E")
        await until(pilot, lambda: isinstance(app.focused, TextArea))
        area = app.screen.query_one(TextArea)
        area.text = "# A new card"
        await pilot.press("escape")
        assert "esc again" in app.texts()
        await pilot.press("tab", "tab", "enter")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        await pilot.press("right", "enter")
        await until(pilot, lambda: "done" in app.notices())
        await app.pass_time(15)
        await until(pilot, lambda: "A new card" in app.texts())


async def test_a_version_is_made_from_a_run(company: Company) -> None:
    project = company.server.project_id("acme/fraud")
    body = {"experiment_ids": ["1"], "max_results": 50}
    found = client(company.server).post(f"/projects/{project}/ml/mlflow/api/2.0/mlflow/runs/search", json=body).json()
    run = next(item["info"]["run_id"] for item in found["runs"] if item["info"]["status"] == "FINISHED")
    async with opened(company, "models") as (app, pilot):
        await open_fraud(app, pilot)
        await pilot.press("V")
        await until(pilot, lambda: isinstance(app.screen, FormDialog))
        await until(pilot, lambda: app.focused is not None and app.focused.id == "field-run")
        await pilot.press(*run, "tab", *"3.0.0", "enter")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        await pilot.press("right", "enter")
        await until(pilot, lambda: "done" in app.notices())
        await app.pass_time(15)
        await until(pilot, lambda: app.rows("versions-table")[0][0] == "3.0.0")


async def test_only_the_typed_name_deletes_and_a_live_version_stays(company: Company) -> None:
    async with opened(company, "models") as (app, pilot):
        await open_fraud(app, pilot)
        await pilot.press("D")
        await until(pilot, lambda: "it is live in staging" in app.notices())
        app.table("versions-table").go_to("1.0.0")
        await pilot.pause()
        await pilot.press("D")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        await pilot.press(*"fraud", "enter")
        await until(pilot, lambda: "done" in app.notices())
        await app.pass_time(15)
        await until(pilot, lambda: "1.0.0" not in [row[0] for row in app.rows("versions-table")])


async def test_a_reporter_sees_the_keys_greyed_with_the_reason(company: Company) -> None:
    async with opened(company, "models", role="reporter") as (app, pilot):
        await until(pilot, lambda: "Reporter only" in str(app.screen.query_one(Footer).render()))
        await pilot.press("P")
        await until(pilot, lambda: "needs the role Developer" in app.notices())
        assert isinstance(app.screen, ModelsView)
