"""Projects (GitLab: lib/api/projects.rb, lib/api/entities/project.rb, ee/lib/ee/api/entities/project.rb)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from mlops_tui.sandbox import errors
from mlops_tui.sandbox.access import Project, Role, group_role, is_visible
from mlops_tui.sandbox.authentication import Policy
from mlops_tui.sandbox.paging import Key, keyset_unavailable, paginate, paginate_keyset, wants_keyset
from mlops_tui.sandbox.parameters import Kind, at_least_one, optional
from mlops_tui.sandbox.project_settings import FEATURES, SETTINGS, WRITABLE
from mlops_tui.sandbox.routing import route

if TYPE_CHECKING:
    from starlette.responses import Response

    from mlops_tui.sandbox.database import Row
    from mlops_tui.sandbox.request import Context

_LEVELS = (10, 15, 20, 30, 40, 50)
_ORDERS = ("id", "name", "path", "created_at", "updated_at", "last_activity_at", "star_count", "similarity")
FILTERS = (
    optional("search"),
    optional("simple", Kind.BOOLEAN, default=False),
    optional("membership", Kind.BOOLEAN, default=False),
    optional("owned", Kind.BOOLEAN, default=False),
    optional("archived", Kind.BOOLEAN),
    optional("visibility", values=("private", "internal", "public")),
    optional("min_access_level", Kind.INTEGER, values=_LEVELS),
    optional("order_by", default="created_at", values=_ORDERS),
    optional("sort", default="desc", values=("asc", "desc")),
    optional("id_after", Kind.INTEGER),
    optional("id_before", Kind.INTEGER),
)


def reference(project: Project) -> dict[str, Any]:
    """Return GitLab's ProjectIdentity."""
    return {
        "id": project.id,
        "description": project.description,
        "name": project.name,
        "name_with_namespace": " / ".join(part.capitalize() for part in project.full_path.split("/")[:-1])
        + f" / {project.name}",
        "path": project.path,
        "path_with_namespace": project.full_path,
        "created_at": project.created_at,
    }


def simple(context: Context, project: Project) -> dict[str, Any]:
    """Return GitLab's BasicProjectDetails."""
    web_url = context.url(f"/{project.full_path}")
    host = context.settings.host
    return {
        **reference(project),
        "default_branch": project.default_branch,
        "tag_list": [],
        "topics": [],
        "ssh_url_to_repo": f"git@{host}:{project.full_path}.git",
        "http_url_to_repo": f"{web_url}.git",
        "web_url": web_url,
        "readme_url": f"{web_url}/-/blob/{project.default_branch}/README.md",
        "forks_count": 0,
        "avatar_url": None,
        "star_count": 0,
        "last_activity_at": project.last_activity_at,
        "visibility": project.visibility,
        "namespace": _namespace(context, project),
    }


def _namespace(context: Context, project: Project) -> dict[str, Any] | None:
    row = context.database.one("SELECT * FROM namespaces WHERE id = ?", (project.namespace_id,))
    if row is None:
        return None
    return {
        "id": row["id"],
        "name": row["name"],
        "path": row["path"],
        "kind": row["kind"],
        "full_path": row["full_path"],
        "parent_id": row["parent_id"],
        "avatar_url": None,
        "web_url": context.url(f"/groups/{row['full_path']}"),
    }


def full(context: Context, project: Project) -> dict[str, Any]:
    """Return GitLab's Project, with the caller's rights and what the licence adds."""
    links = {
        name: context.api_url(f"/projects/{project.id}{suffix}")
        for name, suffix in {
            "self": "",
            "issues": "/issues",
            "merge_requests": "/merge_requests",
            "repo_branches": "/repository/branches",
            "labels": "/labels",
            "events": "/events",
            "members": "/members",
        }.items()
    }
    features = {name: project.attribute(name, default) for name, default in FEATURES.items()}
    settings = {name: project.attribute(name, default) for name, default in SETTINGS.items()}
    return {
        **simple(context, project),
        "_links": links,
        "empty_repo": _is_empty(context, project),
        "creator_id": project.creator_id,
        "updated_at": project.last_activity_at,
        "open_issues_count": _open_issues(context, project),
        "import_status": "none",
        "shared_with_groups": [],
        **features,
        **settings,
        **_licensed(context, project),
        "permissions": _permissions(context, project),
    }


def _is_empty(context: Context, project: Project) -> bool:
    return context.database.value("SELECT 1 FROM branches WHERE project_id = ?", (project.id,)) is None


def _open_issues(context: Context, project: Project) -> int:
    statement = "SELECT count(*) FROM issues WHERE project_id = ? AND state = 'opened'"
    return int(context.database.value(statement, (project.id,)))


def _licensed(context: Context, project: Project) -> dict[str, Any]:
    """Return the keys by which a client tells the tier; each is left out unless its feature is licensed."""
    keys: dict[str, Any] = {}
    if context.settings.premium:
        keys["approvals_before_merge"] = project.attribute("approvals_before_merge", 0)
        keys["mirror"] = False
        keys["merge_trains_enabled"] = False
        keys["allow_pipeline_trigger_approve_deployment"] = project.attribute(
            "allow_pipeline_trigger_approve_deployment", False
        )
    if context.settings.ultimate:
        keys["only_allow_merge_if_all_status_checks_passed"] = False
        keys["requirements_enabled"] = True
        keys["security_and_compliance_enabled"] = True
    return keys


def _permissions(context: Context, project: Project) -> dict[str, Any]:
    """Return the caller's direct access to the project and to its group; an administrator may have neither."""
    if context.user is None:
        return {"project_access": None, "group_access": None}

    def access(kind: str, source_id: int) -> dict[str, Any] | None:
        level = context.database.value(
            "SELECT access_level FROM members WHERE source_type = ? AND source_id = ? AND user_id = ?",
            (kind, source_id, context.user.id if context.user else 0),
        )
        return None if level is None else {"access_level": level, "notification_level": 3}

    inherited = access("group", project.namespace_id)
    if inherited is None and not context.user.admin:
        role = group_role(context.database, context.user, project.namespace_id)
        inherited = {"access_level": int(role), "notification_level": 3} if role else None
    return {"project_access": access("project", project.id), "group_access": inherited}


async def show(context: Context) -> Response:
    """`GET /projects/:id`; an anonymous caller sees the basic details only."""
    project = context.project()
    content = full(context, project) if context.user else simple(context, project)
    return context.json(content)


async def edit(context: Context) -> Response:
    """`PUT /projects/:id`; Maintainer."""
    context.authenticate()
    given = context.declare(*WRITABLE)
    at_least_one(given, [parameter.name for parameter in WRITABLE])
    project = context.project(Role.MAINTAINER)
    columns = {name: value for name, value in given.items() if name in Project.__dataclass_fields__}
    attributes = {**project.attributes, **{name: value for name, value in given.items() if name not in columns}}
    with context.database.transaction():
        values = {**columns, "attributes": json.dumps(attributes), "last_activity_at": context.timestamp()}
        context.database.update("projects", project.id, values)
    return context.json(full(context, context.project()))


async def list_projects(context: Context) -> Response:
    """`GET /projects`: what the caller may see."""
    return answer_list(context, context.declare(*FILTERS), "1", [])


def answer_list(context: Context, given: dict[str, Any], condition: str, arguments: list[Any]) -> Response:
    """Answer the projects that fit a condition and the declared `FILTERS`."""
    conditions, bound = [condition, _visible(context, given)], [*arguments]
    if search := given.get("search"):
        conditions.append("(instr(lower(name), lower(?)) OR instr(lower(full_path), lower(?)))")
        bound += [search, search]
    if visibility := given.get("visibility"):
        conditions.append("visibility = ?")
        bound.append(visibility)
    if given.get("archived"):
        conditions.append("json_extract(attributes, '$.archived')")
    select = f"SELECT * FROM projects WHERE {' AND '.join(conditions)}"  # noqa: S608 - literals and integers

    def render(row: Row) -> dict[str, Any]:
        project = Project.from_row(row)
        whole = context.user is not None and not given["simple"]
        return full(context, project) if whole else simple(context, project)

    descending = given["sort"] == "desc"
    if wants_keyset(context):
        if given["order_by"] != "id":
            raise keyset_unavailable()
        return paginate_keyset(context, select, bound, render, key=Key(descending=descending))
    columns = {"updated_at": "last_activity_at", "star_count": "id", "similarity": "id"}
    column = columns.get(given["order_by"], given["order_by"])
    direction = "DESC" if descending else "ASC"
    return paginate(context, select, bound, render, order=f"{column} {direction}, id {direction}")


def _visible(context: Context, given: dict[str, Any]) -> str:
    """Return the condition that leaves the projects this caller may see, or is a member of when asked so.

    Raises:
        ApiError: 401 when an anonymous caller asks for own projects.
    """
    minimum = Role.OWNER if given["owned"] else Role(given.get("min_access_level") or Role.NONE)
    if given["membership"]:
        minimum = max(minimum, Role.GUEST)
    if minimum and context.user is None:
        raise errors.unauthorized()
    projects = [Project.from_row(row) for row in context.database.all("SELECT * FROM projects")]
    chosen = [
        project.id
        for project in projects
        if (role := context.role(project)) >= minimum and is_visible(project.visibility, context.user, role)
    ]
    return f"id IN ({', '.join(str(number) for number in chosen)})"


ROUTES = [
    route("GET", "/projects", list_projects, Policy(limiter="projects_api")),
    route("GET", "/projects/{id}", show, Policy(limiter="project_api")),
    route("PUT", "/projects/{id}", edit),
]
