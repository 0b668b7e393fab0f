"""Upload and download of model files (GitLab: lib/api/ml_model_packages.rb)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote

from mlops_tui.sandbox import errors
from mlops_tui.sandbox.access import Project, Role
from mlops_tui.sandbox.authentication import Credentials, Policy
from mlops_tui.sandbox.mlflow import may_read as may_read_feature
from mlops_tui.sandbox.model_versions import find_version
from mlops_tui.sandbox.multipart import boundary_of, file_part
from mlops_tui.sandbox.package_files import TooLargeError, attach, download, find_file, receive
from mlops_tui.sandbox.packages import may_read as may_read_packages
from mlops_tui.sandbox.packages import package_of_run
from mlops_tui.sandbox.parameters import optional
from mlops_tui.sandbox.routing import route
from mlops_tui.sandbox.runs import find_by_iid_in_project

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.responses import Response

    from mlops_tui.sandbox.request import Context

RUN_PREFIX = "candidate:"
_ROUTE = "/projects/{id}/packages/ml_models/{model_version_id}/files/{file:path}"
_FILE_NAME = re.compile(r"[A-Za-z0-9._\-+ ]+")
_READING = Policy(credentials=Credentials.BEARER, job_token=True)
_WRITING = Policy(credentials=Credentials.BEARER, job_token=True, raw_body=True)


def _file_path(context: Context) -> str:
    """Return the wanted path with its folders.

    Raises:
        ApiError: 400 when it has other characters than a file name may have or leaves its folder.
    """
    segments = [unquote(segment) for segment in str(context.request.path_params["file"]).split("/")]
    if not _FILE_NAME.fullmatch(segments[-1]):
        raise errors.parameter("file_name is invalid")
    if any(part in {"", ".", ".."} for segment in segments for part in segment.split("/")):
        raise errors.parameter("path should be a valid file path")
    return "/".join(segments)


def _readable_project(context: Context) -> Project:
    project = context.project()
    if not may_read_feature(project, context.user, context.role(project), "model_registry"):
        raise errors.not_found()
    return project


def _writable_project(context: Context) -> Project:
    context.authenticate()
    project = _readable_project(context)
    if not project.attribute("packages_enabled", default=True) or context.role(project) < Role.DEVELOPER:
        raise errors.forbidden()
    return project


def _package(context: Context, project: Project) -> int:
    """Return the package of the version or run in the path; a run gets its package now if it has none."""
    reference = context.path["model_version_id"]
    if reference.startswith(RUN_PREFIX):
        run = find_by_iid_in_project(context.database, project.id, reference.removeprefix(RUN_PREFIX))
        if run is None:
            raise errors.not_found()
        user_id = context.user.id if context.user else None
        with context.database.transaction():
            return package_of_run(context.database, run, creator_id=user_id, now=context.now(), job_id=_job_id(context))
    known = reference.isascii() and reference.isdigit() and len(reference) <= 18
    version = find_version(context.database, int(reference)) if known else None
    if version is None or version["project_id"] != project.id or version["package_id"] is None:
        raise errors.not_found()
    return int(version["package_id"])


def _job_id(context: Context) -> int | None:
    return context.job.job_id if context.job else None


def _content(context: Context) -> AsyncIterator[bytes]:
    """Return the bytes to store: the raw body, or the file of a multipart form."""
    boundary = boundary_of(context.request.headers.get("content-type", ""))
    stream = context.request.stream()
    return stream if boundary is None else file_part(stream, boundary)


async def upload(context: Context) -> Response:
    """Store one file; its bytes are streamed to the disk."""
    given = context.declare(optional("status", values=("default", "hidden")))
    path = _file_path(context)
    project = _writable_project(context)
    package_id = _package(context, project)
    maximum = context.database.value("SELECT value FROM plan_limits WHERE name = 'ml_model_max_file_size'")
    try:
        blob = await receive(context.files, _content(context), maximum)
    except TooLargeError:
        raise errors.bad_request("Artifact file is too large") from None
    with context.database.transaction():
        attach(context.database, package_id, path, blob, context.now(), _job_id(context))
        if given.get("status"):
            context.database.update("packages", package_id, {"status": given["status"]})
    return context.json({"message": "201 Created"}, 201)


async def authorize(context: Context) -> Response:
    """Answer the reverse proxy's question before an upload; clients never ask it."""
    project = _writable_project(context)
    _package(context, project)
    maximum = context.database.value("SELECT value FROM plan_limits WHERE name = 'ml_model_max_file_size'")
    return context.json({"MaximumSize": maximum})


async def fetch(context: Context) -> Response:
    """Send the file that was uploaded last under a path."""
    path = _file_path(context)
    project = _readable_project(context)
    if not may_read_packages(context, project):
        raise errors.forbidden()
    file = find_file(context.database, _package(context, project), path)
    if file is None:
        raise errors.not_found()
    return download(context, file)


ROUTES = [
    route("PUT", f"{_ROUTE}/authorize", authorize, _WRITING),
    route("PUT", _ROUTE, upload, _WRITING),
    route("GET", _ROUTE, fetch, _READING),
]
