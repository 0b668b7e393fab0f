"""CI jobs (GitLab: app/graphql/types/ci/job_type.rb, app/graphql/mutations/ci/job)."""

from __future__ import annotations

import html
import json
import re
from typing import TYPE_CHECKING, Any

from mlops_tui.sandbox import ci_entities, delivery_access, job_actions, statuses
from mlops_tui.sandbox.access import Project, Role
from mlops_tui.sandbox.errors import ApiError
from mlops_tui.sandbox.graphql.connections import ItemListing, SqlListing
from mlops_tui.sandbox.graphql.operations import not_available
from mlops_tui.sandbox.graphql.pipelines import detailed_status, may_read, reason, stage
from mlops_tui.sandbox.graphql.projects import project_of, visible_project
from mlops_tui.sandbox.graphql.scalars import global_id
from mlops_tui.sandbox.logs import trace

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mlops_tui.sandbox.database import Row
    from mlops_tui.sandbox.graphql.operations import Operation, Resolver

_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]|section_(?:start|end):\d+:[^\r\n]*\r?")
_MOST_LINES = 100
_MOST_BYTES = 16_384


def _of_project(
    project: Project,
    operation: Operation,
    statuses: Sequence[str] | None = None,
    name: str | None = None,
    pipeline_iid: str | None = None,
) -> SqlListing | None:
    if not may_read(project, operation):
        return None
    conditions, arguments = ["project_id = ?"], list[Any]([project.id])
    if statuses:
        conditions.append(f"status IN ({', '.join('?' for _ in statuses)})")
        arguments += [status.lower() for status in statuses]
    if name:
        conditions.append("name = ?")
        arguments.append(name)
    if pipeline_iid:
        conditions.append("pipeline_id = (SELECT id FROM ci_pipelines WHERE project_id = ? AND iid = ?)")
        arguments += [project.id, pipeline_iid]
    select = f"SELECT * FROM ci_jobs WHERE {' AND '.join(conditions)}"  # noqa: S608 - literals of this function
    return SqlListing(operation.database, select, tuple(arguments))


def _by_id(project: Project, operation: Operation, id: int) -> Row | None:  # noqa: A002 - the argument's name
    if not may_read(project, operation):
        return None
    return operation.database.one("SELECT * FROM ci_jobs WHERE project_id = ? AND id = ?", (project.id, id))


def _pipeline(job: Row, operation: Operation) -> dict[str, Any] | None:
    row = operation.database.one("SELECT * FROM ci_pipelines WHERE id = ?", (job["pipeline_id"],))
    return None if row is None else {**dict(row), "__typename": "Pipeline"}


def _pipeline_row(job: Row, operation: Operation) -> Row:
    row = operation.database.one("SELECT * FROM ci_pipelines WHERE id = ?", (job["pipeline_id"],))
    if row is None:
        raise not_available()
    return row


def _may_act(job: Row, operation: Operation) -> bool:
    """Tell whether the caller may play, retry and cancel a job."""
    if operation.user is None:
        return False
    try:
        delivery_access.require_job(operation.context, project_of(operation, job), job)
    except ApiError:
        return False
    return True


def _is_playable(job: Row, operation: Operation) -> bool:
    return job_actions.is_playable(operation.context.services, job)


def _detailed_status(job: Row, operation: Operation) -> dict[str, Any]:
    label = statuses.job_label(
        job["status"], allow_failure=bool(job["allow_failure"]), failure_reason=job["failure_reason"]
    )
    path = operation.web_path(project_of(operation, job), f"jobs/{job['id']}")
    action = _action(job, operation, path) if _may_act(job, operation) else None
    return detailed_status(statuses.detailed_status(label, path), job["status"], f"job-{job['id']}", action)


def _action(job: Row, operation: Operation, path: str) -> dict[str, Any] | None:
    """Return the button GitLab would show; the confirmation text only while the job is manual and playable."""
    if job["status"] in {"manual", "scheduled"} and _is_playable(job, operation):
        name, icon, title, button = "play", "play", "Run", "Run job"
    elif job["status"] in statuses.CANCELABLE:
        name, icon, title, button = "cancel", "cancel", "Cancel", "Cancel this job"
    elif job_actions.is_retryable(job):
        name, icon, title, button = "retry", "retry", "Run again", "Run this job again"
    else:
        return None
    return {
        "id": f"Ci::BuildPresenter-{job['id']}-{name}",
        "icon": icon,
        "title": title,
        "buttonTitle": button,
        "method": "post",
        "path": f"{path}/{name}",
        "confirmationMessage": job["manual_confirmation"] if name == "play" else None,
    }


def _times(key: str) -> Resolver:
    """Return a resolver of how long a job ran or waited, which goes on while it does."""

    def resolve(job: Row, operation: Operation) -> float | int | None:
        seconds = ci_entities.job_times(operation.context, job)[key]
        return seconds if key == "queued_duration" or seconds is None else round(seconds)

    return resolve


def _failure_message(job: Row, _operation: Operation) -> str | None:
    if job["status"] != "failed":
        return None
    return (job["failure_reason"] or "unknown_failure").replace("_", " ").capitalize()


def _needs(job: Row, _operation: Operation) -> ItemListing:
    names = json.loads(job["needs"]) if job["needs"] else []
    return ItemListing(
        [{"id": global_id("Ci::BuildNeed", job["id"] * 100 + place), "name": name} for place, name in enumerate(names)]
    )


def _summary(job: Row, operation: Operation, last_lines: int = 10) -> str:
    """Return the tail of the log as HTML, at most 100 lines and 16 KB."""
    text = _ANSI.sub("", trace(job, operation.context.now()))
    tail = text.splitlines()[-max(1, min(last_lines, _MOST_LINES)) :]
    shown = "<br/>".join(f"<span>{html.escape(line)}</span>" for line in tail)
    return shown.encode()[-_MOST_BYTES:].decode(errors="ignore")


def _path(action: str) -> Resolver:
    """Return a resolver of the web path of an action."""
    return lambda job, operation: operation.web_path(project_of(operation, job), f"jobs/{job['id']}/{action}")


def _permissions(job: Row, operation: Operation) -> dict[str, bool]:
    allowed = _may_act(job, operation)
    names = ("updateBuild", "cancelBuild", "playJob", "retryJob")
    return {"readBuild": True, **dict.fromkeys(names, allowed)}


def _ref_path(job: Row, operation: Operation) -> str:
    ref = _pipeline_row(job, operation)["ref"]
    return operation.web_path(project_of(operation, job), f"commits/{ref}")


def _commit_path(job: Row, operation: Operation) -> str:
    sha = _pipeline_row(job, operation)["sha"]
    return operation.web_path(project_of(operation, job), f"commit/{sha}")


def _changeable(operation: Operation, job_id: int) -> tuple[Project, Row]:
    """Return a job that a mutation wants to change.

    Raises:
        GraphQLError: when it is missing, not visible, or the caller or the token may not change it.
    """
    row = operation.database.one("SELECT * FROM ci_jobs WHERE id = ?", (job_id,))
    project = visible_project(operation, row["project_id"]) if row else None
    if row is None or project is None or not may_read(project, operation) or not operation.may_mutate():
        raise not_available()
    row = _by_id(project, operation, job_id)
    if row is None or operation.role(project) < Role.REPORTER or not _may_act(row, operation):
        raise not_available()
    return project, row


def _answer(given: Mapping[str, Any], job: Row | None, errors: Sequence[str] = ()) -> dict[str, Any]:
    return {"clientMutationId": given.get("client_mutation_id"), "job": job, "errors": list(errors)}


def _play(_parent: None, operation: Operation, input: Mapping[str, Any]) -> dict[str, Any]:  # noqa: A002
    project, row = _changeable(operation, input["id"])
    variables = {variable["key"]: variable["value"] for variable in input.get("variables") or ()}
    try:
        return _answer(input, job_actions.play(operation.context, project, row, variables))
    except ApiError as error:
        return _answer(input, None, [reason(error)])


def _retry(_parent: None, operation: Operation, input: Mapping[str, Any]) -> dict[str, Any]:  # noqa: A002
    project, row = _changeable(operation, input["id"])
    try:
        return _answer(input, job_actions.retry(operation.context, project, row))
    except ApiError as error:
        return _answer(input, None, [reason(error)])


def _cancel(_parent: None, operation: Operation, input: Mapping[str, Any]) -> dict[str, Any]:  # noqa: A002
    project, row = _changeable(operation, input["id"])
    return _answer(input, job_actions.cancel(operation.context, project, row))


RESOLVERS: dict[str, dict[str, Resolver]] = {
    "Project": {"jobs": _of_project, "job": _by_id},
    "CiJob": {
        "status": lambda job, _operation: job["status"].upper(),
        "stage": lambda job, operation: stage(_pipeline_row(job, operation), operation, job["stage"]),
        "kind": lambda _job, _operation: "BUILD",
        "allowFailure": lambda job, _operation: bool(job["allow_failure"]),
        "active": lambda job, _operation: job["status"] in statuses.ACTIVE,
        "cancelable": lambda job, _operation: job["status"] in statuses.CANCELABLE,
        "playable": _is_playable,
        "retryable": lambda job, _operation: job_actions.is_retryable(job),
        "canPlayJob": _may_act,
        "stuck": lambda _job, _operation: False,
        "scheduled": lambda job, _operation: job["status"] == "scheduled",
        "retried": lambda job, _operation: bool(job["retried"]),
        "manualJob": lambda job, _operation: job_actions.is_manual(job),
        "triggered": lambda job, operation: _pipeline_row(job, operation)["source"] == "trigger",
        "createdByTag": lambda job, operation: bool(_pipeline_row(job, operation)["tag"]),
        "tags": lambda job, _operation: sorted(json.loads(job["tags"])),
        "needs": _needs,
        "detailedStatus": _detailed_status,
        "duration": _times("duration"),
        "queuedDuration": _times("queued_duration"),
        "exitCode": lambda job, _operation: job["exit_code"] if job["finished_at"] else None,
        "failureMessage": _failure_message,
        "schedulingType": lambda job, _operation: "dag" if job["needs"] else "stage",
        "source": lambda job, operation: _pipeline_row(job, operation)["source"],
        "refName": lambda job, operation: _pipeline_row(job, operation)["ref"],
        "refPath": _ref_path,
        "shortSha": lambda job, operation: _pipeline_row(job, operation)["sha"][:8],
        "commitPath": _commit_path,
        "webPath": lambda job, operation: operation.web_path(project_of(operation, job), f"jobs/{job['id']}"),
        "playPath": _path("play"),
        "retryPath": _path("retry"),
        "trace": lambda job, operation: job if trace(job, operation.context.now()) else None,
        "pipeline": _pipeline,
        "project": lambda job, operation: project_of(operation, job),
        "userPermissions": _permissions,
    },
    "CiJobTrace": {"htmlSummary": _summary},
    "Mutation": {"jobPlay": _play, "jobRetry": _retry, "jobCancel": _cancel},
}
GLOBAL_IDS = {"JobID": "Ci::Build"}
