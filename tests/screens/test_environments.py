"""The environments: what is live where, and promoting and rolling back from there."""

from __future__ import annotations

from mlops_tui.screens.environments import EnvironmentsView
from mlops_tui.screens.model import ModelView
from mlops_tui.widgets.confirm import ConfirmDialog
from mlops_tui.widgets.details import DetailsDialog
from mlops_tui.widgets.form import FormDialog
from tests.operations.company import Company
from tests.operations.rolling import PLAN, plan_for, start
from tests.sandbox.factory import client
from tests.screens.console import opened, until

TABLE = "environments-table"
STAGING_COUNTS = PLAN.replace("  fraud:", "  fraud:\n    environments: {staging: {production: true}}")


async def test_what_is_live_where_since_when_and_by_whom(company: Company) -> None:
    async with opened(company, "environments", size=(140, 30)) as (app, _):
        rows = {(row[0], row[1]): row for row in app.rows("environments-table")}
        assert len(rows) == 6
        production = rows["PROD production", "fraud"]
        assert production[2:6] == ["2.0.0", "production", "✓ available", "05-17 16:21"]
        assert production[7] == "mona"
        assert production[-1] == "https://production.fraud.acme.example"


async def test_a_deployment_that_names_no_version_makes_the_answer_uncertain(company: Company) -> None:
    project = company.server.project_id("acme/fraud")
    api = client(company.server)
    sha = api.get(f"/projects/{project}/repository/commits").json()[0]["id"]
    body = {"environment": "production", "sha": sha, "ref": "main", "tag": False, "status": "success"}
    assert api.post(f"/projects/{project}/deployments", json=body).status_code == 201
    async with opened(company, "environments") as (app, pilot):
        rows = {(row[0], row[1]): row for row in app.rows("environments-table")}
        assert rows["PROD production", "fraud"][2] == "2.0.0 ?"
        await pilot.press("1")
        await until(pilot, lambda: any("uncertain" in row[0] for row in app.rows("attention-table")))


async def test_a_row_opens_its_model_and_describes_itself(company: Company) -> None:
    async with opened(company, "environments") as (app, pilot):
        await pilot.press("d")
        await until(pilot, lambda: isinstance(app.screen, DetailsDialog))
        assert "production.churn.acme.example" in app.texts()
        await pilot.press("escape", "enter")
        await until(pilot, lambda: isinstance(app.screen, ModelView) and app.rows("versions-table"))
        await pilot.press("escape")
        assert isinstance(app.screen, EnvironmentsView)


async def test_promoting_from_here_offers_this_environment(company: Company) -> None:
    async with opened(company, "environments") as (app, pilot):
        app.table("environments-table").go_to("acme/fraud staging fraud 2.1.0")
        await pilot.pause()
        await pilot.press("P")
        await until(pilot, lambda: "which version of fraud" in app.texts())
        await pilot.press(*"1.2.1", "enter")
        await until(pilot, lambda: "which environment" in app.texts())
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        assert "Promote fraud 1.2.1 to staging" in app.texts()
        assert "Type fraud" not in app.texts()


async def test_rolling_back_from_here_asks_for_no_environment(company: Company) -> None:
    async with opened(company, "environments") as (app, pilot):
        app.table("environments-table").go_to("acme/fraud production fraud 2.0.0")
        await pilot.pause()
        await pilot.press("R")
        await until(pilot, lambda: isinstance(app.screen, FormDialog))
        assert "Roll fraud back in production, where 2.0.0 is live" in app.texts()


async def test_stopping_production_takes_the_models_name(company: Company) -> None:
    async with opened(company, "environments") as (app, pilot):
        app.table("environments-table").go_to("acme/fraud production fraud 2.0.0")
        await pilot.pause()
        await pilot.press("S")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        assert "fraud 2.0.0 serves there" in app.texts()
        await pilot.press(*"fraud", "enter")
        await until(pilot, lambda: "production is stop" in app.notices())
        stopped = ["PROD production", "fraud", "2.0.0", "production", "■ stopped"]
        await until(pilot, lambda: any(row[:5] == stopped for row in app.rows(TABLE)), passing=30)
        await pilot.press("S")
        await until(pilot, lambda: "production is stopped" in app.notices())
        assert not isinstance(app.screen, ConfirmDialog)


async def test_a_reporter_is_told_why_nothing_can_be_stopped(company: Company) -> None:
    async with opened(company, "environments", role="reporter") as (app, pilot):
        await pilot.press("S")
        await until(pilot, lambda: "needs the role Developer" in app.notices())


async def test_a_page_is_copied_where_there_is_no_browser_to_see(company: Company) -> None:
    async with opened(company, "environments") as (app, pilot):
        app.table("environments-table").go_to("acme/fraud production fraud 2.0.0")
        await pilot.pause()
        await pilot.press("o")
        await until(pilot, lambda: "no browser here for https://production.fraud.acme.example" in app.notices())


async def test_what_the_policy_calls_production_is_marked_everywhere(company: Company) -> None:
    async with company.session() as session:
        await plan_for(company, session, STAGING_COUNTS)
    async with opened(company, "environments", size=(120, 40)) as (app, pilot):
        assert ["PROD staging", "fraud", "2.1.0", "staging"] in [row[:4] for row in app.rows(TABLE)]
        await pilot.press("1")
        overview = ["fraud", "PROD 2.1.0"]
        await until(pilot, lambda: overview in [row[:2] for row in app.rows("production-table")], passing=1)
        await pilot.press("3")
        await until(pilot, lambda: any(row[2] == "PROD 2.0.0, 2.1.0" for row in app.rows("models-table")), passing=1)
        app.table("models-table").go_to("acme/fraud:fraud")
        await pilot.press("enter")
        await until(pilot, lambda: "PROD staging" in [row[1] for row in app.rows("versions-table")], passing=1)
        await until(pilot, lambda: "PROD staging" in [row[0] for row in app.rows("history-table")], passing=1)
        await pilot.press("enter")
        await until(pilot, lambda: "PROD live in staging" in app.texts(), passing=1)


async def test_a_policy_file_that_is_wrong_hides_no_environment(company: Company) -> None:
    async with company.session() as session:
        await plan_for(company, session, "version: 99\n")
    async with opened(company, "models", size=(120, 40)) as (app, pilot):
        await until(pilot, lambda: any(row[2] == "PROD 2.0.0" for row in app.rows("models-table")))
        await pilot.press("4")
        await until(pilot, lambda: ["PROD production", "fraud"] in [row[:2] for row in app.rows(TABLE)])


async def test_the_shares_of_a_rollout_by_flags_are_told(company: Company) -> None:
    async with company.session() as session:
        await start(company, session, PLAN.replace("{weight: 5}, {weight: 25}", "{weight: 40}"))
    async with opened(company, "environments", size=(120, 40)) as (app, _):
        serving = [row[2] for row in app.rows(TABLE) if row[:2] == ["PROD production", "fraud"]]
        assert serving == ["2.0.0 60%", "2.1.0 40%"]
        assert "6 environments, by live version  7" in app.texts()
