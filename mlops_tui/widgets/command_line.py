"""The line that opens above the footer for ``:`` and ``/``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.suggester import Suggester
from textual.widget import Widget
from textual.widgets import Input, Static

from mlops_tui.domain.errors import UsageError
from mlops_tui.themes.tokens import Token
from mlops_tui.widgets.cells import styled
from mlops_tui.widgets.commands import Command, ViewName, complete, parse_command


class Prompt(StrEnum):
    """What is being typed."""

    COMMAND = ":"
    FILTER = "/"


class _Completion(Suggester):
    def __init__(self, line: CommandLine) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._line = line

    async def get_suggestion(self, value: str) -> str | None:
        """The rest of a name."""
        if self._line.prompt is Prompt.FILTER:
            return None
        return complete(value, self._line.views, self._line.contexts)


class _CommandInput(Input):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Leave", show=False),
        Binding("tab", "cursor_right", "Complete", show=False),
        Binding("up", "older", "Older", show=False),
    ]

    def action_leave(self) -> None:
        """Close the line."""
        self.post_message(CommandLine.Left())

    def action_older(self) -> None:
        """Take back what was typed last."""
        self.post_message(CommandLine.OlderWanted())


class CommandLine(Vertical):
    """Reads a command or a filter; a mistake is shown under it with its column, and nothing happens.

    Args:
        views: The views that can be named.
        contexts: The contexts that can be named.
    """

    DEFAULT_CSS = """
    CommandLine { dock: bottom; height: auto; display: none; background: $surface; margin-bottom: 1; }
    CommandLine.-open { display: block; }
    CommandLine Horizontal { height: 1; }
    CommandLine .command--prompt { width: 2; color: $key; text-style: bold; }
    CommandLine Input { border: none; height: 1; padding: 0; width: 1fr; background: $surface; }
    CommandLine Input:focus { border: none; }
    CommandLine .command--error { height: auto; display: none; }
    CommandLine.-wrong .command--error { display: block; }
    """

    class Left(Message):
        """The line was left without a command."""

    class OlderWanted(Message):
        """The reader wants back what was typed last."""

    class Commanded(Message):
        """A command was given."""

        def __init__(self, command: Command) -> None:
            super().__init__()
            self.command = command

    class Filtered(Message):
        """A filter was given; empty for none."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def __init__(self, views: Sequence[ViewName] = (), contexts: Sequence[str] = ()) -> None:
        super().__init__()
        self.views = tuple(views)
        self.contexts = tuple(contexts)
        self.prompt = Prompt.COMMAND
        self._check: Callable[[str], object] = str
        self._before: Widget | None = None
        self._last = dict.fromkeys(Prompt, "")

    def compose(self) -> ComposeResult:
        """The prompt with its text, and the line for mistakes."""
        with Horizontal():
            yield Static(Content(self.prompt.value), classes="command--prompt")
            yield _CommandInput(suggester=_Completion(self), select_on_focus=False)
        yield Static("", classes="command--error")

    @property
    def is_open(self) -> bool:
        """Whether something is being typed."""
        return self.has_class("-open")

    def open(self, prompt: Prompt, text: str = "", *, check: Callable[[str], object] = str) -> None:
        """Open the line; ``check`` raises a UsageError for a filter that cannot be read."""
        self._before = self.screen.focused
        self.prompt, self._check = prompt, check
        self.query_one(".command--prompt", Static).update(Content(prompt.value))
        self.remove_class("-wrong")
        self.add_class("-open")
        # The style sheet shows it too, but only later, and what is hidden takes no focus.
        self.display = True
        typed = self.query_one(Input)
        typed.value = text
        typed.cursor_position = len(text)
        self.screen.set_focus(typed)

    def close(self) -> None:
        """Close the line and give the focus back."""
        self.remove_class("-open", "-wrong")
        self.display = False
        if self._before is not None and self._before.is_attached:
            self.screen.set_focus(self._before)
        self._before = None

    @on(Input.Changed)
    def _forget_mistake(self, event: Input.Changed) -> None:
        event.stop()
        self.remove_class("-wrong")

    @on(Input.Submitted)
    def _submit(self, event: Input.Submitted) -> None:
        event.stop()
        try:
            message = self._read(event.value)
        except UsageError as error:
            self._show_mistake(error)
            return
        self._last[self.prompt] = event.value
        self.close()
        self.post_message(message)

    @on(Left)
    def _leave(self, event: Left) -> None:
        event.stop()
        self.close()

    @on(OlderWanted)
    def _older(self, event: OlderWanted) -> None:
        event.stop()
        typed = self.query_one(Input)
        typed.value = self._last[self.prompt]
        typed.cursor_position = len(typed.value)

    def _read(self, text: str) -> Message:
        if self.prompt is Prompt.FILTER:
            self._check(text)
            return self.Filtered(text.strip())
        command = parse_command(text, self.views, self.contexts)
        # Another view has a language of its own, and checks the filter itself.
        if command.filter and command.view is None:
            self._check(command.filter)
        return self.Commanded(command)

    def _show_mistake(self, error: UsageError) -> None:
        column = getattr(error, "column", None)
        caret = " " * (column - 1 + 2) + "^ " if isinstance(column, int) else ""
        self.query_one(".command--error", Static).update(styled(caret + str(error), Token.ERROR))
        self.add_class("-wrong")
        if isinstance(column, int):
            self.query_one(Input).cursor_position = column - 1
