"""What the policy file may say of watching a model, of alerts and of training it again."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, Field, model_validator

from mlops_tui.config.policy_values import STRICT, Count, Duration, Name, Number, Share
from mlops_tui.domain.monitored_metrics import parse_metric


def _known_metric(name: str) -> str:
    parse_metric(name)
    return name


class _Table(BaseModel):
    model_config = STRICT


class FeatureTable(_Table):
    """One feature of the model's input."""

    type: Literal["numeric", "categorical"]
    """What its values are."""


class AlertTable(_Table):
    """When people are told."""

    name: Name
    """The name of the alert."""
    metric: Annotated[Name, AfterValidator(_known_metric)]
    """What is watched, such as "psi.amount" or "error_rate"."""
    above: Number | None = None
    """Raise it when the value is greater."""
    below: Number | None = None
    """Raise it when the value is smaller."""
    hold: Duration = Field(default=timedelta(0), alias="for")
    """How long the value has to stay there first."""
    clear_below: Number | None = None
    """Clear an alert on `above` only when the value is smaller than this."""
    clear_above: Number | None = None
    """Clear an alert on `below` only when the value is greater than this."""
    severity: Literal["critical", "high", "medium", "low", "info"] = "medium"
    """How bad it is, in GitLab's words."""
    environment: Name | None = None
    """Where it is watched; without it in the environments marked as production here, or in all of them together."""
    arm: Name | None = None
    """The track whose traffic counts; without it all that answer somebody."""
    min_samples: Count | None = None
    """How many rows a window needs before its value counts; without it what the figure needs."""

    @model_validator(mode="after")
    def _has_one_side(self) -> Self:
        if (self.above is None) == (self.below is None):
            message = "An alert has either above or below"
            raise ValueError(message)
        if self.above is not None and self.clear_below is not None and self.clear_below > self.above:
            message = "clear_below lies above the limit"
            raise ValueError(message)
        if self.below is not None and self.clear_above is not None and self.clear_above < self.below:
            message = "clear_above lies below the limit"
            raise ValueError(message)
        return self


class IntegrationTable(_Table):
    """An HTTP integration of the project (Settings, Monitor, Alerts)."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
    """The first part of its address after /alerts/notify/."""
    id: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
    """The second part, sixteen hexadecimal digits."""


class EscalationTable(_Table):
    """Whom a firing alert is told to, by those who run the escalation."""

    issue: bool = True
    """Open an issue, add to it, and close it when the alert is over."""
    confidential: bool = False
    """Whether only members of the project see that issue."""
    remind: Duration = timedelta(days=1)
    """After how long an alert that still fires and that nobody took on is told again."""
    integration: IntegrationTable | None = None
    """The endpoint for alerts in GitLab; its authorization key stands in the settings, never here."""


class TrainingParametersTable(_Table):
    """The names under which the training pipeline takes what it should know."""

    model: Name | None = None
    """Takes the model's name: "model" as an input, "MODEL_NAME" as a variable."""
    intent: Name | None = None
    """Takes the number of the action: "intent" as an input, "RETRAIN_INTENT" as a variable."""
    reason: Name | None = None
    """Takes why: "reason" as an input, "RETRAIN_REASON" as a variable."""
    evidence: Name | None = None
    """Takes the evidence's digest: "evidence" as an input, "RETRAIN_EVIDENCE" as a variable."""


class RetrainTable(_Table):
    """When the model may be trained again."""

    job: Name
    """The job that trains."""
    cooldown: Duration = timedelta(days=1)
    """The least time between two trainings."""
    budget_per_month: Annotated[int, Field(ge=0, le=1000)] = 4
    """The greatest number of trainings in thirty days."""
    automatic: bool = False
    """Whether `retrain --check` and `alerts watch` may start it without asking anybody."""
    triggers: list[Name] = []
    """The alerts that call for it; without them all that watch drift."""
    evidence: Share = 0.01
    """The greatest probability that chance alone did it, for figures that have one."""
    windows: Annotated[int, Field(ge=1, le=1000)] = 3
    """In how many windows in a row it has to be seen, all of them since the version went live."""
    ref: Name | None = None
    """The branch or tag to train on; without it the default branch."""
    handover: Literal["inputs", "variables"] = Field(default="inputs", alias="with")
    """Whether the pipeline takes inputs (of which only declared ones are handed over) or variables."""
    parameters: TrainingParametersTable = TrainingParametersTable()
    """The names of those inputs or variables."""
    play: bool = True
    """Start the job when it is manual."""


class MonitoringTable(_Table):
    """What is watched while the model serves."""

    features: dict[str, FeatureTable] = {}
    """The features of the model's input."""
    window: Duration = timedelta(minutes=5)
    """The width of the windows that figures are made for."""
    reference: Name | None = None
    """The reference profile; without it the one stored with the version."""
    alerts: list[AlertTable] = []
    """When people are told."""
    escalation: EscalationTable = EscalationTable()
    """Whom they are told to."""
    retrain: RetrainTable | None = None
    """When the model is trained again; without it only in GitLab."""

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        names = [alert.name for alert in self.alerts]
        if len(set(names)) < len(names):
            message = "Two alerts have the same name"
            raise ValueError(message)
        unknown = [name for name in (self.retrain.triggers if self.retrain else ()) if name not in names]
        if unknown:
            message = f"retrain names {unknown[0]!r} as a trigger, and no alert is called that"
            raise ValueError(message)
        return self
