"""CI jobs and pipelines (GitLab: app/graphql/types/ci/)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlops_tui.sandbox.graphql.projects import project_of

if TYPE_CHECKING:
    from mlops_tui.sandbox.database import Row
    from mlops_tui.sandbox.graphql.operations import Operation, Resolver


def _pipeline(job: Row, operation: Operation) -> dict[str, Any] | None:
    row = operation.database.one("SELECT * FROM ci_pipelines WHERE id = ?", (job["pipeline_id"],))
    if row is None:
        return None
    path = operation.web_path(project_of(operation, row), f"pipelines/{row['id']}")
    return {**dict(row), "__typename": "Pipeline", "path": path}


RESOLVERS: dict[str, dict[str, Resolver]] = {
    "CiJob": {
        "pipeline": _pipeline,
        "webPath": lambda job, operation: operation.web_path(project_of(operation, job), f"jobs/{job['id']}"),
    }
}
GLOBAL_IDS = {"JobID": "Ci::Build", "CiPipelineID": "Ci::Pipeline"}
