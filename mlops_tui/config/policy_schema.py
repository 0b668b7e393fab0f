"""What may stand in a project's policy file; the published JSON Schema is made from these classes."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from mlops_tui.config.monitoring_schema import MonitoringTable
from mlops_tui.config.policy_values import STRICT, Name
from mlops_tui.config.rollout_schema import RolloutTable


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
