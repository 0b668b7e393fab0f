"""Promote and roll back by key: nothing is sent by accident, nothing twice, and what happens is shown to its end."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Button

from mlops_tui.domain.actions import Outcome
from mlops_tui.domain.contexts import ContextKind
from mlops_tui.domain.journal import EntryKind
from mlops_tui.operations.actions import run
from mlops_tui.operations.journal import stories
from mlops_tui.operations.promotions import prepare_promotion
from mlops_tui.sandbox.clock import timestamp
from mlops_tui.sandbox.repository import Author, commit_files
from mlops_tui.screens.following import FollowingView
from mlops_tui.screens.model import ModelView
from mlops_tui.screens.models import ModelsView
from mlops_tui.widgets.chooser import Chooser
from mlops_tui.widgets.confirm import ConfirmDialog
from mlops_tui.widgets.form import FormDialog
from mlops_tui.widgets.waiting import WaitDialog
from tests.operations.company import Company
from tests.sandbox.factory import client
from tests.screens.console import Console, opened, until

FRAUD = "acme/fraud:fraud"


def pipelines(company: Company) -> int:
    """How many pipelines the fraud project has."""
    project = company.server.project_id("acme/fraud")
    return int(client(company.server).head(f"/projects/{project}/pipelines").headers["x-total"])


def let_health_checks_fail(company: Company) -> None:
    """Commit a pipeline whose deployments fail."""
    project = company.server.project_id("acme/fraud")
    path = f"/projects/{project}/repository/files/.gitlab-ci.yml/raw"
    text = client(company.server).get(path, params={"ref": "main"}).text
    changed = text.replace("fault:\n      default: none", "fault:\n      default: health-check")
    assert changed != text
    author = Author("Mona Maier", "mona@acme.example")
    company.server.call(
        lambda services: commit_files(
            services.database,
            project,
            "main",
            "Tighten the health check",
            author,
            timestamp(services.clock.now()),
            {".gitlab-ci.yml": changed},
        )
    )


async def begin(app: Console, pilot: Pilot[Any], key: str = "P") -> None:
    """Press the key on the fraud model."""
    app.table("models-table").go_to(FRAUD)
    await pilot.pause()
    await pilot.press(key)


async def preview(app: Console, pilot: Pilot[Any]) -> None:
    """Promote the newest version to production, as far as the preview."""
    await begin(app, pilot)
    await until(pilot, lambda: isinstance(app.screen, Chooser) and "which version" in app.texts())
    await pilot.press("enter")
    await until(pilot, lambda: "which environment" in app.texts())
    await pilot.press("enter")
    await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))


async def test_a_promotion_from_the_key_to_live_now(company: Company) -> None:
    async with opened(company, "models") as (app, pilot):
        await preview(app, pilot)
        text = app.texts()
        assert "PROD" in text
        assert "Promote fraud 2.1.0 to production" in text
        assert "better" in text
        await pilot.press(*"fraud", "enter")
        await until(pilot, lambda: isinstance(app.screen, FollowingView))
        await until(pilot, lambda: "is live in production now" in app.texts(), passing=2)
        assert "request" in app.texts()
        await until(pilot, lambda: "Job succeeded" in app.texts(), passing=2)
        await pilot.press("escape")
        await until(pilot, lambda: app.rows("models-table")[2][2] == "PROD 2.1.0", passing=5)


async def test_the_wrong_name_sends_nothing(company: Company) -> None:
    before = pipelines(company)
    async with opened(company, "models") as (app, pilot):
        await preview(app, pilot)
        await pilot.press(*"froud", "enter")
        assert isinstance(app.screen, ConfirmDialog)
        assert app.screen.query_one("#confirm", Button).disabled
        await pilot.press("escape")
        await until(pilot, lambda: "Nothing was sent" in app.notices())
        assert app.session is not None
        assert app.session.journal.entries() == ()
    assert pipelines(company) == before


@pytest.mark.parametrize("steps", [0, 1, 2])
async def test_escape_at_each_step_sends_nothing(company: Company, steps: int) -> None:
    before = pipelines(company)
    async with opened(company, "models") as (app, pilot):
        await begin(app, pilot)
        waits = ("which version", "which environment", "to confirm")
        for step in range(steps + 1):
            await until(pilot, lambda step=step: waits[step] in app.texts())  # type: ignore[misc]  # bound at once
            await pilot.press("escape" if step == steps else "enter")
        await until(pilot, lambda: isinstance(app.screen, ModelsView) and "Nothing was sent" in app.notices())
        assert app.session is not None
        assert app.session.journal.entries() == ()
    assert pipelines(company) == before


async def test_keys_pressed_twice_send_once(company: Company) -> None:
    before = pipelines(company)
    async with opened(company, "models") as (app, pilot):
        app.table("models-table").go_to(FRAUD)
        await pilot.pause()
        assert isinstance(app.screen, ModelsView)
        app.screen.action_promote()
        app.screen.action_promote()
        await until(pilot, lambda: "which version" in app.texts())
        assert "Another action is still under way" in app.notices()
        await pilot.press("enter")
        await until(pilot, lambda: "which environment" in app.texts())
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        await pilot.press(*"fraud", "enter", "enter", "enter")
        await until(pilot, lambda: isinstance(app.screen, FollowingView))
        assert app.session is not None
        assert [entry.kind for entry in app.session.journal.entries()] == [EntryKind.INTENT, EntryKind.RECEIPT]
    assert pipelines(company) == before + 1


async def test_a_state_that_changed_underneath_is_told_and_nothing_is_sent(company: Company) -> None:
    async with opened(company, "models") as (app, pilot):
        await preview(app, pilot)
        async with company.session("developer") as other:
            project = await company.project(other)
            faster = await prepare_promotion(other, project, "fraud", "1.2.0", "production")
            assert (await run(other, faster, "fraud")).outcome is Outcome.DONE
        before = pipelines(company)
        await pilot.press(*"fraud", "enter")
        await until(pilot, lambda: "changed since the preview" in app.notices())
        assert isinstance(app.screen, ModelsView)
    assert pipelines(company) == before


async def test_a_deployment_that_fails_shows_why(company: Company) -> None:
    let_health_checks_fail(company)
    async with opened(company, "models") as (app, pilot):
        await preview(app, pilot)
        await pilot.press(*"fraud", "enter")
        await until(pilot, lambda: isinstance(app.screen, FollowingView))
        await until(pilot, lambda: "fraud 2.1.0 is not in production" in app.texts(), passing=2)
        assert "The job deploy failed (script failure)" in app.texts()
        await until(pilot, lambda: "Health check failed - p99 latency" in app.texts(), passing=2)


async def test_leaving_the_follow_screen_stops_nothing(company: Company) -> None:
    async with opened(company, "models") as (app, pilot):
        await preview(app, pilot)
        await pilot.press(*"fraud", "enter")
        await until(pilot, lambda: isinstance(app.screen, FollowingView))
        await pilot.press("escape")
        await until(pilot, lambda: app.rows("models-table")[2][2] == "PROD 2.1.0", passing=5)


async def test_a_rollback_with_its_reason_to_success(company: Company) -> None:
    async with opened(company, "models") as (app, pilot):
        await begin(app, pilot, "R")
        await until(pilot, lambda: "in which environment" in app.texts())
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, FormDialog) and app.focused is not None)
        assert "1.2.0  last known good" in app.texts()
        await pilot.press("enter")
        assert "nothing given yet" in app.texts()
        await pilot.press(*"alarms", "enter")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        await pilot.press(*"fraud", "enter")
        await until(pilot, lambda: isinstance(app.screen, FollowingView))
        await until(pilot, lambda: "fraud 1.2.0 is live in production now" in app.texts(), passing=2)
        assert app.session is not None
        assert [story.intent.reason for story in stories(app.session.journal)] == ["alarms"]


async def test_the_version_under_the_cursor_is_the_one_that_is_offered(company: Company) -> None:
    async with opened(company, "models") as (app, pilot):
        app.push_screen(ModelView(FRAUD))
        await until(pilot, lambda: app.rows("versions-table"))
        app.table("versions-table").go_to("1.2.1")
        await pilot.pause()
        await pilot.press("P")
        await until(pilot, lambda: "which version" in app.texts())
        await pilot.press("enter")
        await until(pilot, lambda: "Promote fraud 1.2.1 to which environment?" in app.texts())


async def test_no_key_reaches_the_view_while_gitlab_is_asked_and_escape_ends_the_waiting(company: Company) -> None:
    async with opened(company, "models") as (app, pilot):
        slow = {"path": "/api/graphql", "delay": 5.0, "count": 9}
        await asyncio.to_thread(client(company.server).post, f"{company.server.url}/-/sandbox/faults", json=slow)
        await pilot.press("P")
        await until(pilot, lambda: isinstance(app.screen, WaitDialog))
        await pilot.press("enter", "3", "d")
        assert isinstance(app.screen, WaitDialog)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, ModelsView) and "Nothing was sent" in app.notices())


async def test_what_is_live_already_cannot_be_chosen(company: Company) -> None:
    async with opened(company, "models") as (app, pilot):
        await begin(app, pilot)
        await until(pilot, lambda: "which version" in app.texts())
        await pilot.press("enter")
        await until(pilot, lambda: "this very version" in app.texts())
        await pilot.press(*"staging", "enter")
        await pilot.pause()
        assert isinstance(app.screen, Chooser)


@pytest.mark.parametrize("key", ["P", "R"])
async def test_a_read_only_context_says_why_the_keys_do_nothing(company: Company, key: str) -> None:
    async with opened(company, "models", is_read_only=True) as (app, pilot):
        await pilot.press(key)
        await until(pilot, lambda: "is read-only" in app.notices())
        assert isinstance(app.screen, ModelsView)
        assert "(read-only)" in app.texts()


async def test_every_environment_of_a_production_context_asks_for_the_name(company: Company) -> None:
    async with opened(company, "models", kind=ContextKind.PRODUCTION) as (app, pilot):
        app.push_screen(ModelView(FRAUD))
        await until(pilot, lambda: app.rows("versions-table"))
        app.table("versions-table").go_to("1.2.1")
        await pilot.pause()
        await pilot.press("P")
        await until(pilot, lambda: "which version" in app.texts())
        await pilot.press("enter")
        await until(pilot, lambda: "which environment" in app.texts())
        await pilot.press(*"staging", "enter")
        await until(pilot, lambda: "Type fraud to confirm" in app.texts())


async def test_an_action_left_unsettled_is_settled_and_told_at_the_next_start(company: Company) -> None:
    drop = {"path": "*/pipeline", "method": "POST", "drop": "after"}
    async with opened(company, "models") as (app, pilot):
        await preview(app, pilot)
        await asyncio.to_thread(client(company.server).post, f"{company.server.url}/-/sandbox/faults", json=drop)
        await pilot.press(*"fraud", "enter")
        await until(pilot, lambda: "not known yet" in app.notices(), passing=2)
    async with opened(company, "models") as (app, pilot):
        await until(pilot, lambda: "it was carried out" in app.notices())
        assert app.session is not None
        assert app.session.journal.unsettled() == ()
