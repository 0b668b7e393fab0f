"""What OpenTelemetry's own exporter sends is on the screen at the next look."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from textual.pilot import Pilot

from mlops_tui.app import MlopsApp
from mlops_tui.widgets.table import Table
from tests.clients.test_otlp_exporter import ended, exporter, pytestmark
from tests.clocks import ManualClock
from tests.screens.apps import launch
from tests.tracing.collector import running_collector

__all__ = ["pytestmark"]

LOOK = 11.0


async def settled(pilot: Pilot[Any], clock: ManualClock) -> None:
    """Let what one look asks for come back, without letting time pass."""
    for _ in range(50):
        await clock.advance(0)
        await pilot.pause(0.01)


def rows(app: MlopsApp, name: str) -> list[list[str]]:
    source = app.screen.query_one(f"#{name}", Table).source
    return [[cell.text for cell in source.cells(index)] for index in range(len(source))]


async def test_spans_of_the_real_exporter_are_on_the_screen_within_one_look(tmp_path: Path) -> None:
    clock = ManualClock(datetime.now(UTC))
    app = MlopsApp(launch(tmp_path, clock, poll_interval=10.0), environ={"TERM": "xterm-256color"})
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("8")
        await settled(pilot, clock)
        assert rows(app, "traffic-table") == []
        with running_collector(tmp_path / "data") as running:
            assert ended(exporter(running.url, tmp_path, 100, 0)) == ""
            await clock.advance(LOOK)
            await settled(pilot, clock)
            shown = {tuple(row[:3]): row[9] for row in rows(app, "traffic-table")[1:]}
        assert shown == {("fraud", "1.2.0", "stable"): "90", ("fraud", "1.2.0", "canary"): "10"}
        assert len(rows(app, "traces-table")) == 100
