"""The project's policy file as records: how each model is deployed, approved, rolled out and watched.

Every part has a default, so a project without the file still promotes and rolls back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from mlops_tui.domain.projects import Role

POLICY_PATH = ".gitlab/mlops.yml"


class DeployWith(StrEnum):
    """What carries the version to the deployment pipeline."""

    INPUTS = "inputs"
    VARIABLES = "variables"


@dataclass(frozen=True, slots=True)
class DeployPolicy:
    """How a version is deployed.

    ``ref`` is empty for the default branch. ``parameters`` maps our words (model, version, environment, intent) to the
    names that the pipeline declares. ``job`` is the deployment job, empty where the pipeline's own order decides, and
    ``play`` whether that job is a manual one that promotion starts.
    """

    ref: str = ""
    channel: DeployWith = DeployWith.INPUTS
    parameters: Mapping[str, str] = field(
        default_factory=lambda: {"model": "model", "version": "version", "environment": "environment"}
    )
    job: str = ""
    play: bool = False


class ApprovalMode(StrEnum):
    """How a promotion is approved."""

    AUTO = "auto"
    DEPLOYMENT = "deployment"
    ISSUE = "issue"
    MERGE_REQUEST = "merge_request"


class Evidence(StrEnum):
    """What an approver wants to see."""

    CARD = "card"
    METRICS = "metrics"
    CANARY = "canary"
    DRIFT = "drift"


@dataclass(frozen=True, slots=True)
class ApprovalPolicy:
    """Who has to agree; ``votes`` counts people of at least ``minimum_role``."""

    mode: ApprovalMode = ApprovalMode.AUTO
    votes: int = 1
    minimum_role: Role = Role.MAINTAINER
    evidence: tuple[Evidence, ...] = ()


class RolloutDriver(StrEnum):
    """What moves the traffic."""

    FLAG = "flag"
    JOBS = "jobs"
    INGRESS = "ingress"


class OnBreach(StrEnum):
    """What a rollout does when a guardrail is breached."""

    ROLLBACK = "rollback"
    HOLD = "hold"
    TELL = "tell"


class OnInsufficient(StrEnum):
    """What a rollout does when a step ends without enough data."""

    HOLD = "hold"
    TELL = "tell"


class GuardrailKind(StrEnum):
    """What a guardrail compares."""

    RATE = "rate"
    COUNT = "count"
    MEAN = "mean"
    QUANTILE = "quantile"


class Direction(StrEnum):
    """Which way is better."""

    LOWER = "lower"
    HIGHER = "higher"


class MarginKind(StrEnum):
    """Whether a margin is in the metric's own unit or a fraction of the control's value."""

    ABSOLUTE = "absolute"
    RELATIVE = "relative"


@dataclass(frozen=True, slots=True)
class Guardrail:
    """One comparison that a rollout has to stand; ``margin`` is at least 0, the harm that is still accepted.

    ``quantile`` (0 to 1) and ``threshold`` (the metric's unit) belong to the kind QUANTILE.
    """

    name: str
    kind: GuardrailKind
    direction: Direction
    margin: float
    margin_kind: MarginKind = MarginKind.ABSOLUTE
    is_critical: bool = True
    min_samples: int = 0
    quantile: float | None = None
    threshold: float | None = None


@dataclass(frozen=True, slots=True)
class RolloutStep:
    """One step: ``weight`` in percent, soak time and samples per arm before it may be judged."""

    weight: float
    soak: timedelta
    min_samples: int


@dataclass(frozen=True, slots=True)
class RolloutPolicy:
    """How a version is rolled out; ``alpha`` is the error budget of the judge, between 0 and 1."""

    driver: RolloutDriver = RolloutDriver.FLAG
    flag: str = ""
    stickiness: str = "random"
    alpha: float = 0.05
    control: str = "stable"
    treatments: tuple[str, ...] = ("canary",)
    steps: tuple[RolloutStep, ...] = ()
    guardrails: tuple[Guardrail, ...] = ()
    on_breach: OnBreach = OnBreach.ROLLBACK
    on_insufficient: OnInsufficient = OnInsufficient.HOLD


class FeatureType(StrEnum):
    """What a feature's values are."""

    NUMERIC = "numeric"
    CATEGORICAL = "categorical"


class Severity(StrEnum):
    """How loud an alert is, in GitLab's words."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class AlertRule:
    """An alert: ``metric`` above ``above`` for ``hold`` fires it, below ``clear_below`` resolves it (hysteresis)."""

    name: str
    metric: str
    above: float
    hold: timedelta
    clear_below: float
    severity: Severity = Severity.MEDIUM


@dataclass(frozen=True, slots=True)
class RetrainPolicy:
    """When a model is trained anew."""

    job: str
    cooldown: timedelta
    budget_per_month: int


@dataclass(frozen=True, slots=True)
class MonitoringPolicy:
    """What is watched while a model serves."""

    features: Mapping[str, FeatureType] = field(default_factory=dict)
    window: timedelta = timedelta(minutes=5)
    reference: str = ""
    alerts: tuple[AlertRule, ...] = ()
    retrain: RetrainPolicy | None = None


@dataclass(frozen=True, slots=True)
class ModelPolicy:
    """Everything said of one model; ``production_environments`` names those marked ``production: true``."""

    environments: tuple[str, ...] = ()
    production_environments: frozenset[str] = frozenset()
    deploy: DeployPolicy | None = None
    approval: ApprovalPolicy = ApprovalPolicy()
    rollout: RolloutPolicy | None = None
    monitoring: MonitoringPolicy = MonitoringPolicy()


@dataclass(frozen=True, slots=True)
class Policy:
    """A project's policy; ``commit`` is the commit it was read at, empty where there is no file."""

    models: Mapping[str, ModelPolicy] = field(default_factory=dict)
    commit: str = ""

    def of(self, model: str) -> ModelPolicy:
        """What is said of a model, or the defaults."""
        return self.models.get(model, ModelPolicy())
