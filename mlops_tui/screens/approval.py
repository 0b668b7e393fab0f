"""An evidence sheet: what a decision is made on, frozen when it was opened."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import ComposeResult
from textual.containers import Container
from textual.content import Content
from textual.widgets import Static

from mlops_tui.domain.approvals import Approval, ApprovalId
from mlops_tui.domain.canonical import JsonValue, digest
from mlops_tui.domain.snapshots import Snapshot
from mlops_tui.screens.approvals import approval_value, missing_text
from mlops_tui.screens.deciding import DecidingView
from mlops_tui.screens.feeds import Feed
from mlops_tui.screens.lineage import COLUMNS as LINEAGE_COLUMNS
from mlops_tui.screens.lineage import lineage_branches
from mlops_tui.screens.listing import BREAKPOINTS
from mlops_tui.screens.live import PROD
from mlops_tui.screens.states import approval_state
from mlops_tui.themes.glyphs import Sign
from mlops_tui.themes.tokens import Token
from mlops_tui.widgets.cells import Cell, line
from mlops_tui.widgets.pane import Pane
from mlops_tui.widgets.status import comparison
from mlops_tui.widgets.table import Table
from mlops_tui.widgets.table_columns import Column
from mlops_tui.widgets.table_source import list_source
from mlops_tui.widgets.text_layout import TextLine
from mlops_tui.widgets.text_lines import TextLines
from mlops_tui.widgets.times import moment_text
from mlops_tui.widgets.tree import Tree

if TYPE_CHECKING:
    from mlops_tui.operations.evidence_sheets import EvidenceSheet
    from mlops_tui.operations.session import Session

WATCH_INTERVALS = 3
CHANGE_COLUMNS = (
    Column("label", "WHAT", 12, flex=1, max_width=34, is_sortable=False),
    Column("before", "LIVE NOW", 9, flex=1, max_width=30, is_sortable=False),
    Column("after", "THIS ONE", 12, flex=2, max_width=40, is_sortable=False),
    Column("verdict", "", 8, is_sortable=False, priority=60),
)


class ApprovalView(DecidingView):
    """One approval with its evidence.

    Args:
        approval_id: Which.
        title: What it is called until it is read.
    """

    NAME = "approval"
    CSS_PATH = Path(__file__).with_suffix(".tcss")
    HORIZONTAL_BREAKPOINTS = BREAKPOINTS
    AUTO_FOCUS: ClassVar[str | None] = "#changes-table"

    def __init__(self, approval_id: ApprovalId, title: str = "") -> None:
        super().__init__()
        self._approval_id = approval_id
        self._title = title
        self._frozen: Snapshot[EvidenceSheet] | None = None
        self._opening = asyncio.Lock()
        self._is_outdated = False

    @property
    def crumb(self) -> str:
        """What it is."""
        return self._title or str(self._approval_id)

    @property
    def frame_name(self) -> str:
        """One for each approval."""
        return f"approval {self._approval_id}"

    def body(self) -> ComposeResult:
        """Facts above, three panes below."""
        yield Static("Reading the evidence…", id="facts")
        with Container(id="columns"):
            with Pane("Against what is live", id="changes"):
                yield Table(CHANGE_COLUMNS, empty="Loading…", id="changes-table")
            with Container(classes="column"):
                with Pane("Lineage", id="lineage"):
                    yield Tree(LINEAGE_COLUMNS, empty="Loading…", id="lineage-tree")
                with Pane("Also known", id="known"):
                    yield TextLines(empty="Loading…", id="known-lines")

    def feeds(self, session: Session) -> Iterable[Feed[Any]]:
        """The sheet once, and more rarely whether it still holds."""
        interval = session.context.poll_interval
        yield Feed(lambda: self._sheet_of(session), self._take, "#changes", interval)
        yield Feed(lambda: self._holds(session), self._take_standing, "#known", interval * WATCH_INTERVALS)

    async def _sheet_of(self, session: Session) -> Snapshot[EvidenceSheet]:
        """The frozen sheet; it is read when the view opens and when the person asks for a new one."""
        from mlops_tui.operations.evidence_sheets import open_sheet

        async with self._opening:
            if self._frozen is None:
                self._frozen = await open_sheet(session, self._approval_id)
            return self._frozen

    async def _holds(self, session: Session) -> Snapshot[bool]:
        """Whether what the sheet rests on is still so; a sheet that was just opened is not asked about."""
        from mlops_tui.operations.evidence_sheets import read_guard

        sheet = await self._sheet_of(session)
        if sheet.age(session.clock.now()).total_seconds() < session.context.poll_interval:
            return session.snapshot(True)
        return session.snapshot(digest(await read_guard(session, self._approval_id)) == digest(sheet.data.guard))

    def _take(self, snapshot: Snapshot[EvidenceSheet]) -> None:
        sheet = snapshot.data
        self._title = sheet.approval.title
        self.update_standing()
        self._draw_facts(sheet)
        table = self.query_one("#changes-table", Table)
        table.show_message("Nothing is known to compare." if sheet.evidence else "Nothing names a model version here.")
        table.show(list_source(CHANGE_COLUMNS, _change_rows(sheet)))
        tree = self.query_one("#lineage-tree", Tree)
        tree.show_message("No lineage is known.")
        tree.show_branches([lineage_branches(sheet.lineage)[0]] if sheet.lineage else [])
        lines = self.query_one("#known-lines", TextLines)
        lines.wraps = True
        lines.show(_known_lines(sheet))

    def _take_standing(self, snapshot: Snapshot[bool]) -> None:
        self._is_outdated = not snapshot.data
        if self._frozen is not None:
            self._draw_facts(self._frozen.data)

    def _draw_facts(self, sheet: EvidenceSheet) -> None:
        now = self.host.clock.now()
        opened = moment_text(self._frozen.fetched_at if self._frozen else None, now)
        facts = [*_facts(sheet.approval, moment_text(sheet.approval.waiting_since, now))]
        kept = "kept with the version" if sheet.keeping.value == "package" else "kept in the journal"
        facts.append(line(Cell(f"evidence sha256:{sheet.digest[:32]}… as of {opened}, {kept}", Token.MUTED)))
        if self._is_outdated:
            changed = f"{Sign.WARNING.glyph} Something changed since this sheet was opened: r opens it anew"
            facts.append(line(Cell(changed, Token.ERROR)))
        elif not sheet.is_current:
            facts.append(line(Cell(f"{Sign.WARNING.glyph} The request names other evidence than this", Token.ERROR)))
        self.query_one("#facts", Static).update(Content("\n").join(facts))

    def chosen(self) -> Sequence[Approval]:
        """What this sheet is about."""
        return [self._frozen.data.approval] if self._frozen else []

    def opened_sheet(self) -> EvidenceSheet | None:
        """The sheet as it was opened: a decision rests on nothing newer."""
        return self._frozen.data if self._frozen else None

    def action_refresh(self) -> None:
        """Open the sheet anew."""
        self._frozen = None
        self._is_outdated = False
        super().action_refresh()

    def describe(self) -> tuple[str, JsonValue] | None:
        """The sheet as it is kept."""
        if self._frozen is None:
            return None
        sheet = self._frozen.data
        return sheet.approval.title, {**approval_value(sheet.approval), "sheet": sheet.document}

    def copy_text(self) -> str | None:
        """The digest of the evidence."""
        return f"sha256:{self._frozen.data.digest}" if self._frozen else None


def _facts(approval: Approval, since: str) -> Iterator[Content]:
    by = approval.requested_by.username if approval.requested_by else "unknown"
    yield line(
        Cell(f" {PROD} ", Token.PRODUCTION_BADGE) if approval.is_production else Cell(""),
        Cell(approval.title, Token.STRONG),
        approval_state(approval.state).cell,
        separator=" ",
    )
    yield line(Cell(f"asked for by {by} at {since}; missing: ", Token.MUTED), Cell(missing_text(approval)))
    if approval.can_decide:
        yield line(Cell(f"{Sign.OK.glyph} you may approve it", Token.OK))
    else:
        yield line(Cell(f"{Sign.STOPPED.glyph} {approval.reason}", Token.WARNING))


def _change_rows(sheet: EvidenceSheet) -> list[tuple[str, tuple[Cell, ...]]]:
    rows: list[tuple[str, tuple[Cell, ...]]] = []
    for change in sheet.changes:
        verdict = comparison(change.is_better)
        word = f"{verdict.sign.glyph} {verdict.word}" if verdict.word else ""
        cells = (
            Cell(change.label),
            Cell(change.before or "-", Token.MUTED),
            Cell(change.after, verdict.token),
            Cell(word, verdict.token),
        )
        rows.append((change.label, cells))
    return rows


def _known_lines(sheet: EvidenceSheet) -> Iterator[TextLine]:
    for gap in sheet.gaps:
        yield (Cell(f"{Sign.WARNING.glyph} {gap}", Token.WARNING),)
    for notice in sheet.approval.notices:
        yield (Cell(f"{Sign.WARNING.glyph} {notice}", Token.WARNING),)
    for vote in sheet.approval.votes:
        rule = f" for {vote.rule}" if vote.rule else ""
        yield Cell(f"{vote.user.username} {vote.decision.value}{rule} ", Token.STRONG), Cell(vote.comment, Token.MUTED)
    if sheet.card is not None:
        token = Token.OK if sheet.card.is_complete else Token.WARNING
        yield Cell("card  ", Token.MUTED), Cell(sheet.card.summary, token)
    for item in sheet.observations:
        if not item.is_available:
            yield Cell(f"{item.name}  ", Token.MUTED), Cell(f"not available: {item.text}", Token.MUTED)
    if sheet.evidence is not None:
        for artifact in sheet.evidence.artifacts:
            yield Cell(f"{artifact.path}  ", Token.PLAIN), Cell(f"sha256 {artifact.sha256 or 'not told'}", Token.MUTED)
    for job in sheet.jobs:
        yield Cell("job   ", Token.MUTED), Cell(f"{job.name} {job.status.value}")
    for text in sheet.log_tail:
        yield Cell("log | ", Token.MUTED), Cell(text)
    for text in sheet.card_changes:
        yield Cell("card | ", Token.MUTED), Cell(text)
