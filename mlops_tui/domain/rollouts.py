"""A rollout as everybody sees it: the record that screens draw and commands print."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from mlops_tui.domain.deployments import DeployedVersion
from mlops_tui.domain.judgements import Judgement, Verdict
from mlops_tui.domain.policy import RolloutDriver, RolloutPolicy, RolloutStep
from mlops_tui.domain.projects import ProjectRef
from mlops_tui.domain.rollout_states import Progress, RolloutState


class Hindrance(StrEnum):
    """What stands in the way of the next step."""

    FROZEN = "frozen"
    PROTECTED = "protected"
    APPROVAL = "approval"
    CHANGED_BY_HAND = "changed_by_hand"
    IN_FLIGHT = "in_flight"
    WAITING = "waiting"
    FAILED = "failed"
    HALF_WAY = "half_way"
    PLAN_CHANGED = "plan_changed"
    NO_MEASUREMENTS = "no_measurements"
    MISMATCH = "mismatch"
    NO_COMPARISON = "no_comparison"
    UNSETTLED = "unsettled"
    ROLE = "role"


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Something in the way; ``text`` is a sentence. Only a person may go on where ``stops_watch``."""

    kind: Hindrance
    text: str
    stops_watch: bool = True


@dataclass(frozen=True, slots=True)
class Arm:
    """One arm: ``weight`` is what GitLab was told, in percent of all traffic and rounded as the driver rounds.

    ``version`` is None where nothing names it. ``samples`` are those of this step, and those of all steps once the
    rollout is over. ``observed`` is the percentage of the spans of this step that it served, None where none were
    measured, or there is no step any more.
    """

    name: str
    version: str | None
    weight: float
    is_control: bool
    samples: int = 0
    observed: float | None = None


@dataclass(frozen=True, slots=True)
class WeightPoint:
    """From ``at`` on the arms had these weights, in percent; as far as this machine's journal and GitLab tell."""

    at: datetime
    weights: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class TrafficPoint:
    """One closed window of traffic: ``spans`` and ``errors`` by arm, from ``start`` for ``width``."""

    start: datetime
    width: timedelta
    spans: Mapping[str, int]
    errors: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class StepProgress:
    """What the current step still needs.

    ``samples`` and ``samples_left`` are by arm, counted in closed windows; ``eta`` is when time and samples are
    complete at the pace so far, None where the pace is not known or nothing comes in. ``silent`` are the arms that
    served nothing, or bring nothing any more of what they lack, although the step has had its time.
    """

    soak_left: timedelta
    samples: Mapping[str, int]
    samples_left: Mapping[str, int]
    eta: datetime | None
    silent: tuple[str, ...] = ()

    @property
    def is_complete(self) -> bool:
        """Whether the step has all its time and samples."""
        return not self.soak_left and not any(self.samples_left.values())


@dataclass(frozen=True, slots=True)
class VerdictEstimate:
    """When the last open comparison is decided, should there be no harm: an estimate by the power of the test.

    ``samples_left`` are observations of the treatment, None where no number is enough, which ``why`` then explains.
    ``eta`` is None where the pace is not known, or nothing is left.
    """

    guardrail: str
    treatment: str
    samples_left: int | None
    eta: datetime | None
    why: str = ""


class EventKind(StrEnum):
    """What happened in the course of a rollout."""

    STARTED = "started"
    STEPPED = "stepped"
    HELD = "held"
    RESUMED = "resumed"
    PROMOTED = "promoted"
    ABORTED = "aborted"
    VERDICT = "verdict"
    DEPLOYMENT = "deployment"
    LEASE = "lease"


@dataclass(frozen=True, slots=True)
class RolloutEvent:
    """Something that happened; ``by`` is a user name, empty where nobody is known."""

    at: datetime
    kind: EventKind
    text: str
    by: str = ""


@dataclass(frozen=True, slots=True)
class Lease:
    """Who may act by itself until when (server time); ``number`` is that of the lease's flag.

    ``taken_at`` is when the flag was made, None where GitLab does not tell.
    """

    number: int
    holder: str
    expires_at: datetime
    taken_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Rollout:
    """One rollout of a model version in one environment.

    ``version`` is the first new version, ``arms`` the control and then every new one. ``control_version`` is the one
    it replaces. ``plan`` is what the policy file says now, None where it says nothing any more, or
    where the rollout is over and went by another one. ``judgement`` is the
    newest, None before the first measurements or where they cannot be read; ``verdicts`` the newest ones, the oldest
    first, one a closed window.
    """

    id: str
    project: ProjectRef
    model: str
    version: str
    control_version: str
    environment: str
    is_production: bool
    driver: RolloutDriver
    plan: RolloutPolicy | None
    plan_digest: str
    progress: Progress
    state: RolloutState
    begun_at: datetime
    arms: tuple[Arm, ...]
    needs: StepProgress | None = None
    judgement: Judgement | None = None
    verdicts: tuple[Judgement, ...] = ()
    traffic: tuple[TrafficPoint, ...] = ()
    weights: tuple[WeightPoint, ...] = ()
    events: tuple[RolloutEvent, ...] = ()
    lease: Lease | None = None
    obstacles: tuple[Obstacle, ...] = ()
    links: tuple[str, ...] = ()
    estimate: VerdictEstimate | None = None

    @property
    def address(self) -> str:
        """What names it among all rollouts and tells where it is, so that no other project has to be asked for it."""
        return f"{self.project.path}:{self.id}"

    @property
    def steps(self) -> tuple[RolloutStep, ...]:
        """The plan's steps; empty where there is no plan any more."""
        return self.plan.steps if self.plan else ()

    @property
    def step(self) -> RolloutStep | None:
        """The step it is on, None before the first."""
        number = self.progress.step
        return self.steps[number - 1] if 0 < number <= len(self.steps) else None

    @property
    def weight(self) -> float:
        """The share of all new versions together, in percent."""
        return round(sum(arm.weight for arm in self.arms if not arm.is_control), 6)

    @property
    def verdict(self) -> Verdict:
        """What the evidence says; INSUFFICIENT while there is none."""
        return self.judgement.verdict if self.judgement else Verdict.INSUFFICIENT

    def watcher(self, now: datetime) -> str | None:
        """Who watches it, None for nobody: a lease that ran out is nobody's."""
        return self.lease.holder if self.lease is not None and self.lease.expires_at > now else None

    @property
    def deployed(self) -> DeployedVersion:
        """The model and the version that is brought in."""
        return DeployedVersion(self.model, self.version)
