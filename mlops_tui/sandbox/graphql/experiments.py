"""Experiments (GitLab: app/graphql/types/ml/experiment_type.rb)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlops_tui.sandbox.graphql.connections import SqlListing
from mlops_tui.sandbox.graphql.projects import project_of, visible_project
from mlops_tui.sandbox.graphql.users import user_in
from mlops_tui.sandbox.mlflow import may_read

if TYPE_CHECKING:
    from mlops_tui.sandbox.access import Project
    from mlops_tui.sandbox.database import Row
    from mlops_tui.sandbox.graphql.operations import Operation, Resolver

ORDERS = {"NAME": "name", "CREATED_AT": "created_at", "UPDATED_AT": "updated_at", "ID": "id"}


def _readable(operation: Operation, project: Project | None) -> bool:
    return project is not None and may_read(project, operation.user, operation.role(project), "model_experiments")


# `name`, declared by GitLab and ignored by its finder, is ignored here, too; without an order the newest id is first.
def _of_project(project: Project, operation: Operation, **given: Any) -> SqlListing | None:
    if not _readable(operation, project):
        return None
    order = given.get("order_by")
    column = "id" if order is None else ORDERS[order]
    return SqlListing(
        operation.database,
        "SELECT * FROM experiments WHERE project_id = ?",
        (project.id,),
        column=column,
        descending=given.get("sort") != "ASC",
    )


def _by_id(_parent: None, operation: Operation, id: int) -> Row | None:  # noqa: A002 - the argument's name
    row = operation.database.one("SELECT * FROM experiments WHERE id = ?", (id,))
    project = visible_project(operation, row["project_id"]) if row else None
    return row if _readable(operation, project) else None


def _path(row: Row, operation: Operation) -> str:
    return operation.web_path(project_of(operation, row), f"ml/experiments/{row['iid']}")


def _candidate_count(row: Row, operation: Operation) -> int:
    return int(operation.database.value("SELECT count(*) FROM runs WHERE experiment_id = ?", (row["id"],)))


def _model_id(row: Row, operation: Operation) -> int | None:
    found = operation.database.value("SELECT id FROM models WHERE default_experiment_id = ?", (row["id"],))
    return None if found is None else int(found)


def _candidates(row: Row, operation: Operation) -> SqlListing:
    return SqlListing(operation.database, "SELECT * FROM runs WHERE experiment_id = ?", (row["id"],))


RESOLVERS: dict[str, dict[str, Resolver]] = {
    "Query": {"mlExperiment": _by_id},
    "Project": {"mlExperiments": _of_project},
    "MlExperiment": {
        "path": _path,
        "candidateCount": _candidate_count,
        "modelId": _model_id,
        "creator": user_in("user_id"),
        "candidates": _candidates,
    },
}
CALL_LIMITS = {"Query.mlExperiment": 1, "Project.mlExperiments": 1}
GLOBAL_IDS = {"MlExperimentID": "Ml::Experiment"}
