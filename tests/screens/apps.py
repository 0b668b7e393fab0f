"""The real program with one small view, whose data come when a test says so."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType

from mlops_tui.app import MlopsApp
from mlops_tui.config.paths import Paths
from mlops_tui.domain.canonical import JsonValue
from mlops_tui.domain.contexts import Context
from mlops_tui.domain.snapshots import Snapshot
from mlops_tui.operations.session import Session
from mlops_tui.screens.actions import DELIVERY_ACTIONS
from mlops_tui.screens.feeds import Feed
from mlops_tui.screens.launch import Launch
from mlops_tui.screens.registry import ViewEntry
from mlops_tui.screens.view import View
from mlops_tui.widgets.actions import bindings
from mlops_tui.widgets.cells import Cell
from mlops_tui.widgets.pane import Pane
from mlops_tui.widgets.table import Table
from mlops_tui.widgets.table_columns import Column
from mlops_tui.widgets.table_source import list_source
from tests.clocks import ManualClock

INTERVAL = 10.0
COLUMNS = (Column("name", "NAME", 20, flex=1),)


class Source:
    """What GitLab answers: names, or an error."""

    def __init__(self) -> None:
        self.names: tuple[str, ...] = ("fraud", "churn")
        self.error: Exception | None = None
        self.asked = 0

    def fails(self, error: Exception | None) -> None:
        self.error = error


class NamesView(View):
    """A table of names."""

    NAME = "models"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(DELIVERY_ACTIONS)]
    source: ClassVar[Source] = Source()

    def body(self) -> ComposeResult:
        with Pane("Names", id="names"):
            yield Table(COLUMNS, empty="No names.", id="names-table", classes="-filtered")

    def feeds(self, session: Session) -> Iterable[Feed[Any]]:
        yield Feed(self._fetch, self._show, "#names", INTERVAL, session.cached_view("names", tuple[str, ...]))

    async def _fetch(self) -> Snapshot[tuple[str, ...]]:
        self.source.asked += 1
        if self.source.error is not None:
            raise self.source.error
        return Snapshot(self.source.names, self.host.clock.now(), "gitlab.example.com")

    def _show(self, snapshot: Snapshot[tuple[str, ...]]) -> None:
        if "defect" in snapshot.data:
            raise ZeroDivisionError("drawing divides by zero")
        kept = [name for name in snapshot.data if self.filter_text in name]
        self.query_one(Table).show(list_source(COLUMNS, [(name, (Cell(name),)) for name in kept]))

    def filter_rows(self, text: str) -> None:
        kept = [name for name in self.source.names if text in name]
        self.query_one(Table).show(list_source(COLUMNS, [(name, (Cell(name),)) for name in kept]))

    def describe(self) -> tuple[str, JsonValue]:
        return "fraud", {"name": "fraud"}

    def action_promote(self) -> None:
        self.notify("promoted")


class OtherView(View):
    """Nothing but a table."""

    NAME = "other"

    def body(self) -> ComposeResult:
        with Pane("Other"):
            yield Table(COLUMNS)


class SmallApp(MlopsApp):
    """The program with two views."""

    VIEWS: ClassVar[tuple[ViewEntry, ...]] = (
        ViewEntry("models", "3", "Models", "names", f"{__name__}:NamesView", ("m",)),
        ViewEntry("other", "9", "Other", "nothing", f"{__name__}:OtherView"),
    )

    @property
    def names(self) -> NamesView:
        return next(screen for screen in self.get_screen_stack("models") if isinstance(screen, NamesView))

    def rows(self) -> list[str]:
        source = self.names.query_one(Table).source
        return [source.cells(index)[0].text for index in range(len(source))]


def launch(folder: Path, clock: ManualClock, **chosen: Any) -> Launch:
    """A launch on a context that nothing answers, with its files in ``folder``; ``chosen`` are the context's fields."""
    context = Context("work", "http://127.0.0.1:9", **{"projects": ("acme/fraud",), "theme": "dark", **chosen})
    paths = Paths(folder / "config", folder / "cache", folder / "state", folder / "data")
    return Launch(context, contexts=("work", "prod"), paths=paths, clock=clock)


async def loaded(app: SmallApp) -> None:
    """Wait until the session is open."""
    while app.session is None:  # noqa: ASYNC110 - the program tells nobody when it is loaded
        await asyncio.sleep(0.01)
