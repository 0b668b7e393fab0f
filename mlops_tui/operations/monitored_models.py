"""The models whose traffic can be watched, the busiest first."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta

from mlops_tui.domain.projects import Project
from mlops_tui.domain.snapshots import Snapshot
from mlops_tui.domain.trace_queries import TimeRange, WindowQuery, WindowTraffic
from mlops_tui.gitlab.models import list_models
from mlops_tui.operations.session import Session

# Whose requests of the last hour are counted.
LOOK_BACK = timedelta(hours=1)

_NANOSECONDS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class MonitoredModel:
    """A registered model and how many requests it had in the last hour."""

    project: Project
    model: str
    requests: int

    @property
    def name(self) -> str:
        """GROUP/PROJECT:NAME, which is never ambiguous."""
        return f"{self.project.ref.path}:{self.model}"


@dataclass(frozen=True, slots=True)
class MonitoredModels:
    """The models, the busiest first, and how wide the windows of their traffic are (None without any)."""

    models: tuple[MonitoredModel, ...]
    width: timedelta | None

    def named(self, name: str) -> MonitoredModel | None:
        """The model that NAME or GROUP/PROJECT:NAME means; the first one where several have it."""
        return next((item for item in self.models if name in {item.name, item.model}), None)


async def monitored_models(session: Session) -> Snapshot[MonitoredModels]:
    """Every registered model of the context, with its traffic.

    Raises:
        UsageError: the context has no traces.
    """
    reader = await session.traces()
    until = int(session.clock.now().timestamp()) * _NANOSECONDS
    times = TimeRange(until - int(LOOK_BACK.total_seconds()) * _NANOSECONDS)
    traffic, projects = await asyncio.gather(reader.traffic(WindowQuery("", times)), session.projects())
    registered = await asyncio.gather(*(list_models(session.transport, project.ref) for project in projects))
    models = [
        MonitoredModel(project, model.name, _requests(traffic, project, model.name))
        for project, known in zip(projects, registered, strict=True)
        for model in known
    ]
    width = max((part.width for part in traffic), default=None)
    ordered = sorted(models, key=lambda item: (-item.requests, item.name))
    return Snapshot(MonitoredModels(tuple(ordered), width), session.clock.now(), reader.name)


def _requests(traffic: tuple[WindowTraffic, ...], project: Project, model: str) -> int:
    """The requests of a model; spans that name another project are another model's."""
    projects = {"", str(project.ref.id), project.ref.path}
    counts: Counter[bool] = Counter()
    for part in traffic:
        if part.subject.model == model:
            counts[part.subject.project in projects] += part.traffic.spans
    return counts[True]
