"""CI pipelines (GitLab: app/graphql/types/ci/pipeline_type.rb, app/graphql/mutations/ci/pipeline)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlops_tui.sandbox import ci_entities, configuration, job_actions, pipeline_creation, pipelines, scheduler
from mlops_tui.sandbox.access import Project, Role
from mlops_tui.sandbox.errors import ApiError
from mlops_tui.sandbox.graphql.connections import ItemListing, SqlListing
from mlops_tui.sandbox.graphql.environments import commit
from mlops_tui.sandbox.graphql.operations import not_available
from mlops_tui.sandbox.graphql.projects import project_of, visible_project
from mlops_tui.sandbox.graphql.scalars import global_id
from mlops_tui.sandbox.graphql.users import user_in
from mlops_tui.sandbox.inputs import InputSpecification
from mlops_tui.sandbox.statuses import ACTIVE, CANCELABLE, COMPLETED
from mlops_tui.sandbox.transitions import combined, pipeline_jobs, seconds_between

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mlops_tui.sandbox.database import Row
    from mlops_tui.sandbox.graphql.operations import Operation, Resolver

_FILTERS = {
    "status": "status = ?",
    "ref": "ref = ?",
    "sha": "sha = ?",
    "source": "source = ?",
    "username": "user_id = (SELECT id FROM users WHERE username = ?)",
    "updated_after": "updated_at >= ?",
    "updated_before": "updated_at <= ?",
}


def may_read(project: Project, operation: Operation) -> bool:
    """Bring the project up to now and tell whether the caller sees its pipelines and jobs."""
    scheduler.advance(operation.context.services)
    public = bool(project.attribute("public_jobs", default=True))
    return project.visibility == "public" or operation.role(project) >= (Role.GUEST if public else Role.REPORTER)


def _pipelines(project: Project, operation: Operation, **given: Any) -> SqlListing | None:
    if not may_read(project, operation):
        return None
    conditions, arguments = ["project_id = ?"], list[Any]([project.id])
    if given.get("scope"):
        conditions.append(pipelines.SCOPE_CONDITIONS[given["scope"].lower()])
    for name, condition in _FILTERS.items():
        if given.get(name):
            conditions.append(condition)
            arguments.append(given[name].lower() if name == "status" else given[name])
    if given.get("ids"):
        conditions.append(f"id IN ({', '.join('?' for _ in given['ids'])})")
        arguments += [int(str(one).rpartition("/")[2]) for one in given["ids"]]
    select = f"SELECT * FROM ci_pipelines WHERE {' AND '.join(conditions)}"  # noqa: S608 - literals of this package
    return SqlListing(operation.database, select, tuple(arguments))


def _pipeline(
    project: Project,
    operation: Operation,
    id: int | None = None,  # noqa: A002 - the argument's name
    iid: str | None = None,
    sha: str | None = None,
) -> Row | None:
    if not may_read(project, operation):
        return None
    for column, value in (("id", id), ("iid", iid), ("sha", sha)):
        if value is not None:
            return operation.database.one(
                f"SELECT * FROM ci_pipelines WHERE project_id = ? AND {column} = ? ORDER BY id DESC LIMIT 1",  # noqa: S608 - literals
                (project.id, value),
            )
    return None


def _creation_inputs(project: Project, operation: Operation, ref: str) -> list[InputSpecification] | None:
    if operation.role(project) < Role.DEVELOPER:
        return None
    revision = pipeline_creation.find_revision(operation.database, project.id, ref)
    if revision is None:
        raise not_available()
    text = pipeline_creation.configuration_text(operation.database, project, revision.sha)
    try:
        return list(configuration.specifications(text)) if text is not None else []
    except configuration.ConfigurationError:
        raise not_available() from None


def detailed_status(
    shown: Mapping[str, Any], status: str, record: str, action: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return a detailed status with what GraphQL adds to REST's; `record` makes its id."""
    made = {"id": f"{shown['group']}-{record}", "name": status.upper(), "action": action}
    return {**shown, **made}


def _detailed_status(row: Row, operation: Operation) -> dict[str, Any]:
    jobs = pipeline_jobs(operation.database, row["id"])
    shown = ci_entities.pipeline_detailed_status(operation.context, row, jobs)
    return detailed_status(shown, row["status"], f"pipeline-{row['id']}")


def _stages(row: Row, operation: Operation) -> ItemListing:
    jobs = pipeline_jobs(operation.database, row["id"])
    names = dict.fromkeys(job["stage"] for job in jobs)
    stages = [stage(row, operation, name) for name in names]
    return ItemListing(stages)


def stage(pipeline: Row, operation: Operation, name: str) -> dict[str, Any]:
    """Return a stage of a pipeline."""
    jobs = [job for job in pipeline_jobs(operation.database, pipeline["id"]) if job["stage"] == name]
    number = pipeline["id"] * 100 + (jobs[0]["stage_index"] if jobs else 0)
    return {"id": global_id("Ci::Stage", number), "name": name, "status": combined(jobs)}


def _jobs(
    row: Row, operation: Operation, statuses: Sequence[str] | None = None, retried: bool | None = None
) -> SqlListing:
    condition, arguments = "", [row["id"]]
    if statuses:
        condition += f" AND status IN ({', '.join('?' for _ in statuses)})"
        arguments += [status.lower() for status in statuses]
    if retried is not None:
        condition += " AND retried" if retried else " AND NOT retried"
    select = f"SELECT * FROM ci_jobs WHERE pipeline_id = ?{condition}"  # noqa: S608 - literals of this function
    return SqlListing(operation.database, select, tuple(arguments), descending=False)


def _job(
    row: Row,
    operation: Operation,
    id: int | None = None,  # noqa: A002 - the argument's name
    name: str | None = None,
) -> Row | None:
    return operation.database.one(
        "SELECT * FROM ci_jobs WHERE pipeline_id = ? AND (id = ? OR name = ?) ORDER BY id DESC LIMIT 1",
        (row["id"], id, name),
    )


def _variables(row: Row, operation: Operation) -> ItemListing:
    if operation.role(project_of(operation, row)) < Role.MAINTAINER:
        return ItemListing()
    rows = operation.database.all("SELECT * FROM ci_pipeline_variables WHERE pipeline_id = ? ORDER BY id", (row["id"],))
    return ItemListing(
        [{"id": global_id("Ci::PipelineVariable", one["id"]), "key": one["key"], "value": one["value"]} for one in rows]
    )


def _flag(wanted: set[str] | frozenset[str], column: str = "status") -> Resolver:
    """Return a resolver that tells whether any of the newest jobs is in one of these states."""

    def resolve(row: Row, operation: Operation) -> bool:
        return any(job[column] in wanted for job in pipeline_jobs(operation.database, row["id"]))

    return resolve


def _latest(row: Row, operation: Operation) -> bool:
    newest = operation.database.value(
        "SELECT max(id) FROM ci_pipelines WHERE project_id = ? AND ref = ?", (row["project_id"], row["ref"])
    )
    return bool(newest == row["id"])


def _duration(row: Row, operation: Operation) -> int | None:
    return ci_entities.pipeline_duration(pipeline_jobs(operation.database, row["id"])) if row["finished_at"] else None


def _queued(row: Row, _operation: Operation) -> int | None:
    seconds = seconds_between(row["created_at"], row["started_at"])
    return None if seconds is None else round(seconds)


def _failed_count(row: Row, operation: Operation) -> int:
    return sum(job["status"] == "failed" for job in pipeline_jobs(operation.database, row["id"]))


def reason(error: ApiError) -> str:
    """Return the text of a refusal as a mutation's `errors` carry it."""
    message = error.body.get("message", error.body.get("error", ""))
    if isinstance(message, dict):
        return ", ".join(text for texts in message.values() for text in texts)
    return str(message).removeprefix("400 Bad request - ").removeprefix("403 Forbidden - ")


def _create(_parent: None, operation: Operation, input: Mapping[str, Any]) -> dict[str, Any]:  # noqa: A002
    project = visible_project(operation, input["project_path"])
    if project is None or not operation.may_mutate() or operation.role(project) < Role.DEVELOPER:
        raise not_available()
    variables = [
        {**variable, "variable_type": variable.get("variable_type", "ENV_VAR").lower()}
        for variable in input.get("variables") or ()
    ]
    inputs = {one["name"]: one.get("value") for one in input.get("inputs") or ()}
    answer: dict[str, Any] = {"clientMutationId": input.get("client_mutation_id"), "requestId": None, "errors": []}
    try:
        pipeline = pipeline_creation.create(operation.context, project, input["ref"], inputs, variables)
    except ApiError as error:
        return {**answer, "errors": [reason(error)]}
    return {**answer, "pipeline": pipeline}


def _changeable(operation: Operation, pipeline_id: int) -> tuple[Project, Row]:
    scheduler.advance(operation.context.services)
    row = operation.database.one("SELECT * FROM ci_pipelines WHERE id = ?", (pipeline_id,))
    project = visible_project(operation, row["project_id"]) if row else None
    if row is None or project is None or not operation.may_mutate() or operation.role(project) < Role.DEVELOPER:
        raise not_available()
    return project, row


def _retry(_parent: None, operation: Operation, input: Mapping[str, Any]) -> dict[str, Any]:  # noqa: A002
    project, row = _changeable(operation, input["id"])
    answer: dict[str, Any] = {"clientMutationId": input.get("client_mutation_id"), "errors": []}
    try:
        job_actions.retry_pipeline(operation.context, project, row)
    except ApiError as error:
        return {**answer, "errors": [reason(error)]}
    return {**answer, "pipeline": _pipeline(project, operation, id=row["id"])}


def _cancel(_parent: None, operation: Operation, input: Mapping[str, Any]) -> dict[str, Any]:  # noqa: A002
    _, row = _changeable(operation, input["id"])
    with operation.database.transaction():
        scheduler.cancel_pipeline(operation.context.services, row["id"], operation.context.timestamp())
    return {"clientMutationId": input.get("client_mutation_id"), "errors": []}


RESOLVERS: dict[str, dict[str, Resolver]] = {
    "Project": {
        "pipelines": _pipelines,
        "pipeline": _pipeline,
        "ciPipelineCreationInputs": _creation_inputs,
    },
    "Pipeline": {
        "iid": lambda row, _operation: str(row["iid"]),
        "path": lambda row, operation: operation.web_path(project_of(operation, row), f"pipelines/{row['id']}"),
        "refPath": lambda row, operation: operation.web_path(project_of(operation, row), f"commits/{row['ref']}"),
        "status": lambda row, _operation: row["status"].upper(),
        "detailedStatus": _detailed_status,
        "complete": lambda row, _operation: row["status"] in COMPLETED,
        "active": lambda row, _operation: row["status"] in ACTIVE,
        "latest": _latest,
        "child": lambda _row, _operation: False,
        "stuck": lambda _row, _operation: False,
        "warnings": lambda row, op: ci_entities.has_warnings(pipeline_jobs(op.database, row["id"])),
        "retryable": _flag({"failed", "canceled"}),
        "cancelable": _flag(CANCELABLE),
        "duration": _duration,
        "queuedDuration": _queued,
        "type": lambda row, _operation: "tag" if row["tag"] else "branch",
        "trigger": lambda row, _operation: row["source"] == "trigger",
        "yamlErrors": lambda _row, _operation: False,
        "user": user_in("user_id"),
        "commit": lambda row, operation: commit(operation, project_of(operation, row), row["sha"]),
        "project": lambda row, operation: project_of(operation, row),
        "stages": _stages,
        "jobs": _jobs,
        "job": _job,
        "totalJobs": lambda row, operation: len(pipeline_jobs(operation.database, row["id"])),
        "failedJobsCount": _failed_count,
        "hasManualActions": _flag({"manual"}),
        "hasScheduledActions": _flag({"scheduled"}),
        "manualVariables": _variables,
    },
    "CiInputsSpec": {
        "type": lambda row, _operation: row.type.upper(),
        "options": lambda row, _operation: None if row.options is None else list(row.options),
    },
    "Mutation": {"pipelineCreate": _create, "pipelineRetry": _retry, "pipelineCancel": _cancel},
}
GLOBAL_IDS = {"CiPipelineID": "Ci::Pipeline"}
