"""Per-project counters: the `iid` of issues, merge requests, pipelines, deployments, experiments and candidates."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlops_tui.sandbox.database import Database


def allocate(database: Database, project_id: int, usage: str, count: int = 1) -> int:
    """Reserve `count` consecutive ids and return the first; `usage` is a table name such as `issues`."""
    last = database.value(
        "INSERT INTO internal_ids (project_id, usage, last_value) VALUES (?, ?, ?) "
        "ON CONFLICT (project_id, usage) DO UPDATE SET last_value = last_value + excluded.last_value "
        "RETURNING last_value",
        (project_id, usage, count),
    )
    return int(last) - count + 1


def observe(database: Database, project_id: int, usage: str, value: int) -> None:
    """Make sure that ids allocated later are above a value that was set by hand."""
    database.execute(
        "INSERT INTO internal_ids (project_id, usage, last_value) VALUES (?, ?, ?) "
        "ON CONFLICT (project_id, usage) DO UPDATE SET last_value = max(last_value, excluded.last_value)",
        (project_id, usage, value),
    )
