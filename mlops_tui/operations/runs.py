"""What one can ask about runs: the whole table, one run with all that belongs to it, histories, and a comparison."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from mlops_tui.analysis.comparison import Comparison, compare_runs
from mlops_tui.analysis.run_columns import RunColumns
from mlops_tui.analysis.run_records import runs_of
from mlops_tui.domain.artifacts import Artifact
from mlops_tui.domain.commits import Commit, MergeRequestRef
from mlops_tui.domain.errors import (
    NotAllowedError,
    NotFoundError,
    NotSignedInError,
    RemoteError,
    UnknownNameError,
    UsageError,
)
from mlops_tui.domain.filters import Expression, Field, FieldKind
from mlops_tui.domain.jobs import Job
from mlops_tui.domain.runs import MetricHistory, Run
from mlops_tui.domain.snapshots import Snapshot
from mlops_tui.gitlab.artifacts import list_artifacts, run_package
from mlops_tui.gitlab.commits import get_commit, merge_requests_of
from mlops_tui.gitlab.experiments import list_experiments
from mlops_tui.gitlab.jobs import get_job
from mlops_tui.gitlab.metrics import metric_history
from mlops_tui.gitlab.models import list_models, list_versions
from mlops_tui.gitlab.runs import get_run
from mlops_tui.operations.run_feed import RunFeed
from mlops_tui.operations.session import Session

NEWEST_FIRST = Field(FieldKind.STARTED_AT)


@dataclass(frozen=True, slots=True)
class RunDetail:
    """A run with what it belongs to; what could not be had is None or empty, and ``missing`` says why, in sentences."""

    run: Run
    web_url: str
    job: Job | None
    commit: Commit | None
    merge_requests: tuple[MergeRequestRef, ...]
    artifacts: tuple[Artifact, ...]
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ComparedRuns:
    """Runs in the order asked for, and what differs between them."""

    runs: tuple[Run, ...]
    comparison: Comparison

    @property
    def baseline_id(self) -> str:
        """The run that the others are held against."""
        return self.runs[self.comparison.baseline].id

    @property
    def is_live(self) -> bool:
        """Whether one of the runs may still log something."""
        return any(run.status.is_live for run in self.runs)


@dataclass(frozen=True, slots=True)
class RunChanges:
    """The rows of a table that fit, and those of them that are new or read differently than in the look before."""

    snapshot: Snapshot[RunColumns]
    changed: tuple[Run, ...]


async def list_runs(session: Session, experiment: str | None = None, newest: int | None = None) -> Snapshot[RunColumns]:
    """Every run, or the ``newest`` of each experiment; ``selected`` narrows and sorts, since GitLab filters nothing."""
    feed = RunFeed(session, experiment)
    snapshot = await (feed.update() if newest is None else feed.newest(newest))
    return Snapshot(snapshot.data.columns, snapshot.fetched_at, snapshot.source, snapshot.error)


def selected(
    session: Session, columns: RunColumns, expression: Expression | None, order: Field | None, *, descending: bool
) -> list[int]:
    """The rows that fit, in the order asked for; among equals those that began last come first."""
    rows = columns.order() if expression is None else columns.filter(expression, session.clock.now())
    rows = columns.sort(NEWEST_FIRST, descending=True, rows=rows)
    if order is not None:
        rows = columns.sort(order, descending=descending, rows=rows)
    return [int(row) for row in rows]


def unknown_fields(columns: RunColumns, fields: Iterable[Field]) -> tuple[Field, ...]:
    """Those that no run has ever logged: most likely slips of the pen."""
    known = {FieldKind.METRIC: columns.metrics, FieldKind.PARAM: columns.params, FieldKind.TAG: columns.tags}
    named = (field for field in dict.fromkeys(fields) if field.kind in known)
    return tuple(field for field in named if field.name not in known[field.kind])


async def watch_runs(
    session: Session, experiment: str | None, choose: Callable[[RunColumns], Sequence[int]]
) -> AsyncIterator[RunChanges]:
    """Look at the runs that ``choose`` picks, again after every poll interval and for ever.

    A connection that is lost is waited out and told as the snapshot's error; a refused token ends it.
    """
    feed = RunFeed(session, experiment)
    told: dict[str, Run] = {}
    live: list[str] = []
    last: Snapshot[RunColumns] | None = None
    while True:
        try:
            update = await feed.update(live)
        except (NotSignedInError, NotAllowedError, UsageError):
            raise
        except RemoteError as error:
            columns = feed.table.columns
            last = last.failed(error) if last else session.snapshot(columns).failed(error)
            yield RunChanges(last, ())
        else:
            columns = update.data.columns
            runs = runs_of(columns, choose(columns))
            live = [run.id for run in runs if run.status.is_live]
            changed = tuple(run for run in runs if not _reads_alike(told.get(run.id), run))
            told = {run.id: run for run in runs}
            last = Snapshot(columns, update.fetched_at, update.source, update.error)
            yield RunChanges(last, changed)
        await session.clock.sleep(session.context.poll_interval)


async def find_run(session: Session, run_id: str) -> Run:
    """A run by its UUID, looked for in every project; NotFoundError when none has it."""
    refusal: NotAllowedError | None = None
    for project in await session.projects():
        try:
            run = await get_run(session.transport, project.ref, run_id)
        except NotFoundError:
            continue
        except NotAllowedError as error:
            refusal = error
            continue
        names = {item.iid: item.name for item in await list_experiments(session.transport, project.ref)}
        return replace(run, experiment=names.get(run.experiment_iid, ""))
    if refusal is not None:
        raise refusal
    raise UnknownNameError(
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
    artifacts = await _artifacts(session, run, missing)
    web_url = await _web_url(session, run)
    return session.snapshot(RunDetail(run, web_url, job, commit, merge_requests, artifacts, tuple(missing)))


async def compared_runs(
    session: Session, run_ids: Sequence[str], baseline: str | None = None
) -> Snapshot[ComparedRuns]:
    """Compare runs with one of them, the first unless ``baseline`` names another.

    Raises UsageError when there are fewer than two, or the baseline is none of them.
    """
    ids = tuple(dict.fromkeys(run_ids))
    if len(ids) < 2:
        raise UsageError("There is nothing to compare", why="fewer than two runs are named", remedy="Name two or more")
    if baseline is not None and baseline not in ids:
        raise UsageError(f"The baseline {baseline} is not among the runs", remedy="Name it as one of the runs, too")
    runs = tuple(await asyncio.gather(*(find_run(session, run_id) for run_id in ids)))
    return session.snapshot(ComparedRuns(runs, compare_runs(runs, ids.index(baseline) if baseline else 0)))


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


async def _artifacts(session: Session, run: Run, missing: list[str]) -> tuple[Artifact, ...]:
    try:
        return await run_artifacts(session, run)
    except RemoteError as error:
        missing.append(f"The artifacts cannot be read: {error.why or error.what}")
        return ()


async def _web_url(session: Session, run: Run) -> str:
    """GitLab's page of a run, empty where its number is not known."""
    projects = await session.projects()
    page = next((project.web_url for project in projects if project.ref == run.project), "")
    return f"{page}/-/ml/candidates/{run.iid}" if page and run.iid is not None else ""


async def _version_package(session: Session, run: Run) -> int | None:
    name = run.experiment.removeprefix("[model]")
    for model in await list_models(session.transport, run.project):
        if model.name == name:
            versions = await list_versions(session.transport, model)
            return next((item.package_id for item in versions if item.run_id == run.id), None)
    return None


def _reads_alike(one: Run | None, other: Run) -> bool:
    # The repr tells NaN from a number, and two NaN alike, which equality does not.
    return one is not None and repr(one) == repr(other)
