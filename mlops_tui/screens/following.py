"""What an action started, until it ends: its jobs, their log, whether the version is live. Leaving stops nothing."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from mlops_tui.domain.actions import Receipt
from mlops_tui.domain.canonical import JsonValue
from mlops_tui.domain.jobs import Job, JobLog
from mlops_tui.domain.pipelines import PipelineStatus
from mlops_tui.domain.snapshots import Snapshot
from mlops_tui.live.logs import LogChunk
from mlops_tui.screens.feeds import Feed
from mlops_tui.screens.receipts import receipt_lines, receipt_value
from mlops_tui.screens.states import pipeline_status
from mlops_tui.screens.view import View
from mlops_tui.themes.glyphs import Sign
from mlops_tui.themes.tokens import Token
from mlops_tui.widgets.cells import Align, Cell, line, number
from mlops_tui.widgets.log_view import LogView
from mlops_tui.widgets.pane import Pane
from mlops_tui.widgets.table import Table
from mlops_tui.widgets.table_columns import Column
from mlops_tui.widgets.table_source import list_source
from mlops_tui.widgets.text_lines import TextLines

if TYPE_CHECKING:
    from mlops_tui.operations.following import Followed
    from mlops_tui.operations.session import Session

LOOK_SECONDS = 2.0
LOG_SECONDS = 3.0
COLUMNS = (
    Column("job", "JOB", 12, flex=2),
    Column("stage", "STAGE", 8, flex=1, priority=20),
    Column("status", "STATUS", 14),
    Column("took", "TOOK", 8, align=Align.RIGHT),
    Column("id", "ID", 8, priority=10, align=Align.RIGHT),
)
NO_JOB = JobLog(0, (), 0, is_complete=False)


class FollowingView(View):
    """A deployment under way.

    Args:
        receipt: Of the action that started it.
    """

    NAME = "following"
    CSS_PATH = Path(__file__).with_suffix(".tcss")
    AUTO_FOCUS: ClassVar[str | None] = "#jobs-table"

    def __init__(self, receipt: Receipt) -> None:
        super().__init__()
        self._receipt = receipt
        self._last: Snapshot[Followed] | None = None
        self._job_log: JobLog = NO_JOB
        self._shown_at: str | None = None

    @property
    def crumb(self) -> str:
        """What is followed."""
        subject = self._receipt.intent.subject
        return f"{subject.model} {subject.version} → {subject.environment}"

    @property
    def frame_name(self) -> str:
        """One for each pipeline."""
        return f"following {self._receipt.followed.get('pipeline')}"

    def body(self) -> ComposeResult:
        """Headline, jobs, log, receipt."""
        yield Static(self.headline(), id="headline")
        with Pane("Jobs", id="jobs"):
            yield Table(COLUMNS, empty="Waiting for the first jobs.", id="jobs-table")
        with Pane("Log", id="log"):
            yield LogView(file_name="deployment.log", empty="No output yet.", id="log-lines")
        with Pane("Receipt", id="receipt"):
            yield TextLines(id="receipt-lines")

    def on_mount(self) -> None:
        """Show the receipt, which will not change."""
        lines = self.query_one("#receipt-lines", TextLines)
        lines.wraps = True
        lines.show(receipt_lines(self._receipt))

    def feeds(self, session: Session) -> Iterable[Feed[Any]]:
        """The pipeline every two seconds, and the log of the job under the cursor."""
        from mlops_tui.operations.following import look
        from mlops_tui.operations.jobs import read_log

        async def followed() -> Snapshot[Followed]:
            last = self._last
            if last is not None and last.data.progress.state.has_ended:
                return session.snapshot(last.data)
            return await look(session, self._receipt)

        async def log() -> Snapshot[JobLog]:
            job = self._job()
            if job is None or (self._job_log.job_id == job.id and self._job_log.is_complete):
                return session.snapshot(self._job_log)
            return session.snapshot(await read_log(session, job.project, job.id))

        yield Feed(followed, self._draw_progress, "#jobs", LOOK_SECONDS)
        yield Feed(log, self._draw_log, "#log", LOG_SECONDS)

    def describe(self) -> tuple[str, JsonValue]:
        """The receipt."""
        return "Receipt", receipt_value(self._receipt)

    def copy_text(self) -> str | None:
        """GitLab's page."""
        return next(iter(self._receipt.links), None)

    def _draw_progress(self, snapshot: Snapshot[Followed]) -> None:
        self._last = snapshot
        progress = snapshot.data.progress
        self._redraw_headline()
        table = self.query_one("#jobs-table", Table)
        table.show(list_source(COLUMNS, [(str(job.id), _cells(job)) for job in progress.jobs]))
        told = next((job for status in _TELLING for job in progress.jobs if job.status is status), None)
        if told is not None and str(told.id) != self._shown_at:
            self._shown_at = str(told.id)
            table.go_to(self._shown_at)

    def _redraw_headline(self) -> None:
        self.query_one("#headline", Static).update(self.headline())

    def _draw_log(self, snapshot: Snapshot[JobLog]) -> None:
        log, before = snapshot.data, self._job_log
        self._job_log = log
        is_restart = log.job_id != before.job_id or len(log.lines) < len(before.lines)
        start = 0 if is_restart else max(0, len(before.lines) - 1)
        chunk = LogChunk(
            lines=log.lines[start:],
            replaces_last=not is_restart and bool(before.lines),
            is_restart=is_restart,
            dropped=0,
            is_complete=log.is_complete,
            fetched_at=snapshot.fetched_at,
            error=snapshot.error,
        )
        self.query_one(LogView).take(chunk)

    @on(Table.Moved, "#jobs-table")
    def _other_job(self) -> None:
        job = self._job()
        self.query_one("#log", Pane).heading = f"Log of {job.name}" if job else "Log"
        self.action_refresh()

    def _job(self) -> Job | None:
        key = self.query_one("#jobs-table", Table).cursor_key
        jobs = self._last.data.progress.jobs if self._last else ()
        return next((job for job in jobs if str(job.id) == key), None)

    def headline(self) -> Content:
        """How it goes, in one line."""
        subject = self._receipt.intent.subject
        what = f"{subject.model} {subject.version}"
        if self._last is None:
            return line(Cell(f"{Sign.WAITING.glyph} {self._receipt.message}", Token.MUTED))
        return line(_verdict(self._last.data, what, subject.version, subject.environment))


_TELLING = (PipelineStatus.FAILED, PipelineStatus.RUNNING, PipelineStatus.MANUAL)


def _verdict(followed: Followed, what: str, version: str, environment: str) -> Cell:
    from mlops_tui.operations.following import FollowState

    progress, live = followed.progress, followed.live
    match progress.state:
        case FollowState.RUNNING:
            return Cell(f"{Sign.RUNNING.glyph} {what} goes to {environment}: {progress.message}", Token.RUNNING)
        case FollowState.WAITING:
            return Cell(f"{Sign.PAUSED.glyph} {what} to {environment}: {progress.message}", Token.WARNING)
        case FollowState.FAILED:
            return Cell(f"{Sign.FAILED.glyph} {what} is not in {environment}: {progress.message}", Token.ERROR)
        case FollowState.SUCCEEDED if live is not None and live.version == version:
            return Cell(f"{Sign.OK.glyph} {what} is live in {environment} now", Token.OK)
        case FollowState.SUCCEEDED:
            serving = (live.version if live else None) or "no version"
            text = f"Every job ended well, but GitLab's deployments name {serving} as live in {environment}"
            return Cell(f"{Sign.WARNING.glyph} {text}", Token.WARNING)


def _cells(job: Job) -> tuple[Cell, ...]:
    took = ""
    if job.started_at is not None and job.finished_at is not None:
        took = f"{(job.finished_at - job.started_at).total_seconds():.0f} s"
    return (
        Cell(job.name),
        Cell(job.stage, Token.MUTED),
        pipeline_status(job.status).cell,
        number(took),
        number(str(job.id), Token.MUTED),
    )
