"""A table of any number of rows that draws only the lines on the screen and repaints only those that changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, TypeAlias

from textual import events
from textual.binding import BindingType
from textual.geometry import Region, Size
from textual.reactive import var
from textual.scroll_view import ScrollView
from textual.strip import Strip

from mlops_tui.themes.tokens import Token
from mlops_tui.widgets import table_messages
from mlops_tui.widgets.actions import TABLE_ACTIONS, bindings
from mlops_tui.widgets.cells import Cell
from mlops_tui.widgets.table_columns import Column
from mlops_tui.widgets.table_lines import HEADER, LineLayout, LinePainter, Sort
from mlops_tui.widgets.table_messages import TableStatus
from mlops_tui.widgets.table_source import ListSource, TableSource

MESSAGE_LINE = 1


class Table(ScrollView, can_focus=True, inherit_bindings=False):
    """A table with a cursor, marks and sorting, over a source that is asked for the visible rows only.

    The cursor and the marks belong to keys, not to places: they stay with their rows when the rows move. Sorting and
    filtering are the source's work; the table asks for them with ``SortChosen`` and shows what was done.
    """

    DEFAULT_CSS = "Table { overflow-x: hidden; overflow-y: auto; scrollbar-gutter: stable; }"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(TABLE_ACTIONS)]

    sort: var[Sort | None] = var(None)
    filter_text: var[str] = var("")

    Moved: TypeAlias = table_messages.Moved
    Opened: TypeAlias = table_messages.Opened
    MarksChanged: TypeAlias = table_messages.MarksChanged
    SortChosen: TypeAlias = table_messages.SortChosen
    DrawingFailed: TypeAlias = table_messages.DrawingFailed
    StatusChanged: TypeAlias = table_messages.StatusChanged

    def __init__(
        self,
        columns: Sequence[Column] = (),
        *,
        empty: str = "Nothing here.",
        name: str | None = None,
        id: str | None = None,  # noqa: A002 - Textual's own name
        classes: str | None = None,
    ) -> None:
        super().__init__(name=name, id=id, classes=classes)
        self._source: TableSource = ListSource(columns)
        self._message = Cell(empty, Token.MUTED)
        self._cursor = 0
        self._cursor_key: str | None = None
        self._marks: frozenset[str] = frozenset()
        self._painter: LinePainter | None = None
        self._layout_at: LineLayout | None = None
        self._strips: dict[int, Strip] = {}

    @property
    def source(self) -> TableSource:
        """The rows that are shown."""
        return self._source

    @property
    def cursor_key(self) -> str | None:
        """The key of the current row, None in an empty table."""
        return self._cursor_key

    @property
    def cursor_index(self) -> int | None:
        """Where the cursor stands, None in an empty table."""
        return self._cursor if self._source else None

    @property
    def marks(self) -> frozenset[str]:
        """The keys of the marked rows, those that a filter hides included."""
        return self._marks

    @property
    def chosen_keys(self) -> tuple[str, ...]:
        """The marked rows in their order, or else the current row."""
        if not self._marks:
            return () if self._cursor_key is None else (self._cursor_key,)
        places = ((self._source.index_of(key), key) for key in self._marks)
        return tuple(key for _, key in sorted(places, key=lambda place: (place[0] is None, place[0] or 0, place[1])))

    def show(self, source: TableSource) -> None:
        """Take new rows: cursor and marks stay with their keys, and only lines that differ are repainted."""
        was_at_top = self._cursor == 0 and self.scroll_offset.y == 0
        before = self._cursor
        self._source = source
        self._relayout()
        place = source.index_of(self._cursor_key) if self._cursor_key is not None and not was_at_top else None
        moved_to = max(0, min(before, len(source) - 1)) if place is None else place
        self._set_cursor(moved_to, repaint=False)
        if place is not None and place != before:
            self.scroll_to(y=max(0, self.scroll_offset.y + place - before), animate=False, force=True)
        self._repaint_changes()
        self._tell_status()

    def show_message(self, text: str, token: Token = Token.MUTED) -> None:
        """Set the text that stands where an empty table has no rows."""
        self._message = Cell(text, token)
        if not self._source:
            self._repaint_changes()

    def go_to(self, key: str) -> bool:
        """Put the cursor on the row with this key; False when there is none."""
        place = self._source.index_of(key)
        if place is None:
            return False
        self._set_cursor(place)
        return True

    def set_marks(self, keys: frozenset[str]) -> None:
        """Mark exactly these rows."""
        if keys != self._marks:
            self._marks = keys
            self._repaint_changes()
            self.post_message(self.MarksChanged(self, keys))
            self._tell_status()

    def render_line(self, y: int) -> Strip:
        """Draw one line of the screen; lines drawn before are kept."""
        strip = self._strips.get(y)
        if strip is None:
            strip = self._strips[y] = self._draw_safely(y)
        return strip

    def notify_style_update(self) -> None:
        """Forget what was drawn in other colours."""
        super().notify_style_update()
        self._painter = None
        self._strips.clear()

    def on_resize(self, _event: events.Resize) -> None:
        """Share the new width among the columns."""
        self._relayout()
        self._strips.clear()
        self._reveal_cursor()
        self.refresh()

    def watch_scroll_x(self, old_value: float, new_value: float) -> None:
        """Draw the lines anew where they now stand."""
        self._strips.clear()
        super().watch_scroll_x(old_value, new_value)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Draw the lines anew where they now stand."""
        if round(old_value) != round(new_value):
            self._strips.clear()
        super().watch_scroll_y(old_value, new_value)

    def watch_sort(self) -> None:
        """Show the new sort sign."""
        self._repaint_changes()

    def watch_filter_text(self) -> None:
        """Tell the pane about the filter."""
        self._tell_status()

    def watch_has_focus(self, _has_focus: bool) -> None:
        """Show the cursor brightly only where the keys go."""
        super().watch_has_focus(_has_focus)
        self._repaint_changes()

    def _draw_safely(self, y: int) -> Strip:
        try:
            return self._draw(y)
        except Exception as error:  # noqa: BLE001 - the error boundary: one row must not end the program
            self.post_message(self.DrawingFailed(self, error))
            return Strip.blank(self._width, self.rich_style)

    def _draw(self, y: int) -> Strip:
        painter, layout = self._paint_tools()
        if y < HEADER:
            return painter.header(layout, self._source.columns, self.sort)
        index = self.scroll_offset.y + y - HEADER
        if not self._source and y == MESSAGE_LINE:
            return painter.message(layout, self._message)
        if index >= len(self._source):
            return painter.blank(layout)
        key = self._source.key(index)
        return painter.row(
            layout,
            self._source.cells(index),
            is_cursor=index == self._cursor,
            is_marked=key in self._marks,
            has_focus=self.has_focus,
        )

    def _paint_tools(self) -> tuple[LinePainter, LineLayout]:
        if self._painter is None:
            self._painter = LinePainter.for_widget(self)
        width = self._width
        layout = self._layout_at
        if layout is None or layout.width != width or layout.scroll != self.scroll_offset.x:
            layout = self._layout_at = LineLayout.fit(self._source.columns, width, self.scroll_offset.x)
        return self._painter, layout

    def _repaint_changes(self) -> None:
        if not self._strips:
            self.refresh()
            return
        before, self._strips = self._strips, {}
        for y in range(self.size.height):
            if self.render_line(y) != before.get(y):
                self.refresh(Region(0, y, self._width, 1))

    def _relayout(self) -> None:
        self._layout_at = None
        _, layout = self._paint_tools()
        self.virtual_size = Size(layout.total, len(self._source) + HEADER)

    def _set_cursor(self, index: int, *, repaint: bool = True) -> None:
        count = len(self._source)
        self._cursor = max(0, min(index, count - 1))
        key = self._source.key(self._cursor) if count else None
        has_moved, self._cursor_key = key != self._cursor_key, key
        if repaint:
            self._reveal_cursor()
            self._repaint_changes()
        if has_moved:
            self.post_message(self.Moved(self, key))
            self.refresh_bindings()

    def _reveal_cursor(self) -> None:
        page = self._page
        top = self.scroll_offset.y
        if self._cursor < top:
            self.scroll_to(y=self._cursor, animate=False, force=True)
        elif self._cursor >= top + page:
            self.scroll_to(y=self._cursor - page + 1, animate=False, force=True)

    @property
    def _width(self) -> int:
        """The terminal columns beside the scroll bar."""
        return self.scrollable_content_region.width

    @property
    def _page(self) -> int:
        return max(1, self.size.height - HEADER)

    def _tell_status(self) -> None:
        status = TableStatus(len(self._source), self._source.total, len(self._marks), self.filter_text)
        self.post_message(self.StatusChanged(self, status))

    @property
    def visible_keys(self) -> tuple[str, ...]:
        """The keys of the rows on the screen."""
        top = self.scroll_offset.y
        return tuple(self._source.key(index) for index in range(top, min(top + self._page, len(self._source))))

    def sort_columns(self) -> Sequence[Column]:
        """What the rows can be sorted by; a table may offer more than it shows."""
        return self._source.columns

    def action_up(self) -> None:
        """Go up one row."""
        self._set_cursor(self._cursor - 1)

    def action_down(self) -> None:
        """Go down one row."""
        self._set_cursor(self._cursor + 1)

    def action_page_up(self) -> None:
        """Go up one page."""
        self._set_cursor(self._cursor - self._page)

    def action_page_down(self) -> None:
        """Go down one page."""
        self._set_cursor(self._cursor + self._page)

    def action_first(self) -> None:
        """Go to the first row."""
        self._set_cursor(0)

    def action_last(self) -> None:
        """Go to the last row."""
        self._set_cursor(len(self._source) - 1)

    def action_left(self) -> None:
        """Show columns further left."""
        self.scroll_to(x=self._paint_tools()[1].stop_before(), animate=False, force=True)

    def action_right(self) -> None:
        """Show columns further right."""
        self.scroll_to(x=self._paint_tools()[1].stop_after(), animate=False, force=True)

    def action_open(self) -> None:
        """Open the current row."""
        if self._cursor_key is not None:
            self.post_message(self.Opened(self, self._cursor_key))

    def action_mark(self) -> None:
        """Mark the current row or take its mark away, and go on to the next."""
        if self._cursor_key is not None:
            self.set_marks(self._marks ^ {self._cursor_key})
            self.action_down()

    def action_clear_marks(self) -> None:
        """Take all marks away."""
        self.set_marks(frozenset())

    def action_sort(self) -> None:
        """Let the person choose the column to sort by."""
        from mlops_tui.widgets.chooser import Choice, Chooser

        columns = [column for column in self.sort_columns() if column.is_sortable]
        choices = [Choice(column.key, column.title, self._sort_note(column)) for column in columns]
        current = self.sort.column if self.sort else None
        self.app.push_screen(Chooser("Sort by", choices, current=current), self._sort_by)

    def _sort_note(self, column: Column) -> str:
        if self.sort is None or self.sort.column != column.key:
            return ""
        return "descending, choose again to turn" if self.sort.is_descending else "ascending, choose again to turn"

    def _sort_by(self, key: str | None) -> None:
        if key is not None:
            turned = self.sort is not None and self.sort.column == key and not self.sort.is_descending
            self.post_message(self.SortChosen(self, Sort(key, turned)))

    def on_click(self, event: events.Click) -> None:
        """Go to the clicked row, open it on a double click, sort by a clicked title."""
        event.stop()
        if event.y < HEADER:
            placed = self._paint_tools()[1].at(event.x)
            if placed is not None and placed.column.is_sortable:
                self._sort_by(placed.column.key)
            return
        index = self.scroll_offset.y + event.y - HEADER
        if index < len(self._source):
            self._set_cursor(index)
            if event.chain > 1:
                self.action_open()
