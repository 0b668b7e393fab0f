"""What a team decided about its models: how they are deployed, approved, rolled out and watched.

The defaults here are what holds for a project without a policy file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from mlops_tui.domain.projects import Role


class Handover(StrEnum):
    """How a pipeline learns which version to deploy: declared inputs or CI/CD variables."""

    INPUTS = "inputs"
    VARIABLES = "variables"


class ApprovalMode(StrEnum):
    """Where a promotion is approved; AUTO takes deployment approvals where the licence has them, else an issue."""

    AUTO = "auto"
    DEPLOYMENT = "deployment"
    ISSUE = "issue"
    MERGE_REQUEST = "merge_request"


class Evidence(StrEnum):
    """What has to be on the table before a decision."""

    CARD = "card"
    METRICS = "metrics"
    CANARY = "canary"
    DRIFT = "drift"


class RolloutDriver(StrEnum):
    """What moves the traffic: a feature flag, jobs of a pipeline, or the weight of a canary ingress."""

    FLAG = "flag"
    JOBS = "jobs"
    INGRESS = "ingress"


class OnBreach(StrEnum):
    """What happens when a guardrail is breached."""

    ROLLBACK = "rollback"
    HOLD = "hold"
    TELL = "tell"


class OnInsufficient(StrEnum):
    """What happens when a step ends without enough data."""

    HOLD = "hold"
    TELL = "tell"


class GuardrailKind(StrEnum):
    """What a guardrail measures: events per observation, events, a mean, or a quantile of a value."""

    RATE = "rate"
    COUNT = "count"
    MEAN = "mean"
    QUANTILE = "quantile"


class Direction(StrEnum):
    """Which way is better."""

    LOWER = "lower"
    HIGHER = "higher"


class MarginKind(StrEnum):
    """Whether a margin is a difference or a share of the control's value."""

    ABSOLUTE = "absolute"
    RELATIVE = "relative"


class FeatureType(StrEnum):
    """What a feature's values are."""

    NUMERIC = "numeric"
    CATEGORICAL = "categorical"


class Severity(StrEnum):
    """How bad an alert is, in GitLab's words (GitLab: app/models/alert_management/alert.rb)."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class EnvironmentPolicy:
    """One environment; ``is_production`` is None where GitLab's tier decides."""

    name: str
    is_production: bool | None = None


@dataclass(frozen=True, slots=True)
class DeployPolicy:
    """How a version is deployed.

    ``ref`` is None for the default branch. ``parameters`` maps what is handed over (``model``, ``version``,
    ``environment`` and, where declared, ``intent``) to the name of the input or variable. ``job`` is the job that
    deploys, None for the one that GitLab ties to the environment; ``play`` starts it when it is manual.
    """

    ref: str | None = None
    handover: Handover = Handover.INPUTS
    parameters: Mapping[str, str] = field(
        default_factory=lambda: {"model": "model", "version": "version", "environment": "environment"}
    )
    job: str | None = None
    play: bool = False


VARIABLE_NAMES: Mapping[str, str] = {
    "model": "MODEL_NAME",
    "version": "MODEL_VERSION",
    "environment": "MODEL_ENVIRONMENT",
}


@dataclass(frozen=True, slots=True)
class ApprovalPolicy:
    """Who has to agree, and on what evidence."""

    mode: ApprovalMode = ApprovalMode.AUTO
    votes: int = 1
    minimum_role: Role = Role.MAINTAINER
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class RolloutStep:
    """One step: ``weight`` in percent of the traffic, held at least ``soak`` and until ``min_samples`` per arm."""

    weight: int
    soak: timedelta = timedelta(0)
    min_samples: int = 0


@dataclass(frozen=True, slots=True)
class Guardrail:
    """A measure that a new version may not make worse by more than ``margin``.

    ``metric`` names what is measured (None = the guardrail's own name). ``quantile`` (0 to 1) and ``threshold`` (in the
    measure's unit) belong to QUANTILE and are None otherwise.
    """

    name: str
    kind: GuardrailKind
    direction: Direction
    margin: float
    margin_kind: MarginKind = MarginKind.ABSOLUTE
    is_critical: bool = True
    min_samples: int = 0
    metric: str | None = None
    quantile: float | None = None
    threshold: float | None = None


@dataclass(frozen=True, slots=True)
class RolloutPolicy:
    """How a version gets its share of the traffic; ``alpha`` is the error budget of the whole rollout.

    ``flag`` is the feature flag of the flag driver (None = named after the model); ``jobs`` the job of each step of
    the jobs driver (empty = Auto DevOps' names); ``weights`` the expected share per arm, for the sample-ratio test.
    """

    driver: RolloutDriver
    steps: tuple[RolloutStep, ...]
    guardrails: tuple[Guardrail, ...] = ()
    flag: str | None = None
    jobs: tuple[str, ...] = ()
    stickiness: str = "random"
    alpha: float = 0.05
    control: str = "stable"
    treatments: tuple[str, ...] = ("canary",)
    weights: Mapping[str, float] = field(default_factory=dict)
    on_breach: OnBreach = OnBreach.ROLLBACK
    on_insufficient: OnInsufficient = OnInsufficient.HOLD


@dataclass(frozen=True, slots=True)
class AlertRule:
    """When to raise an alert on ``metric``: beyond ``above`` or ``below`` for as long as ``hold``.

    It clears beyond ``clear_below`` or ``clear_above``, which are the limits themselves where they are not given.
    ``environment`` and ``arm`` are None where the traffic is not picked by them, ``min_samples`` where the figure
    itself says how many rows a window needs.
    """

    name: str
    metric: str
    above: float | None = None
    below: float | None = None
    hold: timedelta = timedelta(0)
    clear_below: float | None = None
    clear_above: float | None = None
    severity: Severity = Severity.MEDIUM
    environment: str | None = None
    arm: str | None = None
    min_samples: int | None = None


@dataclass(frozen=True, slots=True)
class AlertIntegration:
    """An HTTP integration of GitLab, by the two parts of its address."""

    name: str
    id: str


@dataclass(frozen=True, slots=True)
class EscalationPolicy:
    """Whom an alert is told to; it is told again after ``remind_after`` while nobody took it on."""

    opens_issue: bool = True
    is_confidential: bool = False
    remind_after: timedelta = timedelta(days=1)
    integration: AlertIntegration | None = None


@dataclass(frozen=True, slots=True)
class RetrainPolicy:
    """When a model may be trained again: at most every ``cooldown`` and ``budget_per_month`` times in thirty days.

    ``triggers`` are the alerts that call for it, empty for all that watch drift. ``evidence`` is the greatest p-value
    that counts, seen in ``windows`` windows in a row. ``parameters`` are names that differ from the usual ones.
    """

    job: str
    cooldown: timedelta = timedelta(days=1)
    budget_per_month: int = 4
    is_automatic: bool = False
    triggers: tuple[str, ...] = ()
    evidence: float = 0.01
    windows: int = 3
    ref: str | None = None
    handover: Handover = Handover.INPUTS
    parameters: Mapping[str, str] = field(default_factory=dict)
    play: bool = True


@dataclass(frozen=True, slots=True)
class MonitoringPolicy:
    """What is watched: features, in windows of ``window``, against ``reference`` (None = the version's own profile)."""

    features: Mapping[str, FeatureType] = field(default_factory=dict)
    window: timedelta = timedelta(minutes=5)
    reference: str | None = None
    alerts: tuple[AlertRule, ...] = ()
    escalation: EscalationPolicy = EscalationPolicy()
    retrain: RetrainPolicy | None = None


@dataclass(frozen=True, slots=True)
class ModelPolicy:
    """Everything decided about one model; ``rollout`` is None where versions get all the traffic at once."""

    model: str
    environments: Mapping[str, EnvironmentPolicy] = field(default_factory=dict)
    deploy: DeployPolicy = field(default_factory=DeployPolicy)
    approval: ApprovalPolicy = field(default_factory=ApprovalPolicy)
    rollout: RolloutPolicy | None = None
    monitoring: MonitoringPolicy = field(default_factory=MonitoringPolicy)


@dataclass(frozen=True, slots=True)
class Policy:
    """The policy file of a project; ``commit`` is the sha it was read at, empty where there is no file."""

    models: Mapping[str, ModelPolicy] = field(default_factory=dict)
    commit: str = ""

    def for_model(self, name: str) -> ModelPolicy:
        """What holds for a model, the defaults where the file does not name it."""
        return self.models.get(name) or ModelPolicy(name)
