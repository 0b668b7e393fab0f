"""T, from the key to the comparison of what was trained with what is live."""

from __future__ import annotations

from mlops_tui.screens.comparison import ComparisonView
from mlops_tui.screens.retraining import TrainingView
from mlops_tui.widgets.confirm import ConfirmDialog
from mlops_tui.widgets.form import FormDialog
from tests.operations.company import Company
from tests.screens.console import opened, until


async def test_a_model_is_trained_again_and_its_run_compared_with_the_live_one(company: Company) -> None:
    async with opened(company, "models", size=(120, 40)) as (app, pilot):
        app.table("models-table").go_to("acme/fraud:fraud")
        await pilot.pause()
        await pilot.press("T")
        await until(pilot, lambda: isinstance(app.screen, FormDialog))
        await pilot.press(*"stale", "enter")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        dialog = app.screen
        assert isinstance(dialog, ConfirmDialog)
        assert dialog.preview.title == "Train fraud again"
        assert dialog.preview.intent.reason == "stale"
        await pilot.press("tab", "enter")
        await until(pilot, lambda: isinstance(app.screen, TrainingView))
        await pilot.press("c")
        await until(pilot, lambda: "nothing to compare" in app.notices())
        await until(pilot, lambda: "than the live version's" in app.texts(), passing=10)
        await pilot.press("c")
        await until(pilot, lambda: isinstance(app.screen, ComparisonView) and app.rows("comparison-table"))
