"""A drawing of a few lines for its size, of which only the lines that differ are painted again."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.segment import Segment
from textual.geometry import Region, Size
from textual.strip import Strip
from textual.style import Style
from textual.timer import Timer
from textual.widget import Widget

from mlops_tui.themes.tokens import STYLES
from mlops_tui.widgets.pace import Pace
from mlops_tui.widgets.text_layout import TextLine, safe_line


class Drawing(Widget):
    """The ground of drawings; subclasses say in ``lines`` what is drawn and call ``renew`` when that changed.

    Args:
        pace: Shared by the drawings of a screen, so that together they repaint rarely; None draws at once.
    """

    def __init__(
        self,
        *,
        pace: Pace | None = None,
        id: str | None = None,  # noqa: A002 - Textual's own name
    ) -> None:
        super().__init__(id=id)
        self._pace = pace or Pace(interval=0.0)
        self._timer: Timer | None = None
        self._change: Callable[[], None] = self._repaint_changes
        self._strips: list[Strip] | None = None
        self._drawn_for = Size()

    def lines(self, width: int, height: int) -> Sequence[TextLine]:
        """The drawing for a size; what lies beyond ``height`` is not seen."""
        raise NotImplementedError

    def renew(self, *, by_person: bool = False) -> None:
        """Draw anew: at once when a person asked for it, else when the screen's next redraw is due."""
        self.in_turn(self._repaint_changes, by_person=by_person)

    def in_turn(self, change: Callable[[], None], *, by_person: bool = False) -> None:
        """Make a change at the pace of the drawing: the newest one that is asked for until its turn comes."""
        self._change = change
        wait = 0.0 if by_person else self._pace.wait()
        if wait <= 0:
            self._take_turn()
        elif self._timer is None:
            self._timer = self.set_timer(wait, self._take_turn)

    def notify_style_update(self) -> None:
        """Take the colours of another palette."""
        super().notify_style_update()
        self._strips = None

    def render_line(self, y: int) -> Strip:
        """One line of the drawing."""
        if self._strips is None or self._drawn_for != self.size:
            self._strips = self._drawn()
        return self._strips[y] if y < len(self._strips) else Strip.blank(self.size.width, self.rich_style)

    def _take_turn(self) -> None:
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
        self._change()

    def _repaint_changes(self) -> None:
        before = self._strips if self._drawn_for == self.size else None
        self._strips = self._drawn()
        if before is None:
            self.refresh()
            return
        for y, (old, new) in enumerate(zip(before, self._strips, strict=True)):
            if old != new:
                self.refresh(Region(0, y, self.size.width, 1))

    def _drawn(self) -> list[Strip]:
        self._drawn_for = self.size
        width, height = self.size
        base = self.rich_style
        styles = {token: base + Style.parse(text).rich_style for token, text in STYLES.items() if text}
        drawn = [safe_line(row) for row in self.lines(width, height)[:height]]
        strips = [Strip([Segment(cell.text, styles.get(cell.token, base)) for cell in row]) for row in drawn]
        strips += [Strip.blank(width, base)] * (height - len(strips))
        return [strip.adjust_cell_length(width, base) for strip in strips]
