"""What a rollout says for or against a version: the part of an evidence sheet that comes from a canary."""

from __future__ import annotations

from datetime import datetime

from mlops_tui.domain.canonical import JsonValue
from mlops_tui.domain.errors import MlopsError
from mlops_tui.domain.evidence_sheets import Observation
from mlops_tui.domain.judgements import GuardrailResult, Verdict
from mlops_tui.domain.projects import Project
from mlops_tui.domain.rollouts import Rollout
from mlops_tui.operations.session import Session

CANARY = "canary verdict"
_NONE = "no rollout of this version reported one"


async def canary_of(session: Session, project: Project, model: str, version: str, environment: str) -> Rollout | None:
    """The rollout that showed a version to a share of the traffic; None where there was none or nobody can tell."""
    # A rollout ends in a promotion, and a promotion rests on evidence sheets.
    from mlops_tui.operations.rollouts.listing import rollout_of_version

    try:
        return await rollout_of_version(session, project, model, version, environment)
    except MlopsError:
        return None


def canary_observation(rollout: Rollout | None, now: datetime) -> Observation:
    """The verdict with its guardrails, as it was at its last measurement."""
    if rollout is None or rollout.judgement is None:
        return Observation(CANARY, now, False, _NONE if rollout is None else f"rollout {rollout.id} measured nothing")
    judgement = rollout.judgement
    treatments = [arm.name for arm in rollout.arms if not arm.is_control]
    shares = [point.weights.get(arm, 0.0) for point in rollout.weights for arm in treatments]
    stood = f"{rollout.environment}, at up to {max(shares, default=0.0):g} %, {rollout.state.value.replace('_', ' ')}"
    value: dict[str, JsonValue] = {
        "rollout": rollout.id,
        "environment": rollout.environment,
        "state": rollout.state.value,
        "step": rollout.progress.step,
        "verdict": rollout.verdict.value,
        "guardrails": [_guardrail(item) for item in judgement.guardrails],
    }
    text = f"{rollout.verdict.value} in {stood}: {judgement.reason}"
    return Observation(CANARY, judgement.at, True, text, value)


def canary_gap(rollout: Rollout | None) -> str:
    """What is missing where the policy asks for a canary's verdict; empty where it is healthy."""
    if rollout is None or rollout.judgement is None:
        return f"The policy asks for a canary verdict: {_NONE if rollout is None else 'its rollout measured nothing'}"
    if rollout.verdict is Verdict.HEALTHY:
        return ""
    return f"The canary's verdict is {rollout.verdict.value}: {rollout.judgement.reason}"


def _guardrail(result: GuardrailResult) -> dict[str, JsonValue]:
    return {
        "name": result.name,
        "arm": result.treatment,
        "verdict": result.verdict.value,
        "difference": result.difference,
        "lower": result.lower,
        "upper": result.upper,
        "margin": result.margin,
        "n": dict(result.n),
    }
