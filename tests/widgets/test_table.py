"""The table: it asks for visible rows only, and cursor and marks stay with their rows."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from textual.app import ComposeResult
from textual.geometry import Region

from mlops_tui.widgets.cells import Align, Cell
from mlops_tui.widgets.chooser import Chooser
from mlops_tui.widgets.pane import Pane
from mlops_tui.widgets.table import Table
from mlops_tui.widgets.table_columns import ALWAYS, Column
from mlops_tui.widgets.table_lines import Sort
from mlops_tui.widgets.table_source import ListSource, list_source
from tests.widgets.apps import PaletteApp

COLUMNS = (
    Column("name", "NAME", 10, flex=1),
    Column("value", "VALUE", 8, align=Align.RIGHT),
    Column("note", "NOTE", 30, priority=10),
)


class CountingSource:
    """Any number of rows, and how often they were asked for."""

    columns = COLUMNS

    def __init__(self, count: int, *, offset: int = 0) -> None:
        self.count = count
        self.offset = offset
        self.asked: list[int] = []

    @property
    def total(self) -> int:
        return self.count

    def __len__(self) -> int:
        return self.count

    def cells(self, index: int) -> Sequence[Cell]:
        self.asked.append(index)
        number = index - self.offset
        return Cell(f"row {number}"), Cell(str(number)), Cell("a note")

    def key(self, index: int) -> str:
        return f"key-{index - self.offset}"

    def index_of(self, key: str) -> int | None:
        index = int(key.removeprefix("key-")) + self.offset
        return index if 0 <= index < self.count else None


class TableApp(PaletteApp):
    """One table in a pane, keeping its messages."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[tuple[str, object]] = []

    def compose(self) -> ComposeResult:
        with Pane("Rows"):
            yield Table(COLUMNS, empty="No rows.")

    @property
    def table(self) -> Table:
        return self.query_one(Table)

    def on_table_opened(self, event: Table.Opened) -> None:
        self.heard.append(("opened", event.key))

    def on_table_moved(self, event: Table.Moved) -> None:
        self.heard.append(("moved", event.key))

    def on_table_marks_changed(self, event: Table.MarksChanged) -> None:
        self.heard.append(("marks", sorted(event.keys)))

    def on_table_sort_chosen(self, event: Table.SortChosen) -> None:
        self.heard.append(("sort", event.sort))


def screen_text(table: Table) -> list[str]:
    """What stands on the screen, line by line."""
    return [table.render_line(y).text.rstrip() for y in range(table.size.height)]


@pytest.fixture
def app() -> TableApp:
    return TableApp()


async def test_asks_only_for_the_rows_on_the_screen_among_a_hundred_thousand(app: TableApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        source = CountingSource(100_000)
        app.table.show(source)
        await pilot.pause()
        visible = app.table.size.height - 1
        assert set(source.asked) == set(range(visible))

        source.asked.clear()
        await pilot.press("down", "down", "down")
        await pilot.pause()
        assert set(source.asked) <= set(range(visible))
        assert len(source.asked) <= 3 * visible

        source.asked.clear()
        await pilot.press("end")
        await pilot.pause()
        assert app.table.cursor_key == "key-99999"
        assert set(source.asked) <= set(range(visible)) | set(range(100_000 - visible, 100_000))
        assert "row 99999" in screen_text(app.table)[-1]


async def test_a_refresh_that_changes_one_row_repaints_one_line(app: TableApp, monkeypatch: pytest.MonkeyPatch) -> None:
    def rows(changed: str) -> ListSource:
        names = [changed if number == 3 else "same" for number in range(9)]
        return list_source(COLUMNS, ((f"k{n}", (Cell(name), Cell("1"), Cell(""))) for n, name in enumerate(names)))

    async with app.run_test(size=(80, 24)) as pilot:
        app.table.show(rows("before"))
        await pilot.pause()
        repainted: list[Region] = []
        original = app.table.refresh

        def refresh(*regions: Region, **options: bool) -> Table:
            repainted.extend(regions or (app.table.size.region,))
            return original(*regions, **options)

        monkeypatch.setattr(app.table, "refresh", refresh)
        app.table.show(rows("after"))
        assert [(region.y, region.height) for region in repainted] == [(4, 1)]
        repainted.clear()
        app.table.show(rows("after"))
        assert repainted == []


async def test_the_cursor_stays_with_its_row_when_rows_come_in_above(app: TableApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        app.table.show(CountingSource(1_000))
        await pilot.press("down", "down", "down")
        app.table.show(CountingSource(1_005, offset=5))
        await pilot.pause()
        assert (app.table.cursor_key, app.table.cursor_index) == ("key-3", 8)


async def test_a_reader_at_the_top_sees_new_rows_arrive(app: TableApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        app.table.show(CountingSource(1_000))
        app.table.show(CountingSource(1_005, offset=5))
        await pilot.pause()
        assert app.table.cursor_key == "key--5"


async def test_the_cursor_goes_to_a_neighbour_when_its_row_is_gone(app: TableApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        app.table.show(CountingSource(3))
        await pilot.press("end")
        app.table.show(CountingSource(2))
        assert app.table.cursor_key == "key-1"
        app.table.show(CountingSource(0))
        assert [app.table.cursor_key, app.table.cursor_index] == [None, None]
        await pilot.press("enter", "space", "down", "up")
        assert {kind for kind, _ in app.heard} <= {"moved"}


async def test_marks_belong_to_rows_and_come_in_their_order(app: TableApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        app.table.show(CountingSource(50))
        assert [*app.table.chosen_keys] == ["key-0"]
        await pilot.press("down", "down", "space", "home", "space")
        assert [*app.table.chosen_keys] == ["key-0", "key-2"]
        app.table.show(CountingSource(55, offset=5))
        assert [*app.table.chosen_keys] == ["key-0", "key-2"]
        assert ("marks", ["key-0", "key-2"]) in app.heard
        await pilot.press("backslash")
        assert app.table.marks == frozenset()


async def test_enter_opens_the_current_row(app: TableApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        app.table.show(CountingSource(50))
        await pilot.press("down", "enter")
        assert ("opened", "key-1") in app.heard


async def test_sorting_is_asked_for_and_turned_by_asking_again(app: TableApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        app.table.show(CountingSource(50))
        await pilot.press("s")
        assert isinstance(app.screen, Chooser)
        await pilot.press("down", "enter")
        assert app.heard[-1] == ("sort", Sort("value", is_descending=False))
        app.table.sort = Sort("value")
        await pilot.pause()
        assert "↑VALUE" in screen_text(app.table)[0]
        await pilot.press("s", "enter")
        assert app.heard[-1] == ("sort", Sort("value", is_descending=True))


async def test_a_click_goes_to_a_row_and_a_click_on_a_title_sorts(app: TableApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        app.table.show(CountingSource(50))
        await pilot.pause()
        await pilot.click(Table, offset=(5, 3))
        assert app.table.cursor_key == "key-2"
        await pilot.click(Table, offset=(5, 0))
        assert app.heard[-1] == ("sort", Sort("name"))


async def test_columns_drop_out_when_narrow_and_come_back_when_wide(app: TableApp) -> None:
    async with app.run_test(size=(40, 10)) as pilot:
        app.table.show(CountingSource(5))
        await pilot.pause()
        assert "NOTE" not in screen_text(app.table)[0]
        await pilot.resize_terminal(100, 10)
        await pilot.pause()
        assert "NOTE" in screen_text(app.table)[0]


async def test_scrolls_sideways_over_columns_that_may_not_drop(app: TableApp) -> None:
    columns = [Column(f"c{n}", f"COLUMN{n}", 12, priority=ALWAYS) for n in range(8)]
    row = tuple(Cell(f"value{n}") for n in range(8))
    async with app.run_test(size=(50, 10)) as pilot:
        app.table.show(list_source(columns, [("only", row)]))
        await pilot.pause()
        assert "COLUMN2" in screen_text(app.table)[0]
        assert "COLUMN4" not in screen_text(app.table)[0]
        await pilot.press("right", "right", "right")
        head, first, *_ = screen_text(app.table)
        assert "COLUMN0" in head
        assert "COLUMN4" in head
        assert "value0" in first
        assert "value4" in first
        assert "value1" not in first
        await pilot.press("left", "left", "left")
        assert "value1" in screen_text(app.table)[1]


async def test_says_how_many_rows_there_are_and_which_filter_hides_the_others(app: TableApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        pane = app.query_one(Pane)
        app.table.show(ListSource(COLUMNS, list_source(COLUMNS, [("a", (Cell("a"), Cell("1"), Cell("")))]).rows, 1_200))
        app.table.filter_text = "metrics.auc > 0.9"
        await pilot.press("space")
        await pilot.pause()
        assert pane.status == "1 of 1,200 · 1 marked · /metrics.auc > 0.9"


async def test_an_empty_table_says_so(app: TableApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert "No rows." in screen_text(app.table)[1]
        app.table.show_message("The filter hides all rows.")
        await pilot.pause()
        assert "The filter hides all rows." in screen_text(app.table)[1]


async def test_a_mistake_in_a_source_stays_in_its_pane(app: TableApp) -> None:
    class Broken(CountingSource):
        def cells(self, index: int) -> Sequence[Cell]:
            raise ZeroDivisionError("the source divides by zero")

    async with app.run_test(size=(80, 24)) as pilot:
        app.table.show(Broken(3))
        await pilot.pause()
        assert app.is_running
        assert app.query_one(Pane).has_class("-failed")
