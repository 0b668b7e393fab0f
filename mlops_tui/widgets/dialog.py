"""What all dialogs share: a framed box over the view, left with Escape."""

from __future__ import annotations

from typing import ClassVar, TypeVar

from textual.binding import Binding, BindingType
from textual.screen import ModalScreen

Answer = TypeVar("Answer")


class Dialog(ModalScreen[Answer | None]):
    """A question over the view; Escape answers None, which stands for "leave everything as it is"."""

    DEFAULT_CSS = """
    Dialog { align: center middle; background: $background 60%; }
    Dialog:ansi { background: transparent; }
    Dialog > .dialog {
        width: 90%; max-width: 100; height: auto; max-height: 90%;
        padding: 0 1; background: $surface; border: round $border;
    }
    Dialog .dialog--title { height: auto; margin-bottom: 1; }
    Dialog .dialog--buttons { height: auto; align-horizontal: right; margin-top: 1; }
    Dialog .dialog--buttons Button { margin-left: 2; }
    Dialog .dialog--note { height: auto; color: $muted; }
    Dialog .dialog--error { height: auto; color: $error; }
    Dialog Button { border: none; height: 1; min-width: 12; background: $panel; color: $foreground; }
    Dialog Button.-primary { background: $panel; color: $key; }
    Dialog Button.-error { background: $panel; color: $error; }
    Dialog Button:focus { text-style: bold reverse; background-tint: transparent; }
    Dialog Button:disabled { text-style: strike; }
    Dialog Input { border: none; border-left: outer $border-blurred; height: 1; padding: 0 1; }
    Dialog Input:focus { border: none; border-left: outer $border; }
    Dialog.-production > .dialog { border: heavy $production; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "Cancel", show=False)]
    AUTO_FOCUS: ClassVar[str | None] = ""

    def action_cancel(self) -> None:
        """Leave everything as it is."""
        self.dismiss(None)
