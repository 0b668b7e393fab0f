"""How the view of drift looks in two sizes, in colours and without."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import pytest
from textual.pilot import Pilot

from mlops_tui.widgets.pairs import PairCanvas
from mlops_tui.widgets.plot import Plot
from tests.operations.company import Company
from tests.screens.console import Console, console, until
from tests.screens.drifting import Minute, fill, store_profile

MINUTES = {
    **{number: Minute() for number in range(-20, -4) if number not in {-12, -11}},
    **{number: Minute(shift=0.3 * (number + 5), new=0.06, missing=0.05) for number in range(-4, 0)},
}


class Compare(Protocol):
    """The fixture of pytest-textual-snapshot."""

    def __call__(
        self, app: Console, *, terminal_size: tuple[int, int], run_before: Callable[[Pilot[Any]], Awaitable[None]]
    ) -> bool: ...


@pytest.mark.parametrize(("look", "size"), [("dark", (80, 24)), ("dark", (120, 40)), ("no-colour", (120, 40))], ids=str)
def test_drift(
    company: Company, snap_compare: Compare, monkeypatch: pytest.MonkeyPatch, look: str, size: tuple[int, int]
) -> None:
    asyncio.run(store_profile(company))
    asyncio.run(fill(company, MINUTES))
    environ = {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
    if look == "no-colour":
        monkeypatch.setenv("NO_COLOR", "1")
        environ["NO_COLOR"] = "1"
    app = console(company, "drift", theme="dark" if look == "dark" else "ansi-dark", environ=environ)

    async def wait(pilot: Pilot[Any]) -> None:
        await until(pilot, lambda: app.rows("features-table"))
        await until(pilot, lambda: app.screen.query_one("#quality-plot", Plot).data.series, passing=0.5)
        canvas = app.screen.query_one(PairCanvas)
        if canvas.size.height:
            await until(pilot, lambda: "reference" in canvas.render_line(0).text, passing=0.5)
        await pilot.pause()

    assert snap_compare(app, terminal_size=size, run_before=wait)
