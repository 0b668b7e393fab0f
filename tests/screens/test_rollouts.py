"""Rollouts by key: started from a version and from the list, moved on, held, aborted; refusals say why."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from textual.geometry import Size
from textual.pilot import Pilot

from mlops_tui.operations.rollouts.listing import rollout
from mlops_tui.operations.rollouts.steps import prepare_hold
from mlops_tui.screens.model import ModelView
from mlops_tui.screens.rollout import RolloutView
from mlops_tui.widgets.chooser import Chooser
from mlops_tui.widgets.confirm import ConfirmDialog
from mlops_tui.widgets.details import DetailsDialog
from mlops_tui.widgets.form import FormDialog
from tests.faults.proxy import FaultProxy
from tests.operations.approving import FRAUD, raw
from tests.operations.company import Company
from tests.operations.rolling import PLAN, act, plan_for, start
from tests.screens.console import Console, console, opened, until

STEADY = PLAN.replace("{weight: 5}", "{weight: 5, soak: 10m, min_samples: 500}")


HEADER_AND_FOOTER = 2


def flags(company: Company) -> dict[str, list[str]]:
    """The shares that GitLab's flags give, by flag."""
    rows = raw(company).get(f"{FRAUD}/feature_flags").json()
    return {
        row["name"]: [item["parameters"].get("rollout", "") for item in row["strategies"]]
        for row in rows
        if not row["name"].startswith("mlops-lease")
    }


def on_page(app: Console, *texts: str) -> Callable[[], bool]:
    """Whether the page of a rollout shows these texts."""
    return lambda: isinstance(app.screen, RolloutView) and all(text in app.texts() for text in texts)


async def confirm(app: Console, pilot: Pilot[Any]) -> str:
    """Wait for the preview, type the model's name, and answer what the preview said."""
    await until(pilot, lambda: isinstance(app.screen, ConfirmDialog), passing=1)
    said = app.texts()
    await pilot.press(*"fraud", "enter")
    return said


async def planned(company: Company, plan: str = STEADY) -> None:
    async with company.session() as session:
        await plan_for(company, session, plan)


async def begun(company: Company, plan: str = STEADY) -> str:
    async with company.session() as session:
        return (await start(company, session, plan)).id


async def test_a_version_is_rolled_out_from_its_models_page(company: Company) -> None:
    await planned(company)
    async with opened(company, "models", size=(120, 40)) as (app, pilot):
        app.table("models-table").go_to("acme/fraud:fraud")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ModelView) and app.rows("versions-table"))
        app.table("versions-table").go_to("2.1.0")
        await pilot.press("O")
        await until(pilot, lambda: "out in which environment" in app.texts())
        await pilot.press("enter")
        said = await confirm(app, pilot)
        assert "Roll fraud 2.1.0 out to production in 3 steps" in said
        assert "at least 10m, 500 samples per arm" in " ".join(said.split())
        await until(pilot, on_page(app, "fraud 2.1.0 over 2.0.0", "PROD production", "step 1/3", "5 %"), passing=1)
        assert "5" in flags(company)["fraud-canary"]


async def test_the_list_starts_one_and_says_how_it_stands(company: Company) -> None:
    await planned(company)
    app = console(company, "rollouts")
    async with app.run_test(size=(140, 40), notifications=True) as pilot:
        await until(pilot, lambda: "No rollout. O starts one" in app.texts())
        await pilot.press("O")
        await until(pilot, lambda: isinstance(app.screen, Chooser) and "which model" in app.texts(), passing=1)
        await pilot.press(*"fraud", "enter")
        await until(pilot, lambda: isinstance(app.screen, Chooser) and "which version" in app.texts(), passing=1)
        await pilot.press(*"2.1.0", "enter")
        await until(pilot, lambda: "which environment" in app.texts(), passing=1)
        await pilot.press("enter")
        await confirm(app, pilot)
        await until(pilot, on_page(app, "step 1/3"), passing=1)
        await pilot.press("escape")
        await until(pilot, lambda: app.rows("rollouts-table"), passing=1)
        row = app.rows("rollouts-table")[0]
        assert row[:6] == ["fraud", "2.1.0", "PROD production", "1/3", "5 %", "● soaking"]
        await pilot.press("d")
        await until(pilot, lambda: isinstance(app.screen, DetailsDialog) and "control: 2.0.0" in app.texts())


async def test_step_by_step_and_back(company: Company) -> None:
    name = await begun(company)
    async with opened(company, "rollouts", size=(120, 40)) as (app, pilot):
        await pilot.press("enter")
        await until(pilot, on_page(app, "step 1/3", "needs 10m"), passing=1)
        await pilot.press("N")
        said = await confirm(app, pilot)
        assert "Step 2 of 3: 25 % for fraud 2.1.0" in said
        assert "The step has 10m of its time left" in said
        await until(pilot, on_page(app, "step 2/3", "25 %"), passing=1)
        await pilot.press("H")
        await until(pilot, lambda: isinstance(app.screen, FormDialog))
        await pilot.press(*"lunch", "enter")
        await confirm(app, pilot)
        await until(pilot, on_page(app, "◐ held"), passing=1)
        await pilot.press("H")
        assert "Resume" in await confirm(app, pilot)
        await until(pilot, lambda: isinstance(app.screen, RolloutView) and "◐ held" not in app.texts(), passing=1)
        await pilot.press("R")
        await until(pilot, lambda: isinstance(app.screen, FormDialog) and "Abort the rollout" in app.texts())
        await pilot.press(*"alarms", "enter")
        assert "Abort the rollout of fraud 2.1.0 in production" in await confirm(app, pilot)
        await until(pilot, on_page(app, "■ rolled back", "0 %"), passing=1)
        assert not any("25" in shares for shares in flags(company).values())
        await pilot.press("N")
        await until(pilot, lambda: f"The rollout {name} is rolled back" in app.notices())


async def test_what_another_console_changed_meanwhile_is_noticed(company: Company) -> None:
    name = await begun(company)
    async with opened(company, "rollouts") as (app, pilot):
        await pilot.press("N")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        async with company.session("developer") as other:
            await act(other, await prepare_hold(other, name))
        await pilot.press(*"fraud", "enter")
        await until(pilot, lambda: "changed since the preview" in app.notices())
        async with company.session() as session:
            assert (await rollout(session, name)).data.progress.step == 1


async def test_a_reporter_is_told_that_the_rollouts_cannot_be_seen(company: Company) -> None:
    await begun(company)
    app = console(company, "rollouts", role="reporter")
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        await until(pilot, lambda: "Whether there are rollouts is not known" in app.texts())
        assert "No rollout." not in app.texts()
        await pilot.press("N")
        await until(pilot, lambda: "no rollout here to steer" in app.notices())


async def test_a_read_only_context_shows_and_changes_nothing(company: Company) -> None:
    await begun(company)
    async with opened(company, "rollouts", is_read_only=True) as (app, pilot):
        for key in "NFHZRO":
            await pilot.press(key)
        await until(pilot, lambda: app.notices().count("read-only") == 6)
        assert flags(company)["fraud-canary"].count("5") == 1


async def test_where_nothing_is_planned_it_says_how_to_plan(company: Company) -> None:
    await planned(company, "version: 1\nmodels: {fraud: {}}\n")
    app = console(company, "rollouts", projects=("acme/fraud",))
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        await until(pilot, lambda: "No rollout. O starts one" in app.texts())
        await pilot.press("O")
        await until(pilot, lambda: "No project of this context plans a rollout" in app.notices(), passing=1)
        await pilot.press("3")
        await until(pilot, lambda: app.rows("models-table"))
        app.table("models-table").go_to("acme/fraud:fraud")
        await pilot.press("O")
        await until(pilot, lambda: "No rollout of fraud is planned" in app.notices(), passing=1)


async def test_without_gitlab_the_last_seen_stays_with_its_age(company: Company) -> None:
    await begun(company)
    with FaultProxy(company.server.url) as proxy:
        async with opened(company, "rollouts", url=proxy.url) as (app, pilot):
            await pilot.press("enter")
            await until(pilot, on_page(app, "step 1/3"), passing=1)
            proxy.go_down()
            await until(pilot, on_page(app, "offline", "fraud 2.1.0 over 2.0.0", "min old"), passing=20)


async def test_an_action_without_gitlab_says_so_at_once_and_the_header_with_it(company: Company) -> None:
    await begun(company)
    with FaultProxy(company.server.url) as proxy:
        async with opened(company, "rollouts", url=proxy.url) as (app, pilot):
            await pilot.press("enter")
            await until(pilot, on_page(app, "step 1/3"), passing=1)
            proxy.go_down()
            await pilot.press("N")
            started_at = app.clock.monotonic()
            await until(pilot, lambda: "cannot be reached, so nothing was sent" in app.notices(), passing=0.1)
            assert app.clock.monotonic() - started_at < 2
            assert proxy.url in app.notices()
            assert "offline" in app.texts().splitlines()[0]
            proxy.come_back()
            await pilot.press("N")
            await until(pilot, lambda: "Type fraud to confirm" in app.texts(), passing=0.1)
            assert "online" in app.texts().splitlines()[0]


def leases(company: Company) -> list[str]:
    rows = raw(company).get(f"{FRAUD}/feature_flags").json()
    return [row["name"] for row in rows if row["name"].startswith("mlops-lease")]


async def test_watching_is_confirmed_seen_everywhere_and_taken_back(company: Company) -> None:
    name = await begun(company)
    async with opened(company, "rollouts", size=(120, 40)) as (app, pilot):
        await pilot.press("enter")
        await until(pilot, on_page(app, "nobody watches it"), passing=1)
        await pilot.press("W")
        await until(pilot, lambda: "From now on this program acts without asking" in app.texts())
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, RolloutView))
        assert leases(company) == []
        await pilot.press("W")
        await confirm(app, pilot)
        await until(pilot, on_page(app, "This program acts by itself", "The traffic cannot be measured"), passing=1)
        await until(pilot, lambda: leases(company) == [f"mlops-lease-{name}-1"], passing=1)
        await until(
            pilot, lambda: any("lease 1 was taken by" in row[2] for row in app.rows("events-table")), passing=11
        )
        await pilot.press("3")
        await until(pilot, lambda: "watching 1" in app.texts() and app.table("models-table"))
        await pilot.press("6")
        await until(pilot, lambda: isinstance(app.screen, RolloutView))
        await pilot.press("W")
        await until(pilot, lambda: "watching 1" not in app.texts() and leases(company) == [], passing=1)
        assert "5" in flags(company)["fraud-canary"]


async def test_what_a_person_does_to_a_watched_rollout_is_shown_before_the_next_look(company: Company) -> None:
    await begun(company)
    async with opened(company, "rollouts", size=(120, 40)) as (app, pilot):
        await pilot.press("enter")
        await until(pilot, on_page(app, "nobody watches it"), passing=1)
        await pilot.press("W")
        await confirm(app, pilot)
        await until(pilot, on_page(app, "This program acts by itself", "The traffic cannot be measured"), passing=1)
        started_at = app.clock.monotonic()
        await pilot.press("N")
        await confirm(app, pilot)
        await until(pilot, on_page(app, "step 2/3"), passing=0.1)
        assert app.clock.monotonic() - started_at < app.context.poll_interval / 2


async def test_a_watch_that_cannot_go_on_says_why_and_ends(company: Company) -> None:
    await begun(company)
    async with opened(company, "rollouts", size=(120, 40)) as (app, pilot):
        await pilot.press("enter", "W")
        await confirm(app, pilot)
        await until(pilot, on_page(app, "This program acts by itself", "The traffic cannot be measured"), passing=1)
        deleted = raw(company).delete(f"{FRAUD}/feature_flags/fraud-canary")
        assert deleted.status_code == 200
        await until(pilot, lambda: "No longer watched" in app.notices(), passing=5)
        assert "watching" not in app.texts().splitlines()[0]


def is_whole(app: Console, pane: str) -> bool:
    return app.screen.query_one(pane).size == Size(120, 40 - HEADER_AND_FOOTER)


async def test_each_pane_can_have_the_whole_screen(company: Company) -> None:
    await begun(company)
    async with opened(company, "rollouts", size=(120, 40)) as (app, pilot):
        await pilot.press("enter")
        await until(pilot, on_page(app, "step 1/3"), passing=1)
        for pane in ("#tree", "#over-time", "#happened"):
            await pilot.press("plus")
            await until(pilot, partial(is_whole, app, pane))
            await pilot.press("plus", "tab")


async def test_a_key_for_a_pane_and_a_key_for_everything_are_two_keys(company: Company) -> None:
    name = await begun(company)
    async with opened(company, "rollouts", size=(120, 40)) as (app, pilot):
        await pilot.press("enter")
        await until(pilot, on_page(app, "step 1/3"), passing=1)
        await pilot.press("plus")
        await until(pilot, lambda: app.screen.maximized is app.screen.query_one("#tree"))
        await pilot.press("plus", "F")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog), passing=1)
        assert "in full after the rollout" in app.texts()
        await pilot.press("escape", "Z")
        await until(pilot, lambda: isinstance(app.screen, FormDialog))
        await pilot.press(*"too slow", "enter")
        await confirm(app, pilot)
        await until(pilot, on_page(app, "■ rolled back"), passing=1)
        for key in "NFHZRW":
            await pilot.press(key)
        await until(pilot, lambda: app.notices().count(f"The rollout {name} is rolled back") == 6)
