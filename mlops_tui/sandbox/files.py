"""Repository files (GitLab: lib/api/files.rb)."""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from mlops_tui.sandbox import errors
from mlops_tui.sandbox.access import Project, Role
from mlops_tui.sandbox.authentication import Policy
from mlops_tui.sandbox.commits import readable_project
from mlops_tui.sandbox.paging import paginate_sequence
from mlops_tui.sandbox.parameters import Kind, optional, required
from mlops_tui.sandbox.repository import Author, commit_files, commit_row, resolve_ref, tree
from mlops_tui.sandbox.responses import no_content
from mlops_tui.sandbox.routing import route

if TYPE_CHECKING:
    from mlops_tui.sandbox.database import Row
    from mlops_tui.sandbox.request import Context

_SCOPES = ("api", "read_api", "read_repository")
_READ = Policy(scopes=_SCOPES)
_RAW = Policy(scopes=_SCOPES, job_token=True)
_NO_STORE = "max-age=0, private, must-revalidate, no-store, no-cache"
_WRITE = (
    required("branch"),
    required("commit_message"),
    optional("start_branch"),
    optional("author_name"),
    optional("author_email"),
    optional("last_commit_id"),
)
_CONTENT = (required("content"), optional("encoding", default="text", values=("text", "base64")))


def _found(context: Context, project: Project, ref: str) -> tuple[dict[str, Any], bytes]:
    """Return the metadata and the content of the file that the path names.

    Raises:
        ApiError: 404 `404 Commit Not Found` or `404 File Not Found`.
    """
    commit = commit_row(context.database, project.id, ref)
    path = context.path["file_path"]
    row = context.database.one(
        "SELECT t.*, b.content FROM tree_entries t JOIN blobs b ON b.id = t.blob_id"
        " WHERE t.project_id = ? AND t.sha = ? AND t.path = ?",
        (project.id, commit["sha"], path),
    )
    if row is None:
        raise errors.not_found("File")
    content = bytes(row["content"])
    metadata = {
        "file_name": path.rsplit("/", 1)[-1],
        "file_path": path,
        "size": len(content),
        "encoding": "base64",
        "content_sha256": hashlib.sha256(content).hexdigest(),
        "ref": ref,
        "blob_id": row["blob_id"],
        "commit_id": commit["sha"],
        "last_commit_id": row["last_commit_sha"],
        "execute_filemode": bool(row["executable"]),
    }
    return metadata, content


def _headers(metadata: dict[str, Any]) -> dict[str, str]:
    return {
        f"X-Gitlab-{'-'.join(word.capitalize() for word in name.split('_'))}": str(value).lower()
        if isinstance(value, bool)
        else str(value)
        for name, value in metadata.items()
    }


async def show(context: Context) -> Response:
    """`GET` and `HEAD /projects/:id/repository/files/:file_path`; HEAD answers by headers."""
    given = context.declare(required("ref", blank=False))
    metadata, content = _found(context, readable_project(context), given["ref"])
    if context.request.method == "HEAD":
        return Response(headers={**_headers(metadata), "Content-Type": "application/json"})
    return context.json({**metadata, "content": base64.b64encode(content).decode()})


async def show_raw(context: Context) -> Response:
    """`GET /projects/:id/repository/files/:file_path/raw`; never cached."""
    given = context.declare(optional("ref"), optional("lfs", Kind.BOOLEAN))
    project = readable_project(context)
    metadata, content = _found(context, project, given.get("ref") or project.default_branch)
    name = metadata["file_name"]
    headers = {
        **_headers(metadata),
        "Cache-Control": _NO_STORE,
        "Content-Disposition": f'inline; filename="{name}"',
        "X-Content-Type-Options": "nosniff",
    }
    return Response(content, headers=headers, media_type="text/plain")


async def list_tree(context: Context) -> Response:
    """`GET /projects/:id/repository/tree`: one folder, or everything below it when `recursive`."""
    given = context.declare(optional("ref"), optional("path"), optional("recursive", Kind.BOOLEAN))
    project = readable_project(context)
    sha = resolve_ref(context.database, project.id, given.get("ref") or project.default_branch)
    if sha is None:
        raise errors.not_found("Tree")
    prefix = f"{given['path'].strip('/')}/" if given.get("path") else ""
    below = {path: row for path, row in tree(context.database, project.id, sha).items() if path.startswith(prefix)}
    if prefix and not below:
        raise errors.not_found("invalid revision or path")
    return paginate_sequence(context, _entries(below, prefix, recursive=bool(given.get("recursive"))))


def _entries(files: dict[str, Row], prefix: str, *, recursive: bool) -> list[dict[str, Any]]:
    folders: set[str] = set()
    blobs = []
    for path, row in files.items():
        inner = path[len(prefix) :].split("/")
        deepest = len(inner) - 1 if recursive else min(1, len(inner) - 1)
        folders |= {prefix + "/".join(inner[: depth + 1]) for depth in range(deepest)}
        if recursive or len(inner) == 1:
            mode = "100755" if row["executable"] else "100644"
            blobs.append({"id": row["blob_id"], "name": inner[-1], "type": "blob", "path": path, "mode": mode})
    trees = [
        {
            "id": hashlib.sha1(path.encode(), usedforsecurity=False).hexdigest(),
            "name": path.rsplit("/", 1)[-1],
            "type": "tree",
            "path": path,
            "mode": "040000",
        }
        for path in sorted(folders)
    ]
    return trees + sorted(blobs, key=lambda entry: str(entry["path"]))


async def create(context: Context) -> Response:
    """`POST /projects/:id/repository/files/:file_path`."""
    return _write(context, context.declare(*_WRITE, *_CONTENT), exists=False, status=201)


async def update(context: Context) -> Response:
    """`PUT /projects/:id/repository/files/:file_path`."""
    return _write(context, context.declare(*_WRITE, *_CONTENT), exists=True, status=200)


async def delete(context: Context) -> Response:
    """`DELETE /projects/:id/repository/files/:file_path`."""
    _write(context, context.declare(*_WRITE), exists=True, status=204)
    return no_content()


def _write(context: Context, given: dict[str, Any], *, exists: bool, status: int) -> Response:
    user = context.authenticate()
    project = context.project(Role.DEVELOPER)
    _check_push(context, project, given["branch"])
    path = context.path["file_path"]
    head = resolve_ref(context.database, project.id, given["branch"])
    start = head or resolve_ref(context.database, project.id, given.get("start_branch") or "")
    if start is None and resolve_ref(context.database, project.id, "HEAD"):
        raise errors.bad_request("You can only create or edit files when you are on a branch")
    files = tree(context.database, project.id, start) if start else {}
    if exists and path not in files:
        raise errors.bad_request("A file with this name doesn't exist")
    if not exists and path in files:
        raise errors.bad_request("A file with this name already exists")
    if exists and given.get("last_commit_id") and files[path]["last_commit_sha"] != given["last_commit_id"]:
        raise errors.bad_request("You are attempting to update a file that has changed since you started editing it.")
    author = Author(given.get("author_name") or user.name, given.get("author_email") or user.email)
    with context.database.transaction():
        commit_files(
            context.database,
            project.id,
            given["branch"],
            given["commit_message"],
            author,
            context.timestamp(),
            {path: _content(given)},
            merged=[start] if start and not head else [],
        )
    return context.json({"file_path": path, "branch": given["branch"]}, status)


def _content(given: dict[str, Any]) -> bytes | None:
    if "content" not in given:
        return None
    text = given["content"] or ""
    if given["encoding"] == "text":
        return str(text).encode()
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        raise errors.parameter("content is invalid") from None


def _check_push(context: Context, project: Project, branch: str) -> None:
    protected = context.database.value(
        "SELECT protected FROM branches WHERE project_id = ? AND name = ?", (project.id, branch)
    )
    if protected and context.role(project) < Role.MAINTAINER:
        raise errors.forbidden("You are not allowed to push into this branch")


_FILE = "/projects/{id}/repository/files/{file_path}"
ROUTES = [
    route("GET", _FILE, show, _READ),
    route("GET", f"{_FILE}/raw", show_raw, _RAW),
    route("POST", _FILE, create),
    route("PUT", _FILE, update),
    route("DELETE", _FILE, delete),
    route("GET", "/projects/{id}/repository/tree", list_tree, _READ),
]
