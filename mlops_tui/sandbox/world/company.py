"""The company of the demo world: a project in training, and the runs planned for it."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from mlops_tui.sandbox.clock import timestamp

if TYPE_CHECKING:
    from datetime import datetime
    from random import Random

    from mlops_tui.sandbox.access import Project
    from mlops_tui.sandbox.database import Database
    from mlops_tui.sandbox.world.curves import Curve


@dataclass(frozen=True, slots=True)
class Plan:
    """One run before it is stored; `progress` is its time as a share of the two months."""

    progress: float
    started: datetime
    params: dict[str, float | int | str]
    histories: dict[str, Curve]
    fate: str


@dataclass(slots=True)
class Company:
    """Where the training of one project is written to."""

    database: Database
    project: Project
    random: Random
    now: datetime
    generator: np.random.Generator = field(init=False)
    commits: list[tuple[str, str]] = field(init=False)

    def __post_init__(self) -> None:
        self.generator = np.random.default_rng(self.random.getrandbits(64))
        self.commits = _main_history(self.database, self.project)

    def commit_at(self, moment: datetime) -> str | None:
        """Return what the default branch was at a time."""
        place = bisect_right(self.commits, (timestamp(moment), "~"))
        return self.commits[place - 1][1] if place else None


def _main_history(database: Database, project: Project) -> list[tuple[str, str]]:
    """Return time and sha of every commit that the default branch pointed at, oldest first."""
    rows = database.all(
        "WITH RECURSIVE history (sha) AS (SELECT sha FROM branches WHERE project_id = ? AND name = ?"
        " UNION SELECT parent_sha FROM commit_parents p JOIN history h ON p.sha = h.sha"
        " WHERE p.project_id = ? AND p.position = 0)"
        " SELECT committed_at, sha FROM commits WHERE project_id = ? AND sha IN history ORDER BY committed_at",
        (project.id, project.default_branch, project.id, project.id),
    )
    return [(row["committed_at"], row["sha"]) for row in rows]
