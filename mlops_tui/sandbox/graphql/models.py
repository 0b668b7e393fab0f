"""Registered models (GitLab: app/graphql/types/ml/model_type.rb, app/graphql/mutations/ml/models/)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlops_tui.sandbox.graphql.cards import description_html
from mlops_tui.sandbox.graphql.connections import SqlListing
from mlops_tui.sandbox.graphql.experiments import ORDERS
from mlops_tui.sandbox.graphql.projects import project_of, visible_project, writable_project
from mlops_tui.sandbox.graphql.users import user_in
from mlops_tui.sandbox.mlflow import may_read
from mlops_tui.sandbox.model_versions import VERSIONS, find_version, latest_version
from mlops_tui.sandbox.models import ModelRefusedError, create_model, destroy_model, update_description
from mlops_tui.sandbox.packages import may_destroy

if TYPE_CHECKING:
    from mlops_tui.sandbox.access import Project
    from mlops_tui.sandbox.database import Row
    from mlops_tui.sandbox.graphql.operations import Operation, Resolver

NOT_FOUND = "Model not found"
_NOT_DESTROYED = "You don't have the permission to perform this action"
_CANDIDATES = "FROM runs WHERE experiment_id = ? AND model_version_id IS NULL"


def readable(operation: Operation, project: Project | None) -> bool:
    """Tell whether the caller sees a project's model registry."""
    return project is not None and may_read(project, operation.user, operation.role(project), "model_registry")


def find_model(operation: Operation, project: Project, model_id: int | None) -> Row | None:
    """Find a model of a project by its database id."""
    return operation.database.one("SELECT * FROM models WHERE project_id = ? AND id = ?", (project.id, model_id))


def _of_project(project: Project, operation: Operation, **given: Any) -> SqlListing | None:
    if not readable(operation, project):
        return None
    return SqlListing(
        operation.database,
        "SELECT * FROM models WHERE project_id = ? AND instr(name, ?) > 0",
        (project.id, given.get("name") or ""),
        column=ORDERS[given.get("order_by") or "CREATED_AT"],
        descending=given.get("sort") != "ASC",
    )


def _by_id(_parent: None, operation: Operation, id: int) -> Row | None:  # noqa: A002 - the argument's name
    row = operation.database.one("SELECT * FROM models WHERE id = ?", (id,))
    project = visible_project(operation, row["project_id"]) if row else None
    return row if readable(operation, project) else None


def _version(model: Row, operation: Operation, model_version_id: int | None = None) -> Row | None:
    row = find_version(operation.database, model_version_id) if model_version_id is not None else None
    return row if row is not None and row["model_id"] == model["id"] else None


# The order `VERSION` sorts by id: GitLab's finder does not know what the enum hands over.
def _versions(model: Row, operation: Operation, **given: Any) -> SqlListing:
    prefix = str(given.get("version") or "")
    return SqlListing(
        operation.database,
        f"{VERSIONS} model_versions.model_id = ? AND substr(model_versions.version, 1, ?) = ?",
        (model["id"], len(prefix), prefix),
        column="created_at" if given.get("order_by") == "CREATED_AT" else "id",
        descending=given.get("sort") != "ASC",
    )


def _version_count(model: Row, operation: Operation) -> int:
    return int(operation.database.value("SELECT count(*) FROM model_versions WHERE model_id = ?", (model["id"],)))


def _candidate_count(model: Row, operation: Operation) -> int:
    return int(operation.database.value(f"SELECT count(*) {_CANDIDATES}", (model["default_experiment_id"],)))


def _candidates(model: Row, operation: Operation) -> SqlListing:
    return SqlListing(operation.database, f"SELECT * {_CANDIDATES}", (model["default_experiment_id"],))


def _experiment_path(model: Row, operation: Operation) -> str:
    iid = operation.database.value("SELECT iid FROM experiments WHERE id = ?", (model["default_experiment_id"],))
    return operation.web_path(project_of(operation, model), f"ml/experiments/{iid}")


def _links(model: Row, operation: Operation) -> dict[str, str]:
    return {"showPath": operation.web_path(project_of(operation, model), f"ml/models/{model['id']}")}


def _payload(given: dict[str, Any], model: Row | None, complaints: list[str]) -> dict[str, Any]:
    return {"clientMutationId": given.get("client_mutation_id"), "model": model, "errors": complaints}


def _create(_parent: None, operation: Operation, input: dict[str, Any]) -> dict[str, Any]:  # noqa: A002 - its name
    project = writable_project(operation, input["project_path"])
    try:
        model = create_model(
            operation.database,
            project.id,
            input["name"],
            user_id=operation.user.id if operation.user else None,
            now=operation.context.now(),
            description=input.get("description"),
        )
    except ModelRefusedError as refused:
        return _payload(input, None, refused.complaints)
    return _payload(input, model, [])


def _edit(_parent: None, operation: Operation, input: dict[str, Any]) -> dict[str, Any]:  # noqa: A002 - its name
    project = writable_project(operation, input["project_path"])
    model = find_model(operation, project, input.get("model_id"))
    if model is None or model["name"] != input["name"]:
        return _payload(input, None, [NOT_FOUND])
    complaints = update_description(operation.database, model["id"], input.get("description"), operation.context.now())
    return _payload(input, None if complaints else find_model(operation, project, model["id"]), complaints)


def _delete(_parent: None, operation: Operation, input: dict[str, Any]) -> dict[str, Any]:  # noqa: A002 - its name
    project = writable_project(operation, input["project_path"])
    model = find_model(operation, project, input["id"])
    if model is None:
        return _payload(input, None, [NOT_FOUND])
    if not destroy_model(operation.database, model, allowed=may_destroy(operation.role(project))):
        return _payload(input, None, [_NOT_DESTROYED])
    return _payload(input, model, [])


RESOLVERS: dict[str, dict[str, Resolver]] = {
    "Query": {"mlModel": _by_id},
    "Project": {"mlModels": _of_project},
    "MlModel": {
        "author": user_in("user_id"),
        "descriptionHtml": description_html,
        "latestVersion": lambda model, operation: latest_version(operation.database, model["id"]),
        "versionCount": _version_count,
        "candidateCount": _candidate_count,
        "defaultExperimentPath": _experiment_path,
        "version": _version,
        "versions": _versions,
        "candidates": _candidates,
        "_links": _links,
    },
    "Mutation": {"mlModelCreate": _create, "mlModelEdit": _edit, "mlModelDelete": _delete, "mlModelDestroy": _delete},
}
CALL_LIMITS = {"Query.mlModel": 1, "Project.mlModels": 1, "MlModel.version": 1, "MlModel.versions": 1}
GLOBAL_IDS = {"MlModelID": "Ml::Model"}
