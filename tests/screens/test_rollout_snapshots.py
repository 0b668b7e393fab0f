"""How a rollout looks: undecided, breached, gone back, and without anything to measure by."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any, ClassVar, Protocol

import pytest
from textual.pilot import Pilot

from mlops_tui.app import MlopsApp
from mlops_tui.domain.rollouts import Rollout
from mlops_tui.domain.snapshots import Snapshot
from mlops_tui.operations.session import Session
from mlops_tui.screens.feeds import Feed
from mlops_tui.screens.registry import ViewEntry
from mlops_tui.screens.rollout import RolloutView
from mlops_tui.screens.rollouts import RolloutsView
from mlops_tui.widgets.table import Table
from tests.clocks import ManualClock
from tests.screens.apps import launch
from tests.screens.rollout_records import BLIND, BREACH, NOW, ROLLED_BACK, SOAKING

SIZES = [(80, 24), (120, 40)]
STATES = {"undecided": SOAKING, "breach": BREACH, "rolled-back": ROLLED_BACK, "blind": BLIND}
Before = Callable[[Pilot[Any]], Awaitable[None]]


class Compare(Protocol):
    """The fixture of pytest-textual-snapshot."""

    def __call__(self, app: MlopsApp, *, terminal_size: tuple[int, int], run_before: Before) -> bool: ...


class ShownRollout(RolloutView):
    """The page of a rollout that is read from nowhere."""

    shown: ClassVar[Rollout] = SOAKING

    def __init__(self) -> None:
        super().__init__(self.shown.id)

    def feeds(self, _session: Session) -> Iterable[Feed[Any]]:
        yield Feed(self._fetch, self._take, "#tree", 10.0)

    async def _fetch(self) -> Snapshot[Rollout]:
        return Snapshot(self.shown, NOW, "gitlab.example.com")


class ShownRollouts(RolloutsView):
    """The list of all states."""

    def feeds(self, _session: Session) -> Iterable[Feed[Any]]:
        yield Feed(self._fetch, self._take, "#rollouts", 10.0)

    async def _fetch(self) -> Snapshot[tuple[Rollout, ...]]:
        return Snapshot(tuple(STATES.values()), NOW, "gitlab.example.com")


class RolloutsApp(MlopsApp):
    """The program with these two views."""

    VIEWS: ClassVar[tuple[ViewEntry, ...]] = (
        ViewEntry("rollout", "1", "Rollout", "one", f"{__name__}:ShownRollout"),
        ViewEntry("rollouts", "6", "Rollouts", "all", f"{__name__}:ShownRollouts"),
    )


def app_in(folder: Path, look: str = "dark") -> RolloutsApp:
    environ = {"TERM": "xterm-256color", "COLORTERM": "truecolor"} | ({"NO_COLOR": "1"} if look == "no-colour" else {})
    return RolloutsApp(launch(folder, ManualClock(NOW), theme="ansi" if look == "ansi" else "dark"), environ)


async def arrived(pilot: Pilot[Any]) -> None:
    """Wait until the records are drawn."""
    async with asyncio.timeout(10):
        while not pilot.app.screen.query_one(Table).source:  # noqa: ASYNC110 - the view tells nobody that it has drawn
            await asyncio.sleep(0.01)
    await pilot.pause()


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("state", STATES)
def test_a_rollout(
    snap_compare: Compare, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: str, size: tuple[int, int]
) -> None:
    monkeypatch.setattr(ShownRollout, "shown", STATES[state])
    assert snap_compare(app_in(tmp_path), terminal_size=size, run_before=arrived)


@pytest.mark.parametrize("look", ["ansi", "no-colour"])
def test_a_breach_is_seen_without_our_colours(
    snap_compare: Compare, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, look: str
) -> None:
    if look == "no-colour":
        monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setattr(ShownRollout, "shown", BREACH)
    assert snap_compare(app_in(tmp_path, look), terminal_size=(80, 24), run_before=arrived)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_all_rollouts(snap_compare: Compare, tmp_path: Path, size: tuple[int, int]) -> None:
    async def listed(pilot: Pilot[Any]) -> None:
        await pilot.press("6")
        await arrived(pilot)

    assert snap_compare(app_in(tmp_path), terminal_size=size, run_before=listed)


def test_the_events_take_the_place_of_the_tracks(
    snap_compare: Compare, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def events(pilot: Pilot[Any]) -> None:
        await arrived(pilot)
        await pilot.press("e")

    monkeypatch.setattr(ShownRollout, "shown", ROLLED_BACK)
    assert snap_compare(app_in(tmp_path), terminal_size=(80, 24), run_before=events)
