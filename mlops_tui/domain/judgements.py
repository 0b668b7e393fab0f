"""What a rollout is judged by: the judge's part of a plan, measurements as they come in, and the verdict on them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, StrEnum
from typing import TypeAlias

from mlops_tui.domain.errors import ExitCode, UsageError
from mlops_tui.domain.policy import Guardrail, MarginKind, RolloutPolicy


class Verdict(StrEnum):
    """What the evidence says of a new version, or of one guardrail of it."""

    HEALTHY = "HEALTHY"
    BREACH = "BREACH"
    CONTINUE = "CONTINUE"
    INSUFFICIENT = "INSUFFICIENT"
    INVALID = "INVALID"

    @property
    def exit_code(self) -> ExitCode:
        """How a command ends on it: only HEALTHY is a pass, and too little data is an answer of its own."""
        match self:
            case Verdict.HEALTHY:
                return ExitCode.DONE
            case Verdict.BREACH | Verdict.INVALID:
                return ExitCode.GATE
            case Verdict.CONTINUE | Verdict.INSUFFICIENT:
                return ExitCode.INSUFFICIENT


class Method(Enum):
    """How evidence is weighed: always-valid inference, or as Spinnaker's Kayenta does."""

    SEQUENTIAL = "sequential"
    KAYENTA = "kayenta"


@dataclass(frozen=True, slots=True)
class JudgePlan:
    """The judge's part of a rollout plan.

    ``alpha`` is the probability of a false BREACH over the whole rollout, however often one looks. ``weights`` is the
    expected share of the observations per arm, empty where it is not to be tested.

    Raises:
        UsageError: there is nothing to judge by, or the weights leave out an arm.
    """

    guardrails: tuple[Guardrail, ...]
    alpha: float = 0.05
    control: str = "stable"
    treatments: tuple[str, ...] = ("canary",)
    weights: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.guardrails:
            raise UsageError("The plan has no guardrail", why="there is nothing to judge by", remedy="Add one")
        missing = [arm for arm in self.arms if arm not in self.weights]
        if self.weights and missing:
            raise UsageError(f"weights leaves out {missing[0]!r}", remedy="Give every arm its share, or leave them out")

    @classmethod
    def of_policy(cls, policy: RolloutPolicy) -> JudgePlan:
        """What a rollout of the policy file is judged by.

        The expected split is not part of it: it changes from step to step, and evidence does not tell the step.
        """
        return cls(policy.guardrails, policy.alpha, policy.control, policy.treatments)

    @property
    def arms(self) -> tuple[str, ...]:
        """The control and then the treatments."""
        return (self.control, *self.treatments)

    @property
    def comparisons(self) -> int:
        """How many pairs of a guardrail and a treatment share ``alpha``."""
        return len(self.guardrails) * len(self.treatments)


@dataclass(frozen=True, slots=True)
class EventSample:
    """``events`` among ``n`` observations; for counts ``n`` is the exposure and may have a fraction."""

    n: float
    events: float


@dataclass(frozen=True, slots=True)
class ValueSample:
    """``n`` values by their sum and sum of squares."""

    n: float
    total: float
    squares: float


Sample: TypeAlias = EventSample | ValueSample


@dataclass(frozen=True, slots=True)
class Measurement:
    """What came in at ``at`` (aware) for one arm and guardrail since the measurement before; increments add up."""

    at: datetime
    arm: str
    guardrail: str
    sample: Sample


@dataclass(frozen=True, slots=True)
class GuardrailResult:
    """One guardrail, one treatment against the control.

    ``difference``, ``lower`` and ``upper`` are harm, in the unit of ``margin``: positive is worse, and with a relative
    margin they are shares of the control's value. They are None where nothing can be said yet. ``difference`` is
    weighed over time stamps, never pooled; after a BREACH, whose ``lower`` holds for all time, it may come to lie below
    it. ``n`` is the number of all observations per arm; where ``difference`` is of the recent ones only, ``reason``
    tells of how many. ``log_e`` is the natural logarithm of the e-value against "no worse than the margin", None where
    the method has none.
    """

    name: str
    treatment: str
    verdict: Verdict
    difference: float | None
    lower: float | None
    upper: float | None
    margin: float
    margin_kind: MarginKind
    is_critical: bool
    n: Mapping[str, float]
    log_e: float | None
    reason: str


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict on all measurements up to ``at``; ``reason`` is one sentence."""

    at: datetime
    verdict: Verdict
    reason: str
    guardrails: tuple[GuardrailResult, ...]
