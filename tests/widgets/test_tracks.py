"""Tracks: one column is one moment in every row, what was not measured stays blank, and the numbers are the same."""

from __future__ import annotations

import math

import pytest
from textual.app import ComposeResult

from mlops_tui.widgets.pace import Pace
from mlops_tui.widgets.sparkline import BARS
from mlops_tui.widgets.table import Table
from mlops_tui.widgets.text_layout import line_width, plain_text
from mlops_tui.widgets.track_lines import Track, TrackData, bar_line, track_lines
from mlops_tui.widgets.tracks import TrackCanvas, Tracks
from tests.clocks import ManualClock
from tests.widgets.apps import PaletteApp

WEIGHT = Track("weight", (0.0, 60.0), (0.0, 100.0), low=0.0, high=100.0, now="100 %")


def test_a_step_holds_and_all_rows_share_the_axis() -> None:
    errors = Track("errors", (60.0,), (0.5,), hold=30.0, low=0.0, high=1.0)
    data = TrackData((WEIGHT, errors), 0.0, 120.0)
    weight, measured, _ = (plain_text(line) for line in track_lines(data, 60))
    rise = weight.index(BARS[-1])
    assert measured.index(BARS[4]) == pytest.approx(rise, abs=1)
    assert measured.count(BARS[4]) == pytest.approx(weight.count(BARS[-1]) / 2, abs=1)


def test_what_was_not_measured_stays_blank() -> None:
    gap = Track("a", (0.0, 10.0, 30.0), (1.0, math.nan, 1.0), hold=10.0)
    assert bar_line(gap, 0.0, 40.0, 4, 0.0, 2.0) == f"{BARS[4]}  {BARS[4]}"


def test_tracks_of_one_scale_are_drawn_alike() -> None:
    stable = Track("stable", (0.0,), (1.0,), scale="errors")
    canary = Track("canary", (0.0,), (8.0,), scale="errors")
    alone = Track("latency", (0.0, 5.0), (1.0, 8.0))
    rows = [plain_text(line) for line in track_lines(TrackData((stable, canary, alone), 0.0, 10.0), 40)]
    assert set(rows[0].split()[-1]) == {BARS[0]}
    assert set(rows[1].split()[-1]) == {BARS[-1]}


@pytest.mark.parametrize("width", [80, 120, 30])
def test_rows_fit(width: int) -> None:
    data = TrackData((WEIGHT, Track("a very long name of a metric", (0.0,), (1.0,), now="12.5 %")), 0.0, 120.0, str)
    assert all(line_width(line) <= width for line in track_lines(data, width))


def test_nothing_to_draw_is_said() -> None:
    assert "Nothing was measured" in plain_text(track_lines(TrackData(), 80)[0])


class Rows(PaletteApp):
    """Tracks whose redraws are rare."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__()
        self.clock = clock

    def compose(self) -> ComposeResult:
        yield Tracks(pace=Pace(self.clock))


async def test_the_numbers_take_the_place_of_the_bars() -> None:
    clock = ManualClock()
    app = Rows(clock)
    async with app.run_test(size=(80, 24)) as pilot:
        tracks = app.query_one(Tracks)
        tracks.show(TrackData((WEIGHT,), 0.0, 120.0))
        await pilot.pause()
        clock.tick(5.0)
        later = TrackData((Track("weight", (0.0, 60.0), (0.0, 50.0), now="50 %"),), 0.0, 120.0)
        tracks.show(later)
        await pilot.pause()
        assert "100 %" in app.query_one(TrackCanvas).render_line(0).text
        app.query_one(TrackCanvas).focus()
        await pilot.press("t")
        source = app.query_one(Table).source
        assert [[cell.text for cell in source.cells(index)] for index in range(len(source))] == [
            ["0", "0"],
            ["60", "50"],
        ]
        assert app.query_one(Table).has_focus
        await pilot.press("t")
        assert app.query_one(TrackCanvas).has_focus
