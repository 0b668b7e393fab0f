"""The drivers of rollouts behind one interface: what moves the traffic, and where its state is found again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, assert_never

from mlops_tui.domain.policy import RolloutDriver, RolloutPolicy
from mlops_tui.domain.rollout_marks import RolloutMark
from mlops_tui.domain.rollout_states import Progress
from mlops_tui.operations.rollouts.flags import FlagDriver
from mlops_tui.operations.rollouts.ingress import IngressDriver
from mlops_tui.operations.rollouts.jobs import JobsDriver
from mlops_tui.operations.rollouts.sightings import Move, ProjectReading, Sighting
from mlops_tui.operations.session import Session


class Driver(Protocol):
    """What every driver can do; nothing is sent before a ``Move`` is performed."""

    def sightings(self, reading: ProjectReading) -> tuple[Sighting, ...]:
        """The rollouts that this driver moves, as GitLab shows them."""
        ...

    async def start(
        self, session: Session, reading: ProjectReading, plan: RolloutPolicy, marks: Sequence[RolloutMark]
    ) -> Move:
        """Begin a rollout; one mark for each new version, in plan order."""
        ...

    def step(self, reading: ProjectReading, sighting: Sighting, plan: RolloutPolicy, after: Progress) -> Move:
        """Give the new versions the share of the step that ``after`` is on."""
        ...

    def note(self, reading: ProjectReading, sighting: Sighting, after: Progress, said: str) -> Move:
        """Write down how far it is, and leave the traffic alone."""
        ...

    def full(self, reading: ProjectReading, sighting: Sighting, plan: RolloutPolicy) -> Move | None:
        """Deploy the version in full by the driver's own means; None where a promotion has to."""
        ...

    def withdraw(self, reading: ProjectReading, sighting: Sighting, after: Progress, said: str) -> Move:
        """Take all traffic off the new versions."""
        ...


def driver_of(kind: RolloutDriver) -> Driver:
    """The driver that a plan names."""
    match kind:
        case RolloutDriver.FLAG:
            return FlagDriver()
        case RolloutDriver.JOBS:
            return JobsDriver()
        case RolloutDriver.INGRESS:
            return IngressDriver()
    assert_never(kind)


def sightings(reading: ProjectReading) -> tuple[Sighting, ...]:
    """Every rollout of a project, whichever driver moves it."""
    return tuple(found for kind in RolloutDriver for found in driver_of(kind).sightings(reading))
