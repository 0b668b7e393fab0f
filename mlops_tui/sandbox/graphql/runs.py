"""Runs, which GitLab calls candidates (GitLab: app/graphql/types/ml/candidate_type.rb)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from mlops_tui.sandbox.access import Role
from mlops_tui.sandbox.graphql.connections import ItemListing, SqlListing
from mlops_tui.sandbox.graphql.projects import project_of, visible_project
from mlops_tui.sandbox.graphql.users import user_in
from mlops_tui.sandbox.runs import Status

if TYPE_CHECKING:
    from collections.abc import Callable

    from mlops_tui.sandbox.database import Row
    from mlops_tui.sandbox.graphql.operations import Operation, Resolver

# Params and tags have no rows of their own; their ids are made of the run's and their place.
_ENTRIES_PER_RUN = 100_000


def _metrics(run: Row, operation: Operation) -> SqlListing:
    """List every row that was logged, without times."""
    select = "SELECT id, name, step, value FROM metrics WHERE run_id = ?"
    return SqlListing(operation.database, select, (run["id"],), descending=False)


def _ci_job(run: Row, operation: Operation) -> Row | None:
    """Return the job that a run is linked to, as a row of `ci_jobs`, to those who may see builds."""
    job = operation.database.one("SELECT * FROM ci_jobs WHERE id = ?", (run["ci_build_id"],))
    project = visible_project(operation, job["project_id"]) if job else None
    if project is None:
        return None
    return job if project.visibility == "public" or operation.role(project) >= Role.REPORTER else None


def _value(metric: Row, _operation: Operation) -> float:
    return float("nan") if metric["value"] is None else float(metric["value"])


def _entries(column: str) -> Callable[[Row, Operation], ItemListing]:
    def resolve(run: Row, _operation: Operation) -> ItemListing:
        entries = orjson.loads(run[column])
        first = run["id"] * _ENTRIES_PER_RUN
        return ItemListing(
            [
                {"id": first + place, "name": entry["key"], "value": entry["value"]}
                for place, entry in enumerate(entries)
            ]
        )

    return resolve


def _links(run: Row, operation: Operation) -> dict[str, Any]:
    project = project_of(operation, run)
    package_id = run["package_id"] or operation.database.value(
        "SELECT package_id FROM model_versions WHERE id = ?", (run["model_version_id"],)
    )
    return {
        "showPath": operation.web_path(project, f"ml/candidates/{run['iid']}"),
        "artifactPath": operation.web_path(project, f"packages/{package_id}") if package_id else None,
    }


RESOLVERS: dict[str, dict[str, Resolver]] = {
    "MlCandidate": {
        "status": lambda run, _operation: Status(run["status"]).name.lower(),
        "creator": user_in("user_id"),
        "ciJob": _ci_job,
        "metrics": _metrics,
        "params": _entries("params"),
        "metadata": _entries("tags"),
        "_links": _links,
    },
    "MlCandidateMetric": {"value": _value},
}
GLOBAL_IDS = {
    "MlCandidateID": "Ml::Candidate",
    "MlCandidateMetricID": "Ml::CandidateMetric",
    "MlCandidateParamID": "Ml::CandidateParam",
    "MlCandidateMetadataID": "Ml::CandidateMetadata",
}
