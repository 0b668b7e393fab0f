"""Lines of text in a scrolling pane: the ground of the log, the description and the model card."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style as RichStyle
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.reactive import var
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.style import Style

from mlops_tui.themes.tokens import STYLES, Token
from mlops_tui.widgets.cells import Cell
from mlops_tui.widgets.text_layout import TextLine, fold, line_width, plain_text, safe_line

SIDEWAYS = 8
SCROLL_KEYS: list[BindingType] = [
    Binding("up,k", "scroll_up", "Up", show=False),
    Binding("down,j", "scroll_down", "Down", show=False),
    Binding("pageup", "page_up", "Page up", show=False),
    Binding("pagedown", "page_down", "Page down", show=False),
    Binding("home,g", "scroll_home", "Start", show=False),
    Binding("end,G", "scroll_end", "End", show=False),
    Binding("left", "sideways(-1)", "Left", show=False),
    Binding("right", "sideways(1)", "Right", show=False),
]


class TextLines(ScrollView, can_focus=True, inherit_bindings=False):
    """Any number of lines, of which only those on the screen are drawn.

    Args:
        empty: The sentence that stands where there are no lines.
        limit: The most lines that are kept; the oldest go first. 0 keeps all.
    """

    DEFAULT_CSS = "TextLines { overflow-x: hidden; overflow-y: auto; scrollbar-gutter: stable; }"
    BINDINGS: ClassVar[list[BindingType]] = [*SCROLL_KEYS]

    wraps: var[bool] = var(False)
    pattern: var[str] = var("")

    def __init__(
        self,
        *,
        empty: str = "Nothing here.",
        limit: int = 0,
        id: str | None = None,  # noqa: A002 - Textual's own name
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self._lines: list[TextLine] = []
        self._empty = Cell(empty, Token.MUTED)
        self._limit = limit
        self._starts: list[int] = []
        self._folded_to = 0
        self._styles: dict[Token, RichStyle] = {}

    @property
    def lines(self) -> Sequence[TextLine]:
        """The lines that are kept."""
        return self._lines

    @property
    def text(self) -> str:
        """The lines as plain text."""
        return "\n".join(plain_text(line) for line in self._lines)

    def show(self, lines: Iterable[Sequence[Cell]]) -> None:
        """Show these lines and no others."""
        self._lines = [safe_line(line) for line in lines]
        self._cut()
        self._relayout()

    def append(self, lines: Iterable[Sequence[Cell]]) -> None:
        """Add lines at the end."""
        self._lines += [safe_line(line) for line in lines]
        self._cut()
        self._relayout()

    def drop_last(self) -> None:
        """Take the last line away, because it is about to be replaced."""
        if self._lines:
            del self._lines[-1]

    def go_to_line(self, number: int) -> None:
        """Scroll so that the line (counted from 0) stands in the upper part of the pane."""
        row = self._starts[number] if self.wraps and self._starts else number
        self.scroll_to(y=max(0, row - self.size.height // 3), animate=False, force=True)

    @property
    def first_visible(self) -> int:
        """The number of the line at the top, counted from 0."""
        return self._line_at(self.scroll_offset.y)[0]

    def action_sideways(self, steps: int) -> None:
        """Show what lies further right or left."""
        self.scroll_to(x=self.scroll_offset.x + steps * SIDEWAYS, animate=False, force=True)

    def action_wrap(self) -> None:
        """Wrap long lines, or cut them."""
        self.wraps = not self.wraps

    def watch_wraps(self) -> None:
        """Count the rows anew and stay at the same line."""
        top = self.first_visible
        self._relayout()
        row = self._starts[top] if self.wraps and top < len(self._starts) else top
        self.scroll_to(y=row, x=0, animate=False, force=True)

    def watch_pattern(self) -> None:
        """Show other matches."""
        self.refresh()

    def on_resize(self, _event: events.Resize) -> None:
        """Wrap to the new width."""
        self._relayout()

    def notify_style_update(self) -> None:
        """Forget the styles of other colours."""
        super().notify_style_update()
        self._styles = {}

    def render_line(self, y: int) -> Strip:
        """Draw one row of the screen."""
        base, width = self.rich_style, self._width
        if not self._lines:
            return self._strip((self._empty,) if y == 0 else (), base).adjust_cell_length(width, base)
        number, piece = self._line_at(self.scroll_offset.y + y)
        if number >= len(self._lines):
            return Strip.blank(width, base)
        if self.wraps and self._folded_to:
            # Textual may paint in a new width before it tells of it: the pieces are those that were counted.
            return self._strip(fold(self._lines[number], self._folded_to)[piece], base).adjust_cell_length(width, base)
        strip = self._strip(self._lines[number], base)
        return strip.crop(self.scroll_offset.x, self.scroll_offset.x + width).adjust_cell_length(width, base)

    def _strip(self, line: TextLine, base: RichStyle) -> Strip:
        if not self._styles:
            self._styles = {token: Style.parse(text).rich_style for token, text in STYLES.items() if text}
        cells = _marked(line, self.pattern) if self.pattern else line
        return Strip([Segment(cell.text, base + self._styles.get(cell.token, RichStyle.null())) for cell in cells])

    @property
    def _width(self) -> int:
        """The terminal columns beside the scroll bar."""
        return self.scrollable_content_region.width

    def _line_at(self, row: int) -> tuple[int, int]:
        if not self.wraps or not self._starts:
            return row, 0
        number = bisect_right(self._starts, row) - 1
        if number == len(self._lines) - 1 and row >= self.virtual_size.height:
            return len(self._lines), 0
        return number, row - self._starts[number]

    def _cut(self) -> None:
        if self._limit and len(self._lines) > self._limit:
            del self._lines[: len(self._lines) - self._limit]

    def _relayout(self) -> None:
        width = self._folded_to = self._width
        if self.wraps and width:
            counts = [len(fold(line, width)) for line in self._lines]
            *self._starts, height = accumulate(counts, initial=0)
            self.virtual_size = Size(width, height)
        else:
            self._starts = []
            self.virtual_size = Size(max(map(line_width, self._lines), default=0), len(self._lines))
        self.refresh()


def _marked(line: TextLine, pattern: str) -> TextLine:
    """The line with every occurrence of the pattern set off, whatever its case."""
    wanted = pattern.casefold()
    cells: list[Cell] = []
    for cell in line:
        rest, folded = cell.text, cell.text.casefold()
        while len(folded) == len(rest) and wanted in folded:
            start = folded.index(wanted)
            end = start + len(wanted)
            cells += [Cell(rest[:start], cell.token), Cell(rest[start:end], Token.MATCH)]
            rest, folded = rest[end:], folded[end:]
        cells.append(Cell(rest, cell.token))
    return tuple(cell for cell in cells if cell.text)
