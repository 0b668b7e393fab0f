"""How one line of a table is drawn: which columns stand where, and in which styles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.segment import Segment
from rich.style import Style as RichStyle
from textual.strip import Strip
from textual.style import Style
from textual.widget import Widget

from mlops_tui.themes.glyphs import Sign
from mlops_tui.themes.tokens import STYLES, Token
from mlops_tui.widgets.cells import Align, Cell, drawn, fit
from mlops_tui.widgets.table_columns import GAP, Column, PlacedColumn, place, total_width

HEADER = 1
GUTTER = 2


@dataclass(frozen=True, slots=True)
class Sort:
    """By which column the rows stand, and in which direction."""

    column: str
    is_descending: bool = False


@dataclass(frozen=True, slots=True)
class LineLayout:
    """The shown columns for a width and a sideways scroll; the gutter and the first column stand still."""

    width: int
    scroll: int
    placed: tuple[PlacedColumn, ...]

    @classmethod
    def fit(cls, columns: Sequence[Column], width: int, scroll: int) -> LineLayout:
        """Place the columns in a line of ``width`` terminal columns."""
        return cls(width, scroll, place(columns, width - GUTTER))

    @property
    def total(self) -> int:
        """How wide the whole line would be."""
        return max(self.width, GUTTER + total_width(self.placed)) if self.overflows else self.width

    @property
    def overflows(self) -> bool:
        """Whether not all shown columns fit, so that the table scrolls sideways."""
        return GUTTER + total_width(self.placed) > self.width

    @property
    def frozen(self) -> int:
        """The terminal columns at the left that do not scroll."""
        return GUTTER + self.placed[0].width + GAP if self.placed else GUTTER

    def stop_after(self) -> int:
        """The scroll at which the next column stands right of the frozen ones."""
        stops = [placed.start - self.placed[1].start for placed in self.placed[1:]]
        return next((stop for stop in stops if stop > self.scroll), self.scroll)

    def stop_before(self) -> int:
        """The scroll at which the column before stands right of the frozen ones."""
        stops = [placed.start - self.placed[1].start for placed in self.placed[1:]]
        return next((stop for stop in reversed(stops) if stop < self.scroll), 0)

    def at(self, x: int) -> PlacedColumn | None:
        """The column under this terminal column."""
        place_of = x - GUTTER if x < self.frozen else x - GUTTER + self.scroll
        return next((placed for placed in self.placed if placed.start <= place_of < placed.start + placed.width), None)


@dataclass(frozen=True, slots=True)
class LinePainter:
    """Draws lines in the styles of one widget under one palette."""

    base: RichStyle
    tokens: Mapping[Token, RichStyle]
    header_style: RichStyle
    cursor: RichStyle
    cursor_blurred: RichStyle
    is_plain: bool

    @classmethod
    def for_widget(cls, widget: Widget) -> LinePainter:
        """The painter for a widget as it is styled now.

        Sixteen colours cannot hold a cursor behind every text colour, so there the row is reversed instead.
        """
        base = widget.rich_style
        is_plain = widget.app.native_ansi_color
        tokens = {token: Style.parse(style).rich_style if style else RichStyle() for token, style in STYLES.items()}
        cursor = RichStyle(reverse=True) if is_plain else Style.parse("on $row-cursor").rich_style
        blurred = RichStyle(underline=True) if is_plain else Style.parse("on $panel").rich_style
        header = base + tokens[Token.MUTED] + RichStyle(bold=True)
        return cls(base, tokens, header, cursor, blurred, is_plain)

    def header(self, layout: LineLayout, columns: Sequence[Column], sort: Sort | None) -> Strip:
        """The line of titles."""
        titles = [self._title(column, sort) for column in columns]
        cells = [Cell(title, align=column.align) for title, column in zip(titles, columns, strict=True)]
        strip = self._line(layout, "", cells, self.header_style, {})
        return self._with_more(layout, strip) if layout.overflows else strip

    def row(
        self, layout: LineLayout, cells: Sequence[Cell], *, is_cursor: bool, is_marked: bool, has_focus: bool
    ) -> Strip:
        """A row, with its cursor and mark in the gutter."""
        gutter = (Sign.CURSOR.glyph if is_cursor and has_focus else " ") + (Sign.MARK.glyph if is_marked else " ")
        style = self.base
        if is_cursor:
            style += self.cursor if has_focus else self.cursor_blurred
        loses_colour = is_cursor and has_focus and self.is_plain
        return self._line(layout, gutter, cells, style, {} if loses_colour else self.tokens)

    def message(self, layout: LineLayout, message: Cell) -> Strip:
        """A sentence where there are no rows."""
        text = fit(message.text, layout.width - GUTTER)
        return Strip([Segment(" " * GUTTER + text, self.base + self.tokens[message.token])], layout.width)

    def blank(self, layout: LineLayout) -> Strip:
        """A line without a row."""
        return Strip.blank(layout.width, self.base)

    def _with_more(self, layout: LineLayout, strip: Strip) -> Strip:
        """The header with an arrow at each side where columns are hidden."""
        if layout.scroll < layout.total - layout.width:
            more = Strip([Segment(Sign.MORE_RIGHT.glyph, self.header_style)], 1)
            strip = Strip.join([strip.crop(0, layout.width - 1), more])
        if layout.scroll:
            more = Strip([Segment(Sign.MORE_LEFT.glyph, self.header_style)], 1)
            strip = Strip.join([strip.crop(0, layout.frozen - 1), more, strip.crop(layout.frozen)])
        return strip

    def _title(self, column: Column, sort: Sort | None) -> str:
        if sort is None or sort.column != column.key:
            return column.title
        sign = Sign.DESCENDING if sort.is_descending else Sign.ASCENDING
        return f"{sign.glyph}{column.title}" if column.align is Align.RIGHT else f"{column.title}{sign.glyph}"

    def _line(
        self,
        layout: LineLayout,
        gutter: str,
        cells: Sequence[Cell],
        style: RichStyle,
        tokens: Mapping[Token, RichStyle],
    ) -> Strip:
        """One line; a token without a style of its own is drawn in that of the line."""
        segments = [Segment(gutter.ljust(GUTTER), style)]
        for number, placed in enumerate(layout.placed):
            cell = cells[placed.index]
            if number:
                segments.append(Segment(" " * GAP, style))
            align = cell.align if cell.align is Align.RIGHT else placed.column.align
            segments += [
                Segment(piece.text, style + tokens[piece.token] if piece.token in tokens else style)
                for piece in drawn(cell, placed.width, align)
            ]
        strip = Strip(segments, GUTTER + total_width(layout.placed))
        if not layout.overflows:
            return strip.adjust_cell_length(layout.width, style)
        end = max(layout.frozen, strip.cell_length)
        frozen = strip.crop(0, layout.frozen)
        rest = strip.crop(layout.frozen + layout.scroll, min(end, layout.scroll + layout.width))
        return Strip.join([frozen, rest]).adjust_cell_length(layout.width, style)
