"""The package registry (GitLab: lib/api/project_packages.rb, lib/api/entities/package.rb)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlops_tui.sandbox import errors
from mlops_tui.sandbox.access import Project, Role
from mlops_tui.sandbox.authentication import Policy
from mlops_tui.sandbox.clock import timestamp
from mlops_tui.sandbox.paging import Key, paginate, paginate_keyset
from mlops_tui.sandbox.parameters import Kind, optional
from mlops_tui.sandbox.responses import no_content
from mlops_tui.sandbox.routing import route

if TYPE_CHECKING:
    from datetime import datetime

    from starlette.responses import Response

    from mlops_tui.sandbox.database import Database, Row
    from mlops_tui.sandbox.request import Context

PACKAGE_POLICY = Policy(job_token=True)
_TYPES = (
    "maven", "npm", "conan", "nuget", "pypi", "composer", "generic", "golang", "debian", "rubygems", "helm",
    "terraform_module", "rpm", "ml_model", "cargo",
)  # fmt: skip
_LISTED = ("default", "error", "deprecated")
_STATUSES = ("default", "hidden", "processing", "error", "pending_destruction", "deprecated")
_UNREACHABLE = ("hidden", "processing", "pending_destruction")
_ORDERS = {"created_at": "created_at", "name": "name", "version": "version", "type": "package_type"}


def may_destroy(role: Role) -> bool:
    """Tell whether a role may destroy packages, and with them model versions."""
    return role >= Role.MAINTAINER


def may_read(context: Context, project: Project) -> bool:
    """Tell whether the caller may pull packages: anyone on a public project, else Reporter and up."""
    if not project.attribute("packages_enabled", default=True):
        return False
    if project.visibility == "public" or (project.visibility == "internal" and context.user is not None):
        return True
    return context.role(project) >= Role.REPORTER


def create_package(
    database: Database,
    project_id: int,
    name: str,
    version: str,
    *,
    creator_id: int | None,
    now: datetime,
    job_id: int | None = None,
) -> int:
    """Return the id of the `ml_model` package of that name and version, made when there is none."""
    found = database.value(
        "SELECT id FROM packages WHERE project_id = ? AND name = ? AND version = ? AND package_type = 'ml_model'"
        " AND status <> 'pending_destruction'",
        (project_id, name, version),
    )
    if found is not None:
        return int(found)
    return database.insert(
        "packages",
        {
            "project_id": project_id,
            "name": name,
            "version": version,
            "creator_id": creator_id,
            "ci_build_id": job_id,
            "created_at": timestamp(now),
        },
    )


def package_of_run(
    database: Database, run: Row, *, creator_id: int | None, now: datetime, job_id: int | None = None
) -> int:
    """Return the id of a run's package; the first upload or download makes it."""
    if run["package_id"] is not None:
        return int(run["package_id"])
    model_name = database.value("SELECT name FROM models WHERE default_experiment_id = ?", (run["experiment_id"],))
    name = model_name or f"ml_experiment_{run['experiment_iid']}"
    package_id = create_package(
        database,
        run["project_id"],
        name,
        f"candidate_{run['iid']}",
        creator_id=creator_id,
        now=now,
        job_id=job_id,
    )
    database.update("runs", run["id"], {"package_id": package_id})
    return package_id


def readable_project(context: Context) -> Project:
    """Return the project when its packages may be read.

    Raises:
        ApiError: 404 when it is not visible, 403 when its packages are not.
    """
    project = context.project()
    if not may_read(context, project):
        raise errors.forbidden()
    return project


def required_package(context: Context, project: Project) -> Row:
    """Return the package that the path names.

    Raises:
        ApiError: 404 for one that is missing, hidden, in processing, marked for destruction or in error.
    """
    row = context.database.one(
        "SELECT * FROM packages WHERE project_id = ? AND id = ?", (project.id, context.number("package_id"))
    )
    if row is None or row["status"] in _UNREACHABLE:
        raise errors.record_not_found()
    if row["status"] == "error":
        raise errors.message(404, "Package not found")
    return row


def pipeline_of(context: Context, project: Project, job_id: int | None) -> dict[str, Any] | None:
    """Return the pipeline that built a package or a file, in short."""
    row = context.database.one(
        "SELECT ci_pipelines.* FROM ci_pipelines JOIN ci_jobs ON ci_jobs.pipeline_id = ci_pipelines.id"
        " WHERE ci_jobs.id = ?",
        (job_id,),
    )
    if row is None:
        return None
    names = ("id", "iid", "project_id", "sha", "ref", "status", "source", "created_at", "updated_at")
    url = context.url(f"/{project.full_path}/-/pipelines/{row['id']}")
    return {name: row[name] for name in names} | {"web_url": url}


def _presented(context: Context, project: Project, row: Row) -> dict[str, Any]:
    links = {"web_path": f"{context.settings.root_path}/{project.full_path}/-/packages/{row['id']}"}
    if may_destroy(context.role(project)):
        links["delete_api_path"] = context.api_url(f"/projects/{project.id}/packages/{row['id']}")
    shown: dict[str, Any] = {
        "id": row["id"],
        "name": row["name"],
        "version": row["version"],
        "package_type": row["package_type"],
        "status": row["status"],
        "_links": links,
        "created_at": row["created_at"],
        "last_downloaded_at": row["last_downloaded_at"],
        "tags": [],
    }
    pipeline = pipeline_of(context, project, row["ci_build_id"])
    if pipeline is not None:
        shown |= {"pipeline": pipeline, "pipelines": []}
    return shown


async def list_packages(context: Context) -> Response:
    """List a project's packages."""
    project = readable_project(context)
    given = context.declare(
        optional("order_by", default="created_at", values=tuple(_ORDERS)),
        optional("sort", default="asc", values=("asc", "desc")),
        optional("package_type", values=_TYPES),
        optional("package_name"),
        optional("package_version"),
        optional("include_versionless", Kind.BOOLEAN),
        optional("status", values=_STATUSES),
    )
    conditions, arguments = _conditions(given)
    select = f"SELECT * FROM packages WHERE project_id = ? AND {' AND '.join(conditions)}"  # noqa: S608 - literals
    direction = "DESC" if given["sort"] == "desc" else "ASC"
    order = f"{_ORDERS[given['order_by']]} {direction}, id {direction}"
    return paginate(
        context, select, (project.id, *arguments), lambda row: _presented(context, project, row), order=order
    )


def _conditions(given: dict[str, Any]) -> tuple[list[str], list[Any]]:
    conditions, arguments = [], []
    if given.get("status"):
        conditions.append("status = ?")
        arguments.append(given["status"])
    else:
        conditions.append(f"status IN ({', '.join(repr(status) for status in _LISTED)})")
    if not given.get("include_versionless"):
        conditions.append("version IS NOT NULL")
    for name, condition in (
        ("package_type", "package_type = ?"),
        ("package_name", "instr(lower(name), lower(?)) > 0"),
        ("package_version", "version = ?"),
    ):
        if given.get(name):
            conditions.append(condition)
            arguments.append(given[name])
    return conditions, arguments


async def get(context: Context) -> Response:
    """Show a package and the other versions of its name."""
    project = readable_project(context)
    row = required_package(context, project)
    others = context.database.all(
        "SELECT id, version, created_at FROM packages WHERE project_id = ? AND package_type = ? AND name = ?"
        " AND id <> ? AND version IS NOT NULL AND status IN ('default', 'error', 'deprecated') ORDER BY id DESC",
        (project.id, row["package_type"], row["name"], row["id"]),
    )
    versions = [{**dict(other), "tags": []} for other in others]
    return context.json(_presented(context, project, row) | {"versions": versions})


async def list_pipelines(context: Context) -> Response:
    """List the pipelines that built a package."""
    project = readable_project(context)
    row = required_package(context, project)
    select = (
        "SELECT DISTINCT ci_pipelines.id AS id, ci_jobs.id AS job_id FROM ci_pipelines"
        " JOIN ci_jobs ON ci_jobs.pipeline_id = ci_pipelines.id"
        " WHERE ci_jobs.id = ? OR ci_jobs.id IN (SELECT ci_build_id FROM package_files WHERE package_id = ?)"
    )
    return paginate_keyset(
        context,
        select,
        (row["ci_build_id"], row["id"]),
        lambda found: pipeline_of(context, project, found["job_id"]),
        key=Key(cursor=True),
    )


async def delete(context: Context) -> Response:
    """Mark a package for destruction."""
    project = readable_project(context)
    row = required_package(context, project)
    if not may_destroy(context.role(project)):
        raise errors.forbidden()
    with context.database.transaction():
        context.database.update("packages", row["id"], {"status": "pending_destruction"})
    return no_content()


ROUTES = [
    route("GET", "/projects/{id}/packages", list_packages, PACKAGE_POLICY),
    route("GET", "/projects/{id}/packages/{package_id}", get, PACKAGE_POLICY),
    route("GET", "/projects/{id}/packages/{package_id}/pipelines", list_pipelines, PACKAGE_POLICY),
    route("DELETE", "/projects/{id}/packages/{package_id}", delete, PACKAGE_POLICY),
]
