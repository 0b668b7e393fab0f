"""Playing the past: the scheduler runs as it would have, on a clock that is wound from event to event."""

from __future__ import annotations

import heapq
import itertools
from typing import TYPE_CHECKING, Any

from mlops_tui.sandbox import pipeline_creation, scheduler
from mlops_tui.sandbox.clock import ManualClock, timestamp
from mlops_tui.sandbox.faults import FaultScript
from mlops_tui.sandbox.pipeline_creation import PipelineRequest, Revision
from mlops_tui.sandbox.rate_limits import RateLimits
from mlops_tui.sandbox.request import Services
from mlops_tui.sandbox.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from mlops_tui.sandbox.access import Project
    from mlops_tui.sandbox.database import Database, Row

    Event = Callable[[], object]


class History:
    """A queue of events in the past; events may add further ones."""

    def __init__(self, database: Database, start: datetime, seed: int) -> None:
        self.database = database
        self.clock = ManualClock(start)
        self.services = Services(Settings(seed=seed), database, self.clock, RateLimits(), FaultScript())
        self._events: list[tuple[datetime, int, Event]] = []
        self._order = itertools.count()

    def at(self, moment: datetime, event: Event) -> None:
        """Let something happen at a time."""
        heapq.heappush(self._events, (moment, next(self._order), event))

    def play(self, until: datetime) -> None:
        """Let everything happen that is due before a time; later events are dropped."""
        while self._events and self._events[0][0] <= until:
            moment, _, event = heapq.heappop(self._events)
            self._wind(moment)
            event()
        self._wind(until)

    def _wind(self, moment: datetime) -> None:
        self.clock.advance(max(0.0, (moment - self.clock.now()).total_seconds()))
        scheduler.advance(self.services)

    def now(self) -> str:
        """Return the time of the present event."""
        return timestamp(self.clock.now())

    def run_pipeline(
        self,
        project: Project,
        user_id: int,
        source: str,
        inputs: Mapping[str, Any] | None = None,
        variables: Mapping[str, str] | None = None,
    ) -> Row | None:
        """Create a pipeline on what the default branch was at that time; None before its first commit."""
        sha = self.database.value(
            "WITH RECURSIVE history (sha) AS (SELECT sha FROM branches WHERE project_id = ? AND name = ?"
            " UNION SELECT parent_sha FROM commit_parents p JOIN history h ON p.sha = h.sha"
            " WHERE p.project_id = ? AND p.position = 0)"
            " SELECT sha FROM commits WHERE project_id = ? AND sha IN history AND committed_at <= ?"
            " ORDER BY committed_at DESC LIMIT 1",
            (project.id, project.default_branch, project.id, project.id, self.now()),
        )
        if sha is None:
            return None
        given = [{"key": key, "value": value} for key, value in (variables or {}).items()]
        revision = Revision(project.default_branch, tag=False, sha=sha)
        request = PipelineRequest(project, revision, user_id, source, inputs or {}, given)
        return pipeline_creation.store(self.services, request, self.now())
