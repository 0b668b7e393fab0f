"""Everything known about a rollout, for reading as YAML or JSON."""

from __future__ import annotations

from mlops_tui.domain.canonical import JsonValue, instant
from mlops_tui.domain.judgements import Judgement
from mlops_tui.domain.rollouts import Rollout


def rollout_value(rollout: Rollout) -> dict[str, JsonValue]:
    """The rollout without its long histories."""
    needs, lease = rollout.needs, rollout.lease
    return {
        "id": rollout.id,
        "project": rollout.project.path,
        "model": rollout.model,
        "version": rollout.version,
        "over": rollout.control_version,
        "environment": rollout.environment,
        "production": rollout.is_production,
        "driver": rollout.driver,
        "plan": rollout.plan_digest,
        "steps": [
            {"weight": step.weight, "soak": step.soak.total_seconds(), "min_samples": step.min_samples}
            for step in rollout.steps
        ],
        "state": rollout.state.value,
        "step": rollout.progress.step,
        "since": instant(rollout.progress.since),
        "begun": instant(rollout.begun_at),
        "arms": [
            {
                "name": arm.name,
                "version": arm.version,
                "weight": arm.weight,
                "observed": arm.observed,
                "samples": arm.samples,
            }
            for arm in rollout.arms
        ],
        "needs": {
            "soak left": needs.soak_left.total_seconds(),
            "samples left": dict(needs.samples_left),
            "complete at": instant(needs.eta) if needs.eta else None,
        }
        if needs
        else None,
        "judgement": _judgement(rollout.judgement) if rollout.judgement else None,
        "lease": {"holder": lease.holder, "expires": instant(lease.expires_at), "number": lease.number}
        if lease
        else None,
        "obstacles": [{"kind": item.kind.value, "text": item.text} for item in rollout.obstacles],
        "pages": list(rollout.links),
    }


def _judgement(judgement: Judgement) -> dict[str, JsonValue]:
    return {
        "at": instant(judgement.at),
        "verdict": judgement.verdict.value,
        "reason": judgement.reason,
        "guardrails": [
            {
                "name": result.name,
                "treatment": result.treatment,
                "verdict": result.verdict.value,
                "difference": result.difference,
                "lower": result.lower,
                "upper": result.upper,
                "margin": result.margin,
                "margin_kind": result.margin_kind.value,
                "critical": result.is_critical,
                "n": dict(result.n),
                "log_e": result.log_e,
                "reason": result.reason,
            }
            for result in judgement.guardrails
        ],
    }
