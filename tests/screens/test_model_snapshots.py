"""How the views of models and deliveries look: two sizes, in full colour, in the terminal's own, and without colour."""

from __future__ import annotations

import shutil
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import pytest
from textual.pilot import Pilot

from mlops_tui.sandbox.clock import ManualClock as SandboxClock
from mlops_tui.sandbox.server import running
from mlops_tui.sandbox.settings import Settings, World
from mlops_tui.screens.model import ModelView
from mlops_tui.screens.version import VersionView
from mlops_tui.widgets.header import Connection
from tests.operations.company import Company
from tests.screens.console import Console, console, until

SIZES = [(80, 24), (120, 40)]
LOOKS = ["dark", "ansi", "no-colour"]
FRAUD = "acme/fraud:fraud"

Before = Callable[[Pilot[Any]], Awaitable[None]]


class Compare(Protocol):
    """The fixture of pytest-textual-snapshot."""

    def __call__(self, app: Console, *, terminal_size: tuple[int, int], run_before: Before) -> bool: ...


@pytest.fixture(scope="module")
def seen_company(demo_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    """A company that is only looked at, so that many tests can share it."""
    folder = tmp_path_factory.mktemp("seen")
    shutil.copytree(demo_data, folder / "sandbox")
    clock = SandboxClock()
    with running(Settings(world=World.DEMO, data=folder / "sandbox"), clock) as server:
        yield Company(server, clock, folder)


@pytest.fixture(params=LOOKS)
def look(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the program is started with."""
    environ = {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
    if request.param == "no-colour":
        monkeypatch.setenv("NO_COLOR", "1")
        environ["NO_COLOR"] = "1"
    return {"environ": environ, "theme": "ansi" if request.param == "ansi" else "dark"}


def showing(table: str, opens: Callable[[], Any] | None = None) -> Before:
    """Wait until every pane has what it shows."""

    async def before(pilot: Pilot[Any]) -> None:
        app = pilot.app
        assert isinstance(app, Console)
        if opens is not None:
            app.push_screen(opens())
        await until(pilot, lambda: app.standing.connection is Connection.ONLINE and app.rows(table))
        await until(pilot, lambda: "loading" not in app.texts().lower())
        await app.workers.wait_for_complete()
        await pilot.pause()

    return before


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize(
    ("view", "before"),
    [
        ("overview", showing("recent-table")),
        ("models", showing("models-table")),
        ("model", showing("history-table", lambda: ModelView(FRAUD))),
        ("version", showing("lineage-tree", lambda: VersionView(FRAUD, "2.0.0"))),
        ("environments", showing("environments-table")),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_views(
    snap_compare: Compare,
    seen_company: Company,
    tmp_path: Path,
    look: dict[str, Any],
    size: tuple[int, int],
    view: str,
    before: Before,
) -> None:
    own = replace(seen_company, folder=tmp_path)
    start = view if view in {"overview", "environments"} else "models"
    app = console(own, start, **look)
    assert snap_compare(app, terminal_size=size, run_before=before)
