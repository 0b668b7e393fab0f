"""Leaving the program or its context: whoever watches rollouts is asked first, because nobody would watch them then."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from textual.app import App

if TYPE_CHECKING:
    from mlops_tui.screens.watching import Watches

_STAY, _GO = "stay", "go"


def leave_watching(app: App[Any], watches: Watches, verb: str, go: Callable[[], None]) -> None:
    """Go at once where nothing is watched, else when a person agrees; ``verb`` is what they wanted to do."""
    if not len(watches):
        go()
        return
    from mlops_tui.widgets.chooser import Choice, Chooser

    def answered(choice: str | None) -> None:
        if choice == _GO:
            go()

    choices = [
        Choice(_STAY, "Stay here, and go on watching"),
        Choice(_GO, verb, "nothing steps on or goes back by itself then"),
    ]
    app.push_screen(Chooser(f"This program watches {watches.names}", choices, current=_STAY), answered)
