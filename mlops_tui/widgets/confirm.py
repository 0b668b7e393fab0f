"""The dialog before every change: what would be sent, what it would change, and what stands in its way."""

from __future__ import annotations

from typing import ClassVar

from rich.cells import cell_len
from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Input, Static

from mlops_tui.domain.actions import Change, ConfirmationKind, Preview
from mlops_tui.domain.api_calls import ApiCall
from mlops_tui.domain.text import clean_block
from mlops_tui.themes.glyphs import Sign
from mlops_tui.themes.tokens import STYLES, Token
from mlops_tui.widgets.cells import Cell, fit, line, styled
from mlops_tui.widgets.dialog import Dialog
from mlops_tui.widgets.status import comparison
from mlops_tui.widgets.text_layout import fold, text_line

NARROW = 100
ROWS_AROUND = 6
ROWS_OF_NAME = 2
LEAST_ROWS = 3
LABEL_WIDTH = 22
VALUE_WIDTH = 30
NARROW_BEFORE_WIDTH = 14
NARROW_AFTER_WIDTH = 17
LINE_WIDTH = 84
NARROW_LINE_WIDTH = 64


class ConfirmDialog(Dialog[str]):
    """Shows a preview and asks; answers the typed text (empty where none is asked for), or None for no.

    Cancel has the focus, and no letter confirms. Where a name has to be typed, typing goes to it at once, the other
    button stays out of reach until it is right, and what does not match is said.

    Args:
        preview: What would be done.
        origin: The instance's address, for the calls as shell lines.
        verb: The word on the button ("Promote").
    """

    DEFAULT_CSS = """
    ConfirmDialog .confirm--body { height: auto; scrollbar-size-vertical: 1; }
    ConfirmDialog .confirm--calls { height: auto; color: $muted; }
    ConfirmDialog Static { height: auto; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "app.focus_previous", "Previous", show=False),
        Binding("right", "app.focus_next", "Next", show=False),
        Binding("pageup", "scroll(-1)", "Up", show=False),
        Binding("pagedown", "scroll(1)", "Down", show=False),
    ]
    AUTO_FOCUS = "#cancel"

    def __init__(self, preview: Preview, *, origin: str, verb: str) -> None:
        super().__init__(classes="-production" if preview.is_production else None)
        self.preview = preview
        self._origin = origin
        self._verb = verb

    @property
    def _asks_for_name(self) -> bool:
        return self.preview.confirmation.kind is ConfirmationKind.TYPE_NAME

    @property
    def _placeholder(self) -> str:
        preview = self.preview
        return "the model's name" if preview.confirmation.name == preview.intent.subject.model else "the name"

    def compose(self) -> ComposeResult:
        """Title, changes, obstacles, calls, the name to type, the buttons."""
        with Vertical(classes="dialog"):
            yield Static(_title(self.preview), classes="dialog--title")
            with VerticalScroll(classes="confirm--body", can_focus=False):
                yield Static(preview_body(self.preview, self._origin, is_narrow=self.app.size.width < NARROW))
            if self._asks_for_name:
                yield Static(self._question(""), id="question")
                yield Input(id="name", placeholder=self._placeholder, select_on_focus=False)
            with Horizontal(classes="dialog--buttons"):
                yield Button(Content("Cancel"), id="cancel", compact=True)
                yield self._confirm_button()

    def _question(self, typed: str, *, is_final: bool = False) -> Content:
        """What has to be typed, and that what was typed is something else; while it is typed its beginning is right."""
        name = self.preview.confirmation.name
        is_wrong = not name.startswith(typed) or (is_final and not self.preview.confirmation.accepts(typed))
        wrong = Cell(f"  {Sign.WARNING.glyph} what is typed does not match" if is_wrong else "", Token.WARNING)
        return line("Type ", Cell(name, Token.STRONG), " to confirm:", wrong)

    def _confirm_button(self) -> Button:
        button = Button(Content(self._verb), id="confirm", compact=True, disabled=self._asks_for_name)
        button.variant = "error" if self.preview.is_production else "primary"
        return button

    def on_mount(self) -> None:
        """Leave room for the question."""
        self._fit()

    def on_resize(self) -> None:
        """Leave room for the question in another size, too."""
        self._fit()

    def _fit(self) -> None:
        taken = ROWS_AROUND + (ROWS_OF_NAME if self._asks_for_name else 0)
        most = max(LEAST_ROWS, self.app.size.height * 9 // 10 - taken)
        self.query_one(".confirm--body", VerticalScroll).styles.max_height = most

    def on_key(self, event: events.Key) -> None:
        """Let what is typed become the name."""
        if self._asks_for_name and event.is_printable and event.character and not isinstance(self.focused, Input):
            event.prevent_default().stop()
            field = self.query_one("#name", Input).focus()
            field.insert_text_at_cursor(event.character)

    @on(Input.Changed, "#name")
    def _check_name(self, event: Input.Changed) -> None:
        self.query_one("#confirm", Button).disabled = not self.preview.confirmation.accepts(event.value)
        self.query_one("#question", Static).update(self._question(event.value))

    @on(Input.Submitted, "#name")
    def _confirm_by_name(self, event: Input.Submitted) -> None:
        if self.preview.confirmation.accepts(event.value):
            self.dismiss(event.value)
        else:
            self.query_one("#question", Static).update(self._question(event.value, is_final=True))

    @on(Button.Pressed, "#cancel")
    def _cancel(self) -> None:
        self.dismiss(None)

    @on(Button.Pressed, "#confirm")
    def _confirm(self) -> None:
        typed = self.query_one("#name", Input).value if self._asks_for_name else ""
        if self.preview.confirmation.accepts(typed):
            self.dismiss(typed)

    def action_scroll(self, pages: int) -> None:
        """Read on in the preview while the buttons keep the focus."""
        body = self.query_one(".confirm--body", VerticalScroll)
        body.scroll_relative(y=pages * max(1, body.size.height - 1), animate=False)


def _title(preview: Preview) -> Content:
    production = Cell(" PROD ", Token.PRODUCTION_BADGE) if preview.is_production else Cell("")
    return line(production, Cell(preview.title, Token.STRONG), separator=" ")


def preview_body(preview: Preview, origin: str, *, is_narrow: bool = False) -> Content:
    """The preview as text: obstacles, gaps, changes and the exact calls as shell lines without the token.

    What speaks against it comes first, where it is seen without scrolling.
    """
    narrow, wide = (NARROW_BEFORE_WIDTH, NARROW_AFTER_WIDTH, NARROW_LINE_WIDTH), (VALUE_WIDTH, VALUE_WIDTH, LINE_WIDTH)
    widths = narrow if is_narrow else wide
    warning, unknown = Cell(Sign.WARNING.glyph, Token.WARNING), Cell(Sign.UNKNOWN.glyph, Token.MUTED)
    against = [line(warning, obstacle, separator=" ") for obstacle in preview.obstacles]
    against += [line(unknown, Cell(gap, Token.MUTED), separator=" ") for gap in preview.gaps]
    blocks = (against, _changes(preview.changes, *widths), _calls(preview.calls, origin))
    return Content("\n\n").join(Content("\n").join(block) for block in blocks if block)


def _calls(calls: tuple[ApiCall, ...], origin: str) -> list[Content]:
    lines = [styled("What will be sent", Token.TITLE)] if calls else []
    for call in calls:
        if call.purpose:
            lines.append(styled(f"# {call.purpose}", Token.MUTED))
        lines.append(Content.styled(clean_block(call.as_curl(origin)), STYLES[Token.PLAIN]))
    return lines


def _changes(changes: tuple[Change, ...], most_before: int, most_after: int, most: int) -> list[Content]:
    if not changes:
        return []
    label = min(LABEL_WIDTH, max(cell_len(change.label) for change in changes))
    before = min(most_before, max(6, *(cell_len(change.before) for change in changes)))
    after = min(most_after, max(6, *(cell_len(change.after) for change in changes)))
    head = f"{fit('', label)}  {fit('before', before)}  after"
    rows = (
        _sentence(change, label, before, most - label - before - 4)
        if change.is_better is None and cell_len(change.after) > after
        else _change(change, label, before, after)
        for change in changes
    )
    return [styled(head, Token.MUTED), *rows]


def _change(change: Change, label: int, before: int, after: int) -> Content:
    verdict = comparison(change.is_better)
    sign = f" {verdict.sign.glyph} {verdict.word}" if verdict.word else ""
    return line(
        Cell(fit(change.label, label) + "  ", Token.MUTED),
        fit(change.before, before) + "  ",
        Cell(fit(change.after, after), verdict.token),
        Cell(sign, verdict.token),
    )


def _sentence(change: Change, label: int, before: int, width: int) -> Content:
    """A change that takes more than a word: nothing of it is cut off, it goes on in the lines below."""
    first, *further = fold(text_line(change.after), width)
    begun = line(Cell(fit(change.label, label) + "  ", Token.MUTED), fit(change.before, before) + "  ", *first)
    indent = " " * (label + before + 4)
    return Content("\n").join([begun, *(line(indent, *piece) for piece in further)])
