"""A list to choose one thing from, narrowed by typing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from mlops_tui.themes.tokens import Token
from mlops_tui.widgets.cells import Cell, line, styled
from mlops_tui.widgets.dialog import Dialog


@dataclass(frozen=True, slots=True)
class Choice:
    """One thing to choose: ``id`` is the answer, ``note`` says more, ``refusal`` why it cannot be chosen."""

    id: str
    title: str
    note: str = ""
    refusal: str = ""

    @property
    def prompt(self) -> Content:
        """The line in the list."""
        note = self.refusal or self.note
        title = Cell(self.title, Token.MUTED if self.refusal else Token.PLAIN)
        return line(title, Cell(note, Token.MUTED), separator="  ")


class Chooser(Dialog[str]):
    """Asks for one of several things; answers its id.

    Args:
        title: What is chosen.
        choices: The things, in their order.
        current: The id that the list opens on.
        nothing: What is said where there are no choices at all.
    """

    DEFAULT_CSS = """
    Chooser > .dialog { max-width: 76; }
    Chooser OptionList { height: auto; max-height: 16; border: none; padding: 0; background: $surface; }
    Chooser OptionList > .option-list--option-highlighted { background: $row-cursor; text-style: bold; }
    Chooser:ansi OptionList > .option-list--option-highlighted { text-style: bold reverse; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", "Up", show=False),
        Binding("down", "move(1)", "Down", show=False),
    ]

    def __init__(
        self,
        title: str,
        choices: Sequence[Choice],
        *,
        current: str | None = None,
        nothing: str = "There is nothing to choose from.",
    ) -> None:
        super().__init__()
        self._title = title
        self._choices = tuple(choices)
        self._current = current
        self._nothing = nothing

    def compose(self) -> ComposeResult:
        """Title, the text that narrows, the list."""
        with Vertical(classes="dialog"):
            yield Static(styled(self._title, Token.TITLE), classes="dialog--title")
            yield Input(placeholder="type to narrow, enter to choose, esc to leave")
            options = OptionList()
            options.can_focus = False
            yield options

    def on_mount(self) -> None:
        """Open on the current choice."""
        self._fill("")
        self.query_one(Input).focus()

    @on(Input.Changed)
    def _narrow(self, event: Input.Changed) -> None:
        self._fill(event.value)

    @on(Input.Submitted)
    def _choose(self) -> None:
        options = self.query_one(OptionList)
        if options.highlighted is not None:
            self._answer(options.get_option_at_index(options.highlighted))

    @on(OptionList.OptionSelected)
    def _choose_by_mouse(self, event: OptionList.OptionSelected) -> None:
        self._answer(event.option)

    def action_move(self, rows: int) -> None:
        """Go up or down the list while the text keeps the focus."""
        options = self.query_one(OptionList)
        if rows < 0:
            options.action_cursor_up()
        else:
            options.action_cursor_down()

    def _answer(self, option: Option) -> None:
        if not option.disabled:
            self.dismiss(option.id)

    def _fill(self, text: str) -> None:
        wanted = text.casefold().split()
        kept = [choice for choice in self._choices if all(word in choice.title.casefold() for word in wanted)]
        options = self.query_one(OptionList)
        options.clear_options()
        options.add_options([Option(choice.prompt, choice.id, disabled=bool(choice.refusal)) for choice in kept])
        if not kept:
            said = f"None of {len(self._choices):,} matches." if self._choices else self._nothing
            options.add_option(Option(styled(said, Token.MUTED), disabled=True))
        ids = [choice.id for choice in kept if not choice.refusal]
        if ids:
            options.highlighted = options.get_option_index(self._current if self._current in ids else ids[0])
