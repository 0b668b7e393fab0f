"""Models and their versions, read through GraphQL, and the calls that change them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

from pydantic import Field

from mlops_tui.domain.api_calls import ApiCall, Method
from mlops_tui.domain.canonical import JsonValue
from mlops_tui.domain.errors import InvalidRequestError, NotFoundError
from mlops_tui.domain.models import Model, ModelVersion
from mlops_tui.domain.projects import ProjectRef
from mlops_tui.domain.versions import in_version_order
from mlops_tui.gitlab.payloads import Block, GraphQLPayload, Moment, Name, read_all
from mlops_tui.gitlab.transport import Transport

_MODELS = """
query($project: ID!, $after: String) {
  project(fullPath: $project) {
    mlModels(first: 100, after: $after) {
      pageInfo { hasNextPage endCursor }
      nodes { id name createdAt description versionCount _links { showPath } }
    }
  }
}
"""
_VERSIONS = """
query($model: MlModelID!, $after: String) {
  mlModel(id: $model) {
    versions(first: 100, after: $after) {
      pageInfo { hasNextPage endCursor }
      nodes {
        id version createdAt description packageId artifactsCount
        author { name } candidate { eid } _links { showPath }
      }
    }
  }
}
"""


class _Links(GraphQLPayload):
    show_path: Name = ""


class _Author(GraphQLPayload):
    name: Name = ""


class _Candidate(GraphQLPayload):
    eid: Name = ""


class _Model(GraphQLPayload):
    id: str
    name: Name
    created_at: Moment | None = None
    description: Block = ""
    version_count: int | None = None
    links: _Links = Field(default=_Links(), alias="_links")


class _Version(GraphQLPayload):
    id: str
    version: Name
    created_at: Moment
    description: Block = ""
    package_id: str | None = None
    artifacts_count: int | None = None
    author: _Author | None = None
    candidate: _Candidate = _Candidate()
    links: _Links = Field(default=_Links(), alias="_links")


async def list_models(transport: Transport, project: ProjectRef) -> list[Model]:
    """The models of a project by name, without their versions.

    GitLab answers null where the token may not read the registry; that is NotFoundError here.
    """
    models: list[Model] = []
    async for connection in _connections(transport, _MODELS, {"project": project.path}, ("project", "mlModels")):
        models += [_model(row, project) for row in read_all(_Model, connection["nodes"], "the models")]
    return sorted(models, key=lambda model: model.name)


async def list_versions(transport: Transport, model: Model) -> tuple[ModelVersion, ...]:
    """All versions of a model, the highest semantic version first.

    GitLab itself sorts by id here, and its ``latestVersion`` ignores prereleases
    (GitLab: app/finders/projects/ml/model_version_finder.rb).
    """
    variables = {"model": f"gid://gitlab/Ml::Model/{model.id}"}
    versions: list[ModelVersion] = []
    async for connection in _connections(transport, _VERSIONS, variables, ("mlModel", "versions")):
        versions += [_version(row, model) for row in read_all(_Version, connection["nodes"], "the versions")]
    by_number = {version.version: version for version in versions}
    return tuple(by_number[number] for number in in_version_order(by_number, newest_first=True))


def edit_model_call(model: Model, card: str) -> ApiCall:
    """Replace a model's card."""
    return _mutation(
        "mlModelEdit",
        "$projectPath: ID!, $name: String!, $modelId: Int, $description: String",
        {"projectPath": model.project.path, "name": model.name, "modelId": model.id, "description": card},
        f"edit the card of {model.name}",
    )


def edit_version_call(model: Model, version: str, card: str) -> ApiCall:
    """Replace a version's card."""
    return _mutation(
        "mlModelVersionEdit",
        "$projectPath: ID!, $modelId: MlModelID!, $version: String!, $description: String!",
        {
            "projectPath": model.project.path,
            "modelId": f"gid://gitlab/Ml::Model/{model.id}",
            "version": version,
            "description": card,
        },
        f"edit the card of {model.name} {version}",
    )


def create_version_call(project: ProjectRef, model: str, version: str, run_id: str, card: str) -> ApiCall:
    """Make a version from a run, which moves the run into the model's own experiment.

    An empty ``version`` leaves the number to GitLab (GitLab: app/services/ml/create_model_version_service.rb).
    """
    body: dict[str, JsonValue] = {"name": model, "run_id": run_id, "description": card}
    if version:
        body["tags"] = [{"key": "gitlab.version", "value": version}]
    path = f"/api/v4/projects/{project.id}/ml/mlflow/api/2.0/mlflow/model-versions/create"
    return ApiCall(Method.POST, path, body, f"make a version of {model} from the run")


def delete_version_call(version: ModelVersion) -> ApiCall:
    """Delete a version with its files; needs the role Maintainer."""
    return _mutation(
        "mlModelVersionDelete",
        "$id: MlModelVersionID!",
        {"id": f"gid://gitlab/Ml::ModelVersion/{version.id}"},
        f"delete {version.model} {version.version} and its files",
    )


def delete_model_call(model: Model) -> ApiCall:
    """Delete a model with all its versions; needs the role Maintainer when it has any."""
    return _mutation(
        "mlModelDelete",
        "$projectPath: ID!, $id: MlModelID!",
        {"projectPath": model.project.path, "id": f"gid://gitlab/Ml::Model/{model.id}"},
        f"delete the model {model.name} and its {model.version_count} versions",
    )


def refuse_errors(body: object, what: str) -> None:
    """Raise InvalidRequestError when a mutation's answer carries errors: GitLab sends them with status 200."""
    if not isinstance(body, Mapping):
        return
    messages = [str(error.get("message", "")) for error in body.get("errors") or [] if isinstance(error, Mapping)]
    for payload in (body.get("data") or {}).values():
        messages += [str(error) for error in (payload or {}).get("errors") or []]
    if messages:
        raise InvalidRequestError(what, why="; ".join(messages), remedy="Nothing was changed", status=200)


async def _connections(
    transport: Transport, query: str, variables: Mapping[str, Any], path: tuple[str, str]
) -> AsyncIterator[Mapping[str, Any]]:
    after: str | None = None
    while True:
        data = await transport.graphql(query, {**variables, "after": after})
        connection = (data.get(path[0]) or {}).get(path[1])
        if connection is None:
            raise NotFoundError(
                "Could not read the model registry",
                why="it does not exist, or this token may not see it",
                remedy="Reading it needs the scope read_api, and the role Guest in a private project",
            )
        yield connection
        if not connection["pageInfo"]["hasNextPage"]:
            return
        after = connection["pageInfo"]["endCursor"]


def _mutation(name: str, parameters: str, variables: Mapping[str, JsonValue], purpose: str) -> ApiCall:
    arguments = ", ".join(f"{key}: ${key}" for key in variables)
    query = f"mutation({parameters}) {{ {name}(input: {{{arguments}}}) {{ errors }} }}"
    return ApiCall(Method.POST, "/api/graphql", {"query": query, "variables": dict(variables)}, purpose)


def _model(row: _Model, project: ProjectRef) -> Model:
    return Model(
        id=_number(row.id),
        project=project,
        name=row.name,
        card=row.description,
        created_at=row.created_at,
        version_count=row.version_count or 0,
        latest=None,
        web_path=row.links.show_path,
    )


def _version(row: _Version, model: Model) -> ModelVersion:
    return ModelVersion(
        id=_number(row.id),
        project=model.project,
        model=model.name,
        version=row.version,
        run_id=row.candidate.eid,
        created_at=row.created_at,
        card=row.description,
        package_id=_number(row.package_id) if row.package_id else None,
        artifact_count=row.artifacts_count,
        author=row.author.name if row.author else "",
        web_path=row.links.show_path,
    )


def _number(global_id: str) -> int:
    digits = global_id.rsplit("/", 1)[-1]
    if not digits.isdecimal():
        raise InvalidRequestError("Could not read a GraphQL id", why=f"{global_id!r} does not end in a number")
    return int(digits)
