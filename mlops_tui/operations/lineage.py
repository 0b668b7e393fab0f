"""The lineage of a version: commit, pipeline, job, run, data, version, deployments, as far as GitLab knows them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from mlops_tui.domain.commits import Commit
from mlops_tui.domain.deployments import Deployment
from mlops_tui.domain.errors import RemoteError
from mlops_tui.domain.jobs import Job
from mlops_tui.domain.lineage import LineageKind, LineageNode
from mlops_tui.domain.models import ModelVersion
from mlops_tui.domain.pipelines import Pipeline
from mlops_tui.domain.projects import Project
from mlops_tui.domain.runs import Run
from mlops_tui.domain.snapshots import Snapshot
from mlops_tui.gitlab.commits import get_commit
from mlops_tui.gitlab.jobs import get_job
from mlops_tui.gitlab.pipelines import get_pipeline
from mlops_tui.gitlab.runs import get_run
from mlops_tui.operations.deliveries import Delivery, read_delivery
from mlops_tui.operations.models import find_model, version_of
from mlops_tui.operations.session import Session

_DATA_WORDS = ("dataset", "data_digest", "data_version", "data.digest", "train_data")


@dataclass(slots=True)
class _Links:
    """What was found of a version's history; None where it is not known, with the reason in ``why``."""

    why: dict[LineageKind, str]
    run: Run | None = None
    job: Job | None = None
    pipeline: Pipeline | None = None
    commit: Commit | None = None


async def version_lineage(session: Session, name: str, number: str) -> Snapshot[LineageNode]:
    """The tree of one version, its commit at the root."""
    summary = await find_model(session, name)
    version = version_of(summary.model, number)
    delivery = await read_delivery(session, summary.project)
    return session.snapshot(await lineage_of(session, version, delivery))


async def lineage_of(session: Session, version: ModelVersion, delivery: Delivery) -> LineageNode:
    """The tree of a version whose project's deployments were read already."""
    links = await _links(session, version)
    deployed = [
        item
        for item in delivery.deployments
        if item.deployed and (item.deployed.model, item.deployed.version) == (version.model, version.version)
    ]
    return _tree(session, delivery.project, version, links, deployed)


async def _links(session: Session, version: ModelVersion) -> _Links:
    links = _Links(why={})
    links.run = await _run(session, version, links.why)
    if links.run is not None:
        links.job = await _job(session, links.run, links.why)
    if links.job is not None:
        links.pipeline = await _pipeline(session, links.job, links.why)
    links.commit = await _commit(session, version, links)
    return links


async def _run(session: Session, version: ModelVersion, why: dict[LineageKind, str]) -> Run | None:
    try:
        return await get_run(session.transport, version.project, version.run_id)
    except RemoteError as error:
        why[LineageKind.RUN] = error.why or error.what
        return None


async def _job(session: Session, run: Run, why: dict[LineageKind, str]) -> Job | None:
    if run.job_id is None:
        why[LineageKind.JOB] = "the run carries no tag gitlab.CI_JOB_ID"
        return None
    try:
        return await get_job(session.transport, run.project, run.job_id)
    except RemoteError as error:
        why[LineageKind.JOB] = error.why or error.what
        return None


async def _pipeline(session: Session, job: Job, why: dict[LineageKind, str]) -> Pipeline | None:
    try:
        return await get_pipeline(session.transport, job.project, job.pipeline_id)
    except RemoteError as error:
        why[LineageKind.PIPELINE] = error.why or error.what
        return None


async def _commit(session: Session, version: ModelVersion, links: _Links) -> Commit | None:
    sha = links.pipeline.sha if links.pipeline else (links.run.commit_sha or "") if links.run else ""
    if not sha:
        links.why[LineageKind.COMMIT] = "neither the job nor the run names one"
        return None
    try:
        return await get_commit(session.transport, version.project, sha)
    except RemoteError as error:
        links.why[LineageKind.COMMIT] = error.why or error.what
        return None


def _tree(
    session: Session, project: Project, version: ModelVersion, links: _Links, deployed: list[Deployment]
) -> LineageNode:
    reached = tuple(_deployment(item) for item in deployed)
    own = LineageNode(
        LineageKind.VERSION,
        f"{version.model} {version.version}",
        f"made {version.created_at:%Y-%m-%d %H:%M}",
        f"{session.context.url}{version.web_path}" if version.web_path else "",
        children=reached or (_missing(LineageKind.DEPLOYMENT, "never deployed, as far as pipelines name it"),),
    )
    chain = [_commit_node(links), _pipeline_node(links), _job_node(links), _run_node(links, project)]
    node = own
    for link in reversed(chain):
        node = replace(link, children=(*link.children, node))
    return node


def _commit_node(links: _Links) -> LineageNode:
    if links.commit is None:
        return _missing(LineageKind.COMMIT, links.why.get(LineageKind.COMMIT, ""))
    commit = links.commit
    return LineageNode(LineageKind.COMMIT, f"{commit.short_sha} {commit.title}", commit.author, commit.web_url)


def _pipeline_node(links: _Links) -> LineageNode:
    if links.pipeline is None:
        return _missing(LineageKind.PIPELINE, links.why.get(LineageKind.PIPELINE, "no job leads to it"))
    pipeline = links.pipeline
    title = f"{pipeline.id} {pipeline.name}".strip()
    return LineageNode(LineageKind.PIPELINE, title, f"{pipeline.status.value} on {pipeline.ref}", pipeline.web_url)


def _job_node(links: _Links) -> LineageNode:
    if links.job is None:
        return _missing(LineageKind.JOB, links.why.get(LineageKind.JOB, "no run leads to it"))
    job = links.job
    return LineageNode(LineageKind.JOB, f"{job.id} {job.name}", job.status.value, job.web_url)


def _run_node(links: _Links, project: Project) -> LineageNode:
    if links.run is None:
        return _missing(LineageKind.RUN, links.why.get(LineageKind.RUN, ""))
    run = links.run
    url = f"{project.web_url}/-/ml/candidates/{run.iid}" if run.iid is not None else ""
    return LineageNode(LineageKind.RUN, run.name or run.id, run.status.value, url, children=(_data_node(run),))


def _data_node(run: Run) -> LineageNode:
    """The data a run was trained on, as far as its tags and parameters name them: GitLab has no record of its own."""
    named = _named_data(run.params) or _named_data(run.tags)
    if named is None:
        return _missing(LineageKind.DATASET, "neither a tag nor a parameter names the training data")
    return LineageNode(LineageKind.DATASET, named[1], named[0])


def _named_data(pairs: Mapping[str, str]) -> tuple[str, str] | None:
    return next(((key, pairs[key]) for key in sorted(pairs) if key.lower().startswith(_DATA_WORDS)), None)


def _deployment(item: Deployment) -> LineageNode:
    title = f"{item.environment} (deployment {item.id})"
    detail = f"{item.status.value} {item.took_effect_at:%Y-%m-%d %H:%M}, by {item.username or 'unknown'}"
    return LineageNode(LineageKind.DEPLOYMENT, title, detail, item.job.web_url if item.job else "")


def _missing(kind: LineageKind, why: str) -> LineageNode:
    return LineageNode(kind, f"no {kind.value} known", why, is_missing=True)
