"""Plots: the drawn lines and their numbers say the same, gaps stay gaps, and redraws are rare."""

from __future__ import annotations

import math

import pytest
from textual.app import ComposeResult

from mlops_tui.themes.tokens import Token
from mlops_tui.widgets.pace import Pace
from mlops_tui.widgets.plot import Plot, PlotCanvas, plot_table
from mlops_tui.widgets.plot_figure import PlotData, Series, draw_figure, round_ticks
from mlops_tui.widgets.table import Table
from mlops_tui.widgets.text_layout import plain_text
from tests.clocks import ManualClock
from tests.widgets.apps import PaletteApp

STEPS = tuple(float(step) for step in range(20))


def curve(name: str, *values: float) -> Series:
    return Series(name, tuple(float(step) for step in range(len(values))), values)


def columns_drawn(data: PlotData, token: Token) -> set[int]:
    """The terminal columns in which a series left dots."""
    found: set[int] = set()
    for line in draw_figure(data, 60, 14):
        x = 0
        for cell in line:
            found |= {x + at for at, sign in enumerate(cell.text) if cell.token is token and sign != " "}
            x += len(cell.text)
    return found


def test_a_gap_stays_a_gap() -> None:
    whole = columns_drawn(PlotData((Series("a", STEPS, tuple(STEPS)),)), Token.SERIES_1)
    broken = tuple(math.nan if 8 <= step <= 12 else step for step in STEPS)
    gap = columns_drawn(PlotData((Series("a", STEPS, broken),)), Token.SERIES_1)
    missing = sorted(whole - gap)
    assert len(missing) >= 8
    assert missing == list(range(missing[0], missing[-1] + 1))


def test_every_series_has_a_colour_and_its_number_at_its_end() -> None:
    data = PlotData((curve("a", 1, 2, 3), curve("b", 3, 2, 1)))
    cells = [cell for line in draw_figure(data, 60, 14) for cell in line]
    assert any("1" in cell.text and cell.token is Token.SERIES_1 for cell in cells)
    assert any("2" in cell.text and cell.token is Token.SERIES_2 for cell in cells)


def test_single_values_and_values_without_a_place_on_the_scale_do_not_stop_it() -> None:
    assert draw_figure(PlotData((curve("a", 1.0),)), 40, 10)
    assert draw_figure(PlotData((curve("a", -1.0, 0.0, 10.0, 100.0),)), 40, 10, is_logarithmic=True)
    assert draw_figure(PlotData((curve("a", -1.0, 0.0),)), 40, 10, is_logarithmic=True)
    assert draw_figure(PlotData((curve("a", math.inf, math.nan, 1.0, 1.0),)), 40, 10)


def test_the_logarithmic_scale_is_one() -> None:
    powers = curve("a", *(10.0**exponent for exponent in range(10)))
    logarithmic = draw_figure(PlotData((powers,)), 60, 14, is_logarithmic=True)
    linear = draw_figure(PlotData((powers,)), 60, 14)
    rows_used = [
        sum(any(cell.token is Token.SERIES_1 for cell in line) for line in figure) for figure in (logarithmic, linear)
    ]
    assert rows_used[0] >= 10


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [(0, 198, [0, 50, 100, 150]), (0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]), (3, 3, [3]), (-5, 5, [-4, -2, 0, 2, 4])],
)
def test_ticks_are_round(low: float, high: float, ticks: list[float]) -> None:
    assert round_ticks(low, high) == pytest.approx(ticks)


def test_the_table_holds_the_very_numbers() -> None:
    raw = Series("raw", (0.0, 1.0), (9.0, 9.0), is_faint=True)
    table = plot_table(PlotData((raw, curve("a", 0.5, math.nan, 0.25), Series("b", (1.0, 7.0), (1e-9, 2.0)))))
    assert [column.title for column in table.columns] == ["step", "a", "b"]
    assert [[cell.text for cell in table.cells(index)] for index in range(len(table))] == [
        ["0", "0.5", ""],
        ["1", "nan", "1e-09"],
        ["2", "0.25", ""],
        ["7", "", "2"],
    ]


class Plotting(PaletteApp):
    """One plot with a pace of its own clock."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__()
        self.pace = Pace(clock, interval=15)

    def compose(self) -> ComposeResult:
        yield Plot(pace=self.pace)


async def test_t_shows_the_numbers_and_the_plot_again() -> None:
    app = Plotting(ManualClock())
    async with app.run_test() as pilot:
        app.query_one(Plot).show(PlotData((curve("auc", 0.5, 0.75),)))
        app.query_one(PlotCanvas).focus()
        await pilot.press("t")
        assert app.query_one(Table).display
        assert "0.75" in app.query_one(Table).render_line(2).text
        await pilot.press("t")
        assert not app.query_one(Table).display
        assert app.focused is app.query_one(PlotCanvas)


async def test_redraws_by_itself_at_its_pace_and_at_once_for_a_person() -> None:
    clock = ManualClock()
    app = Plotting(clock)
    async with app.run_test() as pilot:
        plot, canvas = app.query_one(Plot), app.query_one(PlotCanvas)

        def drawn() -> str:
            return "\n".join(canvas.render_line(y).text for y in range(canvas.size.height))

        plot.show(PlotData((curve("first", 1, 2),)))
        await pilot.pause()
        assert "first" in drawn()
        clock.tick(5)
        plot.show(PlotData((curve("second", 1, 3),)))
        assert "first" in drawn()
        plot.show(PlotData((curve("asked", 1, 4),)), by_person=True)
        assert "asked" in drawn()
        clock.tick(11)
        plot.show(PlotData((curve("third", 1, 5),)))
        assert "third" in drawn()


async def test_the_numbers_keep_the_pace_of_the_plot() -> None:
    clock = ManualClock()
    app = Plotting(clock)
    async with app.run_test() as pilot:
        plot, table = app.query_one(Plot), app.query_one(Table)
        plot.show(PlotData((curve("auc", 1),)))
        app.query_one(PlotCanvas).focus()
        await pilot.press("t")
        clock.tick(5)
        plot.show(PlotData((curve("auc", 1, 2),)))
        assert len(table.source) == 1
        clock.tick(11)
        plot.show(PlotData((curve("auc", 1, 2, 3),)))
        assert len(table.source) == 3


def test_plots_that_are_due_together_share_a_turn() -> None:
    clock = ManualClock()
    pace = Pace(clock, interval=15)
    assert (pace.wait(), pace.wait()) == (0, 0)
    clock.tick(10)
    assert pace.wait() == pytest.approx(5)
    clock.tick(5)
    assert (pace.wait(), pace.wait()) == (0, 0)


async def test_draws_in_any_size() -> None:
    app = Plotting(ManualClock())
    async with app.run_test(size=(10, 4)) as pilot:
        app.query_one(Plot).show(PlotData((curve("auc", 0.5, 0.75),)))
        for width, height in ((10, 4), (25, 6), (200, 60), (1, 1)):
            await pilot.resize_terminal(width, height)
            await pilot.pause()
            canvas = app.query_one(PlotCanvas)
            assert [canvas.render_line(y).cell_length for y in range(canvas.size.height)] == [
                canvas.size.width
            ] * canvas.size.height


def test_text_of_series_never_reaches_the_drawing_library() -> None:
    data = PlotData((curve("\x1b[31mname", 1, 2),))
    assert not any("name" in plain_text(line) for line in draw_figure(data, 60, 14))
