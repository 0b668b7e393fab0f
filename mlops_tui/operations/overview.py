"""The overview: what needs attention, and what serves in production."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from mlops_tui.analysis.run_rows import RunRow
from mlops_tui.domain.attention import Matter, MatterKind
from mlops_tui.domain.deployments import Deployment, DeploymentStatus, LiveVersion
from mlops_tui.domain.errors import RefusedError
from mlops_tui.domain.models import ModelVersion
from mlops_tui.domain.projects import Project
from mlops_tui.domain.runs import RunStatus
from mlops_tui.domain.snapshots import Snapshot
from mlops_tui.domain.versions import parse_version
from mlops_tui.operations.deliveries import Delivery, read_delivery
from mlops_tui.operations.journal import intent_title
from mlops_tui.operations.models import ModelSummary, list_models
from mlops_tui.operations.production import Production, read_production
from mlops_tui.operations.runs import list_runs
from mlops_tui.operations.session import Session
from mlops_tui.storage.journal_entries import intent_of

LATELY = timedelta(days=2)
_NEWEST_RUNS = 20


@dataclass(frozen=True, slots=True)
class InProduction:
    """A version that serves in production; ``newer`` is the highest version above it, None where there is none."""

    project: str
    live: LiveVersion
    newer: str | None
    newer_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Overview:
    """What the first screen says of models and deployments; ``matters`` come in the order of their urgency."""

    username: str
    projects: int
    models: int
    environments: int
    matters: tuple[Matter, ...]
    production: tuple[InProduction, ...]


@dataclass(frozen=True, slots=True)
class RecentRun:
    """A run that goes on, or that ended lately."""

    id: str
    name: str
    project: str
    experiment: str
    status: RunStatus
    started_at: datetime | None
    ended_at: datetime | None


async def read_overview(session: Session) -> Snapshot[Overview]:
    """Look at every model, environment and deployment of the context, and at the journal."""
    user = await session.identify()
    summaries = (await list_models(session)).data
    projects = await session.projects()
    deliveries = await asyncio.gather(*(read_delivery(session, project) for project in projects))
    rules = await asyncio.gather(*(read_production(session, project) for project in projects))
    production = tuple(row for summary in summaries for row in _in_production(summary))
    matters = [
        *await asyncio.to_thread(_unsettled, session),
        *(matter for delivered in zip(deliveries, rules, strict=True) for matter in _deployments(*delivered)),
        *(matter for row in production for matter in _of_production(row)),
    ]
    overview = Overview(
        username=user.username,
        projects=len(projects),
        models=len(summaries),
        environments=sum(len(delivery.environments) for delivery in deliveries),
        matters=in_order(matters),
        production=production,
    )
    return session.snapshot(overview)


async def recent_runs(session: Session) -> Snapshot[tuple[RecentRun, ...]]:
    """The runs that go on, and those that ended in the last two days; the newest begun first."""
    snapshot = await list_runs(session, newest=_NEWEST_RUNS)
    since = session.clock.now() - LATELY
    rows = [snapshot.data.row(int(index)) for index in snapshot.data.order()]
    recent = [_recent(row) for row in rows if row.status.is_live or _ended(row) >= since]
    recent.sort(key=lambda run: run.started_at.timestamp() if run.started_at else 0.0, reverse=True)
    return Snapshot(tuple(recent), snapshot.fetched_at, snapshot.source, snapshot.error)


def _recent(row: RunRow) -> RecentRun:
    experiment = row.experiment
    place = (experiment.project.path, experiment.name)
    return RecentRun(row.id, row.name, *place, row.status, row.started_at, row.ended_at)


def _ended(row: RunRow) -> datetime:
    return row.ended_at or row.started_at or datetime.min.replace(tzinfo=UTC)


def failed_runs(runs: Sequence[RecentRun]) -> list[Matter]:
    """A matter for each run that failed."""
    return [
        Matter(
            kind=MatterKind.RUN_FAILED,
            title=run.name or run.id,
            detail=f"the run failed, in {run.experiment}",
            at=run.ended_at or run.started_at,
            project=run.project,
            run_id=run.id,
        )
        for run in runs
        if run.status is RunStatus.FAILED
    ]


def in_order(matters: Sequence[Matter]) -> tuple[Matter, ...]:
    """The most urgent first, production before the rest, then the newest."""
    return tuple(
        sorted(matters, key=lambda item: (item.kind, not item.is_production, -(item.at.timestamp() if item.at else 0)))
    )


def _unsettled(session: Session) -> list[Matter]:
    chain = session.journal.verify()
    if not chain.holds:
        reason = f"entry {chain.broken_at}: {chain.reason}"
        return [Matter(MatterKind.JOURNAL_BROKEN, "The journal is broken", reason, None)]
    try:
        entries = session.journal.unsettled()
    except RefusedError as error:
        return [Matter(MatterKind.JOURNAL_BROKEN, "The journal cannot be used", error.why or error.what, None)]
    matters: list[Matter] = []
    for entry in entries:
        intent = intent_of(entry)
        subject = intent.subject
        if subject.host != session.context.origin:
            continue
        matters.append(
            Matter(
                kind=MatterKind.UNSETTLED,
                title=intent_title(intent),
                detail="nobody knows yet whether GitLab did it",
                at=entry.at,
                project=subject.project,
                model=subject.model,
                version=subject.version,
                environment=subject.environment,
            )
        )
    return matters


def _deployments(delivery: Delivery, production: Production) -> Iterator[Matter]:
    """The newest deployment of each model to each environment, where it did not simply succeed."""
    for environment in delivery.environments:
        told: set[str | None] = set()
        newest_first = sorted(delivery.deployments, key=lambda item: item.id, reverse=True)
        for item in (item for item in newest_first if item.environment == environment.name):
            model = item.deployed.model if item.deployed else None
            if model in told:
                continue
            told.add(model)
            found = _state(item)
            if found is not None:
                counts = production.counts(environment, model or delivery.project.ref.name)
                yield _matter(delivery.project, item, *found, is_production=counts)


def _state(item: Deployment) -> tuple[MatterKind, str] | None:
    by = f" ({item.username})" if item.username else ""
    if item.status is DeploymentStatus.FAILED:
        return MatterKind.DEPLOYMENT_FAILED, f"the deployment failed{by}"
    if item.status is DeploymentStatus.BLOCKED:
        return MatterKind.DEPLOYMENT_WAITING, f"waits for approval{by}"
    if item.job is not None and item.job.status.waits_for_a_person:
        return MatterKind.DEPLOYMENT_WAITING, f"waits for somebody to start the job {item.job.name}{by}"
    if not item.status.is_finished and item.status is not DeploymentStatus.UNKNOWN:
        return MatterKind.DEPLOYMENT_RUNNING, f"the deployment is {item.status.value}{by}"
    return None


def _matter(project: Project, item: Deployment, kind: MatterKind, detail: str, *, is_production: bool) -> Matter:
    what = f"{item.deployed.model} {item.deployed.version}" if item.deployed else f"deployment {item.id}"
    return Matter(
        kind=kind,
        title=f"{what} → {item.environment}",
        detail=detail,
        at=item.finished_at or item.created_at,
        project=project.ref.path,
        model=item.deployed.model if item.deployed else "",
        version=item.deployed.version if item.deployed else "",
        environment=item.environment,
        is_production=is_production,
    )


def _in_production(summary: ModelSummary) -> Iterator[InProduction]:
    for row in summary.live:
        if row.is_production:
            newest = _newest_release(summary.model.versions)
            path = summary.project.ref.path
            if newest is not None and row.live.version is not None and _is_above(newest.version, row.live.version):
                yield InProduction(path, row.live, newest.version, newest.created_at)
            else:
                yield InProduction(path, row.live, None)


def _of_production(row: InProduction) -> Iterator[Matter]:
    live = row.live
    if live.unknown_since is not None:
        yield Matter(
            kind=MatterKind.LIVE_UNKNOWN,
            title=f"{live.model} {live.version} in {live.environment}",
            detail="a later deployment there names no version, so what is live is not certain",
            at=live.unknown_since,
            project=row.project,
            model=live.model,
            environment=live.environment,
            is_production=True,
        )
    if row.newer is not None:
        yield Matter(
            kind=MatterKind.NEWER_VERSION,
            title=f"{live.model} {row.newer} is newer",
            detail=f"{live.environment} runs {live.version}",
            at=row.newer_since,
            project=row.project,
            model=live.model,
            version=row.newer,
            environment=live.environment,
        )


def _newest_release(versions: Sequence[ModelVersion]) -> ModelVersion | None:
    """The highest version that is no prerelease; the versions stand highest first."""
    parsed = ((item, parse_version(item.version)) for item in versions)
    return next((item for item, number in parsed if number is not None and not number.prerelease), None)


def _is_above(one: str, other: str) -> bool:
    higher, lower = parse_version(one), parse_version(other)
    return higher is not None and lower is not None and higher > lower
