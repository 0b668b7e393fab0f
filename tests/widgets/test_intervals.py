"""Intervals against their margins: on which side one lies reads from the signs alone, at any width."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.app import ComposeResult
from textual.geometry import Region

from mlops_tui.themes.glyphs import to_ascii
from mlops_tui.widgets.intervals import (
    BEYOND,
    LEFT_END,
    MARGIN,
    MORE_RIGHT,
    RIGHT_END,
    WITHIN,
    Interval,
    IntervalPlot,
    draw_interval,
    interval_lines,
)
from mlops_tui.widgets.pace import Pace
from mlops_tui.widgets.text_layout import line_width, plain_text
from tests.clocks import ManualClock
from tests.widgets.apps import PaletteApp

harms = st.floats(-10, 10, allow_nan=False)


@given(
    ends=st.tuples(harms, harms).map(sorted),
    margin=st.floats(0.1, 4),
    width=st.integers(16, 150),
    share=st.floats(0, 1),
)
def test_the_side_of_the_margin_reads_from_the_signs(
    ends: list[float], margin: float, width: int, share: float
) -> None:
    lower, upper = ends
    point = lower + share * (upper - lower)
    drawn = plain_text(draw_interval(Interval("a", point, lower, upper, margin), width))
    assert len(drawn) == width
    place = plain_text(draw_interval(Interval("a", None, None, None, margin), width)).index(MARGIN)
    if upper < margin:
        assert set(drawn[place + 1 :]) <= {" "}
    if lower > margin:
        assert not set(drawn[:place]) & {LEFT_END, RIGHT_END, BEYOND, WITHIN}
    if upper > 1.5 * margin:
        assert drawn[place + 1 :].strip()


def test_lines_fit_and_all_margins_stand_in_one_column() -> None:
    intervals = [
        Interval("error_rate", 0.002, -0.004, 0.008, 0.01, "+0.2 pp"),
        Interval("latency_p95", 30.0, 15.0, 50.0, 10.0, "+30 ms, breached"),
        Interval("a name that is much too long to fit", None, None, None, 0.5, "no data"),
    ]
    for width in (80, 120, 60):
        lines = interval_lines(intervals, width)
        assert all(line_width(line) <= width for line in lines)
        assert len({plain_text(line).index(MARGIN) for line in lines[1:]}) == 1
        assert "+30 ms, breached" in plain_text(lines[2])
    narrow = interval_lines(intervals, 46)
    assert MARGIN in plain_text(narrow[1])
    assert "ms" not in plain_text(narrow[2])
    assert len(interval_lines(intervals, 20)) == 1


def test_without_a_margin_zero_is_the_limit() -> None:
    drawn = plain_text(draw_interval(Interval("errors", 3.0, 1.0, 5.0, 0.0), 60))
    assert drawn.index(MARGIN) < drawn.index(LEFT_END) < drawn.index(BEYOND)


def test_bounds_that_are_not_known_run_off_the_scale() -> None:
    drawn = plain_text(draw_interval(Interval("errors", 0.1, -0.1, None, 1.0), 60))
    assert drawn.endswith(MORE_RIGHT)
    assert "|" in to_ascii(drawn)
    assert to_ascii(drawn).endswith(">")


class Plots(PaletteApp):
    """One plot."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__()
        self.clock = clock

    def compose(self) -> ComposeResult:
        yield IntervalPlot(pace=Pace(self.clock))


async def test_only_the_lines_that_changed_are_painted_again(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = ManualClock()
    app = Plots(clock)
    first = Interval("error_rate", 0.0, -1.0, 1.0, 2.0)
    second = Interval("latency", 0.0, -1.0, 1.0, 2.0)
    async with app.run_test(size=(80, 24)) as pilot:
        plot = app.query_one(IntervalPlot)
        plot.show([first, second])
        await pilot.pause()
        assert MARGIN in plot.render_line(2).text
        painted: list[Region] = []
        monkeypatch.setattr(plot, "refresh", lambda *regions, **_: painted.extend(regions))
        plot.show([first, replace(second, point=0.5)])
        assert [region.y for region in painted] == [2]
        clock.tick(5.0)
        plot.show([first, replace(second, point=0.6)])
        assert [region.y for region in painted] == [2]
        clock.tick(15.0)
        plot.show([replace(first, point=0.9), replace(second, point=0.5)])
        assert [region.y for region in painted] == [2, 1]
