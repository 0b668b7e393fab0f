"""The program as a whole: contexts, keys of one's own, themes, copying, leaving."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from textual.pilot import Pilot

from mlops_tui.app import MlopsApp, check_keys, run
from mlops_tui.domain.contexts import Context, ContextKind
from mlops_tui.domain.credentials import FoundCredential
from mlops_tui.domain.errors import ConfigError, UsageError
from mlops_tui.domain.preferences import Clipboard, Preferences
from mlops_tui.screens.actions import all_actions
from mlops_tui.screens.launch import Launch
from mlops_tui.screens.registry import VIEWS
from mlops_tui.widgets.chooser import Chooser
from mlops_tui.widgets.header import Header
from mlops_tui.widgets.table import Table
from mlops_tui.widgets.text_dialog import TextDialog
from tests.clocks import ManualClock
from tests.screens.apps import SmallApp, launch, loaded

ENVIRON = {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
HEAVY = ("httpx", "pydantic", "typer", "numpy", "plotext", "gitlab", "graphql", "yaml", "orjson", "markdown_it")
# What the first view does not show; ``widgets.status`` once brought all of it.
LATER = (
    *(f"mlops_tui.{package}" for package in ("operations", "gitlab", "tracing", "analysis", "datasets", "sandbox")),
    *(f"mlops_tui.domain.{name}" for name in ("actions", "alerts", "approvals", "deployments", "policy", "quality")),
    *(f"mlops_tui.domain.{name}" for name in ("judgements", "rollouts", "rollout_states", "traces", "jobs")),
    "configparser",
)


@asynccontextmanager
async def opened(given: Launch) -> AsyncIterator[tuple[SmallApp, Pilot[Launch | int]]]:
    app = SmallApp(given, environ=ENVIRON)
    async with app.run_test(size=(100, 20)) as pilot:
        await loaded(app)
        await pilot.pause()
        yield app, pilot


def messages(app: MlopsApp) -> list[str]:
    return [notification.message for notification in app._notifications]


def test_nothing_heavy_is_loaded_before_the_first_frame() -> None:
    views = ", ".join(view.place.partition(":")[0] for view in VIEWS)
    program = f"import sys, mlops_tui.app, {views}\nprint(*[name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_the_first_frame_needs_nothing_of_the_other_views() -> None:
    modules = "mlops_tui.cli.dashboard, mlops_tui.cli.targets, mlops_tui.app, mlops_tui.storage.cache"
    first = VIEWS[0].place.partition(":")[0]
    program = f"import sys, {modules}, {first}\nprint(*[name for name in {(*HEAVY, *LATER)} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_every_view_has_its_own_number_and_names() -> None:
    keys = [view.key for view in VIEWS if view.key]
    names = [name for view in VIEWS for name in (view.name, *view.aliases)]
    assert len(set(keys)) == len(keys)
    assert len(set(names)) == len(names)


def test_refuses_to_draw_where_there_is_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="mlops-tui runs list"):
        run(Context("work", "https://gitlab.example.com"))


async def test_another_context_opens_at_the_same_view_and_filter(tmp_path: Path) -> None:
    asked: list[str] = []

    def resolve(name: str) -> tuple[Context, FoundCredential | None]:
        asked.append(name)
        return Context(name, "https://other.example.com"), None

    async with opened(replace(launch(tmp_path, ManualClock()), resolve=resolve)) as (app, pilot):
        await app.action_show_view("other")
        await pilot.press("colon", *"m /fra @prod", "enter")
        await app.workers.wait_for_complete()
        await pilot.pause()
    result = app.return_value
    assert isinstance(result, Launch)
    assert asked == ["prod"]
    assert (result.context.name, result.view, result.filter) == ("prod", "models", "fra")


async def test_a_context_that_cannot_be_opened_leaves_everything_as_it_is(tmp_path: Path) -> None:
    def resolve(name: str) -> tuple[Context, FoundCredential | None]:
        raise ConfigError(f"The context {name} has no token")

    async with opened(replace(launch(tmp_path, ManualClock()), resolve=resolve)) as (app, pilot):
        await pilot.press("colon", *"@prod", "enter")
        await pilot.pause()
        await pilot.pause()
        assert app.is_running
        assert any("has no token" in message for message in messages(app))


async def test_contexts_and_themes_are_chosen_from_lists(tmp_path: Path) -> None:
    async with opened(launch(tmp_path, ManualClock())) as (app, pilot):
        await pilot.press("colon", *"ctx", "enter")
        assert isinstance(app.screen, Chooser)
        await pilot.press("escape", "f2")
        await pilot.press(*"light", "enter")
        await pilot.pause()
        assert app.theme == "mlops-light"


async def test_keys_of_ones_own_take_the_place_of_the_shipped_ones(tmp_path: Path) -> None:
    keys = check_keys({"app.choose_theme": "ctrl+t", "table.mark": ["f6", "ctrl+g"]})
    async with opened(replace(launch(tmp_path, ManualClock()), keys=keys)) as (app, pilot):
        await pilot.press("f2")
        assert not isinstance(app.screen, Chooser)
        await pilot.press("f6")
        assert app.names.query_one(Table).marks == {"fraud"}
        await pilot.press("ctrl+t")
        assert isinstance(app.screen, Chooser)


def test_every_action_can_be_given_another_key() -> None:
    for action in all_actions():
        assert check_keys({action.id: "f12"}) == {action.id: "f12"}


async def test_production_is_marked_in_words(tmp_path: Path) -> None:
    given = launch(tmp_path, ManualClock(), kind=ContextKind.PRODUCTION, is_read_only=True)
    async with opened(given) as (app, _):
        drawn = str(app.screen.query_one(Header).render())
        assert "PROD" in drawn
        assert "read-only" in drawn
        assert app.screen.query_one(Header).has_class("-production")


async def test_messages_are_text_whatever_they_hold(tmp_path: Path) -> None:
    async with opened(launch(tmp_path, ManualClock())) as (app, pilot):
        app.notify("[@click=app.leave]x[/] \x1b]52;c;ZXZpbA==\x07 [/foo]", title="\x1b[2J", markup=True)
        await pilot.pause()
        assert "[@click=app.leave]x[/]  [/foo]" in messages(app)
        assert app.is_running


async def test_without_a_clipboard_the_text_is_shown(tmp_path: Path) -> None:
    given = replace(launch(tmp_path, ManualClock()), preferences=Preferences(clipboard=Clipboard.OFF))
    async with opened(given) as (app, pilot):
        await pilot.press("y")
        assert isinstance(app.screen, TextDialog)


async def test_ctrl_c_leaves_when_it_is_meant(tmp_path: Path) -> None:
    clock = ManualClock()
    async with opened(launch(tmp_path, clock)) as (app, pilot):
        await pilot.press("ctrl+c")
        clock.tick(10)
        await pilot.press("ctrl+c")
        assert app.is_running
        clock.tick(1)
        await pilot.press("ctrl+c")
        await pilot.pause()
    assert app.return_value == 130


async def test_an_unknown_theme_is_told(tmp_path: Path) -> None:
    async with opened(launch(tmp_path, ManualClock(), theme="drak")) as (app, _):
        assert any("no theme drak" in message for message in messages(app))


async def test_the_palette_finds_an_action_by_its_name(tmp_path: Path) -> None:
    async with opened(launch(tmp_path, ManualClock())) as (app, pilot):
        await pilot.press("ctrl+p")
        await pilot.pause()
        await pilot.press(*"Theme")
        await app.workers.wait_for_complete()
        await pilot.pause(0.5)
        await pilot.press("enter")
        await pilot.pause(0.5)
        assert isinstance(app.screen, Chooser)


async def test_survives_every_size(tmp_path: Path) -> None:
    async with opened(launch(tmp_path, ManualClock())) as (app, pilot):
        for width, height in ((200, 60), (80, 24), (20, 5), (3, 2), (1, 1), (80, 24)):
            await pilot.resize_terminal(width, height)
            await pilot.pause()
        assert app.is_running
