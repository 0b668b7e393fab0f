"""What may stand in a project's policy file; the published JSON Schema is made from these classes."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field, model_validator

from mlops_tui.config.monitoring_schema import MonitoringTable
from mlops_tui.config.policy_values import STRICT, Count, Duration, Margin, Name, Number, Share


class _Table(BaseModel):
    model_config = STRICT


class EnvironmentTable(_Table):
    """One environment of the model's project."""

    production: bool | None = None
    """Whether changes here need the model's name typed; without it GitLab's tier decides."""


class ParametersTable(_Table):
    """The names under which a pipeline takes what it has to know; without them the defaults of `with` hold."""

    model: Name | None = None
    """Takes the model's name: "model" as an input, "MODEL_NAME" as a variable."""
    version: Name | None = None
    """Takes the version: "version" as an input, "MODEL_VERSION" as a variable."""
    environment: Name | None = None
    """Takes the environment: "environment" as an input, "MODEL_ENVIRONMENT" as a variable."""
    intent: Name | None = None
    """Takes the number of the action, so that an interrupted one can be found again; not sent without it."""


class DeployTable(_Table):
    """How a version is deployed: by a pipeline that is created for it."""

    ref: Name | None = None
    """The branch or tag to run on; without it the default branch."""
    handover: Literal["inputs", "variables"] = Field(default="inputs", alias="with")
    """Whether the pipeline takes inputs (spec:inputs) or variables."""
    parameters: ParametersTable = ParametersTable()
    """The names of those inputs or variables."""
    job: Name | None = None
    """The job that deploys; without it the one GitLab ties to the environment."""
    play: bool = False
    """Start that job when it is manual."""


class ApprovalTable(_Table):
    """Who has to agree before a version reaches an environment."""

    mode: Literal["auto", "deployment", "issue", "merge_request"] = "auto"
    """Where the decision is made; "auto" takes deployment approvals where the licence has them, else an issue."""
    votes: Annotated[int, Field(ge=1, le=100)] = 1
    """How many people have to agree; used with "issue"."""
    minimum_role: Literal["reporter", "developer", "maintainer", "owner"] = "maintainer"
    """The role a vote needs to count; used with "issue"."""
    evidence: list[Literal["card", "metrics", "canary", "drift"]] = []
    """What has to be there before anybody can decide."""


class StepTable(_Table):
    """One step of a rollout."""

    weight: Annotated[int, Field(ge=1, le=100)]
    """Percent of the traffic for the new version."""
    soak: Duration = timedelta(0)
    """The least time on this step."""
    min_samples: Count = 0
    """The least number of observations per arm on this step."""


class GuardrailTable(_Table):
    """A measure that the new version may not make worse by more than a margin."""

    name: Name
    """The name it is shown under."""
    kind: Literal["rate", "count", "mean", "quantile"]
    """What is compared: events per observation, events, a mean, or a quantile of a value."""
    direction: Literal["lower", "higher"]
    """Which way is better."""
    margin: Margin
    """How much worse is still accepted."""
    margin_kind: Literal["absolute", "relative"] = "absolute"
    """Whether the margin is a difference or a share of the control's value."""
    critical: bool = True
    """Whether a breach counts; an advisory guardrail is only shown."""
    min_samples: Count = 0
    """The least number of observations per arm before this guardrail can pass."""
    metric: Name | None = None
    """What is measured; without it the guardrail's name."""
    quantile: Share | None = None
    """Which quantile, for kind "quantile": 0.95."""
    threshold: Number | None = None
    """The value the quantile is held against, in the measure's unit."""

    @model_validator(mode="after")
    def _quantile_is_whole(self) -> Self:
        given = (self.quantile is not None, self.threshold is not None)
        if self.kind == "quantile" and not all(given):
            message = "A quantile guardrail needs both quantile and threshold"
            raise ValueError(message)
        if self.kind != "quantile" and any(given):
            message = "quantile and threshold belong to guardrails of kind quantile"
            raise ValueError(message)
        return self


class RolloutTable(_Table):
    """How a version gets a growing share of the traffic."""

    driver: Literal["flag", "jobs", "ingress"]
    """What moves the traffic: a feature flag, jobs of a pipeline, or a canary ingress."""
    steps: Annotated[list[StepTable], Field(min_length=1, max_length=50)]
    """The steps, with rising weights."""
    guardrails: list[GuardrailTable] = []
    """What is compared between the arms."""
    flag: Name | None = None
    """The feature flag; without it one is named after the model."""
    jobs: list[Name] = []
    """One job per step for the driver "jobs"; without them Auto DevOps' names."""
    stickiness: Name = "random"
    """What keeps a caller on one arm: "random", "userId", "sessionId" or a field of the context."""
    alpha: Annotated[float, Field(gt=0, le=0.5, allow_inf_nan=False)] = 0.05
    """The probability of a false alarm over the whole rollout."""
    control: Name = "stable"
    """The arm that serves the version in use."""
    treatments: Annotated[list[Name], Field(min_length=1, max_length=10)] = ["canary"]
    """The arms that serve new versions."""
    weights: dict[str, Share] = {}
    """The expected share of the observations per arm; a mismatch makes the comparison invalid."""
    on_breach: Literal["rollback", "hold", "tell"] = "rollback"
    """What happens when a critical guardrail is breached."""
    on_insufficient: Literal["hold", "tell"] = "hold"
    """What happens when a step ends without enough data."""

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        weights = [step.weight for step in self.steps]
        names = [guardrail.name for guardrail in self.guardrails]
        arms = [self.control, *self.treatments]
        complaints = {
            "The weights of the steps have to rise": any(a >= b for a, b in pairwise(weights)),
            "Two guardrails have the same name": len(set(names)) < len(names),
            "Two arms have the same name": len(set(arms)) < len(arms),
            "jobs names one job per step": bool(self.jobs) and len(self.jobs) != len(self.steps),
            "weights names an arm that is neither control nor treatment": not set(self.weights) <= set(arms),
        }
        for complaint, is_so in complaints.items():
            if is_so:
                raise ValueError(complaint)
        return self


class ModelTable(_Table):
    """Everything decided about one model."""

    environments: dict[str, EnvironmentTable] = {}
    """The environments versions go to."""
    deploy: DeployTable = DeployTable()
    """How a version is deployed."""
    approval: ApprovalTable = ApprovalTable()
    """Who has to agree."""
    rollout: RolloutTable | None = None
    """How a version gets its share of the traffic; without it all at once."""
    monitoring: MonitoringTable = MonitoringTable()
    """What is watched."""


class PolicyFile(_Table):
    """The policy of a project's models, kept in .gitlab/mlops.yml."""

    version: Annotated[int, Field(ge=1, le=1)]
    """The version of this format."""
    models: dict[str, ModelTable] = {}
    """The models by name."""
