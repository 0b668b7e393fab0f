"""Resource groups: jobs that share one run one after the other (GitLab: app/models/ci/resource_group.rb)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlops_tui.sandbox import statuses

if TYPE_CHECKING:
    from mlops_tui.sandbox.database import Database, Row

PROCESS_MODES = ("unordered", "oldest_first", "newest_first", "newest_ready_first")


def find_or_create(database: Database, project_id: int, key: str, now: str, process_mode: str = "unordered") -> int:
    """Return the id of a resource group, made if it is new."""
    found = database.value("SELECT id FROM resource_groups WHERE project_id = ? AND key = ?", (project_id, key))
    if found is not None:
        return int(found)
    return database.insert(
        "resource_groups",
        {"project_id": project_id, "key": key, "process_mode": process_mode, "created_at": now, "updated_at": now},
    )


def is_taken(database: Database, job: Row) -> bool:
    """Tell whether another job holds the resource that a job needs."""
    if job["resource_group_id"] is None:
        return False
    marks = ", ".join("?" for _ in statuses.HOLDS_RESOURCE)
    holder = database.value(
        f"SELECT 1 FROM ci_jobs WHERE resource_group_id = ? AND id != ? AND status IN ({marks})",  # noqa: S608 - only marks
        (job["resource_group_id"], job["id"], *statuses.HOLDS_RESOURCE),
    )
    return holder is not None


def next_waiting(database: Database, ended: Row) -> Row | None:
    """Return the job that gets the resource of one that has ended, or None."""
    if ended["resource_group_id"] is None or is_taken(database, ended):
        return None
    mode = database.value("SELECT process_mode FROM resource_groups WHERE id = ?", (ended["resource_group_id"],))
    direction = "DESC" if mode in {"newest_first", "newest_ready_first"} else "ASC"
    return database.one(
        "SELECT * FROM ci_jobs WHERE resource_group_id = ? AND status = 'waiting_for_resource' "  # noqa: S608 - a literal
        f"ORDER BY id {direction} LIMIT 1",
        (ended["resource_group_id"],),
    )


def entity(row: Row) -> dict[str, Any]:
    """Return GitLab's ResourceGroup."""
    return {key: row[key] for key in ("id", "key", "process_mode", "created_at", "updated_at")}
