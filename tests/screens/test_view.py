"""What every view does, seen through one small view in the real program."""

from __future__ import annotations

import re
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NoReturn

import pytest
from textual import events
from textual.pilot import Pilot

from mlops_tui.domain.errors import NotSignedInError, UnreachableError
from mlops_tui.live.pacing import SPACING
from mlops_tui.screens.frames import KEEPING_SECONDS, SETTLING_SECONDS
from mlops_tui.screens.view import RESTAMP_SECONDS
from mlops_tui.storage import database as storage_database
from mlops_tui.storage.cache import CacheEntry
from mlops_tui.widgets.details import DetailsDialog
from mlops_tui.widgets.footer import Footer
from mlops_tui.widgets.header import Connection, Header
from mlops_tui.widgets.help import HelpDialog
from mlops_tui.widgets.pane import Pane, PaneTitle
from mlops_tui.widgets.table import Table
from mlops_tui.widgets.text_lines import TextLines
from tests.clocks import ManualClock, settle
from tests.screens.apps import INTERVAL, NamesView, SmallApp, Source, launch, loaded


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture(autouse=True)
def source() -> Source:
    NamesView.source = Source()
    return NamesView.source


@asynccontextmanager
async def opened(folder: Path, clock: ManualClock, **chosen: Any) -> AsyncIterator[tuple[SmallApp, Pilot[Any]]]:
    app = SmallApp(launch(folder, clock, **chosen), environ={"TERM": "xterm-256color"})
    async with app.run_test(size=(100, 20)) as pilot:
        await loaded(app)
        await quiet(pilot)
        yield app, pilot


async def quiet(pilot: Pilot[Any]) -> None:
    for _ in range(3):
        await settle()
        await pilot.pause()


def refuse(*_: Any, **__: Any) -> NoReturn:
    raise UnreachableError("nothing is loaded, so that only the first frame is there")


def recording(work: Callable[..., None], threads: list[threading.Thread]) -> Callable[..., None]:
    """The same work, which tells in which thread it was done."""

    def recorded(*given: Any, **named: Any) -> None:
        threads.append(threading.current_thread())
        work(*given, **named)

    return recorded


def stamp(app: SmallApp) -> str:
    return app.names.query_one(PaneTitle).stamp.plain


def footer(app: SmallApp) -> str:
    return str(app.screen.query_one(Footer).render())


async def test_draws_what_arrives_and_says_when(tmp_path: Path, clock: ManualClock) -> None:
    async with opened(tmp_path, clock) as (app, _):
        assert app.rows() == ["fraud", "churn"]
        assert stamp(app) == "as of 12:00"
        assert app.screen.query_one(Header).standing.connection is Connection.ONLINE


async def test_polls_while_visible_and_only_then(tmp_path: Path, clock: ManualClock, source: Source) -> None:
    async with opened(tmp_path, clock) as (app, pilot):
        before = source.asked
        await clock.advance(INTERVAL * 1.2)
        assert source.asked == before + 1
        await app.action_show_view("other")
        await quiet(pilot)
        hidden = source.asked
        await clock.advance(INTERVAL * 5)
        assert source.asked == hidden
        await app.action_show_view("models")
        await quiet(pilot)
        assert source.asked == hidden + 1
        app.post_message(events.AppBlur())
        await quiet(pilot)
        blurred = source.asked
        await clock.advance(INTERVAL * 5)
        assert source.asked == blurred


async def test_a_view_opened_without_the_focus_asks_once(tmp_path: Path, clock: ManualClock, source: Source) -> None:
    async with opened(tmp_path, clock) as (app, pilot):
        app.post_message(events.AppBlur())
        await quiet(pilot)
        before = source.asked
        await app.push_screen(NamesView())
        await quiet(pilot)
        await clock.advance(INTERVAL * 5)
        assert source.asked == before + 1
        app.post_message(events.AppFocus())
        await quiet(pilot)
        await clock.advance(INTERVAL * 1.2)
        assert source.asked > before + 1


async def test_files_are_opened_beside_what_is_drawn(
    tmp_path: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[threading.Thread] = []
    monkeypatch.setattr(storage_database.Database, "__init__", recording(storage_database.Database.__init__, threads))
    async with opened(tmp_path, clock):
        assert threads
        assert threading.main_thread() not in threads


async def test_pausing_stops_polling_and_shows_it(tmp_path: Path, clock: ManualClock, source: Source) -> None:
    async with opened(tmp_path, clock) as (app, pilot):
        await pilot.press("p")
        await quiet(pilot)
        before = source.asked
        await clock.advance(INTERVAL * 5)
        assert source.asked == before
        assert "paused" in stamp(app)
        assert app.screen.query_one(Header).standing.connection is Connection.PAUSED
        await pilot.press("r")
        await quiet(pilot)
        assert source.asked == before + 1
        await pilot.press("p")
        await clock.advance(INTERVAL * 1.2)
        assert source.asked > before + 1


async def test_a_lost_connection_keeps_the_data_with_their_age(
    tmp_path: Path, clock: ManualClock, source: Source
) -> None:
    async with opened(tmp_path, clock) as (app, pilot):
        source.fails(UnreachableError("gitlab.example.com does not answer", why="no answer within 30 s"))
        await clock.advance(INTERVAL * 10)
        await quiet(pilot)
        app.names.restamp()
        assert app.rows() == ["fraud", "churn"]
        assert re.search(r"\d min old", stamp(app))
        assert "does not answer" in str(app.names.query_one(".pane--error").render())
        assert app.screen.query_one(Header).standing.connection is Connection.OFFLINE
        source.fails(None)
        await pilot.press("r")
        await clock.advance(SPACING)
        await quiet(pilot)
        assert not app.names.query_one(Pane).has_class("-failed")
        assert app.screen.query_one(Header).standing.connection is Connection.ONLINE


async def test_a_refused_token_is_told_and_not_asked_with_again(
    tmp_path: Path, clock: ManualClock, source: Source
) -> None:
    source.fails(NotSignedInError("gitlab.example.com refused the token"))
    async with opened(tmp_path, clock) as (app, _):
        assert "refused the token" in str(app.names.query_one(".pane--error").render())
        assert stamp(app) == "no data yet"
        assert app.screen.query_one(Header).standing.connection is Connection.REFUSED
        asked = source.asked
        await clock.advance(INTERVAL * 100)
        assert source.asked == asked


async def test_a_mistake_in_drawing_stays_in_its_pane(tmp_path: Path, clock: ManualClock, source: Source) -> None:
    async with opened(tmp_path, clock) as (app, pilot):
        source.names = ("defect",)
        await clock.advance(1)
        await pilot.press("r")
        await quiet(pilot)
        assert "ZeroDivisionError" in str(app.names.query_one(".pane--error").render())
        source.names = ("fraud",)
        await clock.advance(1)
        await pilot.press("r")
        await quiet(pilot)
        assert app.rows() == ["fraud"]
        assert not app.names.query_one(Pane).has_class("-failed")


async def test_opens_with_what_it_showed_last(tmp_path: Path, clock: ManualClock, source: Source) -> None:
    async with opened(tmp_path, clock):
        pass
    source.fails(UnreachableError("nothing answers"))
    clock.tick(7200)
    app = SmallApp(launch(tmp_path, clock), environ={"TERM": "xterm-256color"})
    async with app.run_test(size=(100, 20)) as pilot:
        await pilot.pause()
        assert app.rows() == ["fraud", "churn"]
        await loaded(app)
        await quiet(pilot)
        app.names.restamp()
        assert app.rows() == ["fraud", "churn"]
        assert "2 h old" in stamp(app)


async def test_what_came_a_moment_before_leaving_is_shown_at_the_next_start(
    tmp_path: Path, clock: ManualClock, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(tmp_path, clock) as (app, pilot):
        await clock.advance(2 * SETTLING_SECONDS)
        source.names = ("fraud", "churn", "demand")
        await pilot.press("r")
        await quiet(pilot)
        assert app.rows() == ["fraud", "churn", "demand"]
    monkeypatch.setattr("mlops_tui.operations.session.open_session", refuse)
    clock.tick(7200)
    app = SmallApp(launch(tmp_path, clock), environ={"TERM": "xterm-256color"})
    async with app.run_test(size=(100, 20)) as pilot:
        await quiet(pilot)
        assert app.rows() == ["fraud", "churn", "demand"]
        assert "2 h old" in stamp(app)


async def test_what_is_shown_is_kept_though_the_program_never_ends_in_peace(
    tmp_path: Path, clock: ManualClock, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(tmp_path, clock) as (running, _):
        await clock.advance(2 * SETTLING_SECONDS)
        source.names = ("demand",)
        await clock.advance(2 * KEEPING_SECONDS)
        session = running.session
        assert session is not None
        # The cache writes one after the other: once this is written, so is the frame.
        await session.cache.put("work", "another", CacheEntry("", clock.now(), "", b""))
        monkeypatch.setattr("mlops_tui.operations.session.open_session", refuse)
        app = SmallApp(launch(tmp_path, clock), environ={"TERM": "xterm-256color"})
        async with app.run_test(size=(100, 20)) as pilot:
            await quiet(pilot)
            assert app.rows() == ["demand"]


async def test_keys_that_change_something_are_greyed_with_the_reason(tmp_path: Path, clock: ManualClock) -> None:
    async with opened(tmp_path, clock, is_read_only=True) as (app, pilot):
        assert "P Promote" in footer(app)
        assert "R Roll back  (read-only)  enter Open" in footer(app)
        assert footer(app).count("(read-only)") == 1
        await pilot.press("P")
        await quiet(pilot)
        messages = [notification.message for notification in app._notifications]
        assert any("read-only" in message for message in messages)
        assert "promoted" not in messages
        await pilot.press("question_mark")
        assert isinstance(app.screen, HelpDialog)
        await quiet(pilot)
        assert "not now: The context work is read-only" in app.screen.query_one(TextLines).text


async def test_keys_that_change_something_work_where_it_is_allowed(tmp_path: Path, clock: ManualClock) -> None:
    async with opened(tmp_path, clock) as (app, pilot):
        assert "(read-only)" not in footer(app)
        await pilot.press("P")
        await quiet(pilot)
        assert "promoted" in [notification.message for notification in app._notifications]


async def test_filters_clears_by_escape_and_says_so(tmp_path: Path, clock: ManualClock) -> None:
    async with opened(tmp_path, clock) as (app, pilot):
        await pilot.press("slash", *"fra", "enter")
        await quiet(pilot)
        assert app.rows() == ["fraud"]
        assert "/fra" in app.names.query_one(Pane).status
        await pilot.press("escape")
        await quiet(pilot)
        assert app.rows() == ["fraud", "churn"]


async def test_describes_and_copies(tmp_path: Path, clock: ManualClock) -> None:
    async with opened(tmp_path, clock) as (app, pilot):
        await pilot.press("d")
        assert isinstance(app.screen, DetailsDialog)
        await pilot.press("escape")
        await pilot.press("y")
        await quiet(pilot)
        assert any("Copied 5 characters" in notification.message for notification in app._notifications)


async def test_a_commands_filter_and_view_are_followed(tmp_path: Path, clock: ManualClock) -> None:
    async with opened(tmp_path, clock) as (app, pilot):
        await app.action_show_view("other")
        await pilot.press("colon", *"m /chu", "enter")
        await quiet(pilot)
        assert app.current_mode == "models"
        assert app.rows() == ["churn"]


async def test_drills_down_and_back_along_the_breadcrumb(tmp_path: Path, clock: ManualClock) -> None:
    class Deeper(NamesView):
        @property
        def crumb(self) -> str:
            return "fraud"

    async with opened(tmp_path, clock) as (app, pilot):
        await app.push_screen(Deeper())
        await quiet(pilot)
        assert app.screen.query_one(Header).crumbs == ("Models", "fraud")
        await pilot.press("escape")
        await quiet(pilot)
        assert app.screen is app.names
        assert app.screen.query_one(Header).crumbs == ("Models",)


async def test_a_quiet_minute_repaints_nothing(
    tmp_path: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(tmp_path, clock) as (app, pilot):
        await quiet(pilot)
        painted: list[object] = []
        monkeypatch.setattr(app, "_display", lambda screen, renderable: painted.append(renderable))
        for _ in range(3):
            app.names.restamp()
            await clock.advance(RESTAMP_SECONDS)
            await quiet(pilot)
        assert [update for update in painted if update is not None] == []


async def test_the_focus_comes_back_from_the_command_line(tmp_path: Path, clock: ManualClock) -> None:
    async with opened(tmp_path, clock) as (app, pilot):
        await pilot.press("colon", "escape")
        assert isinstance(app.focused, Table)


async def test_one_pane_can_have_the_whole_screen_under_the_header(tmp_path: Path, clock: ManualClock) -> None:
    async with opened(tmp_path, clock) as (app, pilot):
        await pilot.press("plus")
        await quiet(pilot)
        assert app.names.maximized is app.names.query_one(Pane)
        assert app.names.query_one(Header).region.height == 1
        await pilot.press("plus")
        await quiet(pilot)
        assert app.names.maximized is None
