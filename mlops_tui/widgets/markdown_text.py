"""Markdown of strangers as plain lines: no link does anything, no picture is fetched, no HTML is obeyed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mlops_tui.domain.text import clean_block
from mlops_tui.themes.tokens import Token
from mlops_tui.widgets.cells import Cell, fit
from mlops_tui.widgets.text_layout import TextLine, plain_text

if TYPE_CHECKING:
    from markdown_it.token import Token as Mark

MOST_COLUMN = 28
_BULLET = "• "


def markdown_lines(text: str) -> list[TextLine]:
    """The document as lines; addresses stand written out behind what they are linked to."""
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    writer = _Writer()
    writer.write(parser.parse(clean_block(text)))
    return writer.lines


class _Writer:
    """Turns the parser's marks into lines, block by block."""

    def __init__(self) -> None:
        self.lines: list[TextLine] = []
        self._indents: list[str] = []
        self._numbers: list[int | None] = []
        self._lead = ""
        self._row: list[TextLine] = []
        self._rows: list[list[TextLine]] = []
        self._is_in_cell = False
        self._token = Token.PLAIN

    def write(self, marks: Sequence[Mark]) -> None:
        for mark in marks:
            self._block(mark)
        while self.lines and not self.lines[-1]:
            self.lines.pop()

    def _block(self, mark: Mark) -> None:
        match mark.type:
            case "inline":
                self._inline(mark)
            case "heading_open":
                self._token, self._lead = Token.TITLE, "#" * int(mark.tag[1:]) + " "
            case "heading_close" | "paragraph_close":
                self._token = Token.PLAIN
                self._blank()
            case "bullet_list_open":
                self._numbers.append(None)
            case "ordered_list_open":
                self._numbers.append(int(mark.attrs.get("start", 1)))
            case "bullet_list_close" | "ordered_list_close":
                self._numbers.pop()
                self._blank()
            case "list_item_open":
                self._open_item()
            case "list_item_close":
                self._indents.pop()
            case "blockquote_close":
                self._indents.pop()
                self._blank()
            case "blockquote_open":
                self._indents.append("│ ")
            case "fence" | "code_block":
                self._code(mark)
            case "hr":
                self._add((Cell("─" * 20, Token.MUTED),))
                self._blank()
            case "th_open" | "td_open":
                self._is_in_cell = True
            case "th_close" | "td_close":
                self._is_in_cell = False
            case "tr_close":
                self._rows.append(self._row)
                self._row = []
            case "table_close":
                self._table()

    def _open_item(self) -> None:
        number = self._numbers[-1]
        self._lead = _BULLET if number is None else f"{number}. "
        if number is not None:
            self._numbers[-1] = number + 1
        self._indents.append(" " * len(self._lead))

    def _inline(self, mark: Mark) -> None:
        if self._is_in_cell:
            self._row += _spans(mark.children or [], Token.PLAIN)[:1] or [()]
            return
        for line in _spans(mark.children or [], self._token):
            self._add(line)

    def _code(self, mark: Mark) -> None:
        for line in mark.content.rstrip("\n").split("\n"):
            self._add((Cell("  " + line.replace("\t", "    "), Token.RUNNING),))
        self._blank()

    def _table(self) -> None:
        count = max((len(row) for row in self._rows), default=0)
        texts = [[plain_text(cell) for cell in row] + [""] * (count - len(row)) for row in self._rows]
        widths = [min(MOST_COLUMN, max(len(row[place]) for row in texts)) for place in range(count)]
        for number, row in enumerate(texts):
            line = "  ".join(fit(text, width) for text, width in zip(row, widths, strict=True))
            self._add((Cell(line, Token.STRONG if number == 0 else Token.PLAIN),))
        self._rows = []
        self._blank()

    def _add(self, line: TextLine) -> None:
        indent = "".join(self._indents)
        lead, self._lead = self._lead, ""
        if lead and self._indents and self._token is Token.PLAIN:
            indent = indent[: len(indent) - len(lead)]
        self.lines.append((Cell(indent + lead, Token.MUTED), *line) if indent or lead else line)

    def _blank(self) -> None:
        if self.lines and self.lines[-1] and not self._indents:
            self.lines.append(())


def _spans(marks: Sequence[Mark], base: Token) -> list[TextLine]:
    lines: list[list[Cell]] = [[]]
    tokens = [base]
    addresses: list[str] = []
    for mark in marks:
        match mark.type:
            case "text":
                lines[-1].append(Cell(mark.content, tokens[-1]))
            case "code_inline":
                lines[-1].append(Cell(mark.content, Token.RUNNING))
            case "softbreak":
                lines[-1].append(Cell(" ", tokens[-1]))
            case "hardbreak":
                lines.append([])
            case "strong_open" | "em_open":
                tokens.append(Token.STRONG)
            case "s_open":
                tokens.append(Token.REFUSED)
            case "strong_close" | "em_close" | "s_close":
                tokens.pop()
            case "link_open":
                addresses.append(str(mark.attrs.get("href", "")))
            case "link_close":
                lines[-1].append(Cell(f" <{addresses.pop()}>", Token.MUTED))
            case "image":
                lines[-1].append(Cell(f"[picture: {mark.content}]", Token.MUTED))
    return [tuple(line) for line in lines]
