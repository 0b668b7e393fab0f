"""The tracing routes: they check who asks and hand the request to a back end, as Workhorse does.

GitLab: workhorse/internal/gob/proxy.go, ee/lib/api/observability.rb. Both generations of addresses are served, and a
plain receiver of OTLP for programs on this machine. The back end is a foreign application: the sandbox shares no code
with the program, whose intake and store these are when it starts the sandbox.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Protocol

from starlette.responses import StreamingResponse

from mlops_tui.sandbox import errors
from mlops_tui.sandbox.access import Role, find_project
from mlops_tui.sandbox.authentication import Policy
from mlops_tui.sandbox.routing import absolute_route, route

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from starlette.responses import Response
    from starlette.types import ASGIApp, Receive, Scope, Send

    from mlops_tui.sandbox.access import Project
    from mlops_tui.sandbox.request import Context, Services

OTLP_PATH = "/otlp"
_MEMORY = "traces"
_WRITING = Policy(scopes=("api", "write_observability"), raw_body=True)
_READING = Policy(scopes=("api", "read_api", "read_observability"))


class TraceBackend(Protocol):
    """What keeps the traces: it takes OTLP and answers the queries of GitLab's former tracing API."""

    def serving(self, folder: Path) -> AbstractAsyncContextManager[ASGIApp]:
        """Serve as long as the block lasts, with its state in a folder.

        The application knows `POST /v1/traces`, `POST /v3/:namespace_id/:project_id/ingest/traces` and
        `GET /v3/query/:project_id/...`; who asks was checked before.
        """
        ...


class Forwarded(StreamingResponse):
    """An answer that is another application's."""

    def __init__(self, application: ASGIApp, path: str) -> None:
        super().__init__(())
        self._application = application
        self._path = path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the other application answer, which sees its own path only."""
        inner = {**scope, "path": self._path, "raw_path": self._path.encode(), "root_path": "", "path_params": {}}
        await self._application(inner, receive, send)


def keep_backend(services: Services, application: ASGIApp) -> None:
    """Note the application that answers from now on."""
    services.memory[_MEMORY] = application


def _forward(context: Context, path: str) -> Response:
    application: ASGIApp | None = context.services.memory.get(_MEMORY)
    if application is None:
        raise errors.unknown_route()
    return Forwarded(application, path)


def _project(context: Context, minimum: Role) -> Project:
    """Return the project of the path.

    Raises:
        ApiError: 401 for nobody, 404 for a project that is not there or on which the caller may not do this.
    """
    context.authenticate()
    project = find_project(context.database, context.path["id"])
    if project is None or context.role(project) < minimum:
        raise errors.not_found()
    return project


async def receive(context: Context) -> Response:
    """`POST /otlp/v1/traces`: from this machine without a token, from elsewhere with any that may write."""
    client = context.request.client
    if client is None or not ipaddress.ip_address(client.host).is_loopback:
        context.authenticate()
    return _forward(context, "/v1/traces")


async def ingest(context: Context) -> Response:
    """`POST /projects/:id/observability/v1/traces`, and its predecessor: spans of one project."""
    project = _project(context, Role.DEVELOPER)
    return _forward(context, f"/v3/{project.namespace_id}/{project.id}/ingest/traces")


async def query(context: Context) -> Response:
    """`GET /projects/:id/observability/v1/...`, and its predecessor: traces, their analytics, services, operations."""
    project = _project(context, Role.REPORTER)
    return _forward(context, f"/v3/query/{project.id}/{context.path['rest']}")


_OBSERVABILITY = "/projects/{id}/observability/v1"
ROUTES = [
    absolute_route("POST", f"{OTLP_PATH}/v1/traces", receive, _WRITING),
    route("POST", f"{_OBSERVABILITY}/traces", ingest, _WRITING),
    route("GET", f"{_OBSERVABILITY}/{{rest:path}}", query, _READING),
    absolute_route("POST", "/v3/{namespace}/{id}/ingest/traces", ingest, _WRITING),
    absolute_route("GET", "/v3/query/{id}/{rest:path}", query, _READING),
]
