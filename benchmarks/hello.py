"""The least that Textual can do: the peer of everything that is drawn."""

from __future__ import annotations

from textual.app import App, ComposeResult
from textual.widgets import Static

GREETING = "Hello, world"


class Hello(App[None]):
    """One line of text."""

    BINDINGS = [("q", "quit", "Quit")]  # noqa: RUF012 - as in Textual's own tutorial

    def compose(self) -> ComposeResult:
        """The line."""
        yield Static(GREETING)


if __name__ == "__main__":
    Hello().run()
