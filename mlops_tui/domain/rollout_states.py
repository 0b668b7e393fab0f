"""A rollout as a state machine: what may follow what. Pure: an event and the progress so far give the progress after.

What is kept is the ``Phase``; GitLab holds it, so that two terminals agree. What people see is the ``RolloutState``,
which follows from the phase and from what is observed beside it (a job that runs, time and samples that are missing).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import TypeAlias, assert_never

from mlops_tui.domain.errors import RefusedError

# Stands for the moment at which an action is really sent: its preview may lie open for hours before that.
WHEN_SENT = datetime.max.replace(tzinfo=UTC)


class Phase(StrEnum):
    """What a rollout is about, as GitLab keeps it."""

    RUNNING = "running"
    HELD = "held"
    PROMOTING = "promoting"
    ABORTING = "aborting"
    DONE = "done"
    ABORTED = "aborted"

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen."""
        return self in {Phase.DONE, Phase.ABORTED}

    @property
    def is_abort(self) -> bool:
        """Whether everything goes, or went, back to the version before."""
        return self in {Phase.ABORTING, Phase.ABORTED}


class RolloutState(StrEnum):
    """How a rollout stands.

    STARTING has no traffic yet, STEPPING is between two weights, SOAKING gathers time and samples, READY waits for the
    go-ahead. PROMOTING deploys the version in full, ROLLING_BACK gives everything to the version before.
    """

    STARTING = "starting"
    STEPPING = "stepping"
    SOAKING = "soaking"
    READY = "ready"
    HELD = "held"
    PROMOTING = "promoting"
    ROLLING_BACK = "rolling_back"
    DONE = "done"
    ROLLED_BACK = "rolled_back"

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen."""
        return self in {RolloutState.DONE, RolloutState.ROLLED_BACK}


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a rollout is: ``step`` counts from 1 and is 0 before the first, ``since`` is when the step began."""

    phase: Phase
    step: int
    since: datetime


@dataclass(frozen=True, slots=True)
class Stepped:
    """The weights of ``step`` (from 1) are set."""

    step: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Held:
    """It is to stay where it is."""


@dataclass(frozen=True, slots=True)
class Resumed:
    """It may go on; time and samples of the step count from its beginning."""


@dataclass(frozen=True, slots=True)
class PromotionBegun:
    """The version is being deployed in full, whatever steps were left."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Promoted:
    """The version serves everything, and the traffic is at rest."""

    at: datetime


@dataclass(frozen=True, slots=True)
class AbortBegun:
    """Everything goes back to the version before."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Restored:
    """The version before serves everything again."""

    at: datetime


Event: TypeAlias = Stepped | Held | Resumed | PromotionBegun | Promoted | AbortBegun | Restored


def begin(at: datetime) -> Progress:
    """A rollout that has not yet moved any traffic."""
    return Progress(Phase.RUNNING, 0, at)


def follow(progress: Progress, event: Event, steps: int) -> Progress:
    """The progress after an event, for a plan of ``steps`` steps. Raises RefusedError where it cannot follow."""
    phase = progress.phase
    match event:
        case Stepped():
            _require(phase in {Phase.RUNNING, Phase.HELD}, progress, "go to another step")
            _require(progress.step < event.step <= steps, progress, f"go to step {event.step} of {steps}")
            return Progress(Phase.RUNNING, event.step, event.at)
        case Held():
            _require(phase is Phase.RUNNING, progress, "be held")
            return replace(progress, phase=Phase.HELD)
        case Resumed():
            _require(phase is Phase.HELD, progress, "be resumed")
            return replace(progress, phase=Phase.RUNNING)
        case PromotionBegun():
            _require(phase in {Phase.RUNNING, Phase.HELD}, progress, "be promoted")
            return Progress(Phase.PROMOTING, progress.step, event.at)
        case Promoted():
            _require(phase is Phase.PROMOTING, progress, "be done")
            return Progress(Phase.DONE, progress.step, event.at)
        case AbortBegun():
            _require(not phase.is_over, progress, "be aborted")
            return progress if phase is Phase.ABORTING else Progress(Phase.ABORTING, progress.step, event.at)
        case Restored():
            _require(phase is Phase.ABORTING, progress, "be rolled back")
            return Progress(Phase.ABORTED, progress.step, event.at)
    assert_never(event)


def state_of(progress: Progress, *, is_changing: bool, is_complete: bool) -> RolloutState:
    """How a rollout stands for people.

    ``is_changing`` is whether a weight is on its way (a job runs, the flags of the arms disagree), ``is_complete``
    whether the step has all its time and samples.
    """
    match progress.phase:
        case Phase.RUNNING if is_changing:
            return RolloutState.STEPPING
        case Phase.RUNNING if progress.step == 0:
            return RolloutState.STARTING
        case Phase.RUNNING:
            return RolloutState.READY if is_complete else RolloutState.SOAKING
        case Phase.HELD:
            return RolloutState.HELD
        case Phase.PROMOTING:
            return RolloutState.PROMOTING
        case Phase.ABORTING:
            return RolloutState.ROLLING_BACK
        case Phase.DONE:
            return RolloutState.DONE
        case Phase.ABORTED:
            return RolloutState.ROLLED_BACK
    assert_never(progress.phase)


def _require(is_possible: bool, progress: Progress, what: str) -> None:
    if not is_possible:
        raise RefusedError(
            f"The rollout cannot {what}",
            why=f"it is {progress.phase.value} on step {progress.step}",
            remedy="Look at it with `mlops-tui rollouts show`",
        )
