"""Deployments, with the version that each carries."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from mlops_tui.domain.deployments import DeployedVersion, Deployment, DeploymentStatus, resolve_version
from mlops_tui.domain.errors import NotFoundError
from mlops_tui.domain.projects import ProjectRef
from mlops_tui.gitlab.jobs import JobPayload
from mlops_tui.gitlab.payloads import Moment, Name, Payload, read, read_all
from mlops_tui.gitlab.pipelines import get_pipeline, list_pipelines, pipeline_variables
from mlops_tui.gitlab.transport import Transport


class _User(Payload):
    username: Name = ""


class _Environment(Payload):
    name: Name = ""


class _Deployment(Payload):
    id: int
    iid: int
    ref: Name = ""
    sha: Name = ""
    status: Name
    created_at: Moment
    user: _User | None = None
    environment: _Environment | None = None
    deployable: JobPayload | None = None


@dataclass(slots=True)
class VersionBook:
    """Which version each pipeline carries, remembered: a pipeline that is finished and named does not change."""

    known: dict[int, DeployedVersion] = field(default_factory=dict)

    async def look_up(self, transport: Transport, project: ProjectRef, rows: list[_Deployment]) -> None:
        """Learn the versions of all pipelines of ``rows``: one list for most of them, one request for each leftover."""
        wanted = {pipeline_of(row) for row in rows} - self.known.keys() - {None}
        if not wanted:
            return
        names = {item.id: item.name for item in await list_pipelines(transport, project, limit=200)}
        missing = [number for number in wanted if number is not None and number not in names]
        names.update(dict(await asyncio.gather(*(_name_of(transport, project, number) for number in missing))))
        tags = {pipeline_of(row): (row.ref, bool(row.deployable and row.deployable.tag)) for row in rows}
        unnamed = [
            number
            for number in wanted
            if number is not None and not self._learn(number, names[number], None, *tags[number])
        ]
        variables = await asyncio.gather(*(pipeline_variables(transport, project, number) for number in unnamed))
        for number, pairs in zip(unnamed, variables, strict=True):
            self._learn(number, names[number], pairs, *tags[number])

    def _learn(
        self, number: int, name: str, variables: Mapping[str, str] | None, ref: str, is_tag: bool
    ) -> DeployedVersion | None:
        found = resolve_version(name, variables, ref, is_tag and variables is not None)
        if found:
            self.known[number] = found
        return found


def pipeline_of(row: _Deployment) -> int | None:
    """The pipeline that made a deployment, or None."""
    return row.deployable.pipeline.id if row.deployable and row.deployable.pipeline else None


async def list_deployments(
    transport: Transport,
    project: ProjectRef,
    book: VersionBook,
    *,
    environment: str = "",
    status: DeploymentStatus | None = None,
    limit: int = 100,
) -> list[Deployment]:
    """The newest deployments of a project, newest first; at most ``limit``.

    GitLab sorts by id ascending unless told otherwise (GitLab: lib/api/deployments.rb).
    """
    params = {"order_by": "id", "sort": "desc"}
    if environment:
        params["environment"] = environment
    if status:
        params["status"] = status.value
    rows: list[_Deployment] = []
    async for page in transport.pages(f"/api/v4/projects/{project.id}/deployments", params):
        rows += read_all(_Deployment, page, "the deployments")
        if len(rows) >= limit:
            break
    rows = rows[:limit]
    await book.look_up(transport, project, rows)
    return [_record(row, project, book) for row in rows]


async def get_deployment(
    transport: Transport, project: ProjectRef, book: VersionBook, deployment_id: int
) -> Deployment:
    """One deployment by its global id."""
    answer = await transport.get(f"/api/v4/projects/{project.id}/deployments/{deployment_id}")
    row = read(_Deployment, answer.json(), "the deployment")
    await book.look_up(transport, project, [row])
    return _record(row, project, book)


async def _name_of(transport: Transport, project: ProjectRef, pipeline_id: int) -> tuple[int, str]:
    try:
        return pipeline_id, (await get_pipeline(transport, project, pipeline_id)).name
    except NotFoundError:
        return pipeline_id, ""


def _record(row: _Deployment, project: ProjectRef, book: VersionBook) -> Deployment:
    pipeline_id = pipeline_of(row)
    job = row.deployable.record(project) if row.deployable else None
    return Deployment(
        id=row.id,
        iid=row.iid,
        project=project,
        environment=row.environment.name if row.environment else "",
        ref=row.ref,
        sha=row.sha,
        status=DeploymentStatus.parse(row.status),
        created_at=row.created_at,
        finished_at=job.finished_at if job else None,
        username=row.user.username if row.user else "",
        job=job,
        pipeline_id=pipeline_id,
        deployed=book.known.get(pipeline_id) if pipeline_id is not None else None,
    )
