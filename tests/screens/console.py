"""The program on the sample company, on a clock that only the test moves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from textual.pilot import Pilot

from mlops_tui.app import MlopsApp
from mlops_tui.config.paths import Paths
from mlops_tui.domain.contexts import Context
from mlops_tui.domain.credentials import FoundCredential, Secret, TokenKind
from mlops_tui.screens.launch import Launch
from mlops_tui.widgets.header import Connection
from mlops_tui.widgets.table import Table
from tests.clocks import ManualClock
from tests.operations.company import Company

PATIENCE = 20.0


class Console(MlopsApp):
    """The program with what tests ask of it."""

    def __init__(self, launch: Launch, company: Company, environ: Mapping[str, str]) -> None:
        super().__init__(launch, environ)
        self.company = company

    def table(self, name: str) -> Table:
        """A table of the screen on top."""
        return self.screen.query_one(f"#{name}", Table)

    def rows(self, name: str) -> list[list[str]]:
        """The texts of a table's cells."""
        source = self.table(name).source
        return [[cell.text for cell in source.cells(index)] for index in range(len(source))]

    def texts(self) -> str:
        """Everything that is drawn, line by line."""
        width, height = self.size
        lines = [[segment.text for segment in strip] for strip in self.screen._compositor.render_strips()]
        assert width
        assert height
        return "\n".join("".join(line) for line in lines)

    def notices(self) -> str:
        """Every message that was shown."""
        return "\n".join(notification.message for notification in self._notifications)

    async def pass_time(self, seconds: float) -> None:
        """Let time go by on both sides."""
        if not seconds:
            return
        self.company.sandbox_clock.advance(seconds)
        clock = self.clock
        assert isinstance(clock, ManualClock)
        await clock.advance(seconds)


def console(
    company: Company,
    view: str = "models",
    *,
    role: str = "maintainer",
    url: str = "",
    environ: Mapping[str, str] | None = None,
    **chosen: Any,
) -> Console:
    """The program as one of the people; ``chosen`` are fields of the context."""
    context = Context(
        "company", url or company.server.url, tuple(str(item["path"]) for item in company.server.projects)
    )
    context = replace(context, **{"theme": "dark", **chosen})
    credential = FoundCredential(TokenKind.PERSONAL, Secret(company.server.tokens[role]), "test")
    home = Path(company.folder / role)
    launch = Launch(
        context,
        credential,
        view=view,
        paths=Paths(home, home, home, home),
        clock=ManualClock(company.sandbox_clock.now()),
    )
    return Console(launch, company, {"TERM": "xterm-256color"} if environ is None else environ)


@asynccontextmanager
async def opened(
    company: Company, view: str, *, size: tuple[int, int] = (100, 30), **chosen: Any
) -> AsyncIterator[tuple[Console, Pilot[Any]]]:
    """The program on a view whose first table has rows."""
    app = console(company, view, **chosen)
    async with app.run_test(size=size, notifications=True) as pilot:
        await until(pilot, lambda: app.screen.query_one(Table).source and app.standing.connection is Connection.ONLINE)
        yield app, pilot


async def until(pilot: Pilot[Any], holds: Callable[[], object], *, passing: float = 0.0) -> None:
    """Wait until something holds: in real time, because real HTTP is under way, and ``passing`` seconds of the clock's
    with each look. Fails with what the screen shows.
    """
    app = pilot.app
    assert isinstance(app, Console)
    try:
        async with asyncio.timeout(PATIENCE):
            while not await _holds(pilot, holds):
                await app.pass_time(passing)
                await asyncio.sleep(0.01)
    except TimeoutError:
        raise AssertionError(f"this is what stands instead:\n{app.texts()}\n{app.notices()}") from None


async def _holds(pilot: Pilot[Any], holds: Callable[[], object]) -> bool:
    await pilot.pause()
    try:
        return bool(holds())
    except LookupError:
        return False
