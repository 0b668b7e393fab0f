"""What the keys do here: those of the focused pane first, then the view's, then those that always work."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Static

from mlops_tui.themes.tokens import Token
from mlops_tui.widgets.actions import Registry
from mlops_tui.widgets.cells import Cell, fit, line, styled
from mlops_tui.widgets.dialog import Dialog
from mlops_tui.widgets.footer import KeyHint
from mlops_tui.widgets.text_layout import TextLine, text_line
from mlops_tui.widgets.text_lines import TextLines

KEY_WIDTH = 16
TITLE_WIDTH = 14
_TITLES = {
    "delivery": "To production and back",
    "steering": "On the rollout",
    "registry": "In the registry",
    "app": "Everywhere",
    "go": "To other views",
    "view": "In every view",
    "table": "In this table",
    "tree": "In this tree",
    "plot": "On this plot",
    "log": "In this log",
    "text": "In this text",
}


class HelpDialog(Dialog[None]):
    """The keys that work where the focus is.

    Args:
        place: The title of the view.
        hints: The keys, from the focused widget outwards.
        registry: What the actions do, in sentences.
    """

    DEFAULT_CSS = """
    HelpDialog > .dialog { height: 90%; }
    HelpDialog TextLines { height: 1fr; }
    """

    def __init__(self, place: str, hints: Sequence[KeyHint], registry: Registry) -> None:
        super().__init__()
        self._place = place
        self._hints = tuple(hints)
        self._registry = registry

    def compose(self) -> ComposeResult:
        """The list of keys, and how to leave it."""
        with Vertical(classes="dialog"):
            yield Static(styled(f"Keys in {self._place}", Token.TITLE), classes="dialog--title")
            yield TextLines()
            yield Static(line(Cell("esc", Token.KEY), " closes"), classes="dialog--note")

    def on_mount(self) -> None:
        """Fill the list."""
        lines = self.query_one(TextLines)
        lines.wraps = True
        lines.show(self._lines())
        lines.focus()

    def _lines(self) -> Iterator[TextLine]:
        scopes = dict.fromkeys(hint.action_id.partition(".")[0] for hint in self._hints)
        last = [scope for scope in ("view", "go", "app") if scope in scopes]
        for scope in [*(scope for scope in scopes if scope not in last), *last]:
            yield text_line(_TITLES.get(scope, f"In {self._place}"), Token.TITLE)
            for hint in self._hints:
                if hint.action_id.partition(".")[0] == scope:
                    yield from self._about(hint)
            yield ()

    def _about(self, hint: KeyHint) -> Iterator[TextLine]:
        action = self._registry.get(hint.action_id)
        keys = Cell(fit(" ".join(hint.keys), KEY_WIDTH), Token.KEY)
        yield keys, Cell(fit(hint.title, TITLE_WIDTH)), Cell(action.description if action else "", Token.MUTED)
        if hint.refusal is not None:
            yield (Cell(" " * KEY_WIDTH), Cell(f"not now: {hint.refusal.sentence}", Token.WARNING))
