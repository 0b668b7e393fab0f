"""The first line: where one is, in which context, how careful to be, and whether GitLab answers."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from textual.app import RenderResult
from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from mlops_tui.themes.glyphs import Sign
from mlops_tui.themes.tokens import Token
from mlops_tui.widgets.breadcrumb import breadcrumb
from mlops_tui.widgets.cells import Cell, line


class Connection(Enum):
    """Whether GitLab answers: sign, word and meaning; READY while nothing was asked of it."""

    STARTING = (Sign.WAITING, "starting", Token.MUTED)
    READY = (Sign.WAITING, "ready", Token.MUTED)
    ONLINE = (Sign.RUNNING, "online", Token.OK)
    OFFLINE = (Sign.WARNING, "offline", Token.WARNING)
    REFUSED = (Sign.FAILED, "not signed in", Token.ERROR)
    PAUSED = (Sign.PAUSED, "paused", Token.WARNING)

    @property
    def cell(self) -> Cell:
        """The state as it is drawn."""
        sign, word, token = self.value
        return Cell(f"{sign.glyph} {word}", token)


@dataclass(frozen=True, slots=True)
class Standing:
    """What the header says of the session; ``watched`` is how many rollouts this program acts on by itself."""

    context: str
    is_production: bool = False
    is_read_only: bool = False
    connection: Connection = Connection.STARTING
    watched: int = 0


class Header(Widget):
    """One line; a production context is marked by the word PROD and by the line's own colour."""

    DEFAULT_CSS = """
    Header { dock: top; height: 1; background: $panel; color: $foreground; padding: 0 1; }
    Header.-production { border-left: outer $production; padding: 0 1 0 0; }
    """

    standing: reactive[Standing] = reactive(Standing(""))
    crumbs: reactive[tuple[str, ...]] = reactive(())

    def watch_standing(self, standing: Standing) -> None:
        """Colour the line in a production context."""
        self.set_class(standing.is_production, "-production")

    def render(self) -> RenderResult:
        """Crumbs at the left, the session at the right."""
        session = self._session()
        width = self.content_size.width
        crumbs = line(*breadcrumb(self.crumbs, max(0, width - session.cell_length - 2)))
        gap = " " * max(1, width - crumbs.cell_length - session.cell_length)
        return Content.assemble(crumbs, gap, session)

    def _session(self) -> Content:
        standing = self.standing
        return line(
            Cell(" PROD ", Token.PRODUCTION_BADGE) if standing.is_production else Cell(""),
            Cell(standing.context, Token.STRONG),
            Cell("read-only", Token.WARNING) if standing.is_read_only else Cell(""),
            Cell(f"{Sign.MARK.glyph} watching {standing.watched}", Token.WARNING) if standing.watched else Cell(""),
            standing.connection.cell,
            separator="  ",
        )
