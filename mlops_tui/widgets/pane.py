"""A titled part of a view that says how old its data are, and that survives its own mistakes."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from textual import on
from textual.app import ComposeResult, RenderResult
from textual.containers import Vertical
from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget
from textual.widgets import Static

from mlops_tui.domain.errors import MlopsError
from mlops_tui.themes.glyphs import Sign
from mlops_tui.themes.tokens import Token
from mlops_tui.widgets.as_of import Freshness
from mlops_tui.widgets.cells import Cell, line, styled
from mlops_tui.widgets.log_view import LogView
from mlops_tui.widgets.table import Table

logger = logging.getLogger(__name__)

_RULE = "─"


class PaneTitle(Widget):
    """The line above a pane: its name and counts at the left, the stamp at the right."""

    DEFAULT_CSS = """
    PaneTitle { dock: top; height: 1; color: $muted; }
    """

    text: reactive[Content] = reactive(Content(""))
    stamp: reactive[Content] = reactive(Content(""))

    def render(self) -> RenderResult:
        """The line, ruled out between its ends."""
        width = self.size.width
        stamp = self.stamp if self.stamp.cell_length + 4 < width else Content("")
        tail = stamp.cell_length + 3 if stamp else 0
        text = self.text.truncate(max(0, width - tail - 4), ellipsis=True)
        rule = _RULE * max(1, width - text.cell_length - tail - 3)
        parts = [Content(_RULE + " "), text, Content(f" {rule}")]
        return Content.assemble(*parts, " ", stamp, " " + _RULE) if stamp else Content.assemble(*parts)


class Pane(Vertical):
    """A part of a view.

    Args:
        title: Its name.
        children: What it shows.
    """

    ALLOW_MAXIMIZE = True
    DEFAULT_CSS = """
    Pane { height: 1fr; width: 1fr; }
    Pane > .pane--error { dock: bottom; height: auto; max-height: 4; display: none; padding: 0 1; }
    Pane.-failed > .pane--error { display: block; }
    Pane:focus-within > PaneTitle { color: $border; }
    """

    def __init__(
        self,
        title: str,
        *children: Widget,
        id: str | None = None,  # noqa: A002 - Textual's own name
        classes: str | None = None,
    ) -> None:
        super().__init__(*children, id=id, classes=classes)
        self._heading = title
        self._status = ""
        self._freshness: Freshness | None = None
        self._drawing_error = ""

    def compose(self) -> ComposeResult:
        """The title above and the error line below what the pane shows."""
        yield PaneTitle()
        yield Static("", classes="pane--error")

    def on_mount(self) -> None:
        """Draw the title."""
        self._draw_title()

    @property
    def heading(self) -> str:
        """The pane's name."""
        return self._heading

    @heading.setter
    def heading(self, title: str) -> None:
        self._heading = title
        self._draw_title()

    @property
    def status(self) -> str:
        """What stands behind the name: counts, marks, a filter."""
        return self._status

    @status.setter
    def status(self, text: str) -> None:
        self._status = text
        self._draw_title()

    def stamp(self, freshness: Freshness | None, now: datetime) -> None:
        """Say how old the data are; None for a pane whose data cannot age. Repaints only what reads differently."""
        self._freshness = freshness
        title = self.query_one(PaneTitle)
        cell = freshness.cell(now) if freshness else Cell("")
        title.stamp = styled(cell.text, cell.token)
        self._draw_error()

    def restamp(self, now: datetime) -> None:
        """Look again at the age of the data."""
        self.stamp(self._freshness, now)

    @contextmanager
    def guarded(self) -> Iterator[None]:
        """Keep a mistake in drawing inside this pane: it shows the mistake, everything else lives on."""
        try:
            yield
        except Exception as error:
            logger.exception("the pane %r could not be drawn", self._heading)
            self.fail(error)
        else:
            self._drawing_error = ""
            self._draw_error()

    def fail(self, error: Exception) -> None:
        """Show that this pane could not be drawn."""
        said = str(error) if isinstance(error, MlopsError) else f"{type(error).__name__}: {error}"
        self._drawing_error = f"This pane could not be drawn. {said}"
        self._draw_error()

    @on(Table.StatusChanged)
    def _table_status(self, event: Table.StatusChanged) -> None:
        event.stop()
        self.status = event.status.text

    @on(Table.DrawingFailed)
    def _drawing_failed(self, event: Table.DrawingFailed) -> None:
        event.stop()
        self.fail(event.error)

    @on(LogView.StatusChanged)
    def _log_status(self, event: LogView.StatusChanged) -> None:
        event.stop()
        self.status = event.text

    def _draw_title(self) -> None:
        text = line(Cell(self._heading, Token.STRONG), Cell(self._status, Token.MUTED), separator="  ")
        for title in self.query_children(PaneTitle):
            title.text = text

    def _draw_error(self) -> None:
        error = self._freshness.failure if self._freshness else None
        text = self._drawing_error or (str(error) if error else "")
        self.set_class(bool(text), "-failed")
        sign = Cell(Sign.FAILED.glyph if self._drawing_error else Sign.WARNING.glyph, Token.ERROR)
        shown = line(sign, text, separator=" ") if text else Content("")
        label = self.query_one(".pane--error", Static)
        if label.content != shown:
            label.update(shown)
