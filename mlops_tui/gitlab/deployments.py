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

_FEW = 3
_MOST_OPEN = 10


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
class DeploymentBook:
    """What is remembered of a project's deployments, so that keeping them fresh costs one request.

    ``versions`` holds what each pipeline carries, None where nothing names it; ``deployments`` what was read, by id.
    """

    versions: dict[int, DeployedVersion | None] = field(default_factory=dict)
    deployments: dict[int, Deployment] = field(default_factory=dict)

    async def look_up(self, transport: Transport, project: ProjectRef, rows: list[_Deployment]) -> None:
        """Learn the versions of the pipelines of ``rows``: one list for many of them, one request each for few."""
        wanted = {
            number: row for row in rows if (number := pipeline_of(row)) is not None and number not in self.versions
        }
        names = await _names_of(transport, project, set(wanted))
        unnamed = [number for number, row in wanted.items() if not self._learn(number, row, names[number], None)]
        variables = await asyncio.gather(*(pipeline_variables(transport, project, number) for number in unnamed))
        for number, pairs in zip(unnamed, variables, strict=True):
            self._learn(number, wanted[number], names[number], pairs or {})

    def _learn(self, number: int, row: _Deployment, name: str, variables: Mapping[str, str] | None) -> bool:
        is_tag = row.deployable is not None and row.deployable.tag
        found = resolve_version(name, variables, row.ref, is_tag and variables is not None)
        # A pipeline may still be named while its deployment runs; once that has ended, what is unnamed stays so.
        if found or (variables is not None and DeploymentStatus.parse(row.status).is_finished):
            self.versions[number] = found
        return found is not None


def pipeline_of(row: _Deployment) -> int | None:
    """The pipeline that made a deployment, or None."""
    return row.deployable.pipeline.id if row.deployable and row.deployable.pipeline else None


async def list_deployments(
    transport: Transport, project: ProjectRef, book: DeploymentBook, *, limit: int = 100
) -> list[Deployment]:
    """The newest deployments of a project, newest first; at most ``limit``.

    What the book remembers is not read again, except for deployments that had not ended: usually one page is enough.
    GitLab sorts by id ascending unless told otherwise (GitLab: lib/api/deployments.rb).
    """
    params = {"order_by": "id", "sort": "desc"}
    newest_known = max(book.deployments, default=0)
    rows: list[_Deployment] = []
    async for page in transport.pages(f"/api/v4/projects/{project.id}/deployments", params):
        rows += read_all(_Deployment, page, "the deployments")
        if len(rows) >= limit or (rows and rows[-1].id <= newest_known):
            break
    await book.look_up(transport, project, rows)
    book.deployments.update({row.id: _record(row, project, book) for row in rows})
    await _renew_unfinished(transport, project, book, {row.id for row in rows})
    return [book.deployments[number] for number in sorted(book.deployments, reverse=True)[:limit]]


async def get_deployment(
    transport: Transport, project: ProjectRef, book: DeploymentBook, deployment_id: int
) -> Deployment:
    """One deployment by its global id."""
    answer = await transport.get(f"/api/v4/projects/{project.id}/deployments/{deployment_id}")
    row = read(_Deployment, answer.json(), "the deployment")
    await book.look_up(transport, project, [row])
    return _record(row, project, book)


async def _renew_unfinished(transport: Transport, project: ProjectRef, book: DeploymentBook, fresh: set[int]) -> None:
    """Read again the older deployments that had not ended; few can be open at a time."""
    open_ids = [item.id for item in book.deployments.values() if not item.status.is_finished and item.id not in fresh]
    for number in sorted(open_ids, reverse=True)[:_MOST_OPEN]:
        try:
            book.deployments[number] = await get_deployment(transport, project, book, number)
        except NotFoundError:
            del book.deployments[number]


async def _names_of(transport: Transport, project: ProjectRef, wanted: set[int]) -> dict[int, str]:
    names: dict[int, str] = {}
    if len(wanted) > _FEW:
        names = {item.id: item.name for item in await list_pipelines(transport, project, limit=200)}
    missing = wanted - names.keys()
    return names | dict(await asyncio.gather(*(_name_of(transport, project, number) for number in missing)))


async def _name_of(transport: Transport, project: ProjectRef, pipeline_id: int) -> tuple[int, str]:
    try:
        return pipeline_id, (await get_pipeline(transport, project, pipeline_id)).name
    except NotFoundError:
        return pipeline_id, ""


def _record(row: _Deployment, project: ProjectRef, book: DeploymentBook) -> Deployment:
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
        deployed=book.versions.get(pipeline_id) if pipeline_id is not None else None,
    )
