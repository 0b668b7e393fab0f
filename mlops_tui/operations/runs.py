"""What one can ask about runs: the whole table, kept fresh cheaply; one run with all that belongs to it; histories."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from mlops_tui.analysis.run_columns import RunColumns
from mlops_tui.analysis.run_pages import RunColumnsBuilder
from mlops_tui.analysis.run_updates import updated
from mlops_tui.domain.artifacts import Artifact
from mlops_tui.domain.commits import Commit, MergeRequestRef
from mlops_tui.domain.errors import NotFoundError, RemoteError, UsageError
from mlops_tui.domain.experiments import Experiment
from mlops_tui.domain.filters import Expression, Field
from mlops_tui.domain.jobs import Job
from mlops_tui.domain.runs import MetricHistory, Run
from mlops_tui.domain.snapshots import Snapshot
from mlops_tui.gitlab.artifacts import list_artifacts, run_package
from mlops_tui.gitlab.commits import get_commit, merge_requests_of
from mlops_tui.gitlab.experiments import list_experiments
from mlops_tui.gitlab.jobs import get_job
from mlops_tui.gitlab.metrics import metric_history
from mlops_tui.gitlab.models import list_models, list_versions
from mlops_tui.gitlab.runs import get_run, run_pages, run_row
from mlops_tui.operations.session import Session

_REFRESH_PAGE = 50
_MOST_ROWS_AT_ONCE = 40


@dataclass(frozen=True, slots=True)
class RunTable:
    """The runs that are known so far; ``is_complete`` once every page of every experiment was read."""

    columns: RunColumns
    is_complete: bool


@dataclass(frozen=True, slots=True)
class RunDetail:
    """A run with what it belongs to; what could not be had is None or empty, and ``missing`` says why, in sentences."""

    run: Run
    job: Job | None
    commit: Commit | None
    merge_requests: tuple[MergeRequestRef, ...]
    artifacts: tuple[Artifact, ...]
    missing: tuple[str, ...]


class RunFeed:
    """A table of runs that is filled once, a page at a time, and then kept fresh.

    Keeping it fresh costs one request for each experiment and one for each visible row that still runs, however long
    the table is.
    """

    def __init__(self, session: Session, experiments: Sequence[Experiment], columns: RunColumns | None = None) -> None:
        self._session = session
        self._experiments = tuple(experiments)
        self.table = RunTable(columns or RunColumnsBuilder().build(), is_complete=False)

    async def fill(self, progress: Callable[[RunTable], None]) -> RunTable:
        """Read everything anew, telling ``progress`` after each page; the former table stands until the first page."""
        builder = RunColumnsBuilder()
        for experiment in self._experiments:
            async for rows in run_pages(self._session.transport, experiment):
                builder.append_page(rows, experiment)
                self.table = RunTable(builder.build(), is_complete=False)
                progress(self.table)
        self.table = RunTable(builder.build(), is_complete=True)
        return self.table

    async def refresh(self, visible: Iterable[str]) -> RunTable:
        """Read the newest runs of each experiment, and those of ``visible`` (run ids) that may still change."""
        columns = self.table.columns
        for experiment in self._experiments:
            async for rows in run_pages(self._session.transport, experiment, _REFRESH_PAGE):
                columns = updated(columns, rows, experiment)
                break
        running = [index for run_id in visible if (index := columns.find(run_id)) is not None]
        rows_running = [columns.row(index) for index in running if columns.row(index).status.is_live]
        for row in rows_running[:_MOST_ROWS_AT_ONCE]:
            fresh = await run_row(self._session.transport, row.experiment.project, row.id)
            columns = updated(columns, [fresh], row.experiment)
        self.table = RunTable(columns, self.table.is_complete)
        return self.table


async def experiments(session: Session, name: str | None = None) -> tuple[Experiment, ...]:
    """The experiments of all projects, or those called ``name`` (or of that number).

    Raises UsageError when no project has one of that name.
    """
    projects = await session.projects()
    found = await asyncio.gather(*(list_experiments(session.transport, project.ref) for project in projects))
    every = tuple(experiment for part in found for experiment in part)
    chosen = tuple(item for item in every if name is None or name in (item.name, str(item.iid)))
    if name is not None and not chosen:
        known = ", ".join(sorted({item.name for item in every})[:10]) or "none"
        raise UsageError(f"There is no experiment {name}", why=f"there are {known}", remedy="Name one of those")
    return chosen


async def list_runs(session: Session, experiment: str | None = None) -> Snapshot[RunColumns]:
    """Every run; ``selected`` narrows and sorts them here, since GitLab filters nothing."""
    feed = RunFeed(session, await experiments(session, experiment))
    table = await feed.fill(lambda _: None)
    return session.snapshot(table.columns)


def selected(
    session: Session, columns: RunColumns, expression: Expression | None, order: Field | None, *, descending: bool
) -> list[int]:
    """The rows that fit, in the order asked for; newest first without one."""
    rows = columns.order() if expression is None else columns.filter(expression, session.clock.now())
    if order is not None:
        rows = columns.sort(order, descending=descending, rows=np.asarray(rows))
    return [int(row) for row in rows]


async def find_run(session: Session, run_id: str) -> Run:
    """A run by its UUID, looked for in every project; NotFoundError when none has it."""
    for project in await session.projects():
        try:
            run = await get_run(session.transport, project.ref, run_id)
        except NotFoundError:
            continue
        names = {item.iid: item.name for item in await list_experiments(session.transport, project.ref)}
        return replace(run, experiment=names.get(run.experiment_iid, ""))
    raise NotFoundError(
        f"There is no run {run_id}",
        why="none of the projects of this context has it, or this token may not see it",
        remedy="List them with `mlops-tui runs list`",
    )


async def show_run(session: Session, run_id: str) -> Snapshot[RunDetail]:
    """One run with its job, commit, merge requests and artifacts."""
    run = await find_run(session, run_id)
    missing: list[str] = []
    job = await _job(session, run, missing)
    sha = run.commit_sha or (job.sha if job else "")
    commit, merge_requests = await _commit(session, run, sha, missing)
    artifacts = await run_artifacts(session, run)
    return session.snapshot(RunDetail(run, job, commit, merge_requests, artifacts, tuple(missing)))


async def run_artifacts(session: Session, run: Run) -> tuple[Artifact, ...]:
    """The files of a run; empty when nothing was uploaded.

    Once a run has become a version, its files are the version's.
    """
    package = await run_package(session.transport, run)
    if package is None and run.experiment.startswith("[model]"):
        package = await _version_package(session, run)
    return tuple(await list_artifacts(session.transport, run.project, package)) if package is not None else ()


async def history(session: Session, run: Run, metric: str) -> Snapshot[MetricHistory]:
    """Every value of one metric of a run.

    Raises UsageError when the run never logged it, naming what it did log.
    """
    if metric not in run.metrics:
        known = ", ".join(sorted(run.metrics)) or "none"
        raise UsageError(f"The run has no metric {metric}", why=f"it logged {known}", remedy="Name one of those")
    return session.snapshot(await metric_history(session.transport, run, metric))


async def _job(session: Session, run: Run, missing: list[str]) -> Job | None:
    if run.job_id is None:
        missing.append("No CI job is linked: the run carries no tag gitlab.CI_JOB_ID")
        return None
    try:
        return await get_job(session.transport, run.project, run.job_id)
    except RemoteError as error:
        missing.append(f"The CI job {run.job_id} cannot be read: {error.why or error.what}")
        return None


async def _commit(
    session: Session, run: Run, sha: str, missing: list[str]
) -> tuple[Commit | None, tuple[MergeRequestRef, ...]]:
    if not sha:
        missing.append("No commit is known: neither the run nor its job names one")
        return None, ()
    try:
        commit = await get_commit(session.transport, run.project, sha)
        return commit, tuple(await merge_requests_of(session.transport, run.project, sha))
    except RemoteError as error:
        missing.append(f"The commit {sha[:8]} cannot be read: {error.why or error.what}")
        return None, ()


async def _version_package(session: Session, run: Run) -> int | None:
    name = run.experiment.removeprefix("[model]")
    for model in await list_models(session.transport, run.project):
        if model.name == name:
            versions = await list_versions(session.transport, model)
            return next((item.package_id for item in versions if item.run_id == run.id), None)
    return None
