"""Pipelines: reading them and their declared inputs, and the calls that make and name them."""

from __future__ import annotations

from collections.abc import Mapping

from mlops_tui.domain.api_calls import ApiCall, Method
from mlops_tui.domain.canonical import JsonValue
from mlops_tui.domain.errors import RemoteError
from mlops_tui.domain.pipelines import Pipeline, PipelineInput, PipelineStatus
from mlops_tui.domain.projects import ProjectRef
from mlops_tui.gitlab.payloads import Moment, Name, Payload, read, read_all
from mlops_tui.gitlab.transport import Transport

_INPUTS = """
query($project: ID!, $ref: String!) {
  project(fullPath: $project) {
    ciPipelineCreationInputs(ref: $ref) { name type required default options }
  }
}
"""


class _User(Payload):
    username: Name = ""


class _Pipeline(Payload):
    id: int
    ref: Name = ""
    sha: Name = ""
    status: Name
    source: Name = ""
    name: Name = ""
    created_at: Moment | None = None
    updated_at: Moment | None = None
    user: _User | None = None
    web_url: Name = ""


class _Input(Payload):
    name: Name
    type: Name = "STRING"
    required: bool = False
    default: object = None
    options: tuple[object, ...] | None = None


class _Variable(Payload):
    key: str
    value: Name = ""


async def get_pipeline(transport: Transport, project: ProjectRef, pipeline_id: int) -> Pipeline:
    """One pipeline, with its name."""
    answer = await transport.get(f"/api/v4/projects/{project.id}/pipelines/{pipeline_id}")
    return read_pipeline(answer.json(), project)


async def list_pipelines(
    transport: Transport, project: ProjectRef, params: Mapping[str, str] | None = None, limit: int = 100
) -> list[Pipeline]:
    """The newest pipelines of a project, with their names; at most ``limit``."""
    pipelines: list[Pipeline] = []
    async for rows in transport.pages(f"/api/v4/projects/{project.id}/pipelines", params):
        pipelines += [_record(row, project) for row in read_all(_Pipeline, rows, "the pipelines")]
        if len(pipelines) >= limit:
            break
    return pipelines[:limit]


async def pipeline_variables(transport: Transport, project: ProjectRef, pipeline_id: int) -> dict[str, str] | None:
    """The variables a pipeline was made with; None when this token may not see them."""
    try:
        answer = await transport.get(f"/api/v4/projects/{project.id}/pipelines/{pipeline_id}/variables")
    except RemoteError:
        return None
    return {row.key: row.value for row in read_all(_Variable, answer.json(), "the variables")}


async def declared_inputs(transport: Transport, project: ProjectRef, ref: str) -> tuple[PipelineInput, ...]:
    """The inputs that the pipeline of ``ref`` declares; empty when it has none or the server cannot tell."""
    try:
        data = await transport.graphql(_INPUTS, {"project": project.path, "ref": ref})
    except RemoteError:
        return ()
    rows = (data.get("project") or {}).get("ciPipelineCreationInputs") or []
    return tuple(
        PipelineInput(
            name=row.name,
            type=row.type.lower(),
            is_required=row.required,
            default="" if row.default is None else str(row.default),
            options=tuple(str(option) for option in row.options or ()),
        )
        for row in read_all(_Input, rows, "the inputs")
    )


def create_call(
    project: ProjectRef, ref: str, inputs: Mapping[str, JsonValue], variables: Mapping[str, str], purpose: str
) -> ApiCall:
    """Make a pipeline, with inputs or with variables."""
    body: dict[str, JsonValue] = {"ref": ref}
    if inputs:
        body["inputs"] = dict(inputs)
    if variables:
        body["variables"] = [{"key": key, "value": value} for key, value in variables.items()]
    return ApiCall(Method.POST, f"/api/v4/projects/{project.id}/pipeline", body, purpose)


def rename_call(
    project: ProjectRef, name: str, purpose: str = "name the pipeline, so that the version can be read back"
) -> ApiCall:
    """Name the pipeline that an earlier call makes; its path waits for ``filled(pipeline=ID)``."""
    path = f"/api/v4/projects/{project.id}/pipelines/{{pipeline}}/metadata"
    return ApiCall(Method.PUT, path, {"name": name}, purpose)


def cancel_call(project: ProjectRef, pipeline_id: int) -> ApiCall:
    """Stop what a pipeline still does; one that has ended stays as it is."""
    path = f"/api/v4/projects/{project.id}/pipelines/{pipeline_id}/cancel"
    return ApiCall(Method.POST, path, purpose=f"stop pipeline {pipeline_id}")


def cancel_later_call(project: ProjectRef, purpose: str) -> ApiCall:
    """Stop the pipeline that an earlier call makes; its path waits for ``filled(pipeline=ID)``."""
    path = f"/api/v4/projects/{project.id}/pipelines/{{pipeline}}/cancel"
    return ApiCall(Method.POST, path, purpose=purpose)


def read_pipeline(body: object, project: ProjectRef) -> Pipeline:
    """The pipeline in an answer."""
    return _record(read(_Pipeline, body, "the pipeline"), project)


def _record(row: _Pipeline, project: ProjectRef) -> Pipeline:
    return Pipeline(
        id=row.id,
        project=project,
        ref=row.ref,
        sha=row.sha,
        status=PipelineStatus.parse(row.status),
        source=row.source,
        name=row.name,
        created_at=row.created_at,
        updated_at=row.updated_at,
        username=row.user.username if row.user else "",
        web_url=row.web_url,
    )
