"""The inbox: everything that waits for a person over all projects, what you can settle first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.widgets import Static

from mlops_tui.domain.approvals import Approval
from mlops_tui.domain.canonical import JsonValue
from mlops_tui.domain.snapshots import Snapshot
from mlops_tui.screens.actions import APPROVALS_ACTIONS
from mlops_tui.screens.deciding import DecidingView
from mlops_tui.screens.feeds import Feed
from mlops_tui.screens.listing import Item, ListedView
from mlops_tui.screens.live import PROD
from mlops_tui.screens.states import approval_state
from mlops_tui.themes.glyphs import Sign
from mlops_tui.themes.tokens import Token
from mlops_tui.widgets.actions import bindings
from mlops_tui.widgets.cells import EMPTY, Align, Cell, line
from mlops_tui.widgets.pane import Pane
from mlops_tui.widgets.table import Table
from mlops_tui.widgets.table_columns import Column
from mlops_tui.widgets.times import age

if TYPE_CHECKING:
    from mlops_tui.operations.approvals import Inbox
    from mlops_tui.operations.session import Session

MOST_NOTICES = 3
INTERVALS = 2


class ApprovalsView(ListedView, DecidingView):
    """What waits."""

    NAME = "approvals"
    CSS_PATH = Path(__file__).with_suffix(".tcss")
    LIST = "approvals-table"
    EMPTY = f"{Sign.OK.glyph} Nothing waits for a person."
    COLUMNS = (
        Column("mine", "FOR YOU", 9),
        Column("what", "WHAT", 24, flex=4, max_width=60),
        Column("environment", "WHERE", 15, flex=1, max_width=24),
        Column("missing", "MISSING", 14, flex=2, max_width=44, priority=60),
        Column("age", "WAITS", 5, align=Align.RIGHT, priority=50),
        Column("by", "BY", 6, flex=1, max_width=20, priority=40),
        Column("kind", "KIND", 13, priority=20),
        Column("project", "PROJECT", 22, flex=1, max_width=30, priority=12),
        Column("reason", "WHY NOT YOU", 24, flex=3, max_width=70, priority=15),
    )
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(APPROVALS_ACTIONS)]

    def __init__(self) -> None:
        super().__init__()
        self._inbox: Inbox | None = None
        self._only_mine = False
        self._known: frozenset[str] | None = None

    def body(self) -> ComposeResult:
        """How projects approve, where that is not GitLab's own way, and the table."""
        yield Static("", id="notices")
        with Pane("Approvals", id="approvals"):
            yield self.list_table()

    def feeds(self, session: Session) -> Iterable[Feed[Any]]:
        """The inbox of all projects."""
        from mlops_tui.operations.approvals import Inbox, InboxReader

        cached = session.cached_view("approvals", Inbox)
        interval = INTERVALS * session.context.poll_interval
        yield Feed(InboxReader(session).read, self._take, "#approvals", interval, cached)

    def _take(self, snapshot: Snapshot[Inbox]) -> None:
        self._inbox = snapshot.data
        notices = [line(Cell(f"{Sign.WARNING.glyph} {text}", Token.WARNING)) for text in snapshot.data.notices]
        self.query_one("#notices", Static).update(Content("\n").join(notices[:MOST_NOTICES]))
        self._announce(snapshot.data)
        self.relist()

    def _announce(self, inbox: Inbox) -> None:
        """Tell of what waits for this person and did not when it was last looked at; not of what was there before."""
        mine = {str(item.id): item for item in inbox.for_me}
        if self._known is not None:
            for key in sorted(mine.keys() - self._known):
                self.host.announce("mlops-tui", f"waits for you: {mine[key].title}")
        self._known = frozenset(mine) | (self._known or frozenset())

    def items(self, now: datetime) -> Sequence[Item] | None:
        """One row for each, what one's own word settles first."""
        if self._inbox is None:
            return None
        shown = self._inbox.for_me if self._only_mine else self._inbox.approvals
        return [_item(approval, now) for approval in shown]

    def chosen(self) -> Sequence[Approval]:
        """The marked rows in their order, or the one under the cursor."""
        known = {str(item.id): item for item in self._inbox.approvals} if self._inbox else {}
        return [known[key] for key in self.listed.chosen_keys if key in known]

    def describe(self) -> tuple[str, JsonValue] | None:
        """Everything known about the row under the cursor."""
        current = self._current()
        return (current.title, approval_value(current)) if current else None

    def copy_text(self) -> str | None:
        """GitLab's page, or the id."""
        current = self._current()
        return (current.web_url or str(current.id)) if current else None

    def action_mine(self) -> None:
        """Show only what waits for this person, or everything."""
        self._only_mine = not self._only_mine
        self.query_one("#approvals", Pane).status = "only yours" if self._only_mine else ""
        self.relist()

    @on(Table.MarksChanged)
    @on(Table.Moved)
    def _judge_keys(self) -> None:
        self.refresh_bindings()

    @on(Table.Opened, "#approvals-table")
    def _open(self) -> None:
        from mlops_tui.screens.approval import ApprovalView

        current = self._current()
        if current is not None:
            self.app.push_screen(ApprovalView(current.id, current.title))

    def _current(self) -> Approval | None:
        key = self.listed.cursor_key
        return next((item for item in self._inbox.approvals if str(item.id) == key), None) if self._inbox else None


def _item(approval: Approval, now: datetime) -> Item:
    cells = (
        Cell(f"{Sign.RUNNING.glyph} decide", Token.WARNING) if approval.can_decide else _elsewhere(approval),
        Cell(approval.title, Token.STRONG if approval.can_decide else Token.PLAIN),
        _place(approval),
        Cell(missing_text(approval)),
        Cell(age(approval.waiting_since, now), Token.MUTED, Align.RIGHT),
        Cell(approval.requested_by.username if approval.requested_by else "unknown", Token.MUTED),
        Cell(approval.id.kind.words, Token.MUTED),
        Cell(approval.project.ref.path, Token.MUTED),
        Cell(approval.reason, Token.MUTED),
    )
    return Item(str(approval.id), cells, {"age": -approval.waiting_since.timestamp()})


def _elsewhere(approval: Approval) -> Cell:
    return approval_state(approval.state).cell


def _place(approval: Approval) -> Cell:
    if not approval.environment:
        return EMPTY
    if approval.is_production:
        return Cell(f"{PROD} {approval.environment}", Token.PRODUCTION)
    return Cell(approval.environment)


def missing_text(approval: Approval) -> str:
    """For instance "1 of ada, mona"; the rule's name where nobody tells whom it admits."""
    parts = []
    for rule in approval.rules:
        if not rule.missing:
            continue
        people = approval.can_still_approve(rule, approval.barred)
        who = rule.name if people is None else ", ".join(user.username for user in people) or "nobody left"
        parts.append(f"{rule.missing} of {who}")
    return "; ".join(parts) or "none"


def approval_value(approval: Approval) -> dict[str, JsonValue]:
    """Everything known about an approval, for reading."""
    return {
        "id": str(approval.id),
        "what": approval.title,
        "project": approval.project.ref.path,
        "model": approval.model,
        "version": approval.version,
        "environment": approval.environment,
        "production": approval.is_production,
        "asked for by": approval.requested_by.username if approval.requested_by else "",
        "waiting since": approval.waiting_since.isoformat(),
        "state": approval.state.value,
        "missing": missing_text(approval),
        "may I": "yes" if approval.can_decide else approval.reason,
        "votes": [f"{vote.user.username} {vote.decision.value}: {vote.comment}" for vote in approval.votes],
        "notices": list(approval.notices),
        "page": approval.web_url,
    }
