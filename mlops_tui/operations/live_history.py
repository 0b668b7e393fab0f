"""What was live when: the periods in which each version of a model served, and any past moment."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime
from itertools import zip_longest

from mlops_tui.domain.deployments import LiveVersion, history_of
from mlops_tui.domain.snapshots import Snapshot
from mlops_tui.operations.deliveries import Delivery, read_delivery
from mlops_tui.operations.models import LiveRow, live_rows
from mlops_tui.operations.production import Production, read_production
from mlops_tui.operations.session import Session


@dataclass(frozen=True, slots=True)
class LiveHistory:
    """The deliveries that one model's past is told from."""

    model: str
    delivery: Delivery
    production: Production

    def at(self, moment: datetime) -> tuple[LiveRow, ...]:
        """What served at a past moment, one row for each environment and version."""
        return live_rows(self.delivery, self.production, self.model, moment)

    @property
    def periods(self) -> tuple[LiveRow, ...]:
        """Every period in which one version served in one environment, the newest first; steps are left out."""
        rows = [
            LiveRow(period, environment.tier, self.production.counts(environment, self.model))
            for environment in self.delivery.environments
            for period in _periods(self.delivery, self.model, environment.name)
        ]
        return tuple(sorted(rows, key=_began_at, reverse=True))


async def live_history(session: Session, project_path: str, model: str) -> Snapshot[LiveHistory]:
    """The past of one model, as far back as deployments are looked at."""
    project = await session.directory.project(project_path)
    read = asyncio.gather(read_delivery(session, project), read_production(session, project))
    return session.snapshot(LiveHistory(model, *await read))


def _periods(delivery: Delivery, model: str, environment: str) -> list[LiveVersion]:
    full = [item for item in history_of(delivery.deployments, model, environment) if item.is_full]
    return [
        LiveVersion(
            model=model,
            environment=environment,
            version=item.deployed.version if item.deployed else None,
            share=100.0,
            deployment=item,
            since=item.took_effect_at,
            until=later.took_effect_at if later else None,
        )
        for item, later in zip_longest(full, full[1:])
    ]


def _began_at(row: LiveRow) -> datetime:
    assert row.live.since is not None  # noqa: S101 - every period has a deployment
    return row.live.since
