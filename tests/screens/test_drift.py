"""The view of drift by key: what stands where, for which window, and what is said where nothing is known."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from textual.pilot import Pilot

from mlops_tui.widgets.chooser import Chooser
from mlops_tui.widgets.details import DetailsDialog
from mlops_tui.widgets.pairs import PairCanvas, Pairs
from mlops_tui.widgets.pane import Pane
from mlops_tui.widgets.plot import Plot
from tests.operations.company import Company
from tests.screens.console import Console, console, until
from tests.screens.drifting import Minute, fill, store_profile

USUAL = Minute()
DRIFTING = {**dict.fromkeys(range(-8, -3), USUAL), **dict.fromkeys(range(-3, 0), Minute(shift=1.0, new=0.1))}


def heading(app: Console, pane: str) -> str:
    return app.screen.query_one(f"#{pane}", Pane).heading


def summary(app: Console) -> str:
    return "\n".join(app.texts().splitlines()[1:5])


def bars(app: Console) -> str:
    canvas = app.screen.query_one(PairCanvas)
    return "\n".join(canvas.render_line(y).text for y in range(canvas.size.height))


@asynccontextmanager
async def looking(
    company: Company, *, size: tuple[int, int] = (120, 40), **chosen: Any
) -> AsyncIterator[tuple[Console, Pilot[Any]]]:
    """The view with its features, their distribution and the quality."""
    app = console(company, "drift", **chosen)
    async with app.run_test(size=size, notifications=True) as pilot:
        await until(pilot, lambda: app.rows("features-table"))
        await until(pilot, lambda: "reference" in bars(app) and heading(app, "quality") != "Quality", passing=0.5)
        yield app, pilot


async def test_the_worst_feature_comes_first_with_its_score_and_both_distributions(company: Company) -> None:
    await store_profile(company)
    await fill(company, DRIFTING)
    async with looking(company) as (app, pilot):
        rows = app.rows("features-table")
        assert [row[:2] for row in rows] == [["▲ drift", "amount"], ["▲ drift", "country"], ["✓ ok", "score"]]
        assert float(rows[0][2]) > 1 > float(rows[2][2])
        assert "▲ drift in 2 of 3 features" in summary(app)
        assert "against the profile stored with churn 1.1.0, 4,000 rows" in summary(app)
        assert "by chance at most 5 alarms in 30 days" in summary(app)
        assert heading(app, "features") == "Features · n 600"
        assert "n 600, 08:57 to 09:00" in summary(app)
        assert heading(app, "score").startswith("amount · psi ")
        assert heading(app, "distribution") == "amount · ▲ drift · 08:57 to 09:00"
        score = app.screen.query_one("#score-plot", Plot).data.shown
        assert [series.name for series in score] == ["amount, in units of its threshold", "threshold"]
        assert [value > 1 for value in score[0].ys] == [False] * 5 + [True] * 3
        assert set(score[1].ys) == {1.0}
        await pilot.press("down")
        await until(pilot, lambda: "new or rare" in bars(app), passing=0.5)
        assert heading(app, "score").startswith("country · new_category ")


async def test_left_and_right_move_the_window_and_the_newest_comes_back(company: Company) -> None:
    await store_profile(company)
    await fill(company, DRIFTING)
    async with looking(company) as (app, pilot):
        await pilot.press("left", "left")
        assert heading(app, "distribution") == "amount · ▲ drift · 08:58 to 08:59"
        await pilot.press(*["left"] * 2, "left_square_bracket")
        assert heading(app, "distribution") == "amount · ✓ ok · 08:55 to 08:56"
        await until(pilot, lambda: "current 200" in bars(app), passing=0.5)
        assert app.screen.query_one("#score-plot", Plot).data.marks[-1].is_strong
        await pilot.press(*["left"] * 9)
        assert "08:52 to 08:53" in heading(app, "distribution")
        await pilot.press(*["right"] * 8)
        assert heading(app, "distribution") == "amount · ▲ drift · 08:57 to 09:00"


async def test_quality_says_what_labels_and_scores_say_and_where_they_part(company: Company) -> None:
    await store_profile(company)
    await fill(company, {**dict.fromkeys(range(-60, -48), USUAL), -3: USUAL, -2: USUAL, -1: Minute(turned=0.6)})
    async with looking(company) as (app, pilot):
        assert heading(app, "quality").startswith("accuracy · realised 0.")
        shown = app.screen.query_one("#quality-plot", Plot).data
        assert [series.name for series in shown.shown] == ["realised", "estimated"]
        assert shown.note == "labels contradict the estimate in 1 of 3 windows: do not rely on it"
        await pilot.press("m")
        await until(pilot, lambda: isinstance(app.screen, Chooser))
        await pilot.press(*"error", "enter")
        await until(pilot, lambda: not isinstance(app.screen, Chooser))
        assert heading(app, "quality").startswith("Traffic · n 200 · 0% errors (0 to 1.9) · p95 ")


async def test_numbers_take_the_place_of_all_plots_and_back(company: Company) -> None:
    await store_profile(company)
    await fill(company, DRIFTING)
    async with looking(company) as (app, pilot):
        await pilot.press("t")
        assert all(plot.shows_numbers for plot in app.screen.query(Plot))
        assert app.screen.query_one(Pairs).shows_numbers
        assert app.focused is app.table("features-table")
        await pilot.press("t")
        assert not any(plot.shows_numbers for plot in app.screen.query(Plot))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, DetailsDialog))
        assert "wasserstein" in app.texts()


async def test_another_arm_is_chosen_and_little_data_is_not_called_unchanged(company: Company) -> None:
    await store_profile(company)
    await fill(company, {-2: USUAL, -1: USUAL})
    await fill(company, {-3: Minute(rows=40, arm="canary")})
    async with looking(company) as (app, pilot):
        assert "✓ no drift in 3 features" in summary(app)
        await pilot.press("c")
        await until(pilot, lambda: isinstance(app.screen, Chooser))
        await pilot.press(*"canary", "enter")
        await until(pilot, lambda: "canary" in summary(app), passing=0.5)
        assert {row[0] for row in app.rows("features-table")} == {"○ too little"}
        assert "○ too little data to judge 3 of 3 features" in summary(app)


async def test_a_feature_that_changed_its_type_spoils_no_other(company: Company) -> None:
    await store_profile(company)
    await fill(company, {-3: USUAL, -2: USUAL, -1: Minute(as_text=True, rows=600)})
    async with looking(company) as (app, _):
        verdicts = {row[1]: (row[0], row[-1]) for row in app.rows("features-table")}
        assert verdicts["amount"][0] == "? invalid"
        assert "changed its type" in verdicts["amount"][1]
        assert {verdicts[name][0] for name in ("country", "score")} == {"✓ ok"}


async def test_without_a_profile_the_command_that_makes_one_is_named(company: Company) -> None:
    await fill(company, {-1: USUAL})
    app = console(company, "drift")
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.rows("features-table"))
        assert {row[0] for row in app.rows("features-table")} == {"? invalid"}
        assert "? nothing to compare with" in summary(app)
        assert "no reference profile is stored with churn 1.1.0" in summary(app)
        assert "mlops-tui drift profile --input train.csv --model churn --version 1.1.0 --store" in summary(app)


async def test_without_traces_or_requests_it_says_what_to_do(company: Company) -> None:
    app = console(company, "drift")
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "There are no traces in" in app.texts())
        assert "mlops-tui traces collect" in app.texts()
    await fill(company, {-300: USUAL})
    app = console(company, "drift")
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "○ no requests in these windows" in summary(app))
        assert app.rows("features-table") == []
        await pilot.press("a", "a")
        await until(pilot, lambda: app.rows("features-table"), passing=0.5)
        assert "no request for 4h" in summary(app)


@pytest.mark.parametrize("size", [(80, 24), (140, 28)])
async def test_a_small_terminal_shows_one_pane_at_a_time(company: Company, size: tuple[int, int]) -> None:
    await store_profile(company)
    await fill(company, DRIFTING)
    app = console(company, "drift")
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: app.rows("features-table"))
        for shown in ("score", "distribution", "quality", "score"):
            panes = {pane.id for pane in app.screen.query(Pane) if pane.size.height and pane.region.width}
            assert panes == {"features", shown}
            await pilot.press("x")
