"""The stored history of a project: commits, the files in each, and the names that point at them."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlops_tui.sandbox import errors

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mlops_tui.sandbox.database import Database, Row

_SHA = re.compile(r"[0-9a-f]{7,40}")


@dataclass(frozen=True, slots=True)
class Author:
    """Who made a commit."""

    name: str
    email: str


def resolve_ref(database: Database, project_id: int, ref: str) -> str | None:
    """Return the sha that a branch, a tag, `HEAD`, or a sha of at least seven digits stands for."""
    name = ref.removeprefix("refs/heads/").removeprefix("refs/tags/")
    if name == "HEAD":
        statement = (
            "SELECT b.sha FROM branches b JOIN projects p ON p.id = b.project_id AND p.default_branch = b.name"
            " WHERE p.id = ?"
        )
        found = database.value(statement, (project_id,))
        return None if found is None else str(found)
    for table in ("branches", "repository_tags"):
        found = database.value(f"SELECT sha FROM {table} WHERE project_id = ? AND name = ?", (project_id, name))  # noqa: S608 - literals
        if found is not None:
            return str(found)
    if not _SHA.fullmatch(name):
        return None
    rows = database.all("SELECT sha FROM commits WHERE project_id = ? AND sha GLOB ? LIMIT 2", (project_id, f"{name}*"))
    return str(rows[0]["sha"]) if len(rows) == 1 else None


def commit_row(database: Database, project_id: int, ref: str) -> Row:
    """Return the commit a ref stands for.

    Raises:
        ApiError: 404 `404 Commit Not Found`.
    """
    sha = resolve_ref(database, project_id, ref)
    row = database.one("SELECT * FROM commits WHERE project_id = ? AND sha = ?", (project_id, sha))
    if row is None:
        raise errors.not_found("Commit")
    return row


def parents(database: Database, project_id: int, sha: str) -> list[str]:
    """Return the parents of a commit, the first parent first."""
    rows = database.all(
        "SELECT parent_sha FROM commit_parents WHERE project_id = ? AND sha = ? ORDER BY position", (project_id, sha)
    )
    return [row["parent_sha"] for row in rows]


def blob_id(content: bytes) -> str:
    """Return the id that git gives to a file's content."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def commit_files(
    database: Database,
    project_id: int,
    branch: str,
    message: str,
    author: Author,
    committed_at: str,
    changes: Mapping[str, str | bytes | None],
    *,
    merged: Sequence[str] = (),
) -> str:
    """Add a commit to a branch, made when missing, and return its sha.

    `changes` maps a path to its new content, or None to delete it; `merged` names further parents. A branch that is
    missing starts at the first of `merged`, if any, else with an empty tree.
    """
    head = database.value("SELECT sha FROM branches WHERE project_id = ? AND name = ?", (project_id, branch))
    ancestors = [sha for sha in (head, *merged) if sha is not None]
    before = tree(database, project_id, ancestors[0]) if ancestors else {}
    contents = {path: _encode(content) for path, content in changes.items() if content is not None}
    sha = _sha(project_id, ancestors, message, author, committed_at, contents)
    added, deleted = _count_lines(database, before, changes, contents)
    row = {"project_id": project_id, "sha": sha, "message": message, "author_name": author.name}
    row |= {"author_email": author.email, "committed_at": committed_at, "additions": added, "deletions": deleted}
    database.insert("commits", row)
    database.connection.executemany(
        "INSERT INTO commit_parents (project_id, sha, position, parent_sha) VALUES (?, ?, ?, ?)",
        [(project_id, sha, position, parent) for position, parent in enumerate(ancestors)],
    )
    _store_tree(database, project_id, sha, before, changes, contents)
    database.execute(
        "INSERT INTO branches (project_id, name, sha) VALUES (?, ?, ?)"
        " ON CONFLICT (project_id, name) DO UPDATE SET sha = excluded.sha",
        (project_id, branch, sha),
    )
    return sha


def tree(database: Database, project_id: int, sha: str) -> dict[str, Row]:
    """Return the files of a commit by path."""
    rows = database.all("SELECT * FROM tree_entries WHERE project_id = ? AND sha = ?", (project_id, sha))
    return {row["path"]: row for row in rows}


def _encode(content: str | bytes) -> bytes:
    return content.encode() if isinstance(content, str) else content


def _sha(
    project_id: int,
    ancestors: Sequence[str],
    message: str,
    author: Author,
    committed_at: str,
    contents: Mapping[str, bytes],
) -> str:
    digest = hashlib.sha1(usedforsecurity=False)
    for part in (str(project_id), *ancestors, message, author.name, author.email, committed_at):
        digest.update(part.encode() + b"\0")
    for path in sorted(contents):
        digest.update(path.encode() + b"\0" + contents[path] + b"\0")
    return digest.hexdigest()


def _store_tree(
    database: Database,
    project_id: int,
    sha: str,
    before: Mapping[str, Row],
    changes: Mapping[str, str | bytes | None],
    contents: Mapping[str, bytes],
) -> None:
    database.connection.executemany(
        "INSERT OR IGNORE INTO blobs (id, content) VALUES (?, ?)",
        [(blob_id(content), content) for content in contents.values()],
    )
    kept = [
        (project_id, sha, path, row["blob_id"], row["last_commit_sha"], row["executable"])
        for path, row in before.items()
        if path not in changes
    ]
    written = [(project_id, sha, path, blob_id(content), sha, 0) for path, content in contents.items()]
    database.connection.executemany("INSERT INTO tree_entries VALUES (?, ?, ?, ?, ?, ?)", kept + written)


def _count_lines(
    database: Database,
    before: Mapping[str, Row],
    changes: Mapping[str, str | bytes | None],
    contents: Mapping[str, bytes],
) -> tuple[int, int]:
    """Return how many lines are new and how many are gone, comparing lines as sets."""
    added = deleted = 0
    for path in changes:
        old: set[bytes] = set()
        if path in before:
            content = database.value("SELECT content FROM blobs WHERE id = ?", (before[path]["blob_id"],))
            old = set(bytes(content).splitlines())
        new = set(contents.get(path, b"").splitlines())
        added += len(new - old)
        deleted += len(old - new)
    return added, deleted
