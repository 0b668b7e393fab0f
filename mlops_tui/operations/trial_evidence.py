"""How a version did in front of traffic: the part of an evidence sheet that is no document but an experience."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from mlops_tui.domain.drift_reports import DriftReport
from mlops_tui.domain.evidence_sheets import Observation
from mlops_tui.domain.models import ModelVersion
from mlops_tui.domain.policy import Evidence, ModelPolicy
from mlops_tui.domain.projects import Project
from mlops_tui.domain.rollouts import Rollout
from mlops_tui.operations.canary_evidence import canary_gap, canary_observation, canary_of
from mlops_tui.operations.drift_evidence import drift_gap, drift_observation, drift_of
from mlops_tui.operations.session import Session


@dataclass(frozen=True, slots=True)
class Trials:
    """The rollout that showed the version to some of the traffic, and the newest report on its drift; None if none."""

    canary: Rollout | None = None
    drift: DriftReport | None = None

    def observations(self, now: datetime) -> Iterator[Observation]:
        """What is known of each, or why it is not."""
        yield canary_observation(self.canary, now)
        yield drift_observation(self.drift, now)

    def gap(self, asked: Evidence) -> str:
        """What is missing of the evidence asked for; empty where nothing is, or it is no trial."""
        match asked:
            case Evidence.CANARY:
                return canary_gap(self.canary)
            case Evidence.DRIFT:
                return drift_gap(self.drift)
            case Evidence.CARD | Evidence.METRICS:
                return ""


async def trials_of(
    session: Session, project: Project, policy: ModelPolicy, version: ModelVersion | None, environment: str
) -> Trials:
    """Read how a version did; what cannot be read is as good as not there."""
    if version is None:
        return Trials()
    canary, drift = await asyncio.gather(
        _canary(session, project, policy, version, environment), drift_of(session, version)
    )
    return Trials(canary, drift)


async def _canary(
    session: Session, project: Project, policy: ModelPolicy, version: ModelVersion, environment: str
) -> Rollout | None:
    if policy.rollout is None:
        return None
    return await canary_of(session, project, policy.model, version.version, environment)
