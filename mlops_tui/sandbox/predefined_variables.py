"""The variables that GitLab sets for pipelines and jobs (GitLab: doc/ci/variables/predefined_variables.md)."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from mlops_tui.sandbox.access import Project, find_project
from mlops_tui.sandbox.freeze_periods import is_frozen

if TYPE_CHECKING:
    from mlops_tui.sandbox.database import Row
    from mlops_tui.sandbox.request import Services
    from mlops_tui.sandbox.settings import Settings


def pipeline_variables(
    settings: Settings, project: Project, *, ref: str, tag: bool, sha: str, source: str
) -> dict[str, str]:
    """Return what is known before a pipeline has an id, so what its rules may use."""
    variables = {
        "CI": "true",
        "GITLAB_CI": "true",
        "CI_SERVER_URL": settings.base_url,
        "CI_SERVER_VERSION": settings.version,
        "CI_API_V4_URL": f"{settings.base_url}/api/v4",
        "CI_API_GRAPHQL_URL": f"{settings.base_url}/api/graphql",
        "CI_PROJECT_ID": str(project.id),
        "CI_PROJECT_NAME": project.path,
        "CI_PROJECT_PATH": project.full_path,
        "CI_PROJECT_URL": f"{settings.base_url}/{project.full_path}",
        "CI_DEFAULT_BRANCH": project.default_branch,
        "CI_COMMIT_SHA": sha,
        "CI_COMMIT_SHORT_SHA": sha[:8],
        "CI_COMMIT_REF_NAME": ref,
        "CI_COMMIT_REF_SLUG": re.sub(r"[^a-z0-9]+", "-", ref.lower()).strip("-")[:63],
        "CI_PIPELINE_SOURCE": source,
    }
    variables["CI_COMMIT_TAG" if tag else "CI_COMMIT_BRANCH"] = ref
    return variables


def job_variables(services: Services, job: Row) -> dict[str, str]:
    """Return everything a job's script sees: what GitLab sets, and over it what is stored with the job."""
    database = services.database
    pipeline = database.one("SELECT * FROM ci_pipelines WHERE id = ?", (job["pipeline_id"],))
    project = find_project(database, str(job["project_id"]))
    if pipeline is None or project is None:
        raise LookupError(f"job {job['id']} without pipeline or project")
    revision = {"ref": pipeline["ref"], "tag": bool(pipeline["tag"]), "sha": pipeline["sha"]}
    variables: dict[str, str] = {
        **pipeline_variables(services.settings, project, **revision, source=pipeline["source"]),
        "CI_PIPELINE_ID": str(job["pipeline_id"]),
        "CI_JOB_ID": str(job["id"]),
        "CI_JOB_NAME": job["name"],
        "CI_JOB_STAGE": job["stage"],
    }
    if is_frozen(database, project.id, services.clock.now()):
        variables["CI_DEPLOY_FREEZE"] = "true"
    user = database.one("SELECT username, name FROM users WHERE id = ?", (job["user_id"],))
    if user is not None:
        variables |= {"GITLAB_USER_LOGIN": user["username"], "GITLAB_USER_NAME": user["name"]}
    environment = database.one("SELECT * FROM environments WHERE id = ?", (job["environment_id"],))
    if environment is not None:
        variables |= {
            "CI_ENVIRONMENT_NAME": environment["name"],
            "CI_ENVIRONMENT_SLUG": environment["slug"],
            "CI_ENVIRONMENT_TIER": environment["tier"],
            "CI_ENVIRONMENT_ACTION": job["environment_action"] or "start",
            "CI_ENVIRONMENT_URL": job["environment_url"] or environment["external_url"] or "",
        }
    stored: dict[str, str] = json.loads(job["variables"])
    return variables | stored
