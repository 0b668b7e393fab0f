"""Where an abort leads: the version that serves afterwards, verified, and whether it has to be deployed for that."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from mlops_tui.domain.actions import Change
from mlops_tui.domain.deployments import (
    Deployment,
    DeploymentStatus,
    history_of,
    known_good,
    live_version,
    rolled_back_from,
)
from mlops_tui.domain.errors import RemoteError
from mlops_tui.domain.policy import RolloutDriver
from mlops_tui.domain.rollout_marks import UNKNOWN_VERSION
from mlops_tui.domain.rollout_states import Phase
from mlops_tui.gitlab.jobs import is_retryable
from mlops_tui.operations.deliveries import Delivery, read_delivery
from mlops_tui.operations.journal import rolled_back_deployments
from mlops_tui.operations.models import read_version
from mlops_tui.operations.rollbacks import newest_run
from mlops_tui.operations.rollouts.sightings import ProjectReading, Sighting
from mlops_tui.operations.rollouts.surroundings import Lacking
from mlops_tui.operations.session import Session

_NAMELESS = "what serves there, of a version nobody can tell"


@dataclass(frozen=True, slots=True)
class WayBack:
    """How the version before comes back: the deployment to run again."""

    target: Deployment
    is_retryable: bool
    left: Deployment | None


@dataclass(frozen=True, slots=True)
class Return:
    """What serves after an abort: ``version`` is None where nothing names it, ``deployment`` what brought it.

    ``is_registered`` is whether the model registry still has it, None where that could not be asked. ``way`` is None
    where it serves already, or nothing is known that could be deployed.
    """

    version: str | None
    deployment: Deployment | None
    is_registered: bool | None
    way: WayBack | None

    @property
    def name(self) -> str:
        """The version for a sentence."""
        return self.version or _NAMELESS

    @property
    def change(self) -> Change:
        """What serves afterwards with what verifies it, for the preview."""
        if self.deployment is None:
            return Change("serves afterwards", "", f"{self.name}: no deployment of it is known")
        registered = {True: "in the registry", False: "not in the registry", None: "the registry could not be asked"}
        proof = f"{self.deployment.id}, {registered[self.is_registered]}"
        if self.way is not None:
            return Change("deployment", "", f"{self.name} once more, as in {proof}")
        return Change("serves afterwards", "", f"{self.name}, live by deployment {proof}")


async def find_return(session: Session, reading: ProjectReading, sighting: Sighting) -> Return:
    """What an abort goes back to now, which need not be what served when the rollout began."""
    mark = sighting.mark
    if is_replaced(reading, sighting):
        way = await _way_back(session, reading, sighting)
        deployment = way.target if way else None
    else:
        way, deployment = None, live_version(reading.delivery.deployments, mark.model, mark.environment).deployment
    version = deployment.deployed.version if deployment and deployment.deployed else None
    try:
        known = version is not None and await read_version(session, reading.project, mark.model, version) is not None
    except RemoteError:
        return Return(version, deployment, None, way)
    return Return(version, deployment, known, way)


def return_obstacles(found: Return, sighting: Sighting) -> list[str]:
    """Why what an abort goes back to may not be what a person expects."""
    obstacles: list[str] = []
    control = sighting.mark.control
    if found.version is None:
        return obstacles
    if found.version != control and control != UNKNOWN_VERSION:
        obstacles.append(f"It goes back to {found.version} and not to {control}, which served when the rollout began")
    if found.is_registered is False:
        obstacles.append(f"{found.version} is not in the model registry any more: it may not be possible to deploy it")
    return obstacles


def begun_return(session: Session, reading: ProjectReading, sighting: Sighting) -> Deployment | None:
    """The deployment by which a rollout goes back already, where GitLab keeps it until a person acts.

    None where the abort has to be sent once more: it stopped half-way, or nothing was to be deployed for it.
    """
    if sighting.progress.phase is not Phase.ABORTING or sighting.is_half_way or not is_replaced(reading, sighting):
        return None
    target = _good_deployment(session, reading, sighting)
    if target is None or target.deployed is None:
        return None
    return waiting_return(reading.delivery, sighting, target.deployed.version, sighting.progress.since)


def waiting_return(
    delivery: Delivery,
    sighting: Sighting,
    version: str,
    since: datetime,
    status: DeploymentStatus = DeploymentStatus.BLOCKED,
) -> Deployment | None:
    """The deployment that an abort begun at ``since`` goes back to ``version`` by, where GitLab has blocked it.

    With another ``status`` than BLOCKED it is the one that stands so.
    """
    found = (
        item
        for item in delivery.deployments
        if item.status is status
        and item.environment == sighting.mark.environment
        and item.deployed is not None
        and (item.deployed.model, item.deployed.version) == (sighting.mark.model, version)
        and item.is_full
        and item.created_at >= since
    )
    return next(found, None)


def told_waiting(delivery: Delivery, sighting: Sighting, waiting: Deployment, lacking: Lacking | None) -> str:
    """That an abort has not come to its end, and what serves until it has."""
    live = live_version(delivery.deployments, sighting.mark.model, sighting.mark.environment)
    versions, weight = set(sighting.versions.values()), sum(sighting.weights.values())
    if live.version in versions or weight >= 100.0:
        serves = f"{live.version if live.version in versions else sighting.mark.version} still serves everything"
    elif weight:
        serves = f"{sighting.mark.version} still serves {weight:g} %"
    else:
        serves = f"{sighting.mark.version} may still serve a part"
    version = waiting.deployed.version if waiting.deployed else _NAMELESS
    waits = "waits for somebody to play its job in GitLab"
    if lacking is not None:
        certain = f"waits for approval ({lacking.approvals})"
        waits = certain if lacking.is_certain else "may wait for approvals (you may not see its rules)"
    return f"The rollback to {version} (deployment {waiting.id}) {waits}; until then {serves}"


async def told_return(session: Session, reading: ProjectReading, sighting: Sighting) -> str:
    """What is really live once the traffic was taken back, in a sentence without its full stop."""
    mark = sighting.mark
    try:
        delivery = await read_delivery(session, reading.project)
    except RemoteError:
        return "All traffic is off the new version; what serves now could not be read"
    live = live_version(delivery.deployments, mark.model, mark.environment)
    if live.version in sighting.versions.values():
        return f"The rollout is stopped, but {live.version} was deployed in full meanwhile: roll it back"
    return f"All traffic is back on {live.version or _NAMELESS}"


def is_replaced(reading: ProjectReading, sighting: Sighting) -> bool:
    """Whether the version before no longer serves by itself: its successor was, or is being, deployed over it."""
    if sighting.driver is RolloutDriver.JOBS:
        own = {sighting.pipeline.id} if sighting.pipeline else set()
        # A job that failed or was stopped may have moved traffic before that.
        touched = any(item.pipeline_id in own and item.status.has_touched for item in reading.delivery.deployments)
        return touched or bool(sighting.progress.step) or sighting.is_changing
    return bool(successors(reading, sighting))


def successors(reading: ProjectReading, sighting: Sighting) -> tuple[Deployment, ...]:
    """Full deployments of a new version since the rollout began that are live, under way or ended half-way.

    One that is only about to begin counts too: it may have begun when it is stopped.
    """
    mark, versions = sighting.mark, set(sighting.versions.values())
    live = live_version(reading.delivery.deployments, mark.model, mark.environment)
    own = [
        item
        for item in reading.delivery.deployments
        if item.environment == mark.environment
        and item.deployed is not None
        and (item.deployed.model, item.is_full) == (mark.model, True)
        and item.deployed.version in versions
        and item.created_at >= mark.begun
        and (item.status.has_touched or item.status is DeploymentStatus.CREATED)
    ]
    if live.deployment is not None and live.version not in versions:
        own = [item for item in own if item.id > live.deployment.id]
    return tuple(own)


async def _way_back(session: Session, reading: ProjectReading, sighting: Sighting) -> WayBack | None:
    """How what served before comes back; None where nothing is known."""
    good = _good_deployment(session, reading, sighting)
    if good is None:
        return None
    target = newest_run(reading.delivery, good)
    can_retry = target.job is not None and await is_retryable(session.transport, reading.project.ref, target.job.id)
    live = live_version(reading.delivery.deployments, sighting.mark.model, sighting.mark.environment).deployment
    left = live if live is not None and live.id != good.id else None
    return WayBack(target, can_retry, left)


def _good_deployment(session: Session, reading: ProjectReading, sighting: Sighting) -> Deployment | None:
    """The newest version that served in full and is none of the new ones; None where nothing is known.

    One that was deployed while the rollout went on goes before the one that served when it began.
    """
    mark, deployments = sighting.mark, reading.delivery.deployments
    full = [item for item in history_of(deployments, mark.model, mark.environment) if item.is_full]
    journaled = rolled_back_deployments(session, reading.project, mark.model, mark.environment)
    bad = rolled_back_from(full, journaled)
    versions = set(sighting.versions.values())
    others = [item for item in full if item.deployed is not None and item.deployed.version not in versions]
    since = [item for item in others if item.took_effect_at >= mark.begun and item.id not in bad]
    control = [item for item in others if item.deployed is not None and item.deployed.version == mark.control]
    good = since[-1:] or control[-1:] or known_good(deployments, mark.model, mark.environment, journaled)[:1]
    return good[0] if good else None
