"""The policy file ``.gitlab/mlops.yml`` of a model's project: read, validated and turned into frozen records."""

from __future__ import annotations

import json

from pydantic import ValidationError

from mlops_tui.config.monitoring import monitoring_policy
from mlops_tui.config.policy_schema import (
    ApprovalTable,
    DeployTable,
    ModelTable,
    PolicyFile,
)
from mlops_tui.config.rollout_schema import GuardrailTable, RolloutTable
from mlops_tui.config.validation import dotted, problems
from mlops_tui.config.yaml_document import YamlDocument, read_yaml
from mlops_tui.domain import policy
from mlops_tui.domain.errors import ConfigError
from mlops_tui.domain.projects import Role
from mlops_tui.domain.rollout_plans import PlanProblem, doubts_of, problems_of, undeclared_columns

POLICY_PATH = ".gitlab/mlops.yml"


def parse_policy(text: str, source: str = POLICY_PATH, commit: str = "") -> policy.Policy:
    """Read a policy file. Raises ConfigError with the file, the key and the line of its first problem.

    ``source`` is the name used in errors, ``commit`` the sha that the text was read at.
    """
    document = read_yaml(text, source)
    found = find_policy_problems(document, source)
    if found:
        raise found[0]
    file = PolicyFile.model_validate(document.data)
    return policy.Policy({name: _model(name, table) for name, table in file.models.items()}, commit)


def find_policy_problems(document: YamlDocument, source: str) -> list[ConfigError]:
    """Every problem of a document that YAML itself does not see."""
    if not isinstance(document.data, dict):
        return [ConfigError("A policy file holds keys and values", remedy="Start with version: 1", source=source)]
    if isinstance(document.data.get("version"), float):
        return [
            ConfigError(
                "The version is a whole number",
                remedy="Write version: 1",
                source=source,
                key="version",
                line=document.line_of(("version",)),
            )
        ]
    try:
        PolicyFile.model_validate(document.data)
    except ValidationError as error:
        return problems(error, PolicyFile, source, document.line_of)
    return _plan_problems(document, source)


def find_policy_doubts(document: YamlDocument, source: str) -> tuple[list[ConfigError], list[ConfigError]]:
    """What only a check of the file says of a valid one: mistakes, and what may be meant but hardly is.

    A guardrail over a column that is not declared is a mistake where features are declared. No action is refused for
    it: whether the column is there, the traffic tells when a rollout begins.
    """
    mistakes: list[ConfigError] = []
    doubts: list[ConfigError] = []
    for model, plan in _plans(document):
        features = document.data["models"][model].get("monitoring", {}).get("features", {})
        unknown = (_placed(problem, model, document, source) for problem in undeclared_columns(plan, features))
        (mistakes if features else doubts).extend(unknown)
        doubts += [_placed(problem, model, document, source) for problem in doubts_of(plan)]
    return mistakes, doubts


def _plan_problems(document: YamlDocument, source: str) -> list[ConfigError]:
    """What makes a rollout impossible although every key of it is fine by itself."""
    return [
        _placed(problem, model, document, source) for model, plan in _plans(document) for problem in problems_of(plan)
    ]


def _plans(document: YamlDocument) -> list[tuple[str, policy.RolloutPolicy]]:
    tables = PolicyFile.model_validate(document.data).models
    return [(name, _rollout(table.rollout)) for name, table in tables.items() if table.rollout is not None]


def _placed(problem: PlanProblem, model: str, document: YamlDocument, source: str) -> ConfigError:
    location = ("models", model, "rollout", *problem.keys)
    return ConfigError(
        problem.what,
        why=problem.why,
        remedy=problem.remedy,
        source=source,
        key=dotted(location),
        line=document.line_of(location),
    )


def policy_json_schema() -> str:
    """The JSON Schema of the policy file, as it is published."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema"} | PolicyFile.model_json_schema(by_alias=True)
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _model(name: str, table: ModelTable) -> policy.ModelPolicy:
    return policy.ModelPolicy(
        model=name,
        environments={
            key: policy.EnvironmentPolicy(key, environment.production)
            for key, environment in table.environments.items()
        },
        deploy=_deploy(table.deploy),
        approval=_approval(table.approval),
        rollout=_rollout(table.rollout) if table.rollout is not None else None,
        monitoring=monitoring_policy(table.monitoring),
    )


def _deploy(table: DeployTable) -> policy.DeployPolicy:
    handover = policy.Handover(table.handover)
    match handover:
        case policy.Handover.INPUTS:
            parameters = dict(policy.DeployPolicy().parameters)
        case policy.Handover.VARIABLES:
            parameters = dict(policy.VARIABLE_NAMES)
    parameters |= table.parameters.model_dump(exclude_none=True)
    return policy.DeployPolicy(table.ref, handover, parameters, table.job, table.play)


def _approval(table: ApprovalTable) -> policy.ApprovalPolicy:
    return policy.ApprovalPolicy(
        mode=policy.ApprovalMode(table.mode),
        votes=table.votes,
        minimum_role=Role[table.minimum_role.upper()],
        evidence=tuple(policy.Evidence(word) for word in table.evidence),
    )


def _rollout(table: RolloutTable) -> policy.RolloutPolicy:
    return policy.RolloutPolicy(
        driver=policy.RolloutDriver(table.driver),
        steps=tuple(policy.RolloutStep(step.weight, step.soak, step.min_samples) for step in table.steps),
        guardrails=tuple(_guardrail(guardrail) for guardrail in table.guardrails),
        flag=table.flag,
        jobs=tuple(table.jobs),
        stickiness=table.stickiness,
        alpha=table.alpha,
        control=table.control,
        treatments=tuple(table.treatments),
        weights=dict(table.weights),
        on_breach=policy.OnBreach(table.on_breach),
        on_insufficient=policy.OnInsufficient(table.on_insufficient),
    )


def _guardrail(table: GuardrailTable) -> policy.Guardrail:
    return policy.Guardrail(
        name=table.name,
        kind=policy.GuardrailKind(table.kind),
        direction=policy.Direction(table.direction),
        margin=table.margin,
        margin_kind=policy.MarginKind(table.margin_kind),
        is_critical=table.critical,
        min_samples=table.min_samples,
        metric=table.metric,
        quantile=table.quantile,
        threshold=table.threshold,
    )
