"""A few questions in one dialog: choose a version and an environment, give a reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Button, Input, Select, Static

from mlops_tui.themes.tokens import Token
from mlops_tui.widgets.cells import styled
from mlops_tui.widgets.chooser import Choice
from mlops_tui.widgets.dialog import Dialog


@dataclass(frozen=True, slots=True)
class ChoiceField:
    """Asks for one of the choices; those with a refusal are not offered."""

    name: str
    label: str
    choices: tuple[Choice, ...]
    default: str | None = None


@dataclass(frozen=True, slots=True)
class TextField:
    """Asks for a line of text."""

    name: str
    label: str
    is_required: bool = True
    placeholder: str = ""
    default: str = ""


FormField = ChoiceField | TextField


class FormDialog(Dialog[Mapping[str, str]]):
    """Asks for several things at once; answers them by field name.

    Args:
        title: What it is about.
        fields: The questions in their order.
        verb: The word on the button; nothing has happened yet when it is pressed.
    """

    DEFAULT_CSS = """
    FormDialog > .dialog { max-width: 76; }
    FormDialog .form--label { color: $muted; margin-top: 1; }
    FormDialog Select { height: auto; }
    """

    def __init__(self, title: str, fields: Sequence[FormField], *, verb: str = "Next") -> None:
        super().__init__()
        self._title = title
        self._fields = tuple(fields)
        self._verb = verb

    def compose(self) -> ComposeResult:
        """The questions, a line for what is missing, the buttons."""
        with Vertical(classes="dialog"):
            yield Static(styled(self._title, Token.TITLE))
            for field in self._fields:
                yield Static(styled(field.label), classes="form--label")
                yield _input(field)
            yield Static("", classes="dialog--error")
            with Horizontal(classes="dialog--buttons"):
                yield Button(Content("Cancel"), id="cancel", compact=True)
                yield Button(Content(self._verb), id="next", variant="primary", compact=True)

    def on_mount(self) -> None:
        """Start at the first question that has no answer yet, so that a form with good defaults is one line to type."""
        unanswered = next((field for field in self._fields if not field.default), self._fields[0])
        self.query_one(f"#field-{unanswered.name}").focus()

    @on(Button.Pressed, "#cancel")
    def _cancel(self) -> None:
        self.dismiss(None)

    @on(Input.Submitted)
    def _go_on(self, event: Input.Submitted) -> None:
        if event.input.id == f"field-{self._fields[-1].name}":
            self._submit()
        else:
            self.focus_next()

    @on(Button.Pressed, "#next")
    def _submit(self) -> None:
        answers = {field.name: self._answer(field) for field in self._fields}
        for field in self._fields:
            is_required = field.is_required if isinstance(field, TextField) else True
            if is_required and not answers[field.name]:
                self.query_one(".dialog--error", Static).update(
                    styled(f"{field.label}: nothing given yet.", Token.ERROR)
                )
                self.query_one(f"#field-{field.name}").focus()
                return
        self.dismiss(answers)

    def _answer(self, field: FormField) -> str:
        widget = self.query_one(f"#field-{field.name}")
        if isinstance(widget, Input):
            return widget.value.strip()
        value = widget.value if isinstance(widget, Select) else None
        return value if isinstance(value, str) else ""


def _input(field: FormField) -> Widget:
    match field:
        case TextField():
            return Input(field.default, placeholder=field.placeholder, id=f"field-{field.name}")
        case ChoiceField():
            offered = [choice for choice in field.choices if not choice.refusal]
            ids = [choice.id for choice in offered]
            options = [(choice.prompt, choice.id) for choice in offered]
            value = field.default if field.default in ids else Select.NULL
            return Select(options, value=value, id=f"field-{field.name}", compact=True, prompt="choose")
