"""Making pipelines: from a ref, inputs and variables to stored jobs and deployments.

GitLab: lib/gitlab/ci/pipeline/chain. The texts of refusals are GitLab's.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mlops_tui.sandbox import configuration, deployments, environment_records, errors, internal_ids, resource_groups
from mlops_tui.sandbox.access import Project, Role
from mlops_tui.sandbox.freeze_periods import is_frozen
from mlops_tui.sandbox.job_actions import may_set_variables
from mlops_tui.sandbox.predefined_variables import pipeline_variables
from mlops_tui.sandbox.repository import tree
from mlops_tui.sandbox.scheduler import CREATION_SECONDS
from mlops_tui.sandbox.transitions import find_job, later

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mlops_tui.sandbox.database import Database, Row
    from mlops_tui.sandbox.pipeline_definitions import JobDefinition, PipelineDefinition
    from mlops_tui.sandbox.request import Context, Services


@dataclass(frozen=True, slots=True)
class Revision:
    """What a pipeline runs on."""

    ref: str
    tag: bool
    sha: str


@dataclass(frozen=True, slots=True)
class PipelineRequest:
    """Who wants a pipeline of what; `variables` are GitLab's `key`, `value`, `variable_type`."""

    project: Project
    revision: Revision
    user_id: int
    source: str = "api"
    inputs: Mapping[str, Any] = field(default_factory=dict)
    variables: Sequence[Mapping[str, str]] = ()


def refused(text: str) -> errors.ApiError:
    """400 `{"message": {"base": [text]}}`."""
    return errors.validation({"base": [text]})


def create(
    context: Context,
    project: Project,
    ref: str,
    inputs: Mapping[str, Any],
    variables: Sequence[Mapping[str, str]],
) -> Row:
    """Create a pipeline for the caller; nothing is stored when that fails.

    Raises:
        ApiError: 403 below Developer, 400 with GitLab's reason.
    """
    user = context.authenticate()
    context.require(project, Role.DEVELOPER)
    _check_variables(context, project, variables)
    if not project.attribute("jobs_enabled", default=True):
        raise refused("Pipelines are disabled!")
    revision = find_revision(context.database, project.id, ref)
    if revision is None:
        raise refused("Reference not found")
    _check_ref(context, project, revision)
    caller = f"{project.id} {user.id} {revision.sha}"
    try:
        context.services.rate_limits.check(context.now(), "pipelines_create", caller)
    except errors.ApiError as error:
        raise refused("Too many pipelines created in the last minute. Try again later.") from error
    request = PipelineRequest(project, revision, user.id, inputs=inputs, variables=variables)
    with context.database.transaction():
        return store(context.services, request, context.timestamp())


def _check_variables(context: Context, project: Project, variables: Sequence[Mapping[str, str]]) -> None:
    if variables and not may_set_variables(context, project):
        raise refused("Insufficient permissions to set pipeline variables")
    keys = [variable["key"] for variable in variables]
    duplicates = sorted({key for key in keys if keys.count(key) > 1})
    if duplicates:
        raise refused(f"Duplicate variable name: {', '.join(duplicates)}")


def _check_ref(context: Context, project: Project, revision: Revision) -> None:
    """Refuse a Developer on a protected branch that only Maintainers may push or merge to."""
    closed = context.database.value(
        "SELECT protected AND NOT developers_can_merge FROM branches WHERE project_id = ? AND name = ?",
        (project.id, revision.ref),
    )
    if closed and not revision.tag and context.role(project) < Role.MAINTAINER:
        raise refused(
            f"You do not have sufficient permission to run a pipeline on '{revision.ref}'. "
            "Please select a different branch or contact your administrator for assistance."
        )


def find_revision(database: Database, project_id: int, ref: str) -> Revision | None:
    """Find the branch or tag of a name."""
    for table, prefix, tag in (("branches", "refs/heads/", False), ("repository_tags", "refs/tags/", True)):
        name = ref.removeprefix(prefix)
        sha = database.value(f"SELECT sha FROM {table} WHERE project_id = ? AND name = ?", (project_id, name))  # noqa: S608 - literals
        if sha is not None:
            return Revision(name, tag, str(sha))
    return None


def configuration_text(database: Database, project: Project, sha: str) -> str | None:
    """Return the text of the project's CI configuration at a commit, or None without one."""
    path = project.attribute("ci_config_path") or configuration.DEFAULT_PATH
    entry = tree(database, project.id, sha).get(path)
    if entry is None:
        return None
    return bytes(database.value("SELECT content FROM blobs WHERE id = ?", (entry["blob_id"],))).decode()


def store(services: Services, request: PipelineRequest, now: str) -> Row:
    """Store a pipeline with its jobs and deployments, to be processed a moment later.

    Raises:
        ApiError: 400 when the configuration allows no pipeline.
    """
    database, project, revision = services.database, request.project, request.revision
    text = configuration_text(database, project, revision.sha)
    if text is None:
        raise refused("Missing CI config file")
    predefined = pipeline_variables(
        services.settings, project, ref=revision.ref, tag=revision.tag, sha=revision.sha, source=request.source
    )
    if is_frozen(database, project.id, services.clock.now()):
        predefined["CI_DEPLOY_FREEZE"] = "true"
    given = {variable["key"]: variable["value"] for variable in request.variables}
    try:
        definition = configuration.build(text, request.inputs, {**predefined, **given})
    except configuration.ConfigurationError as error:
        raise refused(str(error)) from error
    pipeline = _insert(services, request, definition, now)
    for variable in request.variables:
        kind = variable.get("variable_type") or "env_var"
        values = {"key": variable["key"], "value": variable["value"], "variable_type": kind}
        database.insert("ci_pipeline_variables", {"pipeline_id": pipeline["id"], **values})
    target = _Target(request, pipeline, definition.stages, now)
    for job in definition.jobs:
        kept = {key: value for key, value in job.variables.items() if key in given or key not in predefined}
        _insert_job(database, target, job, kept)
    return pipeline


def _insert(services: Services, request: PipelineRequest, definition: PipelineDefinition, now: str) -> Row:
    database, project, revision = services.database, request.project, request.revision
    values = {
        "iid": internal_ids.allocate(database, project.id, "pipelines"),
        "project_id": project.id,
        "user_id": request.user_id,
        "name": definition.name,
        "ref": revision.ref,
        "tag": int(revision.tag),
        "sha": revision.sha,
        "source": request.source,
        "status": "created",
        "created_at": now,
        "updated_at": now,
        "due_at": later(now, CREATION_SECONDS / services.clock.speed),
    }
    row = database.one("SELECT * FROM ci_pipelines WHERE id = ?", (database.insert("ci_pipelines", values),))
    if row is None:
        raise LookupError("the pipeline just made is gone")
    return row


@dataclass(frozen=True, slots=True)
class _Target:
    """The pipeline that jobs are stored for."""

    request: PipelineRequest
    pipeline: Row
    stages: Sequence[str]
    now: str


def _insert_job(database: Database, target: _Target, job: JobDefinition, variables: Mapping[str, str]) -> None:
    project, now = target.request.project, target.now
    environment_id = _environment(database, project, job, now)
    values: dict[str, Any] = {
        "project_id": project.id,
        "pipeline_id": target.pipeline["id"],
        "user_id": target.request.user_id,
        "name": job.name,
        "stage": job.stage,
        "stage_index": target.stages.index(job.stage),
        "status": "created",
        "run_when": job.when,
        "allow_failure": int(job.allow_failure),
        "needs": None if job.needs is None else json.dumps(job.needs),
        "script": json.dumps(job.script),
        "variables": json.dumps(dict(variables)),
        "tags": json.dumps(job.tags),
        "start_in": job.start_in,
        "manual_confirmation": job.manual_confirmation,
        "created_at": now,
    }
    if job.resource_group:
        mode = project.attribute("resource_group_default_process_mode", "unordered")
        values["resource_group_id"] = resource_groups.find_or_create(
            database, project.id, job.resource_group, now, mode
        )
    if job.environment is None:
        database.insert("ci_jobs", values)
        return
    values |= {
        "environment_id": environment_id,
        "environment_action": job.environment.action,
        "environment_url": job.environment.url,
        "on_stop": job.environment.on_stop,
    }
    if environment_id is None:
        values |= {"status": "failed", "failure_reason": "environment_creation_failure", "finished_at": now}
    job_id = database.insert("ci_jobs", values)
    if job.environment.creates_deployment:
        _insert_deployment(database, target, job_id, environment_id)


def _insert_deployment(database: Database, target: _Target, job_id: int, environment_id: int | None) -> None:
    environment = database.one("SELECT * FROM environments WHERE id = ?", (environment_id,))
    if environment is None:
        return
    job = find_job(database, job_id)
    columns = {column: target.pipeline[column] for column in ("ref", "tag", "sha", "user_id")}
    deployments.insert(
        database, environment, target.now, **columns, job_id=job_id, on_stop=job["on_stop"], status="created"
    )


def _environment(database: Database, project: Project, job: JobDefinition, now: str) -> int | None:
    """Return the environment of a job, made when it is new; None without one or with an impossible name."""
    if job.environment is None or environment_records.name_complaint(job.environment.name):
        return None
    tier = job.environment.tier if job.environment.tier in environment_records.TIERS else None
    return environment_records.find_or_create(database, project.id, job.environment.name, now, tier=tier)
