"""One request: who asks, with which parameters, about which project."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import orjson

from mlops_tui.sandbox import errors
from mlops_tui.sandbox.access import Project, Role, find_project, is_visible, moved_project, project_role
from mlops_tui.sandbox.authentication import Identity, JobToken, Policy, Token, User, identify
from mlops_tui.sandbox.clock import Clock, timestamp
from mlops_tui.sandbox.form import parse_form, parse_multipart
from mlops_tui.sandbox.parameters import Parameter, declared
from mlops_tui.sandbox.responses import JsonResponse

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path

    from starlette.requests import Request

    from mlops_tui.sandbox.database import Database
    from mlops_tui.sandbox.faults import FaultScript
    from mlops_tui.sandbox.rate_limits import RateLimits
    from mlops_tui.sandbox.settings import Settings


@dataclass(frozen=True, slots=True)
class Services:
    """What every request and every background task works with; held by `application.state.services`.

    `memory` is for state that need not survive a restart, by the name of the module that keeps it.
    """

    settings: Settings
    database: Database
    clock: Clock
    rate_limits: RateLimits
    faults: FaultScript
    memory: dict[str, Any] = field(default_factory=dict)


class Context:
    """What a handler gets: `async def show(context: Context) -> Response`.

    `path` holds the decoded segments of the URL; `params` merges query and body, the body winning. Checks run in
    GitLab's order: token, `declare`, then `project`. Nothing may be awaited inside a database transaction.
    """

    def __init__(
        self, request: Request, services: Services, identity: Identity, params: Mapping[str, Any], body: bytes
    ) -> None:
        self.request = request
        self.services = services
        self.identity = identity
        self.params = params
        self.body = body
        self.path = {name: unquote(str(value)) for name, value in request.path_params.items()}

    @property
    def settings(self) -> Settings:
        """The sandbox's settings."""
        return self.services.settings

    @property
    def database(self) -> Database:
        """The sandbox's state."""
        return self.services.database

    @property
    def files(self) -> Path:
        """The folder of blobs: write to a temporary name in it, rename, then commit."""
        return self.services.database.files

    @property
    def clock(self) -> Clock:
        """The sandbox's clock."""
        return self.services.clock

    @property
    def user(self) -> User | None:
        """Who asks, or None."""
        return self.identity.user

    @property
    def token(self) -> Token | None:
        """The personal access or OAuth token, or None."""
        return self.identity.token

    @property
    def job(self) -> JobToken | None:
        """The CI job token, or None."""
        return self.identity.job

    def now(self) -> datetime:
        """Return the current time, in UTC."""
        return self.clock.now()

    def timestamp(self) -> str:
        """Return the current time as it is stored and shown."""
        return timestamp(self.clock.now())

    def url(self, path: str) -> str:
        """Return the external URL of a path that starts with `/`."""
        return self.settings.base_url + path

    def api_url(self, path: str) -> str:
        """Return the external URL of an API path such as `/projects/1`."""
        return f"{self.settings.base_url}/api/v4{path}"

    def json(self, content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> JsonResponse:
        """Return a JSON answer."""
        return JsonResponse(content, status, headers)

    def json_body(self) -> Any:
        """Return the decoded JSON body of any shape.

        Raises:
            ApiError: 400 when the body is no JSON.
        """
        return _decode(self.body)

    def authenticate(self) -> User:
        """Return who asks.

        Raises:
            ApiError: 401 for an anonymous caller.
        """
        if self.identity.user is None:
            raise errors.unauthorized()
        return self.identity.user

    def declare(self, *parameters: Parameter) -> dict[str, Any]:
        """Return the declared parameters that were given or have a default.

        Raises:
            ApiError: 400 with Grape's words.
        """
        return declared(self.params, parameters)

    def number(self, name: str) -> int:
        """Return an integer segment of the path.

        Raises:
            ApiError: 400 `<name> is invalid` when it is no integer.
        """
        text = self.path[name]
        if not re.fullmatch(r"\d{1,18}", text):
            raise errors.parameter(f"{name} is invalid")
        return int(text)

    def project(self, minimum: Role | None = None, *, name: str = "id") -> Project:
        """Return the project that the path names by id or full path.

        Raises:
            ApiError: 404 when missing or not visible, 403 below the minimum role, 301 or 405 when it was moved.
        """
        reference = self.path[name]
        project = find_project(self.database, reference)
        if project is None:
            raise self._moved(reference) or errors.not_found("Project")
        role = self.role(project)
        if not is_visible(project.visibility, self.user, role):
            raise errors.not_found("Project")
        self._check_job_reach(project)
        if minimum is not None and role < minimum:
            raise errors.forbidden()
        return project

    def role(self, project: Project) -> Role:
        """Return the caller's role on a project."""
        return project_role(self.database, self.user, project)

    def require(self, project: Project, minimum: Role) -> None:
        """Refuse with 403 below a role."""
        if self.role(project) < minimum:
            raise errors.forbidden()

    def _moved(self, reference: str) -> errors.ApiError | None:
        moved = moved_project(self.database, reference)
        if moved is None:
            return None
        if self.request.method not in {"GET", "HEAD"}:
            return errors.ApiError(405, {"message": "Non GET methods are not allowed for moved projects"})
        rest = self.request.url.path.split("/projects/", 1)[1].partition("/")[2]
        location = self.api_url(f"/projects/{moved}" + (f"/{rest}" if rest else ""))
        return errors.MovedError(location)

    def _check_job_reach(self, project: Project) -> None:
        """Refuse a job token of another project that this one does not allow."""
        if self.job is None or self.job.project_id == project.id:
            return
        allowed = self.database.value(
            "SELECT 1 FROM job_token_allowlist WHERE project_id = ? AND source_project_id = ?",
            (project.id, self.job.project_id),
        )
        if not allowed:
            source = find_project(self.database, str(self.job.project_id))
            path = source.full_path if source else ""
            raise errors.forbidden(f"Authentication by CI/CD job token not allowed from {path} to {project.full_path}.")


def _decode(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        raise errors.parameter("Problem: message body does not match declared format") from None


def _body_params(content_type: str, body: bytes) -> dict[str, Any]:
    kind = content_type.partition(";")[0].strip().lower()
    if not body.strip():
        return {}
    if kind == "application/json" or kind.endswith("+json"):
        decoded = _decode(body)
        return decoded if isinstance(decoded, dict) else {}
    if kind == "application/x-www-form-urlencoded":
        return parse_form(body.decode("utf-8", "replace"))
    if kind == "multipart/form-data":
        return parse_multipart(content_type, body)
    return {}


async def open_context(request: Request, services: Services, policy: Policy) -> Context:
    """Read a request and identify its caller."""
    params = parse_form(request.url.query)
    body = b""
    if not policy.raw_body:
        body = await request.body()
        params |= _body_params(request.headers.get("content-type", ""), body)
    identity = identify(
        services.database,
        services.clock.now(),
        policy,
        request.method,
        request.headers,
        params,
        services.settings.base_url,
    )
    if policy.authenticated and identity.user is None:
        raise errors.unauthorized()
    return Context(request, services, identity, params, body)
