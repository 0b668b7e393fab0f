"""What a training brought: the runs that its jobs logged, held against the run of the version that is live."""

from __future__ import annotations

from dataclasses import dataclass

from mlops_tui.analysis.comparison import Comparison, Judgement, compare_runs
from mlops_tui.domain.actions import Receipt
from mlops_tui.domain.errors import UsageError
from mlops_tui.domain.runs import Run
from mlops_tui.domain.snapshots import Snapshot
from mlops_tui.gitlab.jobs import pipeline_jobs
from mlops_tui.gitlab.runs import get_run
from mlops_tui.operations.models import read_version
from mlops_tui.operations.runs import list_runs
from mlops_tui.operations.session import Session

_NEWEST = 50


@dataclass(frozen=True, slots=True)
class TrainingResult:
    """The new runs, the live version's run (None where it is not known), and how they compare to it."""

    runs: tuple[Run, ...]
    live: Run | None
    comparison: Comparison | None

    @property
    def sentence(self) -> str:
        """What came of it in a few words, without a full stop."""
        if not self.runs:
            return "no run was logged by its jobs"
        if self.comparison is None:
            return f"run {self.runs[0].id} was logged, and no run of a live version is known to hold it against"
        judged = [cell.judgement for row in self.comparison.metrics for cell in row.cells[1:2]]
        better, worse = (judged.count(kind) for kind in (Judgement.BETTER, Judgement.WORSE))
        return f"run {self.runs[0].id}: {better} figures better than the live version's, {worse} worse"

    @property
    def run_ids(self) -> tuple[str, ...]:
        """The live version's run first, as what the others are held against."""
        return tuple(run.id for run in ((self.live,) if self.live else ()) + self.runs)


async def training_result(session: Session, receipt: Receipt) -> Snapshot[TrainingResult]:
    """What came of a training that has ended; raises UsageError for a receipt that started none."""
    if "pipeline" not in receipt.followed:
        raise UsageError("This action started no pipeline", remedy="Its outcome is in the journal")
    project = await session.directory.project(receipt.intent.subject.project)
    jobs = {
        job.id for job in await pipeline_jobs(session.transport, project.ref, int(str(receipt.followed["pipeline"])))
    }
    snapshot = await list_runs(session, newest=_NEWEST)
    newest = [snapshot.data.row(int(index)).to_run() for index in snapshot.data.order()]
    made = tuple(run for run in newest if run.project == project.ref and run.job_id in jobs)
    live = await _live_run(session, receipt)
    compared = compare_runs([live, *made]) if live is not None and made else None
    return session.snapshot(TrainingResult(made, live, compared))


async def _live_run(session: Session, receipt: Receipt) -> Run | None:
    number = receipt.intent.expected.get("live version")
    project = await session.directory.project(receipt.intent.subject.project)
    version = await read_version(session, project, receipt.intent.subject.model, str(number)) if number else None
    return await get_run(session.transport, project.ref, version.run_id) if version and version.run_id else None
