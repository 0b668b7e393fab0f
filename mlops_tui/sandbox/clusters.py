"""Clusters connected by certificate, which GitLab has long switched off and some instances still have.

`PUT /-/sandbox/projects/:project_id/cluster` connects one to a project, `DELETE` takes it away: with it the weight of a
canary ingress can be set. Ours, not GitLab's; forgotten when the sandbox ends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlops_tui.sandbox import errors
from mlops_tui.sandbox.responses import no_content
from mlops_tui.sandbox.routing import hook

if TYPE_CHECKING:
    from starlette.responses import Response

    from mlops_tui.sandbox.request import Context, Services

_MEMORY = "clusters"


def is_connected(services: Services, project_id: int) -> bool:
    """Tell whether a project has such a cluster."""
    return services.settings.legacy_clusters or project_id in _connected(services)


def _connected(services: Services) -> set[int]:
    found: set[int] = services.memory.setdefault(_MEMORY, set())
    return found


def _project(context: Context) -> int:
    project_id = context.number("project_id")
    if context.database.value("SELECT 1 FROM projects WHERE id = ?", (project_id,)) is None:
        raise errors.not_found("Project")
    return project_id


async def connect(context: Context) -> Response:
    """`PUT /-/sandbox/projects/:project_id/cluster`."""
    _connected(context.services).add(_project(context))
    return no_content()


async def disconnect(context: Context) -> Response:
    """`DELETE /-/sandbox/projects/:project_id/cluster`."""
    _connected(context.services).discard(_project(context))
    return no_content()


ROUTES = [
    hook("PUT", "/projects/{project_id}/cluster", connect),
    hook("DELETE", "/projects/{project_id}/cluster", disconnect),
]
