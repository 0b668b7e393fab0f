"""The files of packages: their rows, and their bytes as blobs on the disk (GitLab: lib/api/package_files.rb)."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus, unquote_plus

from starlette.responses import FileResponse

from mlops_tui.sandbox import errors
from mlops_tui.sandbox.clock import timestamp
from mlops_tui.sandbox.packages import PACKAGE_POLICY, may_destroy, pipeline_of, readable_project, required_package
from mlops_tui.sandbox.paging import paginate
from mlops_tui.sandbox.parameters import optional
from mlops_tui.sandbox.responses import no_content
from mlops_tui.sandbox.routing import route

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from datetime import datetime
    from pathlib import Path

    from starlette.responses import Response

    from mlops_tui.sandbox.access import Project
    from mlops_tui.sandbox.database import Database, Row
    from mlops_tui.sandbox.request import Context


class TooLargeError(Exception):
    """An upload above the limit."""


@dataclass(frozen=True, slots=True)
class Blob:
    """Bytes on the disk that no row names yet; `size` in bytes."""

    name: str
    size: int
    sha256: str


def stored_name(path: str) -> str:
    """Return the one-segment name under which a file with folders is kept: `data/a b.csv` is `data%2Fa+b.csv`."""
    return quote_plus(path)


async def receive(folder: Path, chunks: AsyncIterator[bytes], maximum: int) -> Blob:
    """Stream an upload to the disk; what exceeds the limit is read and thrown away.

    Raises:
        TooLargeError: above `maximum` bytes; nothing is left behind.
    """
    name = uuid.uuid4().hex
    checksum, size = hashlib.sha256(), 0
    partial = folder / f"{name}.part"
    try:
        with partial.open("wb") as stream:
            async for chunk in chunks:
                size += len(chunk)
                if size <= maximum:
                    checksum.update(chunk)
                    stream.write(chunk)
        if size > maximum:
            raise TooLargeError
        partial.rename(folder / name)
    finally:
        partial.unlink(missing_ok=True)
    return Blob(name, size, checksum.hexdigest())


def write(folder: Path, content: bytes) -> Blob:
    """Put bytes that are in memory on the disk."""
    blob = Blob(uuid.uuid4().hex, len(content), hashlib.sha256(content).hexdigest())
    (folder / blob.name).write_bytes(content)
    return blob


def attach(database: Database, package_id: int, path: str, blob: Blob, now: datetime, job_id: int | None = None) -> int:
    """Add a file to a package; another of the same name is kept, too."""
    return database.insert(
        "package_files",
        {
            "package_id": package_id,
            "file_name": stored_name(path),
            "size": blob.size,
            "file_sha256": blob.sha256,
            "blob": blob.name,
            "ci_build_id": job_id,
            "created_at": timestamp(now),
        },
    )


def find_file(database: Database, package_id: int | None, path: str) -> Row | None:
    """Find the file that was uploaded last under a path; the files of a package marked for destruction are gone."""
    return database.one(
        "SELECT package_files.* FROM package_files JOIN packages ON packages.id = package_files.package_id"
        " WHERE package_id = ? AND file_name = ? AND packages.status <> 'pending_destruction'"
        " ORDER BY package_files.id DESC LIMIT 1",
        (package_id, stored_name(path)),
    )


def files_of(database: Database, package_id: int) -> list[Row]:
    """Return the files of a package, oldest first; none when it is marked for destruction."""
    return database.all(
        "SELECT package_files.* FROM package_files JOIN packages ON packages.id = package_files.package_id"
        " WHERE package_id = ? AND packages.status <> 'pending_destruction' ORDER BY package_files.id",
        (package_id,),
    )


def download(context: Context, file: Row) -> Response:
    """Send the bytes of a file and remember that its package was used."""
    with context.database.transaction():
        context.database.update("packages", file["package_id"], {"last_downloaded_at": context.timestamp()})
    name = unquote_plus(file["file_name"]).rsplit("/", 1)[-1]
    return FileResponse(context.files / file["blob"], media_type="application/octet-stream", filename=name)


def _presented(context: Context, project: Project, row: Row) -> dict[str, Any]:
    shown = {
        "id": row["id"],
        "package_id": row["package_id"],
        "created_at": row["created_at"],
        "file_name": row["file_name"],
        "size": row["size"],
        "file_md5": None,
        "file_sha1": None,
        "file_sha256": row["file_sha256"],
    }
    pipeline = pipeline_of(context, project, row["ci_build_id"])
    return shown if pipeline is None else shown | {"pipelines": [pipeline]}


def _required_file(context: Context, package: Row) -> Row:
    row = context.database.one(
        "SELECT * FROM package_files WHERE package_id = ? AND id = ?",
        (package["id"], context.number("package_file_id")),
    )
    if row is None:
        raise errors.record_not_found()
    return row


async def list_files(context: Context) -> Response:
    """List the files of a package."""
    project = readable_project(context)
    package = required_package(context, project)
    given = context.declare(
        optional("order_by", default="id", values=("id", "created_at", "file_name")),
        optional("sort", default="asc", values=("asc", "desc")),
    )
    direction = "DESC" if given["sort"] == "desc" else "ASC"
    return paginate(
        context,
        "SELECT * FROM package_files WHERE package_id = ?",
        (package["id"],),
        lambda row: _presented(context, project, row),
        order=f"{given['order_by']} {direction}, id {direction}",
    )


async def get_file(context: Context) -> Response:
    """Send a file by its id."""
    project = readable_project(context)
    return download(context, _required_file(context, required_package(context, project)))


async def delete_file(context: Context) -> Response:
    """Delete a file."""
    project = readable_project(context)
    file = _required_file(context, required_package(context, project))
    if not may_destroy(context.role(project)):
        raise errors.forbidden()
    with context.database.transaction():
        context.database.execute("DELETE FROM package_files WHERE id = ?", (file["id"],))
    (context.files / file["blob"]).unlink(missing_ok=True)
    return no_content()


_FILES = "/projects/{id}/packages/{package_id}/package_files"
ROUTES = [
    route("GET", _FILES, list_files, PACKAGE_POLICY),
    route("GET", f"{_FILES}/{{package_file_id}}/download", get_file, PACKAGE_POLICY),
    route("DELETE", f"{_FILES}/{{package_file_id}}", delete_file, PACKAGE_POLICY),
]
