"""Artifacts: the files of the package that belongs to a run or to a model version."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote

from mlops_tui.domain.artifacts import Artifact, DownloadProgress
from mlops_tui.domain.errors import GateError
from mlops_tui.domain.projects import ProjectRef
from mlops_tui.domain.runs import Run
from mlops_tui.domain.text import clean
from mlops_tui.gitlab.payloads import Name, Payload, read_all
from mlops_tui.gitlab.transport import Transport

Progress = Callable[[DownloadProgress], None]


class _Package(Payload):
    id: int
    name: Name
    version: Name = ""


class _File(Payload):
    id: int
    package_id: int
    file_name: str
    size: int = 0
    file_sha256: str | None = None


async def list_artifacts(transport: Transport, project: ProjectRef, package_id: int) -> list[Artifact]:
    """The files of a package, by path.

    A name that was uploaded twice stands once, as the last upload, which is what a download serves
    (GitLab: app/finders/packages/package_file_finder.rb).
    """
    path = f"/api/v4/projects/{project.id}/packages/{package_id}/package_files"
    newest: dict[str, Artifact] = {}
    async for rows in transport.pages(path, {"order_by": "id", "sort": "asc"}):
        for row in read_all(_File, rows, "the artifacts"):
            name = clean(unquote(row.file_name), 1024)
            newest[name] = Artifact(name, row.size, row.file_sha256, row.package_id, row.id)
    return [newest[name] for name in sorted(newest)]


async def find_package(transport: Transport, project: ProjectRef, name: str, version: str) -> int | None:
    """The id of the machine-learning package of exactly this name and version, or None.

    GitLab's own filter matches parts of names, so the rows are compared again.
    """
    path = f"/api/v4/projects/{project.id}/packages"
    params = {"package_type": "ml_model", "package_name": name, "package_version": version}
    async for rows in transport.pages(path, params):
        for row in read_all(_Package, rows, "the packages"):
            if (row.name, row.version) == (name, version):
                return row.id
    return None


async def run_package(transport: Transport, run: Run) -> int | None:
    """The package that holds a run's files; None when nothing was uploaded.

    Until a run becomes a version its package is named after the experiment, and after the model in a model's own
    experiment (GitLab: app/services/packages/ml_model/package_for_candidate_service.rb).
    """
    if run.iid is None:
        return None
    version = f"candidate_{run.iid}"
    model = run.experiment.removeprefix("[model]") if run.experiment.startswith("[model]") else ""
    for name in filter(None, (model, f"ml_experiment_{run.experiment_iid}")):
        found = await find_package(transport, run.project, name, version)
        if found is not None:
            return found
    return None


async def download_artifact(
    transport: Transport, project: ProjectRef, artifact: Artifact, target: Path, progress: Progress
) -> str:
    """Write a file to ``target`` and return its SHA-256.

    It is written beside the target and moved there only when its checksum is the one the registry keeps; GateError when
    it is not, and the target is then left as it was.
    """
    partial = target.with_name(f".{target.name}.part")
    try:
        with partial.open("wb") as file:
            received = await _receive(transport, _download_path(project, artifact), file, progress)
        if artifact.sha256 and received != artifact.sha256:
            raise GateError(
                f"{artifact.path} was not kept",
                why=f"its SHA-256 is {received}, the registry says {artifact.sha256}",
                remedy="Download it again; if it stays so, the stored file is damaged",
            )
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    return received


async def read_artifact(transport: Transport, project: ProjectRef, artifact: Artifact, limit: int) -> bytes:
    """The first ``limit`` bytes of a file, for a look at its text."""
    content = bytearray()
    async with transport.stream(_download_path(project, artifact)) as download:
        async for chunk in download.chunks:
            content += chunk
            if len(content) >= limit:
                break
    return bytes(content[:limit])


async def _receive(transport: Transport, path: str, file: BinaryIO, progress: Progress) -> str:
    checksum, received = hashlib.sha256(), 0
    async with transport.stream(path) as download:
        async for chunk in download.chunks:
            checksum.update(chunk)
            file.write(chunk)
            received += len(chunk)
            progress(DownloadProgress(received, download.total))
    return checksum.hexdigest()


def _download_path(project: ProjectRef, artifact: Artifact) -> str:
    return f"/api/v4/projects/{project.id}/packages/{artifact.package_id}/package_files/{artifact.file_id}/download"
