"""Versions of models (GitLab: app/graphql/types/ml/model_version_type.rb, mutations/ml/model_versions/)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlops_tui.sandbox.graphql.cards import description_html
from mlops_tui.sandbox.graphql.models import NOT_FOUND as MODEL_NOT_FOUND
from mlops_tui.sandbox.graphql.models import find_model
from mlops_tui.sandbox.graphql.operations import not_available
from mlops_tui.sandbox.graphql.projects import project_of, writable_project
from mlops_tui.sandbox.graphql.users import user
from mlops_tui.sandbox.model_versions import (
    NewVersion,
    VersionRefusedError,
    create_version,
    destroy_version,
    find_by_name_and_version,
    find_version,
    update_description,
)
from mlops_tui.sandbox.package_files import files_of
from mlops_tui.sandbox.packages import may_destroy

if TYPE_CHECKING:
    from mlops_tui.sandbox.database import Row
    from mlops_tui.sandbox.graphql.operations import Operation, Resolver

_NOT_FOUND = "Model version not found"
_NO_ACCESS = "You don't have access to this package"


def _author(version: Row, operation: Operation) -> dict[str, Any] | None:
    creator = operation.database.value("SELECT creator_id FROM packages WHERE id = ?", (version["package_id"],))
    return user(operation, creator)


def _artifacts_count(version: Row, operation: Operation) -> int:
    return len(files_of(operation.database, version["package_id"]))


def _candidate(version: Row, operation: Operation) -> Row | None:
    return operation.database.one("SELECT * FROM runs WHERE model_version_id = ?", (version["id"],))


def _links(version: Row, operation: Operation) -> dict[str, str]:
    project = project_of(operation, version)
    root = operation.context.settings.root_path
    return {
        "showPath": operation.web_path(project, f"ml/models/{version['model_id']}/versions/{version['id']}"),
        "packagePath": operation.web_path(project, f"packages/{version['package_id']}"),
        "importPath": f"{root}/api/v4/projects/{project.id}/packages/ml_models/{version['id']}/files/",
    }


def _payload(given: dict[str, Any], version: Row | None, complaints: list[str]) -> dict[str, Any]:
    return {"clientMutationId": given.get("client_mutation_id"), "modelVersion": version, "errors": complaints}


def _create(_parent: None, operation: Operation, input: dict[str, Any]) -> dict[str, Any]:  # noqa: A002 - its name
    project = writable_project(operation, input["project_path"])
    model = find_model(operation, project, input["model_id"])
    if model is None:
        return _payload(input, None, [MODEL_NOT_FOUND])
    candidate_id = input.get("candidate_id")
    run = operation.database.one("SELECT * FROM runs WHERE project_id = ? AND id = ?", (project.id, candidate_id))
    new = NewVersion(
        version=input.get("version") or None,
        description=input.get("description"),
        run=run,
        run_complaint="Run with id not found" if candidate_id is not None and run is None else None,
    )
    user_id = operation.user.id if operation.user else None
    try:
        version = create_version(operation.database, model, new, user_id=user_id, now=operation.context.now())
    except VersionRefusedError as refused:
        return _payload(input, None, refused.complaints)
    return _payload(input, version, [])


def _edit(_parent: None, operation: Operation, input: dict[str, Any]) -> dict[str, Any]:  # noqa: A002 - its name
    project = writable_project(operation, input["project_path"])
    model = find_model(operation, project, input["model_id"])
    if model is None:
        return _payload(input, None, [MODEL_NOT_FOUND])
    version = find_by_name_and_version(operation.database, project.id, model["name"], input["version"])
    if version is None:
        return _payload(input, None, [_NOT_FOUND])
    complaints = update_description(operation.database, version, input["description"], operation.context.now())
    return _payload(input, None if complaints else find_version(operation.database, version["id"]), complaints)


def _delete(_parent: None, operation: Operation, input: dict[str, Any]) -> dict[str, Any]:  # noqa: A002 - its name
    version = find_version(operation.database, input["id"])
    if version is None:
        raise not_available()
    project = writable_project(operation, version["project_id"])
    if not may_destroy(operation.role(project)):
        return _payload(input, None, [_NO_ACCESS])
    destroy_version(operation.database, version)
    return _payload(input, version, [])


RESOLVERS: dict[str, dict[str, Resolver]] = {
    "MlModelVersion": {
        "author": _author,
        "descriptionHtml": description_html,
        "artifactsCount": _artifacts_count,
        "candidate": _candidate,
        "_links": _links,
    },
    "Mutation": {"mlModelVersionCreate": _create, "mlModelVersionEdit": _edit, "mlModelVersionDelete": _delete},
}
GLOBAL_IDS = {"MlModelVersionID": "Ml::ModelVersion", "PackagesPackageID": "Packages::Package"}
