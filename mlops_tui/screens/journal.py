"""What was done from this machine, and whether the record of it still holds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual import on
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from mlops_tui.domain.actions import Outcome
from mlops_tui.domain.canonical import JsonValue
from mlops_tui.domain.snapshots import Snapshot
from mlops_tui.screens.feeds import Feed
from mlops_tui.screens.listing import Item, ListedView
from mlops_tui.screens.receipts import intent_value, receipt_lines, receipt_value
from mlops_tui.screens.states import outcome
from mlops_tui.themes.glyphs import Sign
from mlops_tui.themes.tokens import Token
from mlops_tui.widgets.cells import Cell, line
from mlops_tui.widgets.pane import Pane
from mlops_tui.widgets.table import Table
from mlops_tui.widgets.table_columns import Column
from mlops_tui.widgets.text_layout import TextLine
from mlops_tui.widgets.text_lines import TextLines
from mlops_tui.widgets.times import short_moment

if TYPE_CHECKING:
    from mlops_tui.domain.journal import ChainReport
    from mlops_tui.operations.journal import JournalPage, Story
    from mlops_tui.operations.session import Session

MOST_STORIES = 1_000
LOOK_SECONDS = 10.0


class JournalView(ListedView):
    """The journal of actions."""

    NAME = "journal"
    CSS_PATH = Path(__file__).with_suffix(".tcss")
    LIST = "journal-table"
    EMPTY = "Nothing was changed from this machine yet."
    COLUMNS = (
        Column("at", "WHEN", 11),
        Column("outcome", "OUTCOME", 10),
        Column("what", "WHAT", 28, flex=3, max_width=60),
        Column("by", "BY", 8, flex=1, max_width=20, priority=30),
        Column("message", "DETAILS", 20, flex=4, priority=40),
        Column("project", "PROJECT", 10, flex=1, max_width=30, priority=20),
    )

    def __init__(self) -> None:
        super().__init__()
        self._page: JournalPage | None = None

    def body(self) -> ComposeResult:
        """The chain, the actions, and the one under the cursor."""
        yield Static("", id="chain")
        with Pane("Journal", id="journal"):
            yield self.list_table()
        with Pane("Receipt", id="receipt"):
            yield TextLines(empty="", id="receipt-lines")

    def feeds(self, session: Session) -> Iterable[Feed[Any]]:
        """The journal's file; other programs on this machine write it too."""
        from mlops_tui.operations.journal import show_journal

        yield Feed(lambda: show_journal(session, MOST_STORIES), self._take, "#journal", LOOK_SECONDS)

    def _take(self, snapshot: Snapshot[JournalPage]) -> None:
        self._page = snapshot.data
        self.query_one("#chain", Static).update(_chain_line(snapshot.data.chain))
        self.relist()
        self._show_receipt()

    def items(self, now: datetime) -> Sequence[Item] | None:
        """One row for each action, the newest first."""
        if self._page is None:
            return None
        return [_item(story, now) for story in self._page.stories]

    def describe(self) -> tuple[str, JsonValue] | None:
        """The action under the cursor with everything it rested on."""
        story = self._current()
        if story is None:
            return None
        from mlops_tui.operations.journal import intent_title

        return intent_title(story.intent), receipt_value(story.receipt) if story.receipt else intent_value(story.intent)

    def copy_text(self) -> str | None:
        """GitLab's page of the action, or its id."""
        story = self._current()
        if story is None:
            return None
        return next(iter(story.receipt.links if story.receipt else ()), story.intent.id)

    def _current(self) -> Story | None:
        key = self.listed.cursor_key
        stories = self._page.stories if self._page else ()
        return next((story for story in stories if story.intent.id == key), None)

    @on(Table.Moved, "#journal-table")
    def _show_receipt(self) -> None:
        story = self._current()
        lines = self.query_one("#receipt-lines", TextLines)
        lines.wraps = True
        lines.show(_story_lines(story) if story else ())

    @on(Table.Opened, "#journal-table")
    def _open(self) -> None:
        self.action_describe()


def _chain_line(chain: ChainReport) -> Content:
    if not chain.holds:
        return line(
            Cell(f"{Sign.FAILED.glyph} broken at entry {chain.broken_at}: {chain.reason}. ", Token.ERROR),
            Cell("Nothing is changed on GitLab from here; see mlops-tui journal verify."),
        )
    head = f", head {chain.head[:16]}" if chain.entries else ""
    entries = f"{chain.entries:,} entr{'y' if chain.entries == 1 else 'ies'}"
    return line(
        Cell(f"{Sign.OK.glyph} verified", Token.OK), Cell(f": {entries} follow from one another{head}", Token.MUTED)
    )


def _item(story: Story, now: datetime) -> Item:
    from mlops_tui.operations.journal import intent_title

    intent = story.intent
    message = story.receipt.message if story.receipt else "Whether GitLab did it is not known yet"
    cells = (
        Cell(short_moment(story.at, now), Token.MUTED),
        outcome(story.outcome).cell,
        Cell(intent_title(intent), Token.STRONG),
        Cell(intent.by),
        Cell(message, Token.MUTED),
        Cell(intent.subject.project, Token.MUTED),
    )
    return Item(intent.id, cells, {"at": story.at.timestamp()})


def _story_lines(story: Story) -> Iterable[TextLine]:
    if story.intent.reason:
        yield Cell("reason ", Token.MUTED), Cell(story.intent.reason)
    if story.receipt is not None:
        yield from receipt_lines(story.receipt)
        return
    yield (
        outcome(Outcome.UNKNOWN).cell,
        Cell("  Whether GitLab did it is not known yet; it is asked at the next start."),
    )
    yield Cell("intent ", Token.MUTED), Cell(story.intent.id)
