"""The log of one CI job, followed while it grows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import ComposeResult

from mlops_tui.domain.jobs import JobLog
from mlops_tui.domain.projects import ProjectRef
from mlops_tui.domain.snapshots import Snapshot
from mlops_tui.live.logs import LogChunk
from mlops_tui.screens.feeds import Feed
from mlops_tui.screens.view import View
from mlops_tui.widgets.log_view import LogView
from mlops_tui.widgets.pane import Pane

if TYPE_CHECKING:
    from mlops_tui.operations.session import Session

LOG_SECONDS = 3.0


class JobLogView(View):
    """What a job wrote.

    Args:
        project: The job's project.
        job_id: GitLab's number of the job.
        title: Whose job it is, such as a run's name.
    """

    NAME = "job_log"
    AUTO_FOCUS: ClassVar[str | None] = "LogView"

    def __init__(self, project: ProjectRef, job_id: int, title: str) -> None:
        super().__init__()
        self._project = project
        self._job_id = job_id
        self._title = title
        self._shown: JobLog | None = None

    @property
    def crumb(self) -> str:
        """The job's number."""
        return f"Job {self._job_id}"

    @property
    def frame_name(self) -> str:
        """One for each job."""
        return f"job-log {self._job_id}"

    def body(self) -> ComposeResult:
        """The log."""
        with Pane(f"Log of job {self._job_id}, {self._title}", id="log"):
            yield LogView(file_name=f"job-{self._job_id}.log", whole=self._whole, id="log-lines")

    def feeds(self, session: Session) -> Iterable[Feed[Any]]:
        """The whole log every few seconds, until the job has ended."""
        from mlops_tui.operations.jobs import read_log

        async def fetch() -> Snapshot[JobLog]:
            if self._shown is not None and self._shown.is_complete:
                return session.snapshot(self._shown)
            return session.snapshot(await read_log(session, self._project, self._job_id))

        yield Feed(fetch, self._take, "#log", LOG_SECONDS, session.cached_view(self.frame_name, JobLog))

    def copy_text(self) -> str | None:
        """The job's number."""
        return str(self._job_id)

    async def _whole(self) -> Sequence[str]:
        return self._shown.lines if self._shown is not None else ()

    def _take(self, snapshot: Snapshot[JobLog]) -> None:
        chunk = grown(self._shown, snapshot)
        self._shown = snapshot.data
        self.query_one(LogView).take(chunk)


def grown(before: JobLog | None, snapshot: Snapshot[JobLog]) -> LogChunk:
    """What a log has more than ``before``; a log that does not go on from there is told whole."""
    log = snapshot.data
    seen = before.lines if before is not None and before.job_id == log.job_id else ()
    # The last line may have been cut off in the middle.
    goes_on = bool(seen) and len(log.lines) >= len(seen) and log.lines[: len(seen) - 1] == seen[:-1]
    start = len(seen) - 1 if goes_on else 0
    return LogChunk(
        lines=log.lines[start:],
        replaces_last=goes_on,
        is_restart=not goes_on,
        dropped=0,
        is_complete=log.is_complete,
        fetched_at=snapshot.fetched_at,
        error=snapshot.error,
    )
