"""Artifacts as MLflow clients list and download them; uploads go to the package routes.

GitLab: lib/api/ml/mlflow_artifacts/artifacts.rb.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn
from urllib.parse import unquote

from mlops_tui.sandbox import errors
from mlops_tui.sandbox.mlflow import artifacts_route, does_not_exist, registry_project
from mlops_tui.sandbox.model_packages import RUN_PREFIX
from mlops_tui.sandbox.model_versions import find_version
from mlops_tui.sandbox.package_files import download, files_of, find_file
from mlops_tui.sandbox.parameters import optional
from mlops_tui.sandbox.runs import find_by_iid_in_project

if TYPE_CHECKING:
    from starlette.responses import Response

    from mlops_tui.sandbox.access import Project
    from mlops_tui.sandbox.request import Context


def _package_id(context: Context, project: Project, reference: str) -> int | None:
    """Return the package of a version (by database id) or of a run (`candidate:<iid>`), or None."""
    if reference.startswith(RUN_PREFIX):
        owner = find_by_iid_in_project(context.database, project.id, reference.removeprefix(RUN_PREFIX))
    else:
        known = reference.isascii() and reference.isdigit() and len(reference) <= 18
        owner = find_version(context.database, int(reference)) if known else None
    if owner is None or owner["project_id"] != project.id:
        return None
    return None if owner["package_id"] is None else int(owner["package_id"])


def _crash() -> NoReturn:
    raise errors.message(500, "500 Internal Server Error")


async def list_artifacts(context: Context) -> Response:
    """List the files of a version or run, flat; below a folder there is never anything."""
    project = registry_project(context)
    path = context.declare(optional("path")).get("path")
    if path is None:
        _crash()
    reference, _, inner = path.partition("/")
    if inner.strip():
        return context.json({"files": []})
    package_id = _package_id(context, project, reference)
    if package_id is None:
        raise does_not_exist()
    files = [
        {"path": file["file_name"], "file_size": file["size"], "is_dir": False}
        for file in files_of(context.database, package_id)
    ]
    return context.json({"files": files})


async def download_artifact(context: Context) -> Response:
    """Send one file of a version or run."""
    project = registry_project(context)
    package_id = _package_id(context, project, context.path["model_version"])
    if package_id is None:
        _crash()
    file = find_file(context.database, package_id, unquote(str(context.request.path_params["file_path"])))
    if file is None:
        raise does_not_exist()
    return download(context, file)


ROUTES = [
    artifacts_route("artifacts", list_artifacts),
    artifacts_route("artifacts/{model_version}/{file_path:path}", download_artifact),
]
