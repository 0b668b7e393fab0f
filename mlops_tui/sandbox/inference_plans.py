"""What the inference service of the fraud model shall serve, and what goes wrong in it. Ours, not GitLab's.

`GET /-/sandbox/inference` is what the service polls, `POST` sets some of its switches, `DELETE` sets them all back.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from mlops_tui.sandbox import errors, unleash
from mlops_tui.sandbox.access import Project
from mlops_tui.sandbox.inference.switches import SwitchError, Switches
from mlops_tui.sandbox.repository import resolve_ref
from mlops_tui.sandbox.routing import hook

if TYPE_CHECKING:
    from starlette.responses import Response

    from mlops_tui.sandbox.database import Database, Row
    from mlops_tui.sandbox.request import Context, Services

_MEMORY = "inference_plans"
_MODEL = "fraud"
_ENVIRONMENT = "production"
_STABLE, _CANARY = "stable", "canary"
_POLICY = ".gitlab/mlops.yml"
# `fraud 2.1.0 -> production`, with whatever follows: how pipelines and the flags of rollouts are called.
_TITLE = re.compile(rf"{_MODEL} (\S+) -> ")
# Jobs that give a version a part of the traffic only, as Auto DevOps names them.
_PARTIAL = re.compile(r"canary|(timed )?rollout (?!100%)\d+%")
_DEPLOYMENTS = """
    SELECT d.sha, p.name AS pipeline, j.name AS job, e.name AS environment
    FROM deployments d JOIN environments e ON e.id = d.environment_id
        JOIN ci_jobs j ON j.id = d.job_id JOIN ci_pipelines p ON p.id = j.pipeline_id
    WHERE d.project_id = ? AND d.status = 'success' ORDER BY d.finished_at DESC, d.id DESC"""


@dataclass(frozen=True, slots=True)
class Deployed:
    """A version that was once deployed in full, where, and of which commit."""

    version: str
    environment: str
    commit: str


@dataclass(slots=True)
class _State:
    """What is kept between requests: the switches, and the flag as the policy of some commit names it."""

    switches: Switches
    policy_commit: str | None = None
    flag: str = ""


def _state(services: Services) -> _State:
    found: _State = services.memory.setdefault(_MEMORY, _State(Switches()))
    return found


def deployed_versions(database: Database, project_id: int) -> list[Deployed]:
    """Return what was deployed in full, the newest first."""
    found = []
    for row in database.all(_DEPLOYMENTS, (project_id,)):
        title = _TITLE.match(row["pipeline"] or "")
        if title and not _PARTIAL.match(row["job"]):
            found.append(Deployed(title[1], row["environment"], row["sha"]))
    return found


def _arms(context: Context, project: Project) -> list[dict[str, Any]]:
    """Return the arms: what is live in production, and the version that is being rolled out or would be next."""
    deployed = deployed_versions(context.database, project.id)
    live = next((one for one in deployed if one.environment == _ENVIRONMENT), None)
    if live is None:
        return []
    flag = _flag(context, project)
    row = context.database.one("SELECT * FROM feature_flags WHERE project_id = ? AND name = ?", (project.id, flag))
    version = _rolled_out(row) or next((one.version for one in deployed if one.version != live.version), live.version)
    commits = {one.version: one.commit for one in reversed(deployed)}
    return [
        {"arm": _STABLE, "version": live.version, "commit": live.commit, "flag": None},
        {"arm": _CANARY, "version": version, "commit": commits.get(version, live.commit), "flag": flag},
    ]


def _rolled_out(flag: Row | None) -> str | None:
    """Return the version that a rollout has written into its flag."""
    title = _TITLE.match((flag["description"] or "") if flag else "")
    return title[1] if title else None


def _flag(context: Context, project: Project) -> str:
    """Return the flag of the canary as the project's policy names it, or would without naming one."""
    state = _state(context.services)
    commit = resolve_ref(context.database, project.id, project.default_branch)
    if commit != state.policy_commit or not state.flag:
        state.policy_commit, state.flag = commit, _flag_of_policy(context.database, project.id, commit)
    return state.flag


def _flag_of_policy(database: Database, project_id: int, commit: str | None) -> str:
    content = database.value(
        "SELECT b.content FROM tree_entries t JOIN blobs b ON b.id = t.blob_id"
        " WHERE t.project_id = ? AND t.sha = ? AND t.path = ?",
        (project_id, commit, _POLICY),
    )
    try:
        policy = yaml.safe_load(bytes(content or b""))
        return str(policy["models"][_MODEL]["rollout"]["flag"])
    except (yaml.YAMLError, KeyError, TypeError):
        return f"{_MODEL}-{_CANARY}"


def _project(database: Database) -> Project:
    row = database.one("SELECT * FROM projects WHERE path = ?", (_MODEL,))
    if row is None:
        raise errors.not_found("Project")
    return Project.from_row(row)


def _document(context: Context) -> dict[str, Any]:
    project = _project(context.database)
    instance = unleash.instance_id(context.database, project.id)
    return {
        "project": {"id": project.id, "path": project.full_path},
        "environment": _ENVIRONMENT,
        "arms": _arms(context, project),
        "unleash": {"url": context.api_url(f"/feature_flags/unleash/{project.id}"), "instance_id": instance},
        "switches": _state(context.services).switches.document(),
    }


async def show(context: Context) -> Response:
    """`GET /-/sandbox/inference`: what the arms serve, where their flag is read, and the switches."""
    return context.json(_document(context))


async def switch(context: Context) -> Response:
    """`POST /-/sandbox/inference`: set the switches that are named; the others stay."""
    given = context.json_body()
    state = _state(context.services)
    try:
        state.switches = state.switches.changed(given if isinstance(given, dict) else {"": given})
    except SwitchError as error:
        raise errors.bad_request(str(error)) from None
    return context.json(_document(context))


async def reset(context: Context) -> Response:
    """`DELETE /-/sandbox/inference`: nothing goes wrong any more."""
    _state(context.services).switches = Switches()
    return context.json(_document(context))


ROUTES = [
    hook("GET", "/inference", show),
    hook("POST", "/inference", switch),
    hook("DELETE", "/inference", reset),
]
