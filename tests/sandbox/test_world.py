"""The worlds: the same for the same seed, another for another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlops_tui.sandbox.clock import ManualClock
from mlops_tui.sandbox.database import Database
from mlops_tui.sandbox.settings import World
from mlops_tui.sandbox.world import build

if TYPE_CHECKING:
    from pathlib import Path

_TABLES = ("users", "projects", "members", "commits", "tree_entries", "issues", "notes", "merge_requests", "labels")


def _content(folder: Path, seed: int) -> dict[str, list[tuple[object, ...]]]:
    database = Database(folder)
    try:
        with database.transaction():
            build(World.DEMO, database, ManualClock(), seed)
        return {table: [tuple(row) for row in database.all(f"SELECT * FROM {table}")] for table in _TABLES}
    finally:
        database.close()


def test_a_seed_decides_everything(tmp_path: Path) -> None:
    first, again, other = (_content(tmp_path / name, seed) for name, seed in (("a", 1), ("b", 1), ("c", 2)))

    assert first == again
    assert first["commits"] != other["commits"]


def test_the_history_is_two_months_long_and_ends_before_now(tmp_path: Path) -> None:
    commits = _content(tmp_path, 1)["commits"]
    dates = sorted(str(row[5]) for row in commits)

    assert dates[0].startswith("2026-03-31")
    assert dates[-1] < "2026-06-01T09:00:00"
    assert len(commits) > 120
